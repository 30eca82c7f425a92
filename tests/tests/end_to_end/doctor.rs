//! `auh doctor`: what it finds, that it finds all of it, and that it changes nothing.

use auh_tests::{Environment, Output, State};
use serde_json::Value;
use std::fs;

/// What is shown, without what differs from host to host: versions, room on the disks, and whether the
/// checkout that the stand-ins lie in is clean.
fn shown(output: &Output) -> String {
    let text = output.shown();
    let mut lines = Vec::new();
    let mut passed_over = false;
    for line in text.lines() {
        let is_hint = line.trim_start().starts_with("hint: ");
        let elsewhere = line.contains("  layers  ") && !line.contains("[ENV]");
        let differs = elsewhere || line.contains("  disk space ") || line.contains("  tools  ");
        passed_over = differs || (passed_over && is_hint);
        // The numbers at the end count those, too.
        if !passed_over && !line.contains(" problem") {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn states(document: &Value, check: &str) -> Vec<String> {
    let checks = document["checks"].as_array().unwrap().iter();
    let of_it = checks.filter(|found| found["check"] == check);
    of_it
        .map(|found| found["state"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_good_environment_has_no_problem_and_is_left_alone() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let before = State::of(&environment);
    let output = environment.auh().args(["doctor", "hello"]).run();
    insta::assert_snapshot!(shown(&output.expect_code(0)));
    before.assert_unchanged(&environment);
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let build_dir = environment.build_dir();
    environment.settings(
        "machines = [\"qemux86-64\", \"nosuch\"]\nbuildhistory = true\nscheduler = \"nobody\"\n\
         smtp = \"localhost:1\"\nsend-emails = true\n\
         [plugins.mail]\npassword-command = [\"no-such-program\"]\n",
    );
    environment.append(
        &build_dir.join("conf/local.conf"),
        "MACHINE = \"qemux86-64\"\n",
    );
    let append = "workspace/appends/hello_1.0.bbappend";
    environment.append(&build_dir.join(append), "");
    // A conflict in the middle of which somebody went home.
    let notes = environment.layer().join("notes");
    let head = environment.git(&["rev-parse", "HEAD"]);
    for (branch, text) in [("theirs", "1"), ("ours", "2")] {
        let _ = environment.git(&["checkout", "-q", "-b", branch, &head]);
        fs::write(&notes, text).unwrap();
        let _ = environment.git(&["add", "notes"]);
        let _ = environment.git(&["commit", "-q", "-m", branch]);
    }
    let conflict = "git -c advice.mergeConflict=false cherry-pick theirs || true";
    let _ = environment.tool(&[
        "sh",
        "-c",
        &format!("cd {} && {conflict}", environment.layer().display()),
    ]);
    let before = State::of(&environment);
    let call = environment.auh().args(["doctor", "hello", "nosuch"]);
    let output = call.env("GIT_CONFIG_GLOBAL", "/dev/null").run();
    insta::assert_snapshot!(shown(&output.expect_code(3)));
    before.assert_unchanged(&environment);
}

#[test]
fn settings_that_cannot_be_used_keep_no_other_check_away() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("machines = 3\njobs = 0\n");
    let output = environment.auh().args(["doctor", "--json"]).run();
    let document: Value = serde_json::from_str(&output.expect_code(3).stdout).unwrap();
    assert_eq!(states(&document, "settings"), ["problem", "problem"]);
    assert_eq!(states(&document, "configuration"), ["ok"]);
    assert!(!states(&document, "layers").is_empty());
}

#[test]
fn without_an_environment_it_says_all_it_can() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let output = environment.auh_outside().args(["doctor"]).run();
    let text = output.expect_code(3).stdout;
    let tools = "the program bitbake is not on the PATH";
    assert!(text.contains(tools), "{text}");
    assert!(text.contains("BUILDDIR is not set"), "{text}");
    assert!(text.contains("Tester <tester@example.com>"), "{text}");
    assert!(text.contains("ok       plugins"), "{text}");
}

#[test]
fn json_has_each_finding_and_a_held_lock_is_one() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello").env("STANDIN_SLEEP", "0.2");
    let mut run = call.start();
    let lock = environment.build_dir().join("upgrade-helper/auh.lock");
    let doctor = run.wait_for("the lock", || {
        let text = fs::read_to_string(&lock).unwrap_or_default();
        text.contains("process").then(|| {
            let call = environment.auh().args(["doctor", "--json"]);
            call.run().expect_code(3)
        })
    });
    let _ = run.end();
    assert_eq!(doctor.stderr, "examining what a run needs\n");
    let document: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(document["format"], 1);
    assert_eq!(document["problems"], 1);
    assert_eq!(states(&document, "lock"), ["problem"]);
    assert_eq!(states(&document, "build directory"), ["ok"]);
    assert!(states(&document, "configuration").is_empty());
}

#[test]
fn a_run_that_can_be_gone_on_with_is_told() {
    let Some(environment) = Environment::six() else {
        return;
    };
    for (fault, how) in [
        ("stop:9", "was stopped before its end"),
        ("kill-after:9", "broke off"),
    ] {
        let _ = environment.upgrade("hello").env("AUH_FAULT", fault).run();
        environment.kill_processes();
        let output = environment.auh().args(["doctor"]).run();
        let run = environment.latest_run();
        let name = run.path.file_name().unwrap().to_str().unwrap();
        assert!(
            output.stdout.contains(&format!("{name} {how}")),
            "{}",
            output.shown()
        );
        let hint = format!("`auh resume {name}` goes on with it");
        assert!(output.stdout.contains(&hint), "{}", output.shown());
        run.remove();
    }
}
