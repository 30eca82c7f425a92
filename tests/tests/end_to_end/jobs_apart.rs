//! Jobs stay apart from each other and from the user: conflicts between upgrades, the user's
//! checkout during a run, runs that are stopped or killed in the middle.

use auh_journal::{
    Event,
    GroupVerdict::{Failed, Stopped, Succeeded},
    read,
};
use auh_protocol::FailureClass;
use auh_tests::{Environment, Started, State};
use std::fs;

const BRANCHES: [&str; 3] = [
    "for-each-ref",
    "--format=%(refname:short)",
    "refs/heads/auh",
];
const STATUS: [&str; 3] = ["status", "--porcelain", "--untracked-files=all"];

/// Subjects on the only branch of a run, oldest first.
fn on_the_branch(environment: &Environment) -> Vec<String> {
    let branch = environment.git(&BRANCHES);
    let range = format!("main..{branch}");
    let log = environment.git(&["log", "--reverse", "--format=%s", &range]);
    log.lines().map(str::to_owned).collect()
}

/// Three recipes of which the first two have a folder and a patch in it in common; devtool refreshes
/// the patch for each in another way. The image is tested, so that commits may be taken back after
/// they have come together.
fn with_a_common_patch() -> Option<Environment> {
    let environment = Environment::made(&["--recipes", "3", "--test-image"])?;
    environment.settings("testimage = true\ntestimage-name = \"tiny-image\"\n");
    let six = Environment::six()?;
    let patch = six
        .layer()
        .join("recipes-hello/hello/files/0001-greet.patch");
    let folder = environment.layer().join("recipes-hello/r0001");
    fs::create_dir_all(folder.join("files")).unwrap();
    fs::copy(patch, folder.join("files/0001-greet.patch")).unwrap();
    let other = environment.recipe("r0002", "1.0");
    fs::rename(other, folder.join("r0002_1.0.bb")).unwrap();
    for name in ["r0001", "r0002"] {
        let recipe = folder.join(format!("{name}_1.0.bb"));
        environment.append(&recipe, "SRC_URI += \"file://0001-greet.patch\"\n");
    }
    let _ = environment.git(&["add", "-A"]);
    let _ = environment.git(&["commit", "-q", "-m", "share a patch"]);
    Some(environment)
}

#[test]
fn of_two_upgrades_in_conflict_the_second_one_fails_and_it_alone() {
    for (words, second, first) in [
        ("r0001 r0002 r0003", "r0002", "r0001"),
        ("r0003 r0002 r0001", "r0001", "r0002"),
    ] {
        let Some(environment) = with_a_common_patch() else {
            return;
        };
        let before = environment.git(&["rev-parse", "HEAD"]);
        let words = format!("{words} --jobs 3 --machines qemux86-64");
        let output = environment.upgrade(&words).run().expect_code(1);
        let run = environment.latest_run();
        assert_eq!(run.with(Failed), [second], "{}", output.shown());
        let message = format!(
            "conflicts with \"{first}: upgrade 1.0 -> 2.0\" in recipes-hello/r0001/files/0001-greet.patch"
        );
        assert_eq!(run.failures(second), [(FailureClass::Commit, message)]);
        let standing = run.with(Succeeded);
        let subjects: Vec<_> = standing
            .iter()
            .map(|n| format!("{n}: upgrade 1.0 -> 2.0"))
            .collect();
        assert_eq!(on_the_branch(&environment), subjects);
        assert_eq!(environment.git(&["rev-parse", "HEAD"]), before);
        // What could not be integrated can still be had.
        let patch = run.state(second).commits[0].patch.clone().unwrap();
        assert!(patch.is_file(), "{}", patch.display());
    }
}

/// Waits until a command of this name has begun.
fn wait_for_command(environment: &Environment, started: &mut Started<'_>, name: &str) {
    started.wait_for(name, || {
        let journal = read(&environment.run_folders().pop()?.join("journal.jsonl")).ok()?;
        let began = |event: &Event| matches!(event, Event::CommandStarted { label, .. } if label.starts_with(name));
        journal.records.iter().any(|r| began(&r.event)).then_some(())
    });
}

#[test]
fn the_checkout_stays_as_it_is_until_the_end_and_the_users_edits_stay_after_it() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let edits = [
        "conf/layer.conf",
        "recipes-hello/phello/phello_1.0.bb",
        "recipes-hello/notes.txt",
    ];
    for file in edits {
        environment.append(&environment.layer().join(file), "# mine\n");
    }
    let look = || {
        let contents =
            edits.map(|file| fs::read_to_string(environment.layer().join(file)).unwrap());
        (
            environment.git(&STATUS),
            environment.git(&["symbolic-ref", "HEAD"]),
            contents,
        )
    };
    let head = || environment.git(&["rev-parse", "HEAD"]);
    let (looked, before) = (look(), head());
    let call = environment.upgrade("hello ghello mhello --machines qemux86-64 --jobs 2");
    let call = call.args(["--integrate", "fast-forward"]);
    let mut started = call.env("STANDIN_SLEEP", "0.3").start();
    // The first one is on the branch by then.
    wait_for_command(&environment, &mut started, "bitbake mhello");
    assert_eq!((look(), head()), (looked.clone(), before));
    let _ = started.end().expect_code(0);
    assert_eq!(look(), looked);
    let subjects = ["hello", "ghello", "mhello"].map(|name| format!("{name}: upgrade 1.0 -> 2.0"));
    assert_eq!(environment.subjects(), subjects);
}

#[test]
fn a_checkout_that_moved_on_meanwhile_does_not_follow() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello --machines qemux86-64 --jobs 2 --integrate");
    let mut started = call
        .args(["fast-forward"])
        .env("STANDIN_SLEEP", "0.3")
        .start();
    wait_for_command(&environment, &mut started, "bitbake hello");
    let _ = environment.git(&["commit", "-q", "--allow-empty", "-m", "mine"]);
    let output = started.end().expect_code(0);
    assert_eq!(environment.subjects(), ["mine"]);
    assert!(
        output.stderr.contains("does not follow"),
        "{}",
        output.shown()
    );
    assert_eq!(on_the_branch(&environment), ["hello: upgrade 1.0 -> 2.0"]);
    assert_eq!(environment.git(&STATUS), "");
}

/// Removes what is kept from run to run or belongs to builds.
fn tidy(environment: &Environment) {
    for entry in fs::read_dir(environment.top()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("build-") {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    for built in ["downloads", "tmp", "buildhistory", "sstate-cache"] {
        let _ = fs::remove_dir_all(environment.build_dir().join(built));
    }
}

#[test]
fn an_interrupt_leaves_no_branch_and_nothing_in_the_checkout() {
    for command in ["devtool upgrade phello", "bitbake phello"] {
        let Some(environment) = Environment::six() else {
            return;
        };
        let before = State::of(&environment);
        let call = environment.upgrade("hello phello ghello --machines qemux86-64 --jobs 2");
        let mut started = call.env("STANDIN_SLEEP", "2").start();
        wait_for_command(&environment, &mut started, command);
        started.interrupt();
        let output = started.end().expect_code(130);
        assert_eq!(environment.processes(), [""; 0]);
        let run = environment.latest_run();
        let fates = [
            ("hello", Some(Stopped)),
            ("phello", Some(Stopped)),
            ("ghello", None),
        ];
        let fates = fates.map(|(name, verdict)| (name.to_owned(), verdict));
        assert_eq!(run.verdicts(), fates, "{}", output.shown());
        run.remove();
        tidy(&environment);
        before.assert_unchanged(&environment);
    }
}

#[test]
fn what_was_integrated_before_an_interrupt_stays_on_the_branch() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello ghello phello mhello --machines qemux86-64 --jobs 2");
    let mut started = call.env("STANDIN_SLEEP", "0.5").start();
    started.wait_for("the first group's end", || {
        let journal = read(&environment.run_folders().pop()?.join("journal.jsonl")).ok()?;
        let ended = |event: &Event| matches!(event, Event::GroupFinished { .. });
        journal
            .records
            .iter()
            .any(|r| ended(&r.event))
            .then_some(())
    });
    started.interrupt();
    let output = started.end().expect_code(130);
    let run = environment.latest_run();
    // One that was stopped behind that has yet to be told of.
    let integrated = |name: &String| {
        let mut commits = run.state(name).commits.iter();
        commits.any(|commit| commit.integrated_as.is_some())
    };
    let names = run.verdicts().into_iter().map(|(name, _)| name);
    let standing: Vec<String> = names.filter(integrated).collect();
    assert_eq!(standing[0], "hello", "{}", output.shown());
    let subjects: Vec<_> = standing
        .iter()
        .map(|n| format!("{n}: upgrade 1.0 -> 2.0"))
        .collect();
    assert_eq!(on_the_branch(&environment), subjects);
    // Nothing is checked out from it: the user can have the branch.
    let branch = environment.git(&BRANCHES);
    let _ = environment.git(&["checkout", "-q", &branch]);
}

#[test]
fn a_run_after_a_killed_one_finds_its_feet() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let words = "hello ghello --machines qemux86-64 --jobs 2";
    let mut started = environment
        .upgrade(words)
        .env("STANDIN_SLEEP", "0.5")
        .start();
    wait_for_command(&environment, &mut started, "bitbake hello");
    // The program is killed at once; what it started goes on for a while.
    drop(started);
    while !environment.processes().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let killed = environment.git(&BRANCHES);
    assert_ne!(killed, "");
    let _ = environment.upgrade(words).run().expect_code(0);
    let branch = environment.git(&BRANCHES);
    assert!(branch != killed && branch.lines().count() == 1, "{branch}");
    let subjects = ["hello", "ghello"].map(|name| format!("{name}: upgrade 1.0 -> 2.0"));
    assert_eq!(on_the_branch(&environment), subjects);
    assert_eq!(
        environment.latest_run().with(Succeeded),
        ["hello", "ghello"]
    );
    assert_eq!(environment.git(&STATUS), "");
}

#[test]
fn a_test_image_takes_the_failing_upgrade_back_on_the_branch() {
    let Some(environment) = Environment::made(&["--test-image"]) else {
        return;
    };
    let conf = environment.build_dir().join("conf/local.conf");
    environment.append(&conf, "STANDIN_TESTIMAGE_FAILS = \"phello@2.0\"\n");
    environment.settings(
        "testimage = true\ntestimage-name = \"tiny-image\"\ncommit-revert-policy = \"failed_to_test\"\n",
    );
    let before = environment.git(&["rev-parse", "HEAD"]);
    let words = "hello phello ghello --machines qemux86-64 --jobs 2";
    let output = environment.upgrade(words).run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["phello"], "{}", output.shown());
    let failures = run.failures("phello");
    assert_eq!(failures[0].0, FailureClass::Test, "{failures:?}");
    let subjects = [
        "hello: upgrade 1.0 -> 2.0",
        "phello: upgrade 1.0 -> 2.0",
        "ghello: upgrade 1.0 -> 2.0",
        "Revert \"phello: upgrade 1.0 -> 2.0\"",
    ];
    assert_eq!(on_the_branch(&environment), subjects);
    assert_eq!(environment.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(environment.git(&STATUS), "");
}

/// Groups that have begun and have a step which could start at this moment. A group's integration
/// could start only when the one before is integrated, and the place for it is free.
#[test]
fn with_rm_work_no_group_begins_while_a_begun_one_could_go_on() {
    let Some(environment) = Environment::made(&["--recipes", "8"]) else {
        return;
    };
    environment.settings("scheduler = \"rm-work\"\n");
    let names: Vec<_> = (1..=8).map(|number| format!("r{number:04}")).collect();
    let words = format!("{} --machines qemux86-64 --jobs 3", names.join(" "));
    let _ = environment.upgrade(&words).run().expect_code(0);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), names);
    // Between a step of a group at work and its next one no other group begins.
    let mut between: Option<String> = None;
    let mut begun: Vec<String> = Vec::new();
    for record in &run.journal.records {
        match &record.event {
            Event::StepFinished { groups, step, .. } if step != "mail" => {
                between = Some(groups[0].clone());
                if step == "git-commit" || step == "git-integrate" {
                    between = None;
                }
            }
            Event::StepStarted { groups, .. } => {
                let group = &groups[0];
                if !begun.contains(group) {
                    assert_eq!(between, None, "{group} begins");
                    begun.push(group.clone());
                }
                between = None;
            }
            _ => {}
        }
    }
    assert_eq!(begun.len(), 8);
}
