//! The commands that look at runs: `runs`, `show`, `report`.

use auh_tests::{Environment, make_up_run};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// An environment with two made-up runs over a few groups.
fn with_runs() -> Option<(Environment, PathBuf)> {
    let environment = Environment::six()?;
    let workdir = environment.build_dir().join("upgrade-helper");
    let _ = make_up_run(&workdir, "20260101000000", 12, 0);
    let _ = make_up_run(&workdir, "20260102000000", 12, 1);
    Some((environment, workdir))
}

#[test]
fn runs_are_listed_with_what_came_of_them() {
    let Some((environment, workdir)) = with_runs() else {
        return;
    };
    // One that broke off, and one that cannot be read.
    let run = make_up_run(&workdir, "20260103000000", 5, 0);
    let journal = fs::read_to_string(run.join("journal.jsonl")).unwrap();
    let cut: String = journal
        .lines()
        .take(12)
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(run.join("journal.jsonl"), cut).unwrap();
    let bad = make_up_run(&workdir, "20260104000000", 1, 0);
    fs::write(bad.join("journal.jsonl"), "{}\n").unwrap();
    let listed = environment.auh().args(["runs"]).run().expect_code(0);
    insta::assert_snapshot!("runs_table", listed.shown());
    let json = environment.auh().args(["runs", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.run().expect_code(0).stdout).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), 3);
    assert_eq!(json["runs"][2]["state"], "broken off");
    assert_eq!(json["runs"][0]["counts"]["not_begun"], 2);
    assert_eq!(json["unreadable"][0]["run"], "20260104000000");
}

#[test]
fn where_there_is_no_run_that_is_said() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let listed = environment.auh().args(["runs"]).run().expect_code(0);
    assert!(
        listed.stdout.starts_with("there is no run in "),
        "{}",
        listed.shown()
    );
    for words in [&["show"][..], &["report"], &["report", "--trend"]] {
        let refused = environment.auh().args(words).run().expect_code(2);
        assert!(
            refused.stderr.contains("there is no run in "),
            "{}",
            refused.shown()
        );
    }
}

#[test]
fn a_run_and_a_group_of_it_are_shown_as_text() {
    let Some((environment, _)) = with_runs() else {
        return;
    };
    let show = |words: &[&str]| environment.auh().args(["show"]).args(words).run();
    insta::assert_snapshot!("show_run", show(&["20260101000000"]).expect_code(0).shown());
    insta::assert_snapshot!(
        "show_group",
        show(&["20260101000000", "alsa-lib"]).expect_code(0).shown()
    );
    // A recipe of a group stands for the group, and one that was not tried says why.
    let of_recipe = show(&["last", "ffmpeg-vectors"]).expect_code(0);
    assert!(
        of_recipe.stdout.contains("ffmpeg,ffmpeg-vectors"),
        "{}",
        of_recipe.shown()
    );
    let unknown = show(&["last", "cairo-vectors"]).expect_code(2);
    assert!(
        unknown.stderr.contains("no group and no recipe"),
        "{}",
        unknown.shown()
    );
    let left_out = show(&["last", "libacl-0"]).expect_code(2);
    assert!(
        left_out.stderr.contains("it has no maintainer"),
        "{}",
        left_out.shown()
    );
    let json = show(&["last", "acl", "--format", "json"]).expect_code(0);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["recipes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_page_is_written_where_it_is_wanted_and_shown() {
    let Some((environment, workdir)) = with_runs() else {
        return;
    };
    let program = environment.beside("desktop").join("xdg-open");
    let said = environment.beside("desktop").join("said");
    let script = format!("#!/bin/sh\necho \"$1\" > '{}'\n", said.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());

    let call = environment.auh().args(["report", "--open"]);
    let _ = call.env("PATH", &path).run().expect_code(0);
    let page = workdir.join("20260102000000/report.html");
    assert!(page.is_file());
    let opened = fs::read_to_string(&said).unwrap();
    assert_eq!(Path::new(opened.trim()), page);
    assert!(links(&page) > 0);

    // Elsewhere, links to the run's files would lead nowhere.
    let elsewhere = environment.beside("elsewhere").join("page.html");
    let call = environment.auh_outside().args(["report", "--output"]);
    let call = call.args([&elsewhere, &workdir.join("20260101000000")]);
    let _ = call.run().expect_code(0);
    assert_eq!(links(&elsewhere), 0);

    fs::write(&program, "#!/bin/sh\necho no display >&2\nexit 3\n").unwrap();
    let call = environment.auh().args(["report", "--open"]);
    let refused = call.env("PATH", &path).run().expect_code(2);
    insta::assert_snapshot!("nothing_shows_the_page", refused.shown());
}

fn links(page: &Path) -> usize {
    fs::read_to_string(page)
        .unwrap()
        .matches("href=\"./")
        .count()
}

#[test]
fn a_run_that_was_killed_has_a_page_when_it_is_asked_for() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello ghello -s");
    let mut started = call.env("STANDIN_SLEEP", "5").start();
    let folder = started.wait_for("the run's folder", || environment.run_folders().pop());
    started.wait_for("the group's folder", || {
        folder.join("all/hello").is_dir().then_some(())
    });
    let listed = environment.auh().args(["runs"]).run().expect_code(0);
    assert!(listed.stdout.contains("going on"), "{}", listed.stdout);
    // Dropped, it is killed without a chance to write anything.
    drop(started);
    let _ = environment.auh().args(["report"]).run().expect_code(0);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("and broke off"), "{page}");
    assert!(page.contains("not begun"), "{page}");
}
