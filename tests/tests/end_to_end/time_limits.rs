//! What takes too long: a command is ended with all that it started, a plugin that never comes back
//! is left behind or killed, a run ends as if it had been asked to; everything else goes on.

use auh_journal::GroupVerdict::{Failed, Stopped, Succeeded};
use auh_journal::{Event, read};
use auh_protocol::FailureClass;
use auh_tests::{Environment, State};
use std::fs;

/// Upgrades phello and hello with a step that never comes back about phello.
fn endless(environment: &Environment, limit: &str, settings: &str) {
    let hostile = format!(
        "{{ step = \"hostile\", limit = \"{limit}\", with = {{ misbehave = \"loop\", recipe = \"phello\" }} }}"
    );
    environment.settings(&format!(
        "pipeline = \"odd\"\n{settings}[pipelines.odd]\nsteps = [\"devtool-upgrade\", {hostile}, \
         {{ step = \"git-commit\", always = true }}, \
         {{ step = \"git-commit\", action = \"revert\", always = true }}]\n"
    ));
}

#[test]
fn a_command_that_hangs_is_ended_with_its_children_and_says_what_it_said_last() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let recipe = environment.recipe("bhello", "1.0");
    let text = fs::read_to_string(&recipe).unwrap();
    fs::write(&recipe, text.replace("exit 1", "sleep 1000")).unwrap();
    let _ = environment.git(&["commit", "-q", "-a", "-m", "let bhello hang"]);
    environment.settings("[limits]\ncommand = \"15 s\"\ngrace = \"1s\"\n");
    let call = environment.upgrade("bhello hello --machines qemux86-64");
    let output = call.run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["bhello"], "{}", output.shown());
    assert_eq!(run.with(Succeeded), ["hello"]);
    let failures = run.failures("bhello");
    let (class, message) = &failures[0];
    assert_eq!(*class, FailureClass::Hang);
    assert!(
        message.starts_with("the build was stopped by its time limit after 15 s; its last lines: "),
        "{message}"
    );
    assert!(message.contains("bhello"), "{message}");
    assert_eq!(environment.processes(), [""; 0]);
    assert!(
        environment.recipe("bhello", "1.0").exists(),
        "it was reverted"
    );
}

#[test]
fn a_plugin_that_never_comes_back_is_left_behind_and_its_thread_is_named() {
    let Some(environment) = Environment::six() else {
        return;
    };
    endless(&environment, "1s", "");
    let call = environment.upgrade("phello hello --machines qemux86-64 --plugin-path");
    let output = call.args([environment.hostile_plugins()]).run();
    let output = output.expect_code(1);
    let run = environment.latest_run();
    let message = "plugin hostile did not come back within 1 s and was left behind: its thread \
                   step-2 is stuck";
    let expected = (FailureClass::Hang, message.to_owned());
    assert_eq!(run.failures("phello"), [expected]);
    assert!(output.stdout.contains(message), "{}", output.shown());
    assert_eq!(run.with(Succeeded), ["hello"]);
    assert_eq!(environment.subjects().len(), 1 + 2, "phello was reverted");
    assert!(environment.recipe("phello", "1.0").exists());
    let args = ["status", "--porcelain", "--untracked-files=all"];
    assert_eq!(environment.git(&args), "");
}

#[test]
fn a_plugin_in_a_process_of_its_own_that_never_comes_back_is_killed() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let apart = "[plugins.hostile]\nisolation = \"process\"\n";
    endless(&environment, "1s", apart);
    let call = environment.upgrade("phello hello --machines qemux86-64 --plugin-path");
    let output = call.args([environment.hostile_plugins()]).run();
    let _ = output.expect_code(1);
    let run = environment.latest_run();
    let message = "plugin hostile failed: it did not come back in time, and its process was killed";
    let expected = (FailureClass::Hang, message.to_owned());
    assert_eq!(run.failures("phello"), [expected]);
    assert_eq!(run.with(Succeeded), ["hello"]);
    assert_eq!(environment.processes(), [""; 0]);
}

#[test]
fn who_stops_at_once_does_not_wait_for_a_plugin_that_never_comes_back() {
    let Some(environment) = Environment::six() else {
        return;
    };
    endless(&environment, "0", "");
    let call = environment.upgrade("phello hello --machines qemux86-64 --plugin-path");
    let mut started = call.args([environment.hostile_plugins()]).start();
    started.wait_for("the step", || {
        let journal = read(&environment.run_folders().pop()?.join("journal.jsonl")).ok()?;
        let began =
            |event: &Event| matches!(event, Event::StepStarted { step, .. } if step == "hostile");
        journal
            .records
            .iter()
            .any(|r| began(&r.event))
            .then_some(())
    });
    started.interrupt();
    started.wait_for("the first request", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        Some(())
    });
    started.interrupt();
    let _ = started.end().expect_code(130);
    let run = environment.latest_run();
    assert_eq!(run.verdicts()[0], ("phello".to_owned(), Some(Stopped)));
    assert!(run.story.end.as_ref().unwrap().stopped);
}

#[test]
fn a_run_whose_time_is_up_ends_as_if_it_had_been_asked_to() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("[limits]\nrun = \"15 s\"\ngrace = \"1s\"\n");
    let before = State::of(&environment);
    let call = environment.upgrade("hello phello --machines qemux86-64");
    // Fetching is a task and sleeps first.
    let output = call.env("STANDIN_SLEEP", "1000").run().expect_code(130);
    assert!(
        output
            .stderr
            .contains("the time limit of the run, 15 s, is up"),
        "{}",
        output.shown()
    );
    assert_eq!(environment.processes(), [""; 0]);
    let run = environment.latest_run();
    assert_eq!(run.verdicts()[0].1, Some(Stopped));
    assert_eq!(run.verdicts()[1].1, None);
    let end = run.story.end.as_ref().unwrap();
    assert!(end.stopped && end.exit_code == 130, "{end:?}");
    let said = |event: &Event| matches!(event, Event::Log { message, .. } if message.starts_with("the time limit of the run"));
    assert!(run.journal.records.iter().any(|r| said(&r.event)));
    run.remove();
    for built in ["build/downloads", "build/tmp", "build/buildhistory"] {
        let _ = fs::remove_dir_all(environment.top().join(built));
    }
    before.assert_unchanged(&environment);
}
