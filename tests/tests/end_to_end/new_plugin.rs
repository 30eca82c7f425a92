//! `auh plugin new`: what it writes builds, is free of complaints, tests itself and loads.

use auh_tests::{Environment, Workshop};
use std::{fs, path::Path, process::Output};

fn begin(workshop: &Workshop<'_>, words: &[&str]) -> Output {
    let mut command = workshop.command("auh");
    command
        .args(["plugin", "new"])
        .args(words)
        .output()
        .unwrap()
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// The crate builds without complaint, its tests pass, and the program takes what was built.
fn check(workshop: &Workshop<'_>, folder: &Path, file: &str) -> String {
    workshop.lock(folder);
    workshop.cargo(folder, &["test"]);
    workshop.cargo(folder, &["build"]);
    workshop.cargo(folder, &["clippy", "--all-targets", "--", "-D", "warnings"]);
    let mut check = workshop.command("auh");
    check.args(["plugin", "check"]);
    check.arg(folder.join("target/debug").join(file));
    said(&check.output().unwrap(), 0)
}

#[test]
fn a_new_step_builds_tests_itself_and_works_in_a_run() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let workshop = Workshop::new(&environment);
    let _ = said(&begin(&workshop, &["step", "say-hello"]), 0);
    let folder = environment.outside().join("say-hello");
    let checked = check(&workshop, &folder, "libauh_step_say_hello.so");
    assert!(
        checked.starts_with("say-hello 0.1.0 is a step plugin"),
        "{checked}"
    );

    environment.settings(
        "pipeline = 'p'\n[pipelines.p]\nsteps = ['devtool-upgrade', 'say-hello']\n\
         [plugins.say-hello]\ngreeting = 'good morning'\n",
    );
    let call = environment.upgrade("hello --plugin-path");
    let _ = call
        .args([folder.join("target/debug")])
        .run()
        .expect_code(0);
    let log = fs::read_to_string(environment.latest_run().path.join("upgrade-helper.log"));
    assert!(log.unwrap().contains("good morning, hello"));
}

#[test]
fn a_new_scheduler_builds_tests_itself_and_orders_a_run() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let workshop = Workshop::new(&environment);
    let elsewhere = environment.outside().join("mine/first");
    let path = elsewhere.to_string_lossy();
    let _ = said(
        &begin(&workshop, &["scheduler", "most-wanted", "--path", &path]),
        0,
    );
    let checked = check(&workshop, &elsewhere, "libauh_scheduler_most_wanted.so");
    assert!(
        checked.starts_with("most-wanted 0.1.0 is a scheduler plugin"),
        "{checked}"
    );

    let call = environment.upgrade("hello mhello -s --scheduler most-wanted --plugin-path");
    let _ = call
        .args([elsewhere.join("target/debug")])
        .run()
        .expect_code(0);
}

#[test]
fn names_are_checked_and_a_folder_that_is_there_is_refused() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let workshop = Workshop::new(&environment);
    let refused = said(&begin(&workshop, &["step", "Say_Hello"]), 2);
    assert!(
        refused.contains("\"Say_Hello\" is no name for a plugin\n  hint: use lower-case"),
        "{refused}"
    );
    fs::create_dir(environment.outside().join("mine")).unwrap();
    let refused = said(&begin(&workshop, &["step", "mine"]), 2);
    assert!(refused.contains("mine is there already"), "{refused}");
    assert_eq!(
        fs::read_dir(environment.outside().join("mine"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn the_sdk_is_named_by_path_from_a_checkout_and_else_by_version() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let workshop = Workshop::new(&environment);
    let manifest = |name: &str| {
        let file = environment.outside().join(name).join("Cargo.toml");
        let text = fs::read_to_string(file).unwrap();
        let line = text.lines().find(|line| line.starts_with("auh-sdk"));
        line.unwrap().to_owned()
    };
    let _ = said(&begin(&workshop, &["step", "inside"]), 0);
    let sdk = auh_tests::checkout().join("auh-core/sdk");
    assert_eq!(
        manifest("inside"),
        format!("auh-sdk = {{ path = \"{}\" }}", sdk.display())
    );
    let call = environment
        .auh_outside()
        .args(["plugin", "new", "step", "far"]);
    let _ = call.run().expect_code(0);
    assert_eq!(manifest("far"), "auh-sdk = \"0.1.0\"");
    let call = environment
        .auh_outside()
        .args(["plugin", "new", "step", "named", "--sdk"]);
    let _ = call.args([&sdk]).run().expect_code(0);
    assert_eq!(manifest("named"), manifest("inside"));
    let call = environment
        .auh_outside()
        .args(["plugin", "new", "step", "no", "--sdk", "."]);
    let refused = call.run().expect_code(2);
    assert!(
        refused.stderr.contains("has no Cargo.toml"),
        "{}",
        refused.stderr
    );
}
