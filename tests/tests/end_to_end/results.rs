//! The results of a run as files, and what `auh check` makes of recipes that cannot be checked.

use auh_tests::{Environment, Output};
use serde_json::Value;
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

const MACHINES: &str = "qemux86-64 qemuarm64";

/// What a Python program says, with these arguments.
fn python(program: &str, file: &Path) -> String {
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A run over recipes that fare differently.
fn run() -> Option<(Environment, Output)> {
    let environment = Environment::six()?;
    let call = environment.upgrade("hello mhello chello bhello --machines");
    let output = call.args([MACHINES]).run().expect_code(1);
    Some((environment, output))
}

#[test]
fn a_run_leaves_its_results_in_each_form() {
    let Some((environment, output)) = run() else {
        return;
    };
    let run = environment.latest_run();
    insta::assert_snapshot!("statistics_summary", run.text("statistics_summary"));

    let summary: Value = serde_json::from_str(&run.text("summary.json")).unwrap();
    assert_eq!(summary["format"], 1);
    assert_eq!(
        (&summary["run"]["finished"], &summary["run"]["exit_code"]),
        (&true.into(), &1.into())
    );
    let recipes = summary["recipes"].as_array().unwrap();
    let facts: Vec<_> = recipes
        .iter()
        .map(|r| {
            ["recipe", "verdict", "status", "class", "to"].map(|key| r[key].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        facts,
        [
            ["hello", "succeeded", "Succeeded", "-", "2.0"],
            ["mhello", "succeeded", "Succeeded", "-", "2.0"],
            [
                "chello",
                "failed",
                "Failed (devtool error)",
                "patch-conflict",
                "2.0"
            ],
            ["bhello", "failed", "Failed(do_compile)", "compile", "2.0"],
        ]
    );
    assert_eq!(recipes[1]["machine_skips"][0]["machine"], "qemuarm64");
    assert!(recipes[3]["commits"][0]["reverted_by"].is_string());
    let files = recipes[0]["files"].as_array().unwrap();
    assert!(
        files.contains(&"0001-hello-upgrade-1.0-2.0.patch".into()),
        "{files:?}"
    );
    assert_eq!(summary["full_parses"].as_object().unwrap().len(), 2);

    let cases = python(
        "import sys, xml.etree.ElementTree as tree\n\
         suite = tree.parse(sys.argv[1]).getroot().find('testsuite')\n\
         print(suite.get('tests'), suite.get('failures'), suite.get('errors'), suite.get('skipped'))\n\
         for case in suite: print(case.get('name'), [(part.tag, part.get('type')) for part in case])",
        &run.path.join("junit.xml"),
    );
    assert_eq!(
        cases,
        "4 2 0 0\nhello [('system-out', None)]\nmhello [('system-out', None)]\n\
         chello [('failure', 'patch-conflict'), ('system-out', None)]\n\
         bhello [('failure', 'compile'), ('system-out', None)]\n"
    );
    assert!(
        output.stdout.contains("2 succeeded, 2 failed in "),
        "{}",
        output.stdout
    );
    let left: Vec<_> = run
        .names_in(".")
        .into_iter()
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn the_tarball_has_the_run_with_its_links_as_files_and_nothing_from_outside() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let log = environment.beside("log").join("calls");
    let call = environment
        .upgrade("hello ghello -s")
        .env("STANDIN_LOG", &log);
    let mut started = call.start();
    // While the run goes on, somebody puts a link into its folder.
    let folder = started.wait_for("the run's folder", || environment.run_folders().pop());
    let secret = environment.beside("secret").join("file");
    fs::write(&secret, "x").unwrap();
    started.wait_for("the group's folder", || {
        folder.join("all/hello").is_dir().then_some(())
    });
    symlink(&secret, folder.join("all/hello/link")).unwrap();
    let _ = started.end().expect_code(0);
    let listed = python(
        "import sys, tarfile\n\
         tar = tarfile.open(sys.argv[1])\n\
         print('\\n'.join(m.name for m in tar.getmembers() if m.isfile() or m.islnk()))\n\
         assert not any(m.issym() for m in tar.getmembers())",
        &folder.with_extension("tar.gz"),
    );
    let name = folder.file_name().unwrap().to_str().unwrap();
    for file in [
        "journal.jsonl",
        "summary.json",
        "junit.xml",
        "report.html",
        "statistics_summary",
        "all/hello/0001-hello-upgrade-1.0-2.0.patch",
        "succeed/hello/0001-hello-upgrade-1.0-2.0.patch",
    ] {
        assert!(
            listed.lines().any(|line| line == format!("{name}/{file}")),
            "{file}: {listed}"
        );
    }
    assert!(!listed.contains("link"), "{listed}");
}

#[test]
fn a_run_that_breaks_off_leaves_its_results_and_a_clean_line() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment
        .auh_on_a_terminal()
        .args(["upgrade", "hello", "ghello", "-s", "--color", "never"]);
    let mut started = call.start();
    let folder = started.wait_for("the run's folder", || environment.run_folders().pop());
    started.wait_for("the group's folder", || {
        folder.join("all/hello").is_dir().then_some(())
    });
    // No folder can be made for the second group.
    fs::rename(folder.join("all"), folder.join("moved")).unwrap();
    symlink("nowhere/at/all", folder.join("all")).unwrap();
    let output = started.end().expect_code(3);
    let (before, error) = output.stdout.split_once("error: ").expect(&output.stdout);
    assert!(error.contains("broke off"), "{error}");
    let clean = ["\n", "\r", "\u{1b}[J"]
        .iter()
        .any(|end| before.ends_with(end));
    assert!(clean, "{before:?}");
    let summary = fs::read_to_string(folder.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["run"]["finished"], false);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("and broke off"), "{page}");
}

#[test]
fn a_bad_recipe_never_costs_the_others_their_check() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("[limits]\nupstream-check = 2\n");
    let append =
        |name: &str, text: &str| environment.append(&environment.recipe(name, "1.0"), text);
    append("ghello", "UPSTREAM_CHECK_UNRELIABLE = \"1\"\n");
    append(
        "phello",
        "SRC_URI = \"http://silent.example/hello-${PV}.tar.gz\"\n",
    );
    append(
        "mhello",
        "RECIPE_NO_UPDATE_REASON = \"2.0 eats its children\"\n",
    );
    append("bhello", "RECIPE_MAINTAINER = \"\"\n");
    let output = environment
        .auh()
        .args(["check", "all"])
        .run()
        .expect_code(1);
    insta::assert_snapshot!("check_of_bad_recipes", output.normal_stdout());
}

#[test]
fn a_recipe_that_cannot_be_parsed_costs_its_own_check_only() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.append(&environment.recipe("phello", "1.0"), "this is no BitBake\n");
    let output = environment
        .auh()
        .args(["check", "all"])
        .run()
        .expect_code(1);
    insta::assert_snapshot!("check_with_a_parse_error", output.normal_stdout());
}

#[test]
fn flag_stable() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let recipe = environment.recipe("hello", "1.0");
    environment.append(
        &recipe,
        "UPSTREAM_STABLE_RELEASE_REGEX = \"^1(\\.\\d+)*$\"\n",
    );
    let _ = environment.git(&["commit", "-qam", "names its series"]);
    let check = environment
        .auh()
        .args(["check", "hello", "ghello", "--stable"]);
    insta::assert_snapshot!(
        "check_of_stable_releases",
        check.run().expect_code(0).normal_stdout()
    );
    let _ = environment.upgrade("all -s --stable").run().expect_code(0);
    assert_eq!(environment.subjects()[1..], ["hello: upgrade 1.0 -> 1.1"]);
}

#[test]
fn an_oe_without_a_stable_check_is_refused() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let core = environment.top().join("openembedded-core");
    let real = fs::read_link(&core).unwrap();
    fs::remove_file(&core).unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(&real)
        .arg(&core)
        .status()
        .unwrap();
    assert!(copied.success());
    let file = core.join("meta/lib/oe/recipeutils.py");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace(
        "def _get_recipe_upgrade_status(data, stable_upgrade):",
        "def _get_recipe_upgrade_status(data):\n    stable_upgrade = False",
    );
    fs::write(&file, text).unwrap();
    let refused = environment
        .auh()
        .args(["check", "hello", "--stable"])
        .run()
        .expect_code(3);
    assert!(
        refused.stderr.contains("stable releases"),
        "{}",
        refused.stderr
    );
    let _ = environment
        .auh()
        .args(["check", "hello"])
        .run()
        .expect_code(0);
}
