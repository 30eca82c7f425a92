//! Plugin files that cannot be loaded: one clear line each, before anything is changed.

use auh_tests::{Environment, Output, State};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const PIPELINE: &str = "pipeline = \"odd\"\n[pipelines.odd]\nsteps = [\"odd\"]\n";

/// An environment whose pipeline has the step `odd`, and the folder where its file is looked for.
fn with_odd_step() -> Option<(Environment, PathBuf)> {
    let environment = Environment::six()?;
    environment.settings(PIPELINE);
    let folder = environment.beside("odd");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    Some((environment, folder))
}

/// The shipped file of a plugin.
fn shipped(environment: &Environment, name: &str) -> Vec<u8> {
    fs::read(environment.plugins().join(name)).unwrap()
}

fn install(folder: &Path, bytes: &[u8], mode: u32) -> PathBuf {
    let file = folder.join("libauh_step_odd.so");
    fs::write(&file, bytes).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file
}

fn renamed(file: &Path, name: &str) -> PathBuf {
    let new = file.with_file_name(name);
    fs::rename(file, &new).unwrap();
    new
}

/// Upgrades with the folder in front of the others, and checks that nothing was changed.
#[track_caller]
fn refused(environment: &Environment, folder: &Path) -> Output {
    let before = State::of(environment);
    let call = environment.upgrade("hello --plugin-path");
    let output = call.args([folder]).run().expect_code(2);
    before.assert_unchanged(environment);
    let errors = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", output.shown());
    output
}

#[test]
fn an_unknown_step_names_the_known_ones() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings(PIPELINE);
    let known = [
        "libauh_step_devtool_upgrade.so",
        "libauh_step_git_commit.so",
    ];
    let before = State::of(&environment);
    let call = environment.upgrade("hello");
    let call = call.env("AUH_PLUGIN_PATH", environment.some_plugins(&known));
    insta::assert_snapshot!(call.run().expect_code(2).shown());
    before.assert_unchanged(&environment);
}

#[test]
fn a_file_that_the_group_can_write_is_refused_until_allowed() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    let file = install(
        &folder,
        &shipped(&environment, "libauh_step_git_commit.so"),
        0o775,
    );
    insta::assert_snapshot!(refused(&environment, &folder).shown());
    let check = |flags: &[&str]| {
        let call = environment.auh().args(["plugin", "check"]);
        call.args([&file]).args(flags).run()
    };
    let _ = check(&[]).expect_code(2);
    let allowed = check(&["--allow-untrusted-plugins"]);
    assert!(
        !allowed.stderr.contains("others can write"),
        "{}",
        allowed.shown()
    );
}

#[test]
fn a_file_in_a_folder_that_others_can_write() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    install(
        &folder,
        &shipped(&environment, "libauh_step_git_commit.so"),
        0o755,
    );
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    insta::assert_snapshot!(refused(&environment, &folder).shown());
}

#[test]
fn a_truncated_file() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    let whole = shipped(&environment, "libauh_step_git_commit.so");
    for length in [0, 3, 100, 5000, whole.len() / 2, whole.len() - 1] {
        install(&folder, &whole[..length], 0o755);
        let output = refused(&environment, &folder);
        let named = output.stderr.contains("/odd/libauh_step_odd.so: ");
        assert!(named, "{length} bytes: {}", output.shown());
        if length == whole.len() / 2 {
            // The size is the build's own.
            let shown = output.shown().replace(&length.to_string(), "[HALF]");
            let shown = shown.replace(&whole.len().to_string(), "[WHOLE]");
            insta::assert_snapshot!(shown);
        }
    }
}

#[test]
fn a_file_that_is_no_library() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    install(&folder, b"#!/bin/sh\necho gotcha >gotcha\n", 0o755);
    insta::assert_snapshot!(refused(&environment, &folder).shown());
}

#[test]
fn a_library_that_is_no_plugin() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    install(&folder, &fs::read(a_system_library()).unwrap(), 0o755);
    insta::assert_snapshot!(refused(&environment, &folder).shown());
}

/// Any library that this very program uses.
fn a_system_library() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut paths = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5));
    let library = paths.find(|path| path.contains("libgcc_s.so"));
    library.expect("Rust programs unwind with libgcc_s").into()
}

#[test]
fn a_scheduler_under_the_name_of_a_step() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    environment.settings("pipeline = \"odd\"\n[pipelines.odd]\nsteps = [\"basic\"]\n");
    let bytes = shipped(&environment, "libauh_scheduler_basic.so");
    renamed(&install(&folder, &bytes, 0o755), "libauh_step_basic.so");
    insta::assert_snapshot!(refused(&environment, &folder).shown());
}

#[test]
fn a_step_under_the_name_of_another() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    install(
        &folder,
        &shipped(&environment, "libauh_step_git_commit.so"),
        0o755,
    );
    insta::assert_snapshot!(refused(&environment, &folder).shown());
}

#[test]
fn plugin_list_shows_the_good_ones_and_says_what_is_wrong_with_the_others() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    install(&folder, b"", 0o755);
    let call = environment.auh().args(["plugin", "list", "--plugin-path"]);
    let output = call.args([&folder]).run().expect_code(1);
    assert!(output.stdout.contains("git-commit"), "{}", output.shown());
    let errors = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", output.shown());
}

#[test]
fn a_plugin_of_another_abi() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    let file = environment
        .hostile_plugins()
        .join("libauh_step_other_abi.so");
    install(&folder, &fs::read(file).unwrap(), 0o755);
    insta::assert_snapshot!(refused(&environment, &folder).shown());
}

#[test]
fn a_manifest_that_lies() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    let hostile = environment.hostile_plugins().join("libauh_step_hostile.so");
    let file = renamed(
        &install(&folder, &fs::read(hostile).unwrap(), 0o755),
        "libauh_step_hostile.so",
    );
    let check = |lie: &str| {
        let call = environment.auh().args(["plugin", "check"]).args([&file]);
        call.env("AUH_HOSTILE_MANIFEST", lie)
            .run()
            .expect_code(2)
            .shown()
    };
    let lies = [
        "old-api",
        "new-api",
        "scheduler",
        "unknown-kind",
        "name",
        "summary",
        "panic",
    ];
    let shown = lies.map(check);
    insta::assert_snapshot!(shown.join("\n"));
}

/// What a manifest that lies is refused with when the plugin is to run in a process of its own.
#[test]
fn a_manifest_that_lies_is_found_out_in_a_process_of_its_own_too() {
    let Some((environment, folder)) = with_odd_step() else {
        return;
    };
    let hostile = environment.hostile_plugins().join("libauh_step_hostile.so");
    let _ = renamed(
        &install(&folder, &fs::read(hostile).unwrap(), 0o755),
        "libauh_step_hostile.so",
    );
    environment.settings(
        "pipeline = \"odd\"\n[pipelines.odd]\nsteps = [\"hostile\"]\n[plugins.hostile]\nisolation = \"process\"\n",
    );
    for (lie, reason) in [
        ("old-api", "speaks plugin API 0 to 0"),
        ("new-api", "speaks plugin API 98 to 99"),
        (
            "scheduler",
            "it says that it is the scheduler plugin \"hostile\"",
        ),
        ("name", "its name is no short line of plain text"),
        ("summary", "its summary is no short line of plain text"),
        ("panic", "no manifest today"),
    ] {
        let before = State::of(&environment);
        let call = environment.upgrade("hello --plugin-path").args([&folder]);
        let output = call.env("AUH_HOSTILE_MANIFEST", lie).run().expect_code(2);
        before.assert_unchanged(&environment);
        let errors = output
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        let [error] = errors.collect::<Vec<_>>()[..] else {
            panic!("{}", output.shown());
        };
        assert!(error.contains(reason), "{lie}: {error}");
    }
}
