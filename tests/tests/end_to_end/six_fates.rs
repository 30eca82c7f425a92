//! Six recipes with six fates on two machines: the main job as a whole. One run and a second one
//! after it, looked at by several tests.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_protocol::FailureClass;
use auh_tests::{Environment, Finished, Output, progress, tree_of};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

const SCENARIO: &str = "hello ghello phello mhello chello bhello --machines";
const MACHINES: &str = "qemux86-64 qemuarm64";

struct Scenario {
    environment: Environment,
    output: Output,
    run: Finished,
    conf_before: Vec<(String, Vec<u8>)>,
    /// Processes of the run that outlived it.
    left_behind: Vec<String>,
}

impl Scenario {
    fn carry_out() -> Option<Self> {
        let environment = Environment::six()?;
        let conf_before = conf(&environment);
        let output = environment.upgrade(SCENARIO).args([MACHINES]).run();
        Some(Self {
            run: environment.latest_run(),
            left_behind: environment.processes(),
            output,
            conf_before,
            environment,
        })
    }
}

/// One run for the tests that look at the same time; its folder goes with the last of them.
fn scenario() -> Option<Arc<Scenario>> {
    static SHARED: Mutex<Weak<Scenario>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(scenario) = shared.upgrade() {
        return Some(scenario);
    }
    let scenario = Arc::new(Scenario::carry_out()?);
    *shared = Arc::downgrade(&scenario);
    Some(scenario)
}

fn conf(environment: &Environment) -> Vec<(String, Vec<u8>)> {
    let folder = environment.build_dir().join("conf");
    let files = tree_of(&folder).into_iter();
    files
        .map(|file| {
            (
                file.display().to_string(),
                fs::read(folder.join(&file)).unwrap(),
            )
        })
        .collect()
}

#[test]
fn four_succeed_two_fail_and_the_status_says_so() {
    let Some(scenario) = scenario() else { return };
    scenario.output.clone().expect_code(1);
    let verdicts = [
        ("hello", Succeeded),
        ("ghello", Succeeded),
        ("phello", Succeeded),
        ("mhello", Succeeded),
        ("chello", Failed),
        ("bhello", Failed),
    ];
    let verdicts = verdicts.map(|(name, verdict)| (name.to_owned(), Some(verdict)));
    assert_eq!(scenario.run.verdicts(), verdicts);
    let end = scenario.run.story.end.as_ref().unwrap();
    assert_eq!((end.exit_code, end.stopped), (1, false));
    assert_eq!(
        scenario.run.names_in("succeed"),
        ["ghello", "hello", "mhello", "phello"]
    );
    assert_eq!(scenario.run.names_in("failed"), ["bhello", "chello"]);
    for link in ["succeed/hello", "failed/bhello"] {
        let target = scenario.run.path.join(link).canonicalize().unwrap();
        let name = Path::new(link).file_name().unwrap();
        assert_eq!(target, scenario.run.path.join("all").join(name));
    }
}

#[test]
fn summary_and_progress_say_what_happened_to_whom() {
    let Some(scenario) = scenario() else { return };
    insta::assert_snapshot!("summary", scenario.output.normal_stdout());
    insta::assert_snapshot!("progress", progress(&scenario.output.normal_stderr()));
}

#[test]
fn each_upgrade_is_one_commit_of_its_own_paths_by_the_upgrade_helper() {
    let Some(scenario) = scenario() else { return };
    let log = "log --reverse --no-renames --name-status --format=%n%s%nby%x20%an%x20<%ae>%n%b";
    let args: Vec<&str> = log.split(' ').collect();
    let said = scenario.environment.git(&args);
    let upgrades = said.split_once("\nbhello: upgrade").unwrap().0;
    let upgrades = upgrades.split_once("\nhello: upgrade").unwrap().1;
    insta::assert_snapshot!("commits", format!("hello: upgrade{upgrades}"));
    let made = scenario.run.state("hello").commits.iter();
    let revisions: Vec<&str> = made.map(|commit| commit.revision.as_str()).collect();
    let first = scenario.environment.git(&["rev-list", "--reverse", "HEAD"]);
    assert_eq!(revisions, [first.lines().nth(1).unwrap()]);
}

#[test]
fn each_upgrade_has_its_patch_licence_difference_and_no_fixme() {
    let Some(scenario) = scenario() else { return };
    for name in ["hello", "ghello", "phello", "mhello", "bhello"] {
        let files = scenario.run.names_in(&format!("all/{name}"));
        let patches: Vec<_> = files.iter().filter(|f| f.ends_with(".patch")).collect();
        assert_eq!(patches, [&format!("0001-{name}-upgrade-1.0-2.0.patch")]);
        let patch = scenario.run.text(&format!("all/{name}/{}", patches[0]));
        let subject = format!("Subject: [PATCH] {name}: upgrade 1.0 -> 2.0");
        assert!(patch.contains(&subject), "{patch}");
        let licence = scenario
            .run
            .text(&format!("all/{name}/license-diff-1.0.txt"));
        assert!(
            licence.contains("-Copyright v1\n+Copyright v2"),
            "{licence}"
        );
        assert!(
            files.contains(&format!("changelog-{name}.txt")),
            "{files:?}"
        );
    }
    let history = scenario.environment.git(&["log", "-p"]);
    assert!(!history.contains("FIXME"), "{history}");
}

#[test]
fn an_upgraded_recipe_has_the_new_source_and_no_old_file() {
    let Some(scenario) = scenario() else { return };
    let environment = &scenario.environment;
    for name in ["hello", "ghello", "phello", "mhello"] {
        assert!(!environment.recipe(name, "1.0").exists(), "{name}");
        let recipe = fs::read_to_string(environment.recipe(name, "2.0")).unwrap();
        assert!(
            recipe.starts_with(&format!("SUMMARY = \"tiny {name}\"")),
            "{recipe}"
        );
    }
    let recipe = fs::read_to_string(environment.recipe("ghello", "2.0")).unwrap();
    let upstream = environment.top().join("upstream/git");
    let revision = environment.git_in(&upstream, &["rev-parse", "v2.0^{commit}"]);
    assert!(
        recipe.contains(&format!("SRCREV = \"{revision}\"")),
        "{recipe}"
    );
}

#[test]
fn an_incompatible_machine_leaves_the_recipe_out_there_with_bitbakes_reason() {
    let Some(scenario) = scenario() else { return };
    let skips = &scenario.run.state("mhello").machine_skips;
    let [skip] = &skips[..] else {
        panic!("{skips:?}")
    };
    assert_eq!(
        (
            skip.recipe.as_str(),
            &*skip.machine.to_string(),
            &*skip.reason
        ),
        (
            "mhello",
            "qemuarm64",
            "incompatible with machine qemuarm64 (not in COMPATIBLE_MACHINE)"
        )
    );
}

#[test]
fn a_patch_conflict_leaves_no_trace_outside_the_run_directory() {
    let Some(scenario) = scenario() else { return };
    let failures = scenario.run.failures("chello");
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].0, FailureClass::PatchConflict);
    let environment = &scenario.environment;
    let history = environment.git(&["log", "--format=%s", "--", "recipes-hello/chello"]);
    assert_eq!(history, "tiny layer");
    assert!(environment.recipe("chello", "1.0").exists());
    let log = scenario.run.text("all/chello/devtool-upgrade-chello.log");
    assert!(log.contains("CONFLICT (content)"), "{log}");
}

#[test]
fn a_compile_error_on_both_machines_keeps_both_logs_and_is_reverted() {
    let Some(scenario) = scenario() else { return };
    let state = scenario.run.state("bhello");
    let [failed] = &state.failures[..] else {
        panic!("{state:?}")
    };
    assert_eq!(failed.failure.class, FailureClass::Compile);
    let machines = failed.failure.machines.iter().map(ToString::to_string);
    assert_eq!(machines.collect::<Vec<_>>(), ["qemux86-64", "qemuarm64"]);
    for machine in ["qemux86-64", "qemuarm64"] {
        let log = scenario
            .run
            .text(&format!("all/bhello/bitbake-output-{machine}.txt"));
        assert!(log.contains("fatal error: gone.h"), "{machine}: {log}");
    }
    let environment = &scenario.environment;
    let [commit] = &state.commits[..] else {
        panic!("{state:?}")
    };
    let head = environment.git(&["rev-parse", "HEAD"]);
    assert_eq!(commit.reverted_by.as_ref(), Some(&head));
    let message = environment.git(&["log", "-1", "--format=%B"]);
    let revision = &commit.revision;
    assert_eq!(
        message,
        format!("Revert \"bhello: upgrade 1.0 -> 2.0\"\n\nThis reverts commit {revision}.")
    );
    let differs = ["diff", "--stat", &format!("{revision}~"), "HEAD"];
    assert_eq!(environment.git(&differs), "");
}

#[test]
fn nothing_else_of_layer_conf_and_workspace_is_changed() {
    let Some(scenario) = scenario() else { return };
    let environment = &scenario.environment;
    let status = environment.git(&["status", "--porcelain", "--untracked-files=all"]);
    assert_eq!(status, "");
    assert_eq!(
        environment.git(&["for-each-ref", "--format=%(refname)"]),
        "refs/heads/main"
    );
    assert_eq!(conf(environment), scenario.conf_before);
    assert!(!environment.build_dir().join("workspace").exists());
    assert_eq!(scenario.left_behind, [""; 0]);
}

#[test]
fn each_build_directory_is_parsed_in_full_once_and_never_in_a_second_run() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let parses = |original, copy| {
        let build_dir = environment.build_dir();
        let beside = build_dir.with_file_name("build-qemuarm64");
        [(build_dir, original), (beside, copy)].into()
    };
    let first = environment
        .upgrade("hello phello mhello --machines")
        .args([MACHINES]);
    let first = first.run().expect_code(0);
    assert_eq!(environment.latest_run().full_parses(), parses(1, 1));
    assert!(
        first
            .normal_stdout()
            .contains("full parses in [ENV]/build: 1\n")
    );
    assert!(
        first
            .normal_stdout()
            .contains("full parses in [ENV]/build-qemuarm64: 1\n")
    );

    let second = environment
        .upgrade("ghello bhello --machines")
        .args([MACHINES]);
    let second = second.run().expect_code(1);
    assert_eq!(environment.latest_run().full_parses(), parses(0, 0));
    assert!(
        second
            .normal_stdout()
            .contains("full parses in [ENV]/build: 0\n")
    );
    assert!(
        second
            .normal_stdout()
            .contains("full parses in [ENV]/build-qemuarm64: 0\n")
    );
}

#[test]
fn the_whole_scenario_parses_each_build_directory_in_full_once() {
    let Some(scenario) = scenario() else { return };
    let build_dir = scenario.environment.build_dir();
    let beside = build_dir.with_file_name("build-qemuarm64");
    assert_eq!(
        scenario.run.full_parses(),
        [(build_dir, 1), (beside, 1)].into()
    );
}
