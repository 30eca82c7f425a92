//! What upgrades change in the build history, and what it takes to see it.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_tests::Environment;
use std::fs;

const FULL: &str = "buildhistory-diff-full.txt";

/// An environment whose runs compare the build history.
fn environment() -> Option<Environment> {
    let environment = Environment::six()?;
    environment.settings("buildhistory = true\nmachines = [\"qemux86-64\", \"qemuarm64\"]\n");
    Some(environment)
}

fn local_conf(environment: &Environment, change: impl Fn(String) -> String) {
    let file = environment.build_dir().join("conf/local.conf");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, change(text)).unwrap();
}

#[test]
fn the_differences_are_those_that_the_tool_shows_for_the_last_two_builds() {
    let Some(environment) = environment() else {
        return;
    };
    let _ = environment.upgrade("phello").run().expect_code(0);
    let run = environment.latest_run();
    let full = run.text(&format!("all/phello/{FULL}"));
    assert_eq!(full, environment.tool(&["buildhistory-diff", "-a"]));
    assert!(
        full.contains("phello: PV changed from \"1.0\" to \"2.0\"\n"),
        "{full}"
    );
    // Without anything to say the Python helper writes no file.
    assert_eq!(environment.tool(&["buildhistory-diff"]), "");
    let names = run.names_in("all/phello");
    let ours: Vec<_> = names
        .iter()
        .filter(|n| n.contains("buildhistory"))
        .collect();
    assert_eq!(ours, [FULL]);
}

#[test]
fn builds_for_other_machines_in_the_same_directory_do_not_hide_the_first_ones() {
    let Some(environment) = environment() else {
        return;
    };
    let call = environment.upgrade("phello --serial-build");
    let _ = call.run().expect_code(0);
    let full = environment.latest_run().text(&format!("all/phello/{FULL}"));
    assert!(
        full.contains("PV changed from \"1.0\" to \"2.0\"\n"),
        "{full}"
    );
    assert_eq!(environment.tool(&["buildhistory-diff", "-a"]), "");
}

#[test]
fn a_history_in_another_folder_is_found() {
    let Some(environment) = environment() else {
        return;
    };
    let folder = environment.beside("history");
    let line = format!("BUILDHISTORY_DIR = \"{}\"\n", folder.display());
    local_conf(&environment, |text| text + &line);
    let _ = environment
        .upgrade("phello --machines qemux86-64")
        .run()
        .expect_code(0);
    let full = environment.latest_run().text(&format!("all/phello/{FULL}"));
    let folder = folder.display().to_string();
    let shown = environment.tool(&["buildhistory-diff", "-a", "-p", &folder]);
    assert_eq!(full, shown);
    assert_ne!(full, "");
}

#[test]
fn an_old_version_that_does_not_build_does_not_stop_the_upgrade() {
    let Some(environment) = environment() else {
        return;
    };
    let recipe = environment.recipe("phello", "1.0");
    let text = fs::read_to_string(&recipe).unwrap();
    let only_new = "    test -e ${S}/NEWS\n    sh ./build.sh";
    fs::write(&recipe, text.replace("    sh ./build.sh", only_new)).unwrap();
    let _ = environment.git(&["commit", "-q", "-a", "-m", "needs 2.0"]);
    let _ = environment.upgrade("phello").run().expect_code(0);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["phello"]);
    let notes = &run.state("phello").notes;
    assert!(
        notes[0].contains("the old version could not be built"),
        "{notes:?}"
    );
    let log = run.text("all/phello/buildhistory-baseline.txt");
    assert!(log.contains("do_compile"), "{log}");
}

#[test]
fn what_the_first_machine_does_not_build_is_not_compared() {
    let Some(environment) = environment() else {
        return;
    };
    let _ = environment.upgrade("bhello chello").run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["bhello", "chello"]);
    for name in ["bhello", "chello"] {
        let names = run.names_in(&format!("all/{name}"));
        assert!(
            !names.iter().any(|n| n.contains("buildhistory")),
            "{names:?}"
        );
    }
}

#[test]
fn without_the_class_or_its_commits_nothing_is_begun() {
    let lines = [
        "INHERIT += \"buildhistory\"\n",
        "BUILDHISTORY_COMMIT = \"1\"\n",
    ];
    let replacements = ["", "BUILDHISTORY_COMMIT = \"0\"\n"];
    for (line, replacement) in lines.iter().zip(replacements) {
        let Some(environment) = environment() else {
            return;
        };
        local_conf(&environment, |text| text.replace(line, replacement));
        let output = environment.upgrade("phello").run().expect_code(3);
        let said = format!("put {}into conf/local.conf", line.replace('\n', " "));
        assert!(output.stderr.contains(&said), "{}", output.shown());
        assert_eq!(environment.subjects(), [""; 0]);
    }
}
