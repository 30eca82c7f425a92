//! Bad input gets one clear error and changes nothing.

use auh_tests::{Call, Environment, State};
use std::{fs, os::unix::fs::symlink, path::PathBuf};

/// Makes the call, checks that it changed nothing and made one error of it, and hands back what
/// is to be seen.
#[track_caller]
fn refused(environment: &Environment, call: Call<'_>) -> String {
    let before = State::of(environment);
    let output = call.run();
    before.assert_unchanged(environment);
    let errors = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", output.shown());
    assert_eq!(environment.run_folders(), [""; 0].map(PathBuf::from));
    output.shown()
}

#[test]
fn no_builddir() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.auh_outside().args(["upgrade", "hello"]);
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn a_builddir_without_conf() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let empty = environment.beside("empty");
    let call = environment.auh_outside().args(["upgrade", "hello"]);
    let call = call.env("BUILDDIR", &empty);
    insta::assert_snapshot!(refused(&environment, call));
    assert_eq!(fs::read_dir(empty).unwrap().count(), 0);
}

#[test]
fn a_machine_set_hard_in_local_conf() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let local_conf = environment.build_dir().join("conf/local.conf");
    environment.append(&local_conf, "MACHINE = \"qemuarm64\"\n");
    insta::assert_snapshot!(refused(&environment, environment.upgrade("hello")));
}

#[test]
fn a_c_library_set_hard_in_local_conf() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let local_conf = environment.build_dir().join("conf/local.conf");
    environment.append(&local_conf, "TCLIBC = \"musl\"\n");
    insta::assert_snapshot!(refused(&environment, environment.upgrade("hello")));
}

#[test]
fn git_without_a_name() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment
        .upgrade("hello")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn an_unknown_recipe() {
    let Some(environment) = Environment::six() else {
        return;
    };
    insta::assert_snapshot!(refused(&environment, environment.upgrade("hello nosuch")));
}

#[test]
fn a_version_for_two_recipes() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello ghello -t 2.0");
    insta::assert_snapshot!(refused(&environment, call));
}

/// In a shell it would make a file `x`; `{IFS}` stands for the blank.
const COMMAND_AS_VERSION: &str = "1.2$(touch${IFS}x)";

#[test]
fn a_version_that_is_a_command() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello -t").args([COMMAND_AS_VERSION]);
    insta::assert_snapshot!(refused(&environment, call));
}

/// It is not the user's mistake: the recipe fails, and the others go on.
#[test]
fn a_version_of_upstream_that_is_a_command() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let www = environment.top().join("upstream/www");
    let archive = format!("hello-{COMMAND_AS_VERSION}.tar.gz");
    fs::copy(www.join("hello-2.0.tar.gz"), www.join(archive)).unwrap();
    let upstream = environment.top().join("upstream/git");
    let tag = format!("v{COMMAND_AS_VERSION}");
    let _ = environment.git_in(&upstream, &["tag", &tag]);
    let _ = environment.git_in(&upstream, &["tag", "-d", "v2.0"]);
    let append =
        |name: &str, line: &str| environment.append(&environment.recipe(name, "1.0"), line);
    append(
        "hello",
        "UPSTREAM_CHECK_REGEX = \"hello-(?P<pver>1\\.2.*)\\.tar\"\n",
    );
    append("ghello", "UPSTREAM_CHECK_GITTAGREGEX = \"v(?P<pver>.*)\"\n");
    let _ = environment.git(&["commit", "-qam", "accept every version"]);

    let before = State::of(&environment);
    let output = environment
        .upgrade("hello ghello --machines qemux86-64")
        .run();
    insta::assert_snapshot!(output.expect_code(1).shown());
    fs::remove_dir_all(&environment.run_folders()[0]).unwrap();
    before.assert_unchanged(&environment);
}

#[test]
fn a_recipe_with_local_changes() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.append(&environment.recipe("phello", "1.0"), "# mine\n");
    let call = environment.upgrade("hello phello");
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn an_untracked_file_beside_a_recipe() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let notes = environment.recipe("phello", "1.0").with_file_name("notes");
    environment.append(&notes, "mine\n");
    let call = environment.upgrade("hello phello");
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn a_machine_that_no_layer_has() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let machines = |machines| environment.upgrade("hello --machines").args([machines]);
    let first = refused(&environment, machines("nosuch"));
    insta::assert_snapshot!("unknown_first_machine", first);
    let second = refused(&environment, machines("qemux86-64 nosuch"));
    insta::assert_snapshot!("unknown_second_machine", second);
}

#[test]
fn a_layer_in_no_repository() {
    let Some(environment) = Environment::six() else {
        return;
    };
    // Hidden for the call only: the comparison of before and after asks git.
    let call = environment.upgrade("hello").env("GIT_DIR", "/nonexistent");
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn a_settings_file_that_is_not_there() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello -c nowhere.toml");
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn a_settings_file_that_is_a_folder() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello -c conf");
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn a_settings_file_that_is_no_toml() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("scheduler = \"basic\"\nmachines = [\"qemux86-64\"\n");
    insta::assert_snapshot!(refused(&environment, environment.upgrade("hello")));
}

#[test]
fn a_settings_file_with_an_unknown_key() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("[build]\nthread = 4\n");
    insta::assert_snapshot!(refused(&environment, environment.upgrade("hello")));
}

#[test]
fn no_machine_and_an_invalid_one() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let machines = |machines| environment.upgrade("hello --machines").args([machines]);
    insta::assert_snapshot!("no_machine", refused(&environment, machines("")));
    insta::assert_snapshot!("blank_machine", refused(&environment, machines(" ")));
    insta::assert_snapshot!(
        "invalid_machine",
        refused(&environment, machines("qemux86-64 ../x"))
    );
}

#[test]
fn names_of_recipes_that_are_no_names() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let named = |words| refused(&environment, environment.upgrade(words));
    insta::assert_snapshot!("option_as_recipe", named("--upload-pack=x"));
    insta::assert_snapshot!(
        "option_as_recipe_behind_dashes",
        named("-- --upload-pack=x")
    );
    insta::assert_snapshot!("path_as_recipe", named("../x"));
    insta::assert_snapshot!("all_and_more", named("all hello"));
}

#[test]
fn an_unknown_scheduler() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let plugins = fs::read_dir(environment.plugins())
        .unwrap()
        .map(|e| e.unwrap().file_name());
    let is_wanted = |name: &String| name.contains("_step_") || name.contains("_basic");
    let names: Vec<String> = plugins
        .map(|n| n.into_string().unwrap())
        .filter(is_wanted)
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let call = environment.upgrade("hello --scheduler fastest");
    let call = call.env("AUH_PLUGIN_PATH", environment.some_plugins(&names));
    insta::assert_snapshot!(refused(&environment, call));
}

#[test]
fn an_unknown_pipeline() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello --pipeline fastest");
    insta::assert_snapshot!(refused(&environment, call));
}

/// A `PATH` with all that is needed but one.
fn path_without(environment: &Environment, missing: &str) -> PathBuf {
    let folder = environment.beside("path");
    let path = std::env::var_os("PATH").unwrap();
    let mut places = vec![environment.top().join("bitbake/bin")];
    places.extend(std::env::split_paths(&path));
    for tool in ["bitbake", "devtool", "git", "python3"] {
        let place = places.iter().map(|p| p.join(tool)).find(|p| p.exists());
        if tool != missing {
            symlink(place.unwrap(), folder.join(tool)).unwrap();
        }
    }
    folder
}

fn missing_tool(missing: &str) -> Option<String> {
    let environment = Environment::six()?;
    let call = environment.auh_outside().args(["upgrade", "hello"]);
    let call = call.env("BUILDDIR", environment.build_dir());
    let call = call.env("PATH", path_without(&environment, missing));
    Some(refused(&environment, call))
}

#[test]
fn without_bitbake() {
    let Some(shown) = missing_tool("bitbake") else {
        return;
    };
    insta::assert_snapshot!(shown);
}

#[test]
fn without_devtool() {
    let Some(shown) = missing_tool("devtool") else {
        return;
    };
    insta::assert_snapshot!(shown);
}

#[test]
fn without_git() {
    let Some(shown) = missing_tool("git") else {
        return;
    };
    insta::assert_snapshot!(shown);
}

#[test]
fn a_second_auh_in_the_same_build_directory() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let first = environment.upgrade("hello --machines qemux86-64 -s");
    let mut first = first.env("STANDIN_SLEEP", "1").start();
    // It holds the lock long before.
    first.wait_for("a run directory", || environment.run_folders().pop());
    let second = environment.upgrade("ghello").run().expect_code(3);
    insta::assert_snapshot!(second.shown());
    first.end().expect_code(0);
    assert_eq!(environment.subjects(), ["hello: upgrade 1.0 -> 2.0"]);
    assert_eq!(environment.run_folders().len(), 1);
}
