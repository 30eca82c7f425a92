//! The step `command` with the programs of `docs/examples/command`.

use auh_journal::Event;
use auh_protocol::FailureClass;
use auh_tests::{Environment, checkout};
use std::fs;

/// An environment whose pipeline asks both examples, and the file that the second one writes.
fn environment() -> Option<(Environment, std::path::PathBuf)> {
    // Of these the fourth one has another licence text in its new release.
    let environment = Environment::made(&["--recipes", "4", "--fail-every", "1"])?;
    let examples = checkout().join("docs/examples/command");
    let list = environment.beside("kept").join("list");
    environment.settings(&format!(
        "pipeline = 'p'\n[pipelines.p]\nsteps = [\n'devtool-upgrade',\n\
         {{step = 'command', action = 'licence-gate', with = {{argv = ['python3', '{gate}'], start-in = 'group-folder'}}}},\n\
         {{step = 'command', action = 'keep-list', always = true, with = {{argv = ['{keep}', '{list}']}}}},\n]\n\
         closing = [{{step = 'command', action = 'whole-run', with = {{argv = ['{keep}', '{list}.all']}}}}]\n",
        gate = examples.join("licence-gate.py").display(),
        keep = examples.join("keep-list.sh").display(),
        list = list.display(),
    ));
    Some((environment, list))
}

#[test]
fn the_examples_judge_and_write_under_names_of_their_own() {
    let Some((environment, list)) = environment() else {
        return;
    };
    let _ = environment.upgrade("r0002 r0004").run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.failures("r0002"), []);
    let message = "the licence text changed".to_owned();
    assert_eq!(run.failures("r0004"), [(FailureClass::Licence, message)]);
    let mut lines: Vec<String> = fs::read_to_string(&list)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    assert_eq!(lines, ["r0002: succeeded", "r0004: failed"]);
    let all = fs::read_to_string(list.with_file_name("list.all")).unwrap();
    assert_eq!(all.lines().count(), 1, "{all}");

    let labels = run
        .journal
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::CommandStarted { label, group, .. } if label.contains("list") => {
                Some(format!("{label} {}", group.as_deref().unwrap_or("-")))
            }
            _ => None,
        });
    let labels: Vec<_> = labels.collect();
    assert!(
        labels.contains(&"keep-list.sh keep-list r0002".to_owned()),
        "{labels:?}"
    );
    assert!(
        labels.contains(&"keep-list.sh whole-run -".to_owned()),
        "{labels:?}"
    );
    let log = run.path.join("all/r0002/command-licence-gate.log");
    assert!(log.is_file(), "{}", log.display());
}

#[test]
fn a_program_that_is_not_there_fails_the_group_and_no_more() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings(
        "pipeline = 'p'\n[pipelines.p]\nsteps = ['devtool-upgrade',\n\
         {step = 'command', with = {argv = ['no-such-program-anywhere']}}]\n",
    );
    let _ = environment.upgrade("hello").run().expect_code(1);
    let failures = environment.latest_run().failures("hello");
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].1.contains("no-such-program-anywhere"),
        "{failures:?}"
    );
}
