//! Ctrl-C, TERM and HUP in the middle of a run: everything is put back, and nothing goes on behind it.

use auh_journal::{Event, GroupVerdict, read};
use auh_tests::{Environment, Started, State};
use rustix::process::Signal;
use std::fs;

/// Waits until a command of this name has begun.
fn wait_for_command(environment: &Environment, started: &mut Started<'_>, name: &str) {
    started.wait_for(name, || {
        let journal = read(&environment.run_folders().pop()?.join("journal.jsonl")).ok()?;
        let began = |event: &Event| matches!(event, Event::CommandStarted { label, .. } if label.starts_with(name));
        journal.records.iter().any(|r| began(&r.event)).then_some(())
    });
}

fn stop_during(command: &str, signal: Signal) {
    let Some(environment) = Environment::six() else {
        return;
    };
    let before = State::of(&environment);
    // The tests themselves may have been started by nohup.
    let call = environment.auh_by(&["env", "--default-signal"]);
    let call = call.args(["upgrade", "hello", "phello", "--machines"]);
    let call = call.args(["qemux86-64 qemuarm64"]);
    // Each task of a build sleeps first; devtool fetches, which is a task too.
    let mut started = call.env("STANDIN_SLEEP", "2").start();
    wait_for_command(&environment, &mut started, command);
    started.signal(signal);
    let output = started.end().expect_code(130);

    assert_eq!(environment.processes(), [""; 0]);
    let run = environment.latest_run();
    let end = run.story.end.as_ref().expect("the journal has an end");
    assert!(end.stopped && end.exit_code == 130, "{end:?}");
    let verdicts = run.verdicts();
    assert_eq!(
        verdicts[0].1,
        Some(GroupVerdict::Stopped),
        "{}",
        output.shown()
    );
    assert_eq!(verdicts[1].1, None, "{}", output.shown());
    assert!(output.stdout.contains("not begun"), "{}", output.shown());
    let page = run.text("report.html");
    assert!(page.contains("and was stopped after"), "{page}");

    run.remove();
    for built in [
        "build/downloads",
        "build/tmp",
        "build/buildhistory",
        "build-qemuarm64",
    ] {
        let _ = fs::remove_dir_all(environment.top().join(built));
    }
    before.assert_unchanged(&environment);
}

#[test]
fn an_interrupt_during_devtool_upgrade_leaves_everything_as_it_was() {
    stop_during("devtool upgrade hello", Signal::INT);
}

#[test]
fn an_interrupt_during_a_build_leaves_everything_as_it_was() {
    stop_during("bitbake hello for qemuarm64", Signal::INT);
}

#[test]
fn a_request_to_terminate_is_one_to_stop() {
    stop_during("bitbake hello for qemuarm64", Signal::TERM);
}

#[test]
fn a_terminal_that_closes_stops_the_run() {
    stop_during("bitbake hello for qemuarm64", Signal::HUP);
}

#[test]
fn a_terminal_that_closes_is_nothing_to_a_run_by_nohup() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.auh_by(&["nohup"]).args(["upgrade", "hello"]);
    let mut started = call.env("STANDIN_SLEEP", "2").start();
    wait_for_command(&environment, &mut started, "devtool upgrade hello");
    started.signal(Signal::HUP);
    started.end().expect_code(0);
}
