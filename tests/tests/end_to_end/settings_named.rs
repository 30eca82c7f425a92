//! A test for each setting and flag of the Python helper, and for those of auh's own that change where
//! the commits go, named after it, in which the built program
//! does something that it would not do without the setting.

use auh_journal::{Event, GroupVerdict::Failed};
use auh_tests::{Call, Environment, Finished, Output};
use regex::Regex;
use std::{fs, path::Path};

/// The six recipes, and the lines below `[settings]` of an `upgrade-helper.conf`.
fn with(settings: &str) -> Option<Environment> {
    let environment = Environment::six()?;
    environment.legacy_settings(&format!("[settings]\n{settings}\n"));
    Some(environment)
}

/// The program under the Python helper's name.
fn helper<'e>(environment: &'e Environment, words: &str) -> Call<'e> {
    environment
        .under("upgrade-helper.py")
        .args(words.split_whitespace())
}

/// What `auh upgrade` would do.
fn plan(environment: &Environment, words: &str) -> Output {
    let words = format!("{words} --dry-run");
    environment.upgrade(&words).run().expect_code(0)
}

/// Names of the groups of a run, in its order.
fn groups(run: &Finished) -> Vec<String> {
    run.verdicts().into_iter().map(|(name, _)| name).collect()
}

/// The actions that a step was asked for, in that order.
fn actions(run: &Finished, plugin: &str) -> Vec<String> {
    let events = run.journal.records.iter().map(|record| &record.event);
    events
        .filter_map(|event| match event {
            Event::StepStarted { step, action, .. } if step == plugin => Some(action.clone()),
            _ => None,
        })
        .collect()
}

/// Commands of a run as their words.
fn commands(run: &Finished) -> Vec<String> {
    let events = run.journal.records.iter().map(|record| &record.event);
    events
        .filter_map(|event| match event {
            Event::CommandStarted { argv, .. } => Some(argv.join(" ")),
            _ => None,
        })
        .collect()
}

#[test]
fn setting_blacklist() {
    let Some(environment) = with("blacklist=hello bhello") else {
        return;
    };
    let said = plan(&environment, "all").stdout;
    for name in ["hello", "bhello"] {
        let line = format!("not tried: {name}: it is in the blacklist\n");
        assert!(said.contains(&line), "{said}");
    }
    assert!(said.contains("\nghello "), "{said}");
}

#[test]
fn setting_maintainers_whitelist() {
    let Some(environment) = with("maintainers_whitelist=nobody@ joe@") else {
        return;
    };
    let said = plan(&environment, "all").stdout;
    assert!(
        said.contains("not tried: hello: its maintainer Jane Doe"),
        "{said}"
    );
    assert!(said.contains("\nbhello "), "{said}");
}

#[test]
fn setting_global_maintainer_override() {
    let Some(environment) = with("") else { return };
    let file = environment.recipe("hello", "1.0");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("RECIPE_MAINTAINER", "NOTHING");
    fs::write(&file, text).unwrap();
    let _ = environment.git(&["commit", "-qam", "nobody's"]);
    let said = plan(&environment, "hello").stdout;
    assert!(
        said.contains("not tried: hello: it has no maintainer"),
        "{said}"
    );
    environment.legacy_settings("[settings]\nglobal_maintainer_override=me@example.com\n");
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    let run = environment.latest_run();
    let recipe = &run.story.chapters[0].group.recipes[0];
    assert_eq!(recipe.maintainer.as_deref(), Some("me@example.com"));
}

#[test]
fn setting_machines() {
    let Some(environment) = with("machines=qemuarm64") else {
        return;
    };
    let _ = environment.upgrade("hello").run().expect_code(0);
    let machines = environment.latest_run().story.start.unwrap().machines;
    let machines: Vec<String> = machines.iter().map(ToString::to_string).collect();
    assert_eq!(machines, ["qemuarm64"]);
}

#[test]
fn setting_workdir() {
    let Some(environment) = with("") else { return };
    let workdir = environment.beside("work");
    environment.legacy_settings(&format!("[settings]\nworkdir={}\n", workdir.display()));
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    assert_eq!(
        environment.run_folders(),
        [""; 0].map(std::path::PathBuf::from)
    );
    let [run] = &environment.run_folders_in(&workdir)[..] else {
        panic!("not one run in {}", workdir.display());
    };
    assert!(run.join("upgrade-helper.log").is_file() && run.with_extension("tar.gz").is_file());
}

#[test]
fn setting_from() {
    let Some(environment) = with("from=me@home.example") else {
        return;
    };
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    let author = environment.git(&["log", "-1", "--format=%an <%ae>"]);
    assert_eq!(author, "Upgrade Helper <me@home.example>");
}

#[test]
fn setting_commit_revert_policy() {
    let Some(environment) = with("machines=qemux86-64\ncommit_revert_policy=never") else {
        return;
    };
    let _ = environment.upgrade("bhello").run().expect_code(1);
    assert_eq!(environment.latest_run().with(Failed), ["bhello"]);
    assert_eq!(environment.subjects(), ["bhello: upgrade 1.0 -> 2.0"]);
    assert!(environment.recipe("bhello", "2.0").exists());
}

#[test]
fn setting_clean_sstate() {
    let Some(environment) = with("clean_sstate=yes") else {
        return;
    };
    let mark = environment.build_dir().join("sstate-cache/ab/object");
    environment.append(&mark, "x");
    let _ = plan(&environment, "hello");
    assert!(mark.exists(), "a dry run removes nothing");
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    assert!(!mark.exists());
    let log = environment.latest_run().text("upgrade-helper.log");
    assert!(log.contains("build/sstate-cache"), "{log}");
}

#[test]
fn setting_clean_tmp() {
    let Some(environment) = with("clean_tmp=yes") else {
        return;
    };
    let mark = environment.build_dir().join("tmp/work/left-over");
    environment.append(&mark, "x");
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    assert!(!mark.exists());
}

#[test]
fn setting_layer_mode() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let layer = environment.second_layer();
    let conf = |mode: &str| {
        let dir = layer.display();
        environment.legacy_settings(&format!(
            "[settings]\nlayer_mode={mode}\nlayer_name=meta-other\nlayer_dir={dir}\n"
        ));
    };
    conf("no");
    let said = plan(&environment, "all").stdout;
    assert!(
        said.contains("\nhello ") && said.contains("\nother "),
        "{said}"
    );
    conf("yes");
    let _ = environment.upgrade("all -s").run().expect_code(0);
    let workdir = environment.build_dir().join("upgrade-helper/meta-other");
    let [run] = &environment.run_folders_in(&workdir)[..] else {
        panic!("not one run in {}", workdir.display());
    };
    assert_eq!(groups(&Finished::read(run)), ["other"]);
    let subject = environment.git_in(&layer, &["log", "-1", "--format=%s"]);
    assert_eq!(subject, "other: upgrade 1.0 -> 2.0");
}

#[test]
fn setting_layer_name() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let layer = environment.second_layer();
    let conf = |names: &str| {
        let dir = layer.display();
        environment.legacy_settings(&format!(
            "[settings]\nlayer_mode=yes\nlayer_name={names}\nlayer_dir={dir}\n"
        ));
    };
    // Each layer in turn, whatever the alphabet says.
    conf("meta-other meta-tiny");
    let _ = environment.upgrade("all -s").run().expect_code(1);
    let workdir = environment
        .build_dir()
        .join("upgrade-helper/meta-other meta-tiny");
    let run = Finished::read(&environment.run_folders_in(&workdir)[0]);
    let expected = [
        "other", "bhello", "chello", "ghello", "hello", "mhello", "phello",
    ];
    assert_eq!(groups(&run), expected);
    conf("meta-nowhere");
    let refused = environment.upgrade("all -s").run().expect_code(2).stderr;
    assert!(refused.contains("no layer \"meta-nowhere\""), "{refused}");
    conf("");
    let refused = environment.upgrade("all -s").run().expect_code(2).stderr;
    assert!(refused.contains("layer-name is not set"), "{refused}");
}

#[test]
fn setting_layer_dir() {
    let Some(environment) = with("layer_mode=yes\nlayer_name=meta-tiny") else {
        return;
    };
    let refused = environment.upgrade("all -s").run().expect_code(2).stderr;
    assert!(refused.contains("layer-dir is not set"), "{refused}");
    let dir = environment.layer();
    let conf = format!(
        "layer_mode=yes\nlayer_name=meta-tiny\nlayer_dir={}",
        dir.display()
    );
    environment.legacy_settings(&format!("[settings]\n{conf}\n"));
    let _ = plan(&environment, "all");
}

#[test]
fn setting_publish_work_url() {
    let conf = "publish_work_url=https://example.com/auh\nsummary_includes_tarball=";
    let Some(environment) = with(conf) else {
        return;
    };
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    let run = environment.latest_run();
    let name = run.path.file_name().unwrap().to_str().unwrap();
    let said = run.text("statistics_summary");
    let line = format!("https://example.com/auh/{name}, next are the statistics:\n");
    assert_eq!(said.lines().nth(1), Some(line.trim_end()), "{said}");
    assert!(
        run.path.with_extension("tar.gz").is_file(),
        "it is published"
    );
}

#[test]
fn setting_summary_includes_tarball() {
    let Some(environment) = with("summary_includes_tarball=") else {
        return;
    };
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    let tarball = || environment.latest_run().path.with_extension("tar.gz");
    assert!(!tarball().exists());
    environment.legacy_settings("[settings]\n");
    let _ = environment.upgrade("ghello -s").run().expect_code(0);
    assert!(tarball().is_file(), "it is on unless it is empty");
}

#[test]
fn setting_buildhistory() {
    let Some(environment) = with("machines=qemux86-64\nbuildhistory=yes") else {
        return;
    };
    let _ = environment.upgrade("phello").run().expect_code(0);
    let run = environment.latest_run();
    assert_eq!(actions(&run, "buildhistory-diff"), ["baseline", "run"]);
    assert!(
        run.names_in("all/phello")
            .contains(&"buildhistory-diff-full.txt".to_owned())
    );
    // It needs a configuration to go with it.
    let local = environment.build_dir().join("conf/local.conf");
    let text = fs::read_to_string(&local).unwrap();
    fs::write(&local, text.replace("INHERIT += \"buildhistory\"\n", "")).unwrap();
    let refused = environment.upgrade("ghello").run().expect_code(3).stderr;
    assert!(
        refused.contains("INHERIT must contain \"buildhistory\""),
        "{refused}"
    );
}

#[test]
fn setting_testimage() {
    let Some(environment) = with("machines=qemux86-64\ntestimage=yes") else {
        return;
    };
    let _ = environment.upgrade("hello").run();
    assert_eq!(actions(&environment.latest_run(), "testimage"), ["run"]);
    environment.legacy_settings("[settings]\nmachines=qemux86-64\n");
    let _ = environment.upgrade("ghello").run().expect_code(0);
    assert_eq!(actions(&environment.latest_run(), "testimage"), [""; 0]);
}

#[test]
fn setting_testimage_name() {
    let conf = "machines=qemux86-64\ntestimage=yes\ntestimage_name=core-image-mine";
    let Some(environment) = with(conf) else {
        return;
    };
    let recipe = environment.recipe("phello", "1.0");
    environment.append(&recipe, "PACKAGES = \"phello phello-ptest\"\n");
    let _ = environment.git(&["commit", "-qam", "with a package test"]);
    let _ = environment.upgrade("phello").run();
    let commands = commands(&environment.latest_run());
    assert!(
        commands
            .iter()
            .any(|words| words.contains("core-image-mine")),
        "{commands:#?}"
    );
}

#[test]
fn flag_to_version() {
    let Some(environment) = with("") else { return };
    let _ = helper(&environment, "--to_version 1.1 -s hello")
        .run()
        .expect_code(0);
    assert_eq!(environment.subjects(), ["hello: upgrade 1.0 -> 1.1"]);
    let refused = helper(&environment, "-t 1.1 hello phello")
        .run()
        .expect_code(1);
    assert!(
        refused.stderr.contains("exactly one recipe"),
        "{}",
        refused.stderr
    );
}

#[test]
fn flag_debug_level() {
    let Some(environment) = with("") else { return };
    let _ = helper(&environment, "-d 5 -s hello").run().expect_code(0);
    let log = environment.latest_run().text("upgrade-helper.log");
    assert!(log.contains(" DEBUG    runs ["), "{log}");
    let _ = helper(&environment, "-d 4 -s ghello").run().expect_code(0);
    let log = environment.latest_run().text("upgrade-helper.log");
    assert!(!log.contains(" DEBUG "), "{log}");
}

#[test]
fn flag_skip_compilation() {
    let Some(environment) = with("") else { return };
    let _ = helper(&environment, "-s bhello").run().expect_code(0);
    assert_eq!(environment.subjects(), ["bhello: upgrade 1.0 -> 2.0"]);
    let commands = commands(&environment.latest_run());
    assert!(
        commands.iter().all(|words| !words.starts_with("bitbake")),
        "{commands:?}"
    );
}

#[test]
fn flag_config_file() {
    let Some(environment) = with("blacklist=ghello") else {
        return;
    };
    let file = environment.beside("conf").join("other.conf");
    fs::write(&file, "[settings]\nblacklist=hello\n").unwrap();
    let call = helper(&environment, "all -s -c").args([&file]);
    let _ = call.run().expect_code(0);
    let groups = groups(&environment.latest_run());
    assert!(!groups.contains(&"hello".to_owned()), "{groups:?}");
    assert!(groups.contains(&"ghello".to_owned()), "{groups:?}");
    // A file that is asked for must be there, the usual one need not.
    let refused = helper(&environment, "all -s -c /nonexistent")
        .run()
        .expect_code(1);
    assert!(
        refused.stderr.contains("/nonexistent"),
        "{}",
        refused.stderr
    );
    fs::remove_file(
        environment
            .build_dir()
            .join("upgrade-helper/upgrade-helper.conf"),
    )
    .unwrap();
    let _ = helper(&environment, "nothing-of-this-name -s")
        .run()
        .expect_code(1);
    let _ = helper(&environment, "hello -s").run().expect_code(0);
}

#[test]
fn flag_layer_names() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let dir = environment.second_layer();
    let call = helper(&environment, "all -s --layer-names meta-other --layer-dir");
    let _ = call.args([&dir]).run().expect_code(0);
    let workdir = environment.build_dir().join("upgrade-helper/meta-other");
    let run = Finished::read(&environment.run_folders_in(&workdir)[0]);
    assert_eq!(groups(&run), ["other"]);
}

#[test]
fn flag_layer_dir() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let _ = environment.second_layer();
    let refused = helper(&environment, "all -s --layer-names meta-other")
        .run()
        .expect_code(1);
    assert!(refused.stderr.contains("--layer-dir"), "{}", refused.stderr);
    assert_eq!(environment.run_folders().len(), 0);
}

#[test]
fn flag_serial_build() {
    let Some(environment) = with("machines=qemux86-64 qemuarm64") else {
        return;
    };
    let _ = helper(&environment, "hello --serial-build")
        .run()
        .expect_code(0);
    assert!(!environment.top().join("build-qemuarm64").exists());
    let run = environment.latest_run();
    assert_eq!(actions(&run, "compile-serial"), ["run"]);
    let _ = helper(&environment, "ghello").run().expect_code(0);
    assert!(environment.top().join("build-qemuarm64").exists());
}

/// Upgrades two recipes with these settings of auh's own; the commits in the checkout, how many
/// branches there are beside it, and whether there is a second job's build directory.
fn integrated(settings: &str) -> Option<(usize, usize, bool)> {
    let environment = with("")?;
    environment.settings(&format!("machines = [\"qemux86-64\"]\n{settings}\n"));
    let _ = environment.upgrade("hello ghello").run().expect_code(0);
    let branches = ["for-each-ref", "refs/heads/auh"];
    Some((
        environment.subjects().len(),
        environment.git(&branches).lines().count(),
        environment.top().join("build-job2").exists(),
    ))
}

#[test]
fn setting_jobs() {
    let Some(came) = integrated("jobs = 2") else {
        return;
    };
    assert_eq!(came, (0, 1, true));
    assert_eq!(integrated("jobs = 1"), Some((2, 0, false)));
}

#[test]
fn setting_batch() {
    let Some(came) = integrated("batch = 2") else {
        return;
    };
    assert_eq!(came, (0, 1, false));
    let Some(environment) = with("buildhistory=yes") else {
        return;
    };
    let call = environment.upgrade("hello --dry-run --batch 2");
    let refused = call.run().expect_code(2).stderr;
    let expected = "the step buildhistory-diff needs each group built alone, and batch is 2";
    assert!(refused.contains(expected), "{refused}");
}

#[test]
fn setting_integrate() {
    let Some(came) = integrated("integrate = \"branch\"") else {
        return;
    };
    assert_eq!(came, (0, 1, false));
    let came = integrated("jobs = 2\nintegrate = \"fast-forward\"");
    assert_eq!(came, Some((2, 1, true)));
}

/// Where the tests are that are named after a setting or flag.
const SOURCES: [&str; 2] = [
    include_str!("settings_named.rs"),
    include_str!("mail_named.rs"),
];

#[test]
fn every_setting_and_flag_has_its_test() {
    let names = include_str!("../../../auh-core/config/src/names.toml");
    let (_, tables) = names.split_once("[ini-tables]").unwrap();
    let key = Regex::new(r"(?m)^(\w+) = ").unwrap();
    let settings: Vec<&str> = key
        .captures_iter(tables)
        .map(|c| c.extract::<1>().1[0])
        .collect();
    assert!(settings.len() > 20, "{settings:?}");
    let flags = [
        "to_version",
        "debug_level",
        "send_emails",
        "skip_compilation",
        "config_file",
        "layer_names",
        "layer_dir",
        "serial_build",
    ];
    // The Python helper has no such ones.
    let ours = ["jobs", "batch", "integrate"];
    let settings = settings.iter().chain(&ours);
    let settings = settings.map(|name| format!("setting_{name}"));
    let flags = flags.iter().map(|name| format!("flag_{name}"));
    for name in settings.chain(flags) {
        let test = format!("#[test]\nfn {name}() {{");
        assert!(
            SOURCES.iter().any(|source| source.contains(&test)),
            "{name}"
        );
    }
}

#[test]
fn the_help_lists_every_flag() {
    let Some(environment) = with("") else { return };
    let help = helper(&environment, "-h").run().expect_code(0);
    insta::assert_snapshot!(help.shown());
    assert!(Path::new(&environment.build_dir()).exists());
}
