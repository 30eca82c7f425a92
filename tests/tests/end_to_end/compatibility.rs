//! The program under the name of the Python helper: command line, exit statuses, places.

use auh_tests::{Call, Environment, State};
use std::{fs, os::unix::fs::PermissionsExt};

fn helper<'e>(environment: &'e Environment, words: &str) -> Call<'e> {
    environment
        .under("upgrade-helper.py")
        .args(words.split_whitespace())
}

#[test]
fn a_finished_run_is_a_success_whatever_became_of_its_recipes() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.legacy_settings("[settings]\nmachines=qemux86-64\n");
    let _ = helper(&environment, "chello hello -s").run().expect_code(0);
    let run = environment.latest_run();
    assert_eq!(
        run.story.end.as_ref().unwrap().exit_code,
        1,
        "auh's own status"
    );
    assert_eq!(run.names_in("succeed"), ["hello"]);
    assert_eq!(run.names_in("failed"), ["chello"]);
    assert!(run.path.join("statistics_summary").is_file());
}

#[test]
fn a_run_with_nothing_to_do_is_a_success() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.legacy_settings("[settings]\nblacklist=hello\n");
    let _ = helper(&environment, "hello").run().expect_code(0);
    let run = environment.latest_run();
    assert!(
        !run.path.join("statistics_summary").exists(),
        "nothing was attempted"
    );
    assert!(!run.path.with_extension("tar.gz").exists());
}

#[test]
fn what_is_refused_ends_with_status_1_and_changes_nothing() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let before = State::of(&environment);
    for words in [
        "nosuch",
        "hello -c /nonexistent.conf",
        "-t 1.1 hello ghello",
        "all --layer-names meta-tiny",
    ] {
        let _ = helper(&environment, words).run().expect_code(1);
    }
    before.assert_unchanged(&environment);
    let local = environment.build_dir().join("conf/local.conf");
    environment.append(&local, "MACHINE = \"qemuarm\"\n");
    let _ = helper(&environment, "hello").run().expect_code(1);
}

#[test]
fn a_wrong_command_line_ends_with_status_2() {
    let Some(environment) = Environment::six() else {
        return;
    };
    for words in ["", "hello -d 6", "hello --nosuch", "hello -t"] {
        let _ = helper(&environment, words).run().expect_code(2);
    }
}

#[test]
fn plugins_are_found_beside_the_program_that_a_link_leads_to() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let plugins = environment.beside("bin/plugins");
    fs::set_permissions(&plugins, fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(environment.plugins()).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            fs::copy(entry.path(), plugins.join(entry.file_name())).unwrap();
        }
    }
    let call = helper(&environment, "hello -s").env("AUH_PLUGIN_PATH", "");
    let _ = call.run().expect_code(0);
    assert_eq!(environment.subjects(), ["hello: upgrade 1.0 -> 2.0"]);
}
