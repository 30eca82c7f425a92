//! `auh config`: show, check, import.

use auh_tests::{Environment, State};
use serde_json::Value;
use std::fs;

#[test]
fn show_says_where_each_value_came_from_and_keeps_secrets() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.legacy_settings("[settings]\nfrom=me@home\nblacklist=hello\n");
    environment.settings(
        "blacklist = [\"bhello\"]\n[plugins.mail]\nuser = \"me\"\npassword = \"hunter2\"\n",
    );
    let call = environment
        .auh()
        .args(["config", "show", "--scheduler", "speed"]);
    let output = call.run().expect_code(0);
    let shown = output.normal_stdout();
    let row = |key: &str| {
        let mut lines = shown.lines();
        let line = lines.find(|line| line.split_whitespace().next() == Some(key));
        let words: Vec<_> = line
            .expect(key)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        words.join(" ")
    };
    let folder = "[ENV]/build/upgrade-helper";
    assert_eq!(
        row("from"),
        format!("from {folder}/upgrade-helper.conf:2:6 \"me@home\"")
    );
    assert_eq!(
        row("blacklist"),
        format!("blacklist {folder}/auh.toml:1:13 [\"bhello\"]")
    );
    assert_eq!(row("scheduler"), "scheduler --scheduler \"speed\"");
    assert_eq!(row("testimage"), "testimage default false");
    assert_eq!(
        row("publish-work-url"),
        "publish-work-url default (not set)"
    );
    assert!(row("plugins.mail.user").ends_with("\"me\""), "{shown}");
    assert!(
        row("plugins.mail.password").ends_with("\"(hidden)\""),
        "{shown}"
    );
    assert!(!output.stdout.contains("hunter2"), "{shown}");
}

#[test]
fn show_gives_json() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("machines = [\"qemuarm64\"]\n[plugins.mail]\npassword = \"hunter2\"\n");
    let call = environment
        .auh()
        .args(["config", "show", "--format", "json"]);
    let output = call.run().expect_code(0);
    assert!(!output.stdout.contains("hunter2"));
    let rows: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    let machines = rows.iter().find(|row| row["key"] == "machines").unwrap();
    assert_eq!(machines["value"], serde_json::json!(["qemuarm64"]));
    assert_eq!(machines["source"]["kind"], "file");
    assert_eq!(
        (&machines["source"]["line"], &machines["source"]["column"]),
        (&1.into(), &12.into())
    );
}

#[test]
fn check_names_every_error_with_its_place_and_remedy() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.legacy_settings("[settings]\nsmtp=:\nmachins=a\n");
    environment.settings("machine = \"x\"\ntestimage = \"yes\"\n\n[limits]\ncomand = 1\n");
    let output = environment
        .auh()
        .args(["config", "check"])
        .run()
        .expect_code(2);
    insta::assert_snapshot!(output.shown());
}

#[test]
fn check_warns_of_names_that_nobody_has() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let file = environment.beside("conf").join("auh.toml");
    let text = "scheduler = \"fastest\"\n[pipelines.mine]\nsteps = [\"devtool-upgrade\", \"brew-coffee\"]\n[plugins.nobody]\nx = 1\n";
    fs::write(&file, text).unwrap();
    // Anywhere: the file alone is looked at.
    let call = environment.auh_outside().args(["config", "check"]);
    let output = call.args([&file]).run().expect_code(0);
    let said = &output.stderr;
    for warning in [
        "warning: pipeline mine: there is no step plugin \"brew-coffee\"",
        "warning: scheduler: there is no scheduler plugin \"fastest\"",
        "warning: [plugins.nobody]: there is no plugin of that name",
    ] {
        assert!(said.contains(warning), "{said}");
    }
    assert!(output.stdout.contains("with "), "{}", output.stdout);
}

#[test]
fn check_of_good_settings_is_good() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let before = State::of(&environment);
    let output = environment
        .auh()
        .args(["config", "check"])
        .run()
        .expect_code(0);
    assert_eq!(
        output.stdout, "the settings are good\n",
        "{}",
        output.stderr
    );
    before.assert_unchanged(&environment);
}

#[test]
fn import_writes_the_same_settings_and_nothing_over() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let folder = environment.beside("conf");
    let conf = folder.join("upgrade-helper.conf");
    let text = "[settings]\nmachines=qemuarm qemux86_musl\ncommit_revert_policy=all\nnonsense=1\n[maintainer_override]\na@b.c=d@e.f\n";
    fs::write(&conf, text).unwrap();
    let import = |more: &[&str]| {
        let call = environment
            .auh_outside()
            .args(["config", "import"])
            .args([&conf]);
        call.args(more).run()
    };
    let shown = import(&[]).expect_code(0);
    insta::assert_snapshot!(shown.shown());
    let target = folder.join("auh.toml");
    let path = target.to_str().unwrap();
    let _ = import(&["-o", path]).expect_code(0);
    assert_eq!(fs::read_to_string(&target).unwrap(), shown.stdout);
    fs::write(&target, "mine").unwrap();
    let refused = import(&["-o", path]).expect_code(2);
    assert!(
        refused.stderr.contains("is there already"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    let _ = import(&["-o", path, "--force"]).expect_code(0);
    let check = environment.auh_outside().args(["config", "check"]);
    let _ = check.args([&target]).run().expect_code(0);
}
