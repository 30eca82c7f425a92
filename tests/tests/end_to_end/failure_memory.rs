//! What failed is not tried again until time may have helped, upstream has another release, or the
//! recipe has changed; who asks for it gets it all the same.

use auh_journal::GroupVerdict::Failed;
use auh_protocol::FailureClass;
use auh_tests::{Environment, Output};
use serde_json::Value;
use std::fs;

const REASON: &str = "chello: the upgrade to 2.0 failed once with patch-conflict, next try with \
                      another release or a changed recipe (auh upgrade --retry chello)";

/// An environment after a run in which chello failed and the others were upgraded.
fn after_a_failure() -> Option<Environment> {
    let environment = Environment::six()?;
    let output = environment.upgrade("all -s").run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["chello"], "{}", output.shown());
    Some(environment)
}

fn plan(environment: &Environment, words: &str) -> Output {
    let call = environment.auh().args(["plan"]).args(words.split(' '));
    call.run().expect_code(0)
}

/// Whether chello would be tried.
#[track_caller]
fn is_tried(environment: &Environment, words: &str) -> bool {
    let output = plan(environment, words);
    let held = output.stdout.contains(REASON);
    let tried = output.stdout.contains("chello  1.0 -> ");
    assert_ne!(held, tried, "{words}: {}", output.shown());
    tried
}

#[test]
fn what_failed_is_passed_over_until_somebody_asks_for_it() {
    let Some(environment) = after_a_failure() else {
        return;
    };
    let output = environment.upgrade("all -s").run().expect_code(0);
    let words: Vec<&str> = output.stdout.split_whitespace().collect();
    let held = format!("held back {}", REASON.replacen(':', "", 1));
    assert!(words.join(" ").contains(&held), "{}", output.shown());
    let run = environment.latest_run();
    assert_eq!(run.verdicts(), []);
    let summary: Value = serde_json::from_str(&run.text("summary.json")).unwrap();
    let left_out = summary["left_out"].as_array().unwrap();
    let chello = left_out.iter().find(|l| l["recipe"] == "chello").unwrap();
    assert_eq!(
        (&chello["held_back"], &chello["failed"]),
        (&Value::from(true), &Value::from(false))
    );
    for (words, tried) in [
        ("all", false),
        ("all --retry hello", false),
        ("all --retry chello", true),
        ("all --retry", true),
        ("--retry", true),
        ("--retry chello", true),
        ("chello", true),
    ] {
        assert_eq!(is_tried(&environment, words), tried, "{words}");
    }
    let _ = environment.upgrade("all -s --retry").run().expect_code(1);
    let failures = environment.latest_run().failures("chello");
    assert_eq!(failures[0].0, FailureClass::PatchConflict);
    let failures = document(&environment);
    assert_eq!(failures[0]["attempts"], 2);
    // The Python helper tries everything each time.
    let helper = environment.under("upgrade-helper.py").args(["all", "-s"]);
    let _ = helper.run().expect_code(0);
    assert_eq!(environment.latest_run().with(Failed), ["chello"]);
}

#[test]
fn a_changed_recipe_or_another_release_is_tried() {
    let Some(environment) = after_a_failure() else {
        return;
    };
    let patch = environment
        .layer()
        .join("recipes-hello/chello/files/0001-clash.patch");
    let before = fs::read_to_string(&patch).unwrap();
    environment.append(&patch, "\n");
    let _ = environment.git(&["commit", "-q", "-a", "-m", "chello: another patch"]);
    assert!(is_tried(&environment, "all"));
    let changed = &document(&environment)[0];
    assert_eq!(
        (&changed["next"], &changed["changed"]),
        (&Value::from("now"), &Value::from(true))
    );
    fs::write(&patch, before).unwrap();
    let _ = environment.git(&["commit", "-q", "-a", "-m", "chello: the patch that it was"]);
    assert!(!is_tried(&environment, "all"));
    let www = environment.top().join("upstream/www");
    fs::copy(www.join("hello-2.0.tar.gz"), www.join("hello-3.0.tar.gz")).unwrap();
    assert!(is_tried(&environment, "all"));
    assert!(
        plan(&environment, "all")
            .stdout
            .contains("chello  1.0 -> 3.0")
    );
}

#[test]
fn the_rules_are_settings() {
    let Some(environment) = after_a_failure() else {
        return;
    };
    environment.settings("[retry]\npatch-conflict = [0]\n");
    assert!(is_tried(&environment, "all"));
    environment.settings("[retry]\npatch-conflict = [\"30d\"]\n");
    let output = plan(&environment, "all");
    assert!(
        output.stdout.contains("with patch-conflict, next try on 2"),
        "{}",
        output.shown()
    );
}

#[test]
fn the_memory_is_shown_and_comes_from_the_journals_alone() {
    let Some(environment) = after_a_failure() else {
        return;
    };
    let list = || {
        environment
            .auh()
            .args(["failures"])
            .run()
            .expect_code(0)
            .stdout
    };
    let listed = list();
    let run = environment.run_folders().pop().unwrap();
    let name = run.file_name().unwrap().to_str().unwrap();
    let line = listed
        .lines()
        .find(|line| line.starts_with("chello"))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[..4], ["chello", "2.0", "patch-conflict", "1"]);
    assert!(line.ends_with(name), "{line}");
    let failure = &document(&environment)[0];
    assert_eq!(
        (&failure["recipe"], &failure["class"], &failure["next"]),
        (
            &Value::from("chello"),
            &Value::from("patch-conflict"),
            &Value::from("on-change")
        )
    );
    assert_eq!(failure["run"], name);
    fs::remove_dir_all(run).unwrap();
    assert!(list().contains("left no failure behind"));
    assert!(is_tried(&environment, "all"));
}

fn document(environment: &Environment) -> Vec<Value> {
    let output = environment.auh().args(["failures", "--json"]).run();
    let document: Value = serde_json::from_str(&output.expect_code(0).stdout).unwrap();
    document["failures"].as_array().unwrap().clone()
}
