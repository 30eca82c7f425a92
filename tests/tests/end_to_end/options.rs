//! What the flags of `auh upgrade` change.

use auh_journal::GroupVerdict::Succeeded;
use auh_tests::{Environment, State};
use serde_json::Value;
use std::{fs, path::Path};

/// The calls of a stand-in tool, from its log.
fn calls(log: &Path, tool: &str) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let calls = text.lines().map(|line| serde_json::from_str(line).unwrap());
    calls
        .filter(|call: &Value| call["argv"][0] == tool)
        .collect()
}

/// Arguments of a call that name what is built.
fn targets(call: &Value) -> Vec<String> {
    let argv = call["argv"].as_array().unwrap().iter().skip(1);
    let words = argv.map(|word| word.as_str().unwrap().to_owned());
    words.filter(|word| !word.starts_with('-')).collect()
}

/// Build directory, `MACHINE` and `TCLIBC` of each build of a recipe; by build directory, because
/// builds at the same time come in any order.
fn builds(log: &Path, recipe: &str) -> Vec<(String, Value, Value)> {
    let calls = calls(log, "bitbake").into_iter();
    let mut builds: Vec<_> = calls
        .filter(|call| targets(call).contains(&recipe.to_owned()))
        .map(|call| {
            assert_eq!(call["BUILDDIR"], call["BBPATH"]);
            assert_eq!(call["BUILDDIR"], call["cwd"]);
            let folder = Path::new(call["BUILDDIR"].as_str().unwrap()).file_name();
            let folder = folder.unwrap().to_str().unwrap().to_owned();
            (folder, call["MACHINE"].clone(), call["TCLIBC"].clone())
        })
        .collect();
    builds.sort_by(|a, b| a.0.cmp(&b.0));
    builds
}

fn build(folder: &str, machine: Option<&str>, libc: Option<&str>) -> (String, Value, Value) {
    (folder.to_owned(), machine.into(), libc.into())
}

#[test]
fn skip_compilation_commits_without_a_build() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let log = environment.beside("log").join("calls");
    let call = environment
        .upgrade("hello bhello -s")
        .env("STANDIN_LOG", &log);
    let _ = call.run().expect_code(0);
    assert_eq!(
        environment.latest_run().with(Succeeded),
        ["hello", "bhello"]
    );
    let subjects = ["hello: upgrade 1.0 -> 2.0", "bhello: upgrade 1.0 -> 2.0"];
    assert_eq!(environment.subjects(), subjects);
    assert_eq!(calls(&log, "bitbake"), [""; 0]);
    let devtool = calls(&log, "devtool").into_iter();
    let actions: Vec<Value> = devtool.map(|call| call["argv"][1].clone()).collect();
    let expected = ["create-workspace", "upgrade", "finish", "upgrade", "finish"];
    assert_eq!(actions, expected);
}

#[test]
fn parallel_builds_have_a_build_directory_for_each_machine() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let log = environment.beside("log").join("calls");
    let call = environment
        .upgrade("hello --machines")
        .args(["qemux86-64 qemuarm64"]);
    let _ = call.env("STANDIN_LOG", &log).run().expect_code(0);
    let expected = ["build", "build-qemuarm64"].map(|folder| build(folder, None, None));
    assert_eq!(builds(&log, "hello"), expected);
}

#[test]
fn serial_builds_use_the_original_build_directory_for_every_machine() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let log = environment.beside("log").join("calls");
    let conf = environment.build_dir().join("conf/local.conf");
    let conf_before = fs::read(&conf).unwrap();
    let call = environment.upgrade("mhello bhello --serial-build --machines");
    let call = call.args(["qemux86-64 qemuarm64"]).env("STANDIN_LOG", &log);
    let _ = call.run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["mhello"]);
    assert_eq!(run.state("mhello").machine_skips.len(), 1);
    for recipe in ["mhello", "bhello"] {
        let original = build("build", None, None);
        assert_eq!(builds(&log, recipe), [original.clone(), original]);
        for machine in ["qemux86-64", "qemuarm64"] {
            let log = run
                .path
                .join(format!("all/{recipe}/bitbake-output-{machine}.txt"));
            if recipe == "bhello" {
                let text = fs::read_to_string(log).unwrap();
                assert!(text.contains(&format!("= \"{machine}\"")), "{text}");
            }
        }
    }
    assert!(!environment.top().join("build-qemuarm64").exists());
    assert_eq!(fs::read(&conf).unwrap(), conf_before);
    assert!(!environment.build_dir().join("conf/toolcfg.conf").exists());
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let before = State::of(&environment);
    let call = environment
        .upgrade("all --dry-run --machines")
        .args(["qemux86-64 qemuarm_musl"]);
    insta::assert_snapshot!(call.run().expect_code(0).shown());
    before.assert_unchanged(&environment);
}

#[test]
fn a_plan_says_what_it_would_take_by_earlier_runs() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let plan = |words: &str| {
        let call = environment.auh().args(["plan"]).args(words.split(' '));
        call.run().expect_code(0).normal_stdout()
    };
    let unknown = plan("hello mhello");
    let expected = "\nexpected: there is no earlier run to judge by\n";
    assert!(unknown.contains(expected), "{unknown}");
    let base = environment.git(&["rev-parse", "HEAD"]);
    let call = environment.upgrade("hello ghello --machines qemux86-64");
    let _ = call.run().expect_code(0);
    let _ = environment.git(&["reset", "-q", "--hard", &base]);
    let known = plan("mhello hello --jobs 2 --batch 3");
    let expected = "\nexpected: [SECONDS] with 2 jobs in batches of 3, judged by 1 earlier run; \
                    for 1 new group (?) the others' times stand in\ndisk: ";
    assert!(known.contains(expected), "{known}");
    let row = |group: &str| {
        let mut rows = known.lines().filter(|line| line.starts_with(group));
        rows.next().map(|row| row.contains("[SECONDS]?"))
    };
    assert_eq!([row("mhello"), row("hello")], [Some(true), Some(false)]);
    assert_eq!(environment.run_folders().len(), 1);
}

#[test]
fn a_c_library_with_the_machine_is_set_in_the_environment_of_its_own_directory() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let log = environment.beside("log").join("calls");
    let call = environment.upgrade("hello --machines");
    let call = call.args(["qemux86-64 qemuarm_musl"]);
    let _ = call.env("STANDIN_LOG", &log).run().expect_code(0);
    let expected = [
        build("build", None, None),
        build("build-qemuarm_musl", None, Some("musl")),
    ];
    assert_eq!(builds(&log, "hello"), expected);
    let conf = environment.top().join("build-qemuarm_musl/conf");
    let fragments = fs::read_to_string(conf.join("toolcfg.conf")).unwrap();
    assert!(fragments.contains("machine/qemuarm\""), "{fragments}");
    let local = fs::read(environment.build_dir().join("conf/local.conf")).unwrap();
    assert_eq!(fs::read(conf.join("local.conf")).unwrap(), local);
}

#[test]
fn an_older_tree_without_fragments_gets_its_machine_from_the_environment() {
    let Some(environment) = Environment::made(&["--no-fragments"]) else {
        return;
    };
    let log = environment.beside("log").join("calls");
    let call = environment
        .upgrade("hello mhello --machines")
        .args(["qemux86-64 qemuarm64"]);
    let _ = call.env("STANDIN_LOG", &log).run().expect_code(0);
    let expected = [
        build("build", Some("qemux86-64"), None),
        build("build-qemuarm64", Some("qemuarm64"), None),
    ];
    assert_eq!(builds(&log, "hello"), expected);
    let run = environment.latest_run();
    assert_eq!(run.state("mhello").machine_skips.len(), 1);
    let full: Vec<usize> = run.full_parses().into_values().collect();
    assert_eq!(full, [1, 1]);
    for left in ["conf/toolcfg.conf", "conf/auto.conf", "workspace"] {
        assert!(!environment.build_dir().join(left).exists(), "{left}");
    }
}

#[test]
fn a_version_of_ones_choice() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello -t 1.1 --machines qemux86-64");
    let _ = call.run().expect_code(0);
    assert_eq!(environment.subjects(), ["hello: upgrade 1.0 -> 1.1"]);
    assert!(environment.recipe("hello", "1.1").exists());
}

#[test]
fn a_version_that_upstream_has_not_fails_and_changes_nothing() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello -t 9.9 --machines qemux86-64");
    let output = call.run().expect_code(1);
    insta::assert_snapshot!(output.normal_stdout());
    assert_eq!(environment.subjects(), [""; 0]);
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
    assert!(!environment.build_dir().join("workspace").exists());
}

#[test]
fn a_recipe_that_is_up_to_date_is_not_tried() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let upgrade = || environment.upgrade("hello -s").run().expect_code(0);
    let _ = upgrade();
    let before = State::of(&environment);
    let output = upgrade();
    insta::assert_snapshot!(output.shown());
    let run = environment.latest_run();
    assert_eq!(run.names_in("all"), [""; 0]);
    run.remove();
    before.assert_unchanged(&environment);
}

#[test]
fn all_means_every_recipe_of_the_layers() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let _ = environment.upgrade("all -s").run().expect_code(1);
    let mut names: Vec<_> = environment
        .latest_run()
        .verdicts()
        .into_iter()
        .map(|v| v.0)
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["bhello", "chello", "ghello", "hello", "mhello", "phello"]
    );
}

#[test]
fn a_workspace_that_was_there_before_stays_with_what_is_in_it() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let _ = environment.tool(&["devtool", "upgrade", "phello", "-V", "2.0"]);
    let before = State::of(&environment);
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    let _ = environment.git(&["reset", "-q", "--hard", "HEAD~1"]);
    environment.latest_run().remove();
    before.assert_unchanged(&environment);
}
