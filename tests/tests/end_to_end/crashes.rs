//! A run that is killed, and killed again when it goes on, at the boundary of every event: it comes to the
//! same end as one that nothing disturbs.
//!
//! Each process of such a chain dies one event further on than the one before it, first just before
//! the event is written and then just after, until a step's end is on the disk; then the next step's
//! turn comes.

use crate::every_way::{self, DATE, DEATH, LICENCE};
use auh_journal::{Event, GroupVerdict, read};
use auh_protocol::FailureClass;
use auh_tests::{Call, Environment, Output, normal, tree_of};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

const SETTINGS: &str = r#"
pipeline = "odd"
machines = ["qemux86-64"]
[limits]
grace = "2s"
[pipelines.odd]
steps = [
    "devtool-upgrade",
    "compile-parallel",
    { step = "hostile", with = { misbehave = "panic-in-call", recipe = "r0007" } },
    { step = "hostile", with = { misbehave = "error", recipe = "r0009" } },
    { step = "hostile", limit = "2s", with = { misbehave = "loop", recipe = "r0005" } },
    { step = "git-commit", always = true },
    { step = "git-commit", action = "revert", always = true, with = { revert-policy = "failed_to_test" } },
    { step = "git-integrate", always = true },
    { step = "mail", always = true },
]
"#;

/// The first events of a run are there together or not at all; a process that goes on writes one
/// before it does anything.
const FIRST: usize = 4;

fn environment() -> Option<Environment> {
    every_way::environment(&[LICENCE, DEATH], SETTINGS)
}

fn dated<'e>(environment: &'e Environment, call: Call<'e>) -> Call<'e> {
    call.env("GIT_AUTHOR_DATE", DATE)
        .env("GIT_COMMITTER_DATE", DATE)
        .env("AUH_PLUGIN_PATH", plugins(environment))
}

fn plugins(environment: &Environment) -> String {
    format!(
        "{}:{}",
        environment.plugins().display(),
        environment.hostile_plugins().display()
    )
}

fn begin<'e>(environment: &'e Environment, words: &str) -> Call<'e> {
    dated(environment, environment.upgrade(words))
}

fn resume(environment: &Environment) -> Call<'_> {
    dated(environment, environment.auh().args(["resume"]))
}

/// A group, its verdict, and how it failed.
type Fate = (String, Option<GroupVerdict>, Vec<(FailureClass, String)>);

/// All that two runs are compared by.
#[derive(Debug, PartialEq)]
struct End {
    fates: Vec<Fate>,
    commits: String,
    status: String,
    branches: String,
    files: BTreeMap<String, String>,
    links: Vec<Vec<String>>,
}

/// What is said of a step that never came back, without its thread's number: each process counts its own.
fn unnumbered(message: &str) -> &str {
    let (said, _) = message.split_once(" step-").unwrap_or((message, ""));
    said
}

impl End {
    fn of(environment: &Environment) -> Self {
        let run = environment.latest_run();
        let name = run.path.file_name().unwrap().to_str().unwrap().to_owned();
        let own = |text: &str| {
            let text = text.replace(&environment.top().display().to_string(), "TOP");
            // Who was seated where is nobody's business.
            let text = text
                .replace("build-job1", "build")
                .replace("build-job2", "build");
            text.replace("build/layers/0-meta-tiny", "meta-tiny")
                .replace(&name, "RUN")
        };
        let fates = run.verdicts().into_iter().map(|(group, verdict)| {
            let failures = run.failures(&group).into_iter();
            let failures = failures.map(|(class, message)| (class, own(unnumbered(&message))));
            let failures = failures.collect();
            (group, verdict, failures)
        });
        let tips = ["for-each-ref", "--format=%(refname)", "refs/heads"];
        let tips = environment.git(&tips);
        let log = [
            "log",
            "--reverse",
            "--topo-order",
            "--format=%T %an <%ae>%n%B",
            "-p",
        ];
        let log = log.into_iter().chain(tips.lines());
        let mut files = BTreeMap::new();
        for folder in ["meta-tiny", "build/conf", "build/workspace"] {
            let top = environment.top().join(folder);
            for path in top.is_dir().then(|| tree_of(&top)).into_iter().flatten() {
                let bytes = fs::read(top.join(&path)).unwrap_or_default();
                let text = own(&String::from_utf8_lossy(&bytes));
                files.insert(format!("{folder}/{}", path.display()), text);
            }
        }
        for group in run.names_in("all") {
            for file in run.names_in(&format!("all/{group}")) {
                // The commits before it are in a patch's first line.
                let text = match file.ends_with(".patch") {
                    true => {
                        let text = run.text(&format!("all/{group}/{file}"));
                        text.split_once('\n').unwrap().1.to_owned()
                    }
                    false => String::new(),
                };
                files.insert(format!("all/{group}/{file}"), text);
            }
        }
        let note = environment
            .build_dir()
            .join("upgrade-helper/.before-run.json");
        assert!(!note.exists(), "nothing is left to put back");
        assert_eq!(environment.processes(), [""; 0]);
        Self {
            fates: fates.collect(),
            // The message of a revert names a commit.
            commits: normal(&environment.git(&log.collect::<Vec<_>>()), &[]),
            status: environment.git(&["status", "--porcelain", "--ignored"]),
            branches: own(&tips),
            files,
            links: ["succeed", "failed"]
                .map(|folder| run.names_in(folder))
                .into(),
        }
    }
}

impl End {
    /// What is not the same, each shortened.
    fn differences(&self, other: &Self) -> Vec<String> {
        let short = |text: String| text.chars().take(1500).collect::<String>();
        let mut found = Vec::new();
        let names = self.files.keys().chain(other.files.keys());
        for name in names.collect::<BTreeSet<_>>() {
            let (here, there) = (self.files.get(name), other.files.get(name));
            if here != there {
                found.push(short(format!("{name}: {here:?} and not {there:?}")));
            }
        }
        for (name, here, there) in [
            ("status", &self.status, &other.status),
            ("branches", &self.branches, &other.branches),
            ("commits", &self.commits, &other.commits),
        ] {
            let same = here.bytes().zip(there.bytes()).take_while(|(a, b)| a == b);
            if here != there {
                let from = same.count().saturating_sub(60);
                let tail = |text: &str| text.get(from..).unwrap_or_default().to_owned();
                found.push(short(format!(
                    "{name}: {:?} and not {:?}",
                    tail(here),
                    tail(there)
                )));
            }
        }
        if self.links != other.links {
            found.push(format!("{:?} and not {:?}", self.links, other.links));
        }
        found
    }
}

/// What an undisturbed run comes to.
fn undisturbed(words: &str) -> Option<(Option<i32>, End)> {
    let environment = environment()?;
    let output = begin(&environment, words).run();
    assert!(matches!(output.code, Some(0 | 1)), "{}", output.shown());
    Some((output.code, End::of(&environment)))
}

/// How many steps' ends count for the next process. With jobs, a group that has not left its work trees
/// begins afresh there.
fn steps_on_disk(environment: &Environment) -> usize {
    let Some(folder) = environment.run_folders().pop() else {
        return 0;
    };
    let Ok(journal) = read(&folder.join("journal.jsonl")) else {
        return 0;
    };
    let apart = environment.top().join("build-job1").is_dir();
    let stays = |step: &str| !apart || step == "git-integrate" || step == "mail";
    let ended = |event: &Event| match event {
        Event::StepFinished { step, .. } => stays(step),
        Event::GroupFinished { .. } => true,
        _ => false,
    };
    journal.records.iter().filter(|r| ended(&r.event)).count()
}

/// Who else goes when the program is killed.
#[derive(Clone, Copy, PartialEq)]
enum Dies {
    WithItsCommands,
    Alone,
}

/// How a process of a chain ends.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// SIGKILL, and whether that meets its commands too.
    Kill(Dies),
    /// A disk without room.
    FullDisk,
}

impl By {
    /// The faults at an event or write, each for a process of its own.
    fn faults(self, number: usize) -> Vec<String> {
        let torn = if number.is_multiple_of(2) {
            "torn"
        } else {
            "before"
        };
        match self {
            Self::Kill(_) => vec![
                format!("kill-{torn}:{number}"),
                format!("kill-after:{number}"),
            ],
            Self::FullDisk => vec![format!("full:{number}")],
        }
    }

    /// A process that meets its fault; what it said if it came to its end before that.
    fn meet(self, environment: &Environment, call: Call<'_>, fault: &str) -> Result<(), Output> {
        let output = call.env("AUH_FAULT", fault).run();
        match (self, output.code) {
            (Self::Kill(dies), None) => {
                if dies == Dies::WithItsCommands {
                    environment.kill_processes();
                }
                Ok(())
            }
            (Self::FullDisk, Some(3)) => {
                let errors = output
                    .stderr
                    .lines()
                    .filter(|line| line.starts_with("error: "));
                let errors: Vec<&str> = errors.collect();
                let [error] = errors[..] else {
                    panic!("one error is enough: {}", output.shown());
                };
                assert!(error.contains("No space left on device"), "{error}");
                assert_eq!(environment.processes(), [""; 0]);
                Ok(())
            }
            (_, Some(0 | 1)) => Err(output),
            _ => panic!("{fault}: {}", output.shown()),
        }
    }
}

/// Ends a run at every boundary, and compares what it comes to. `more` are words of the command line
/// for both. Returns how many processes did not come to their end.
fn chain(words: &str, by: By) -> usize {
    let Some((code, expected)) = undisturbed(words) else {
        return 0;
    };
    let environment = environment().unwrap();
    let mut ends = 0;
    for number in 1..=FIRST {
        let fault = by.faults(number).remove(0);
        by.meet(&environment, begin(&environment, words), &fault)
            .unwrap();
        // Nothing was begun that could go on.
        let output = resume(&environment).run().expect_code(0);
        assert!(
            output.stdout.contains("every run has come to its end"),
            "{}",
            output.shown()
        );
        ends += 1;
    }
    let fault = by.faults(FIRST + 1).pop().unwrap();
    by.meet(&environment, begin(&environment, words), &fault)
        .unwrap();
    ends += 1;
    let mut number = 1;
    let last = 'chain: loop {
        let before = steps_on_disk(&environment);
        for fault in by.faults(number) {
            match by.meet(&environment, resume(&environment), &fault) {
                Ok(()) => ends += 1,
                Err(output) => break 'chain output,
            }
        }
        number = match steps_on_disk(&environment) > before {
            // Past the one that each process begins with.
            true => 2,
            false => number + 1,
        };
        assert!(number < 300, "a step has no such number of events");
    };
    let said = last.shown();
    let end = End::of(&environment);
    assert_eq!(end.fates, expected.fates, "{said}");
    assert_eq!(end.differences(&expected), [""; 0], "{said}");
    if !said.contains("come to its end") {
        assert_eq!(last.code, code, "{said}");
    }
    let finished = resume(&environment).run().expect_code(0);
    assert!(finished.stdout.contains("every run has come to its end"));
    println!("{words}: {ends} processes did not come to their end");
    ends
}

#[test]
fn a_run_killed_at_every_event_where_devtool_fails_comes_to_the_same_end() {
    chain("r0001 r0002 r0006", By::Kill(Dies::WithItsCommands));
}

#[test]
fn a_run_killed_at_every_event_where_builds_fail_comes_to_the_same_end() {
    chain("r0004 r0012 r0014", By::Kill(Dies::WithItsCommands));
}

#[test]
fn a_run_killed_at_every_event_where_steps_and_git_fail_comes_to_the_same_end() {
    chain("r0007 r0009 r0011 r0003", By::Kill(Dies::WithItsCommands));
}

#[test]
fn a_run_killed_at_every_event_where_a_step_hangs_comes_to_the_same_end() {
    chain("r0005 r0013", By::Kill(Dies::WithItsCommands));
}

#[test]
fn a_run_killed_without_its_commands_at_every_event_comes_to_the_same_end() {
    chain("r0013 r0008", By::Kill(Dies::Alone));
}

#[test]
fn a_run_with_two_jobs_killed_at_every_event_comes_to_the_same_end() {
    chain("r0013 r0004 --jobs 2", By::Kill(Dies::WithItsCommands));
}

#[test]
fn a_run_in_company_killed_at_every_event_comes_to_the_same_end() {
    chain("r0013 r0004 --batch 2", By::Kill(Dies::WithItsCommands));
}

#[test]
fn a_run_whose_disk_is_full_at_every_write_ends_with_one_error_and_goes_on() {
    chain("r0013 r0004", By::FullDisk);
}

#[test]
fn a_run_stopped_at_once_at_every_event_goes_on_to_the_same_end() {
    let words = "r0004 r0013";
    let Some((code, expected)) = undisturbed(words) else {
        return;
    };
    let environment = environment().unwrap();
    let base = environment.git(&["rev-parse", "HEAD"]);
    let mut stops = 0;
    for event in FIRST + 1.. {
        let fault = format!("stop:{event}");
        let output = begin(&environment, words).env("AUH_FAULT", &fault).run();
        if output.code == code {
            break;
        }
        stops += 1;
        let output = output.expect_code(130);
        assert_eq!(environment.processes(), [""; 0]);
        let resumed = resume(&environment).run();
        assert_eq!(
            resumed.code,
            code,
            "{fault}: {}{}",
            output.shown(),
            resumed.shown()
        );
        let end = End::of(&environment);
        let said = format!("{fault}: {}{}", output.shown(), resumed.shown());
        assert_eq!(end.fates, expected.fates, "{said}");
        assert_eq!(end.differences(&expected), [""; 0], "{said}");
        environment.latest_run().remove();
        let _ = environment.git(&["reset", "-q", "--hard", &base]);
    }
    println!("{stops} runs were stopped");
}
