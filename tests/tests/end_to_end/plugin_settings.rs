//! The settings of plugins, checked against what the plugins declare.

use auh_tests::{Environment, Output, State};

fn upgrade(settings: &str) -> Option<Output> {
    let environment = Environment::six()?;
    environment.settings(settings);
    let before = State::of(&environment);
    let output = environment.upgrade("hello").run().expect_code(2);
    before.assert_unchanged(&environment);
    Some(output)
}

#[test]
fn a_run_does_not_start_with_a_setting_that_its_plugin_does_not_know() {
    let Some(output) = upgrade("[plugins.mail]\ntimeuot = 5\n") else {
        return;
    };
    insta::assert_snapshot!(output.shown());
}

#[test]
fn a_step_needs_its_required_settings() {
    let Some(output) = upgrade("pipeline = 'p'\n[pipelines.p]\nsteps = ['command']\n") else {
        return;
    };
    insta::assert_snapshot!(output.shown());
}

#[test]
fn the_scheduler_of_a_run_needs_its_required_settings() {
    let Some(output) = upgrade("scheduler = 'disk-bound'\n") else {
        return;
    };
    insta::assert_snapshot!(output.shown());
}

#[test]
fn the_scheduler_of_a_run_gets_its_settings() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let too_small = "scheduler = 'disk-bound'\n[plugins.disk-bound]\nbudget = 1\n";
    environment.settings(too_small);
    let output = environment.upgrade("hello").run();
    assert!(output.stderr.contains("disk-bound"), "{}", output.shown());
    assert_eq!(output.code, Some(2), "{}", output.shown());
    environment.settings("scheduler = 'disk-bound'\n[plugins.disk-bound]\nbudget = '20G'\n");
    environment.upgrade("hello").run().expect_code(0);
}

#[test]
fn config_check_finds_all_misfits_at_once() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings(
        "[plugins.mail]\ntimeout = '5'\n[plugins.disk-bound]\nbudget = 'much'\nthread = 4\n\
         [plugins.testimage]\nmax-trials = 0\n\
         [pipelines.p]\nsteps = [{step = 'command', with = {argv = 'ls'}}]\n",
    );
    let call = environment.auh().args(["config", "check"]);
    insta::assert_snapshot!(call.run().expect_code(2).shown());
}

#[test]
fn plugin_show_lists_the_settings() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let show = |name: &str| {
        let call = environment.auh_outside().args(["plugin", "show", name]);
        call.run().expect_code(0).shown()
    };
    insta::assert_snapshot!("plugin_show_command", show("command"));
    insta::assert_snapshot!("plugin_show_rm_work", show("rm_work"));
}
