//! The test image: what it is called with, which upgrade is to blame when it fails, and what becomes of
//! that one's commits.

use auh_journal::{
    Event,
    GroupVerdict::{Failed, Stopped, Succeeded},
    read,
};
use auh_protocol::FailureClass;
use auh_tests::{Environment, Output};
use serde_json::Value;
use std::{fs, path::Path};

const UPGRADE: &str = "hello ghello phello mhello --machines qemux86-64";

/// An environment whose image fails where the recipes hold what `fails` names.
fn environment(devtool: bool, fails: &str, settings: &str) -> Option<Environment> {
    let options = ["--test-image", "--devtool-test-image"];
    let environment = Environment::made(&options[..1 + usize::from(devtool)])?;
    let line = format!("STANDIN_TESTIMAGE_FAILS = \"{fails}\"\n");
    environment.append(&environment.build_dir().join("conf/local.conf"), &line);
    environment.settings(&format!(
        "testimage = true\ntestimage-name = \"tiny-image\"\n{settings}"
    ));
    Some(environment)
}

/// Arguments of each call that tests the image, from the stand-ins' log.
fn images(log: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let calls = text
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).unwrap() });
    let words =
        calls.map(|call| serde_json::from_value::<Vec<String>>(call["argv"].clone()).unwrap());
    words
        .filter(|words| {
            words
                .iter()
                .any(|word| word == "testimage" || word == "test-image")
        })
        .collect()
}

fn upgrade(environment: &Environment, words: &str) -> Output {
    environment.upgrade(words).run()
}

#[test]
fn one_call_of_devtool_tests_all_upgrades_together() {
    let Some(environment) = environment(true, "", "") else {
        return;
    };
    let log = environment.beside("log").join("calls");
    let call = environment.upgrade("hello phello bhello --machines qemux86-64");
    let _ = call.env("STANDIN_LOG", &log).run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["hello", "phello"]);
    let words = [
        "devtool",
        "test-image",
        "tiny-image",
        "-p",
        "hello,phello",
        "--test-suites",
        "ping ssh ptest",
    ];
    assert_eq!(images(&log), [words]);
    let names = ["devtool-test-image.log", "trial-1", "trial-1.log"];
    assert_eq!(run.names_in("testimage-logs"), names);
    let tests = run.text("testimage-logs/trial-1/ptest-runner.log");
    assert_eq!(tests, "hello-ptest\nphello-ptest\nPASS: test_ptestrunner\n");
    for left in ["workspace", "conf/devtool.conf", "conf/toolcfg.conf"] {
        assert!(!environment.build_dir().join(left).exists(), "{left}");
    }
}

#[test]
fn an_older_devtool_leaves_the_image_to_bitbake_with_lines_for_the_call_alone() {
    let Some(environment) = environment(false, "phello@2.0", "") else {
        return;
    };
    let conf = environment.build_dir().join("conf/local.conf");
    let conf_before = fs::read(&conf).unwrap();
    let log = environment.beside("log").join("calls");
    let call = environment.upgrade(UPGRADE).env("STANDIN_LOG", &log);
    let _ = call.run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["phello"]);
    let lines = run
        .path
        .join("testimage-logs/trial.conf")
        .display()
        .to_string();
    let words = ["bitbake", "-R", &lines, "tiny-image", "-c", "testimage"];
    assert!(images(&log).iter().all(|call| *call == words));
    assert_eq!(fs::read(&conf).unwrap(), conf_before);
    assert!(!environment.build_dir().join("conf/devtool.conf").exists());
    // The lines are the same for every trial, so that they cost one full parse.
    assert_eq!(run.full_parses().into_values().sum::<usize>(), 2);
}

/// Runs with this policy until the image fails for `phello`; the layer's commits afterwards.
fn commits_with(policy: &str) -> Option<Vec<String>> {
    let settings = format!("commit-revert-policy = \"{policy}\"\n");
    let environment = environment(true, "phello@2.0", &settings)?;
    let _ = upgrade(&environment, "hello phello bhello --machines qemux86-64").expect_code(1);
    let run = environment.latest_run();
    assert_eq!(
        (run.with(Succeeded), run.with(Failed)),
        (vec!["hello".into()], vec!["phello".into(), "bhello".into()])
    );
    let [(class, message)] = &run.failures("phello")[..] else {
        panic!("{:?}", run.failures("phello"));
    };
    assert_eq!(*class, FailureClass::Test);
    assert!(
        message.starts_with("the test image tiny-image fails with this upgrade: "),
        "{message}"
    );
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
    Some(environment.subjects())
}

fn upgraded(name: &str) -> String {
    format!("{name}: upgrade 1.0 -> 2.0")
}

fn reverted(name: &str) -> String {
    format!("Revert \"{name}: upgrade 1.0 -> 2.0\"")
}

#[test]
fn by_default_only_what_failed_to_build_is_taken_back() {
    let Some(commits) = commits_with("failed_to_build") else {
        return;
    };
    assert_eq!(
        commits,
        [
            upgraded("hello"),
            upgraded("phello"),
            upgraded("bhello"),
            reverted("bhello")
        ]
    );
}

#[test]
fn what_failed_its_test_is_taken_back_where_that_is_the_policy() {
    let Some(commits) = commits_with("failed_to_test") else {
        return;
    };
    assert_eq!(
        commits,
        [
            upgraded("hello"),
            upgraded("phello"),
            upgraded("bhello"),
            reverted("phello")
        ]
    );
}

#[test]
fn upgrades_that_are_all_taken_back_are_tested_all_the_same() {
    let Some(commits) = commits_with("all") else {
        return;
    };
    let expect = ["hello", "phello", "bhello"].map(|name| [upgraded(name), reverted(name)]);
    assert_eq!(commits, expect.concat());
}

#[test]
fn nothing_is_taken_back_where_that_is_the_policy() {
    let Some(commits) = commits_with("never") else {
        return;
    };
    assert_eq!(commits, ["hello", "phello", "bhello"].map(upgraded));
}

#[test]
fn two_upgrades_that_only_fail_together_both_fail() {
    let Some(environment) = environment(true, "hello@2.0+mhello@2.0", "") else {
        return;
    };
    let _ = upgrade(&environment, UPGRADE).expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["hello", "mhello"]);
    let message = &run.failures("hello")[0].1;
    assert!(
        message.contains("fails only with hello and mhello upgraded together"),
        "{message}"
    );
}

#[test]
fn an_image_that_fails_without_the_upgrades_too_fails_none_of_them() {
    let Some(environment) = environment(true, "always", "") else {
        return;
    };
    let output = upgrade(&environment, UPGRADE).expect_code(0);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded).len(), 4);
    assert!(
        output.stderr.contains("fails without the upgrades too"),
        "{}",
        output.shown()
    );
    let names = run.names_in("testimage-logs");
    assert!(
        names.contains(&"devtool-test-image-failed.log".to_owned()),
        "{names:?}"
    );
    assert_eq!(run.state("hello").notes.len(), 1);
}

#[test]
fn an_image_that_does_not_exist_fails_nobody() {
    let Some(environment) = environment(false, "", "") else {
        return;
    };
    environment.settings("testimage = true\ntestimage-name = \"no-such-image\"\n");
    let output = upgrade(&environment, "hello --machines qemux86-64").expect_code(0);
    assert!(
        output.stderr.contains("no-such-image"),
        "{}",
        output.shown()
    );
}

#[test]
fn an_interrupt_in_the_middle_of_a_trial_leaves_the_layer_as_the_commits_have_it() {
    let Some(environment) = environment(true, "always", "") else {
        return;
    };
    let call = environment.upgrade("hello phello --machines qemux86-64");
    let mut started = call.env("STANDIN_SLEEP", "1").start();
    started.wait_for("the second trial", || {
        let journal = read(&environment.run_folders().pop()?.join("journal.jsonl")).ok()?;
        let began = |event: &Event| matches!(event, Event::CommandStarted { label, .. } if label.ends_with("trial 2"));
        journal.records.iter().any(|r| began(&r.event)).then_some(())
    });
    assert_ne!(environment.git(&["status", "--porcelain"]), "");
    started.interrupt();
    let _ = started.end().expect_code(130);
    assert_eq!(
        environment.git(&["status", "--porcelain", "--untracked-files=all"]),
        ""
    );
    assert_eq!(environment.subjects(), ["hello", "phello"].map(upgraded));
    assert_eq!(environment.latest_run().with(Stopped), ["hello", "phello"]);
    assert_eq!(environment.processes(), [""; 0]);
}

/// A second layer in a repository of its own, with `other`, and an OE that moves it together with
/// `hello`.
fn with_a_second_layer(environment: &Environment) {
    let layer = environment.top().join("meta-more");
    let folder = layer.join("recipes-hello/other");
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(layer.join("conf")).unwrap();
    let recipe = fs::read_to_string(environment.recipe("phello", "1.0")).unwrap();
    fs::write(folder.join("other_1.0.bb"), recipe).unwrap();
    let conf = fs::read_to_string(environment.layer().join("conf/layer.conf")).unwrap();
    fs::write(layer.join("conf/layer.conf"), conf.replace("tiny", "more")).unwrap();
    for args in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["commit", "-q", "-m", "more"],
    ] {
        let _ = environment.git_in(&layer, args);
    }
    let bblayers = environment.build_dir().join("conf/bblayers.conf");
    environment.append(&bblayers, &format!("BBLAYERS += \"{}\"\n", layer.display()));
    let core = environment.top().join("openembedded-core");
    let shipped = core.canonicalize().unwrap();
    fs::remove_file(&core).unwrap();
    copy(&shipped, &core);
    let check = core.join("meta/lib/oe/recipeutils.py");
    let grouped = "\ndef _get_common_include_recipes(_):\n    return [{\"hello\", \"other\"}]\n";
    environment.append(&check, grouped);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn a_group_in_two_repositories_is_committed_tested_and_taken_back_in_both() {
    let policy = "commit-revert-policy = \"failed_to_test\"\n";
    let Some(environment) = environment(true, "other@2.0", policy) else {
        return;
    };
    with_a_second_layer(&environment);
    let _ = upgrade(&environment, "hello other phello --machines qemux86-64").expect_code(1);
    let run = environment.latest_run();
    let group = run.with(Failed);
    assert_eq!(
        (group.len(), run.with(Succeeded)),
        (1, vec!["phello".to_owned()])
    );
    let commits = &run.state(&group[0]).commits;
    assert_eq!(commits.len(), 2);
    assert_ne!(commits[0].repository, commits[1].repository);
    let patches: Vec<_> = commits
        .iter()
        .map(|commit| commit.patch.as_ref().unwrap())
        .collect();
    assert!(patches[0] != patches[1] && patches.iter().all(|patch| patch.exists()));
    for commit in commits {
        let git = |args: &[&str]| environment.git_in(&commit.repository, args);
        assert!(commit.reverted_by.is_some());
        assert_eq!(git(&["status", "--porcelain"]), "");
        let log = git(&["log", "--format=%s"]);
        assert_eq!(log.matches("Revert \"").count(), 1, "{log}");
    }
    let more = environment.top().join("meta-more/recipes-hello/other");
    assert!(more.join("other_1.0.bb").exists() && !more.join("other_2.0.bb").exists());
}
