//! The commands that only look: `check`, `plugin list`, `plugin check`.

use auh_tests::{Environment, State};
use serde_json::Value;

const SOME: [&str; 3] = [
    "libauh_scheduler_basic.so",
    "libauh_step_devtool_upgrade.so",
    "libauh_step_git_commit.so",
];

#[test]
fn check_shows_a_table() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment
        .settings("blacklist = [\"bhello\"]\nmaintainers-whitelist = [\"joe@\", \"jane@\"]\n");
    let before = State::of(&environment);
    let output = environment
        .auh()
        .args(["check", "all"])
        .run()
        .expect_code(0);
    insta::assert_snapshot!(output.shown());
    before.assert_unchanged(&environment);
}

#[test]
fn check_gives_json_with_nothing_else_on_standard_output() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment
        .auh()
        .args(["check", "ghello", "hello", "--format", "json"]);
    let output = call.run().expect_code(0);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(document["recipes"][0]["recipe"], "ghello");
    insta::assert_snapshot!(output.normal_stdout());
}

#[test]
fn check_of_an_upstream_that_is_gone_fails_for_that_recipe_alone() {
    let Some(environment) = Environment::six() else {
        return;
    };
    std::fs::remove_dir_all(environment.top().join("upstream/git")).unwrap();
    let call = environment.auh().args(["check", "ghello", "hello"]);
    insta::assert_snapshot!(call.run().expect_code(1).shown());
}

#[test]
fn plugin_list_shows_a_table() {
    let Some(environment) = Environment::six() else {
        return;
    };
    // Needs no build environment.
    let call = environment.auh_outside().args(["plugin", "list"]);
    let call = call.env("AUH_PLUGIN_PATH", environment.some_plugins(&SOME));
    insta::assert_snapshot!(call.run().expect_code(0).shown());
}

#[test]
fn plugin_list_gives_json() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.auh_outside().args(["plugin", "list"]);
    let call = call.env("AUH_PLUGIN_PATH", environment.some_plugins(&SOME));
    let output = call.args(["--format", "json"]).run().expect_code(0);
    let plugins: Value = serde_json::from_str(&output.stdout).unwrap();
    let names = plugins.as_array().unwrap().iter().map(|p| &p["name"]);
    let names: Vec<&Value> = names.collect();
    assert_eq!(names, ["basic", "devtool-upgrade", "git-commit"]);
    insta::assert_snapshot!(output.normal_stdout());
}

#[test]
fn plugin_check_says_what_a_file_is() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let check = |file: &str| {
        let call = environment.auh_outside().args(["plugin", "check"]);
        call.args([environment.plugins().join(file)]).run()
    };
    let good = check("libauh_step_git_commit.so").expect_code(0);
    insta::assert_snapshot!("plugin_check_good", good.shown());
    let missing = check("libauh_step_nosuch.so").expect_code(2);
    insta::assert_snapshot!("plugin_check_missing", missing.shown());
}
