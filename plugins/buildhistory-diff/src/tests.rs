//! Baselines and comparisons with the real git, and a BitBake that only makes the history's commits.

use crate::{BuildHistory, manifest};
use auh_sdk::{
    CommandResult, Failure, FailureClass, GroupState, MachineSkip, Place, RecipeStatus, RunCommand,
    Step, StepOutcome, StepRequest,
    pretend::{self, PretendHost, ended},
    protocol::step::RecipeFailure,
};
use real_git::Layer;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "../../repository/tests/real_git/mod.rs"]
mod real_git;

/// A repository that stands for the build history, and a folder beside it for the run.
struct Bench {
    history: Layer,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            history: Layer::new(&[("packages/x/latest", "PV = 0.9\n")]),
        };
        bench.build("qemux86-64", "bitbake other");
        bench
    }

    /// A build's commit, as the class makes it.
    fn build(&self, machine: &str, command: &str) -> String {
        commit(&self.history.top(), machine, command);
        self.history.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn folder(&self) -> PathBuf {
        self.history.beside()
    }

    /// A request whose build directory has the history where it usually is, or not.
    fn request(&self, action: &str, usual: bool, state: GroupState) -> StepRequest {
        let recipe = pretend::recipe(&self.folder(), "hello");
        let machines = ["qemux86-64", "qemuarm"];
        let mut request = pretend::request(&self.folder(), action, vec![recipe], &machines);
        request.groups[0].state = state;
        let build_dir = self.folder().join("build");
        fs::create_dir_all(&build_dir).unwrap();
        let link = build_dir.join("buildhistory");
        if usual && !link.exists() {
            std::os::unix::fs::symlink(self.history.top(), link).unwrap();
        }
        request.machines[0].build_dir = build_dir;
        request
    }

    /// A host whose BitBake leaves a commit and then ends like this.
    fn host(&self, code: i32, stderr: &'static str) -> PretendHost {
        let history = self.history.top();
        PretendHost::new(move |command: &RunCommand| {
            let argv: Vec<&str> = command.argv.iter().map(String::as_str).collect();
            match argv[0] {
                "git" => real_git::run(command),
                "bitbake" => {
                    assert_eq!(command.place, Place::BuildDir);
                    commit(&history, "qemux86-64", &argv.join(" "));
                    fs::write(command.log.as_ref().unwrap(), "output").unwrap();
                    ended(code, "", stderr)
                }
                "bitbake-getvar" => ended(0, &format!("NOTE: x\n{}\n", history.display()), ""),
                "buildhistory-diff" => difference(command),
                other => panic!("{other}"),
            }
        })
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name != "build")
            .collect();
        names.sort();
        names
    }

    /// `buildhistory-diff` of both, where the history is where it usually is.
    fn compare(&self, state: GroupState) -> Vec<String> {
        let host = self.host(0, "");
        run(&self.request("run", true, state), &host);
        diffs(&host)
    }
}

fn commit(folder: &Path, machine: &str, command: &str) {
    let title = format!("No changes: Build 2026 of nodistro 1 for machine {machine} on host");
    let message = format!("{title}\n\ncmd: {command}\n\nresult: succeeded\n");
    for arguments in [
        &["git", "tag", "-f", "build-minus-1"][..],
        &["git", "commit", "-q", "--allow-empty", "-m", &message],
    ] {
        let place = Place::Folder(folder.to_owned());
        let argv = arguments.iter().copied();
        assert!(real_git::run(&RunCommand::new(place, "git", argv)).succeeded());
    }
}

/// Says something only when it is asked for everything; warns on standard error.
fn difference(command: &RunCommand) -> CommandResult {
    let all = command.argv.contains(&"-a".to_owned());
    let said = if all { "PV changed\n" } else { "" };
    fs::write(command.log.as_ref().unwrap(), format!("warning\n{said}")).unwrap();
    ended(0, said, "warning\n")
}

fn run(request: &StepRequest, host: &PretendHost) -> StepOutcome {
    let outcome = BuildHistory.run(request, &host.host()).unwrap();
    assert_eq!(outcome.recipes[0].status, RecipeStatus::Succeeded);
    outcome
}

fn diffs(host: &PretendHost) -> Vec<String> {
    let lines = host.command_lines().into_iter();
    lines
        .filter(|line| line.starts_with("buildhistory-diff"))
        .collect()
}

fn failed_on(machines: &[&str]) -> GroupState {
    let failure = Failure {
        machines: machines.iter().map(|m| m.parse().unwrap()).collect(),
        ..Failure::new(FailureClass::Compile, "no")
    };
    let recipe = "hello".to_owned().try_into().unwrap();
    GroupState {
        failures: vec![RecipeFailure { recipe, failure }],
        ..GroupState::default()
    }
}

#[test]
fn the_old_version_is_built_and_then_compared_as_by_default() {
    let bench = Bench::new();
    let host = bench.host(0, "");
    let outcome = run(
        &bench.request("baseline", true, GroupState::default()),
        &host,
    );
    assert_eq!(outcome.notes, [""; 0]);
    let asked = host.command_lines();
    assert!(asked.contains(&"bitbake -k hello".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|line| line.starts_with("bitbake-getvar")));
    bench.build("qemux86-64", "/usr/bin/devtool upgrade hello -V 2.0");
    bench.build("qemux86-64", "bitbake -k hello");
    let diffs = bench.compare(GroupState::default());
    assert_eq!(diffs, ["buildhistory-diff", "buildhistory-diff -a"]);
    assert_eq!(bench.names(), ["buildhistory-diff-full.txt"]);
    let full = fs::read_to_string(bench.folder().join("buildhistory-diff-full.txt"));
    assert_eq!(full.unwrap(), "PV changed\n", "standard output only");
}

#[test]
fn an_old_version_that_does_not_build_is_a_note_with_its_log() {
    let bench = Bench::new();
    let stderr = "ERROR: hello-1.0-r0 do_compile: no\n\
                  ERROR: Task (/l/hello_1.0.bb:do_compile) failed with exit code '1'\n";
    let outcome = run(
        &bench.request("baseline", true, GroupState::default()),
        &bench.host(1, stderr),
    );
    assert_eq!(outcome.notes.len(), 1);
    assert!(outcome.notes[0].contains("do_compile failed: no"));
    let names = [".buildhistory-baseline", "buildhistory-baseline.txt"];
    assert_eq!(bench.names(), names);
}

#[test]
fn builds_in_between_are_not_taken_for_the_new_versions() {
    let bench = Bench::new();
    let host = bench.host(0, "");
    run(
        &bench.request("baseline", true, GroupState::default()),
        &host,
    );
    let before = bench.build("qemux86-64", "/usr/bin/devtool upgrade hello -V 2.0");
    bench.build("qemuarm", "bitbake -k hello other");
    bench.build("qemux86-64", "bitbake -k hello other");
    let last = bench.build("qemux86-64", "bitbake -k hello");
    bench.build("qemuarm", "bitbake -k hello");
    let span = format!("buildhistory-diff {before} {last}");
    let all = format!("buildhistory-diff -a {before} {last}");
    assert_eq!(bench.compare(GroupState::default()), [span, all]);
}

#[test]
fn a_history_elsewhere_is_named() {
    let bench = Bench::new();
    let host = bench.host(0, "");
    run(
        &bench.request("baseline", false, GroupState::default()),
        &host,
    );
    bench.build("qemux86-64", "bitbake -k hello");
    run(&bench.request("run", false, GroupState::default()), &host);
    let folder = bench.history.top();
    let expect = format!("buildhistory-diff -p {}", folder.display());
    assert_eq!(diffs(&host)[0], expect);
}

#[test]
fn without_a_baseline_the_last_two_builds_are_compared() {
    let bench = Bench::new();
    let host = bench.host(0, "");
    run(&bench.request("run", false, GroupState::default()), &host);
    let folder = bench.history.top();
    let expect = format!("buildhistory-diff -p {}", folder.display());
    assert_eq!(diffs(&host)[0], expect);
}

#[test]
fn only_the_first_machines_failure_stands_in_the_way() {
    let skip = |on: &str| MachineSkip {
        recipe: "hello".to_owned().try_into().unwrap(),
        machine: on.parse().unwrap(),
        reason: "incompatible".into(),
    };
    let skipped = |on| GroupState {
        machine_skips: vec![skip(on)],
        ..GroupState::default()
    };
    for (state, expect) in [
        (failed_on(&["qemux86-64", "qemuarm"]), 0),
        (failed_on(&[]), 0),
        (failed_on(&["qemuarm"]), 2),
        (skipped("qemux86-64"), 0),
        (skipped("qemuarm"), 2),
    ] {
        let diffs = Bench::new().compare(state.clone());
        assert_eq!(diffs.len(), expect, "{state:?}");
    }
}

#[test]
fn a_tool_that_fails_is_a_warning() {
    let bench = Bench::new();
    let host = PretendHost::new(|command: &RunCommand| match command.argv[0].as_str() {
        "git" => real_git::run(command),
        _ => ended(1, "", "no module named git\n"),
    });
    run(&bench.request("run", true, GroupState::default()), &host);
    let said: Vec<_> = host.log().into_iter().map(|line| line.message).collect();
    assert_eq!(
        said,
        [
            "the build history was not compared: buildhistory-diff exited with status 1: \
          no module named git"
        ]
    );
    assert_eq!(bench.names(), [""; 0]);
}

#[test]
fn it_needs_the_class_and_its_commits() {
    let requires = manifest().requires;
    assert!(requires[0].holds(Some(" package_deb buildhistory rm_work")));
    assert!(!requires[0].holds(Some("buildhistory2")));
    assert!(requires[1].holds(Some("1")) && !requires[1].holds(None));
}
