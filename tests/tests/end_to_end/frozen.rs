//! Plugins built against every API that was ever released (`tests/frozen`), in the program of today.

use auh_journal::Event;
use auh_tests::{Environment, Finished, Workshop, checkout, mirror};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folders of `tests/frozen`, one per release.
fn releases() -> Vec<String> {
    let entries = fs::read_dir(checkout().join("tests/frozen"))
        .unwrap()
        .flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Builds a release's plugins, and says where they are.
fn built(workshop: &Workshop<'_>, release: &str) -> PathBuf {
    let folder = workshop.kept("frozen").join(release);
    mirror(&checkout().join("tests/frozen").join(release), &folder);
    if !folder.join("Cargo.lock").is_file() {
        workshop.lock(&folder);
    }
    workshop.cargo(&folder, &["build", "--workspace"]);
    folder.join("target/debug")
}

#[test]
fn there_is_a_first_release() {
    assert_eq!(releases().first().map(String::as_str), Some("api-1"));
}

#[test]
fn plugins_of_every_release_load() {
    each_release(|environment, release, plugins| {
        for kind in ["step", "scheduler"] {
            let name = format!("frozen-{release}");
            let file = format!("libauh_{kind}_{}.so", name.replace('-', "_"));
            let call = environment
                .auh_outside()
                .args(["plugin", "check", "--detail"]);
            let output = call.args([plugins.join(file)]).run();
            assert_eq!(
                output.code,
                Some(0),
                "{kind} plugins of {release} do not load any more:\n{}",
                output.shown()
            );
            assert!(output.stdout.starts_with(&name), "{}", output.stdout);
        }
    });
}

#[test]
fn a_step_of_every_release_gets_all_that_it_got() {
    each_release(|environment, release, plugins| {
        let step = format!("frozen-{release}");
        // What such a plugin takes is not known, so its table must not be checked.
        environment.settings(&format!(
            "pipeline = 'p'\n[pipelines.p]\nsteps = ['devtool-upgrade', '{step}',\n\
             {{step = '{step}', action = 'skip', with = {{word = 'again'}}}}]\n\
             [plugins.{step}]\nword = 'once'\nnobody-knows = 1\n"
        ));
        let call = environment.upgrade("hello --plugin-path").args([plugins]);
        let output = call.run();
        let run = environment.latest_run();
        assert_eq!(
            run.failures("hello"),
            [],
            "a step of {release} does not work any more:\n{}",
            output.shown()
        );
        let state = run.state("hello");
        assert_eq!(state.notes, ["frozen: run once", "frozen: skip again"]);
        assert_eq!(state.skipped.len(), 1, "{:?}", state.skipped);
        assert!(!state.changes.is_empty(), "what it handed on is lost");
        assert_logged(&run, "frozen: a line for the log");
    });
}

#[test]
fn a_scheduler_of_every_release_orders_a_run() {
    each_release(|environment, release, plugins| {
        let call = environment.upgrade("hello mhello -s --plugin-path");
        let call = call.args([plugins]).args(["--scheduler"]);
        let output = call.args([format!("frozen-{release}")]).run();
        assert_eq!(
            output.code,
            Some(0),
            "a scheduler of {release} does not work any more:\n{}",
            output.shown()
        );
        let mut verdicts = environment.latest_run().verdicts();
        verdicts.sort_by(|a, b| a.0.cmp(&b.0));
        let names: Vec<_> = verdicts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["hello", "mhello"]);
    });
}

/// Runs a test with each release's plugins in an environment of its own.
fn each_release(test: impl Fn(&Environment, &str, &Path)) {
    for release in releases() {
        let Some(environment) = Environment::six() else {
            return;
        };
        let workshop = Workshop::new(&environment);
        test(&environment, &release, &built(&workshop, &release));
    }
}

fn assert_logged(run: &Finished, text: &str) {
    let mut events = run.journal.records.iter().map(|record| &record.event);
    let found = events.any(|event| matches!(event, Event::Log { message, .. } if message == text));
    assert!(found, "{text:?} is not in the journal");
}
