//! What goes on beside the steps: sources that are fetched ahead, work folders that are removed, and
//! who sat where.

use auh_journal::{Event, GroupVerdict::Succeeded};
use auh_protocol::host::Exit;
use auh_tests::{Environment, Finished};
use std::{collections::BTreeSet, fs, path::Path};

const TWO: &str = "hello bhello --machines qemux86-64,qemuarm64";

/// Recipes that have a folder, with something in it, below a folder of `TMPDIR`.
fn recipes_in(build_dir: &Path, below: &str) -> BTreeSet<String> {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let architectures = entries(&build_dir.join("tmp").join(below));
    let recipes = architectures.flat_map(|architecture| entries(&architecture.path()));
    let recipes = recipes.filter(|recipe| entries(&recipe.path()).next().is_some());
    recipes
        .map(|recipe| recipe.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Whether a recipe's work and stamps are in a build directory.
fn has_work(build_dir: &Path, recipe: &str) -> [bool; 2] {
    ["work", "stamps"].map(|below| recipes_in(build_dir, below).contains(recipe))
}

fn removed(run: &Finished) -> Vec<(String, usize)> {
    let records = run.journal.records.iter();
    let removed = records.filter_map(|record| match &record.event {
        Event::WorkRemoved {
            group,
            folders,
            bytes,
        } => {
            assert!(*bytes > 0);
            Some((group.clone(), folders.len()))
        }
        _ => None,
    });
    removed.collect()
}

#[test]
fn work_folders_of_what_was_built_well_go_with_a_scheduler_that_saves_disk() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let build_dirs = ["", "-qemuarm64"].map(|end| environment.top().join(format!("build{end}")));
    let call = environment.upgrade(TWO).args(["--scheduler", "rm-work"]);
    let _ = call.run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["hello"]);
    assert_eq!(removed(&run), [("hello".to_owned(), 2)]);
    for build_dir in &build_dirs {
        assert_eq!(has_work(build_dir, "hello"), [false, false]);
        assert_eq!(has_work(build_dir, "bhello"), [true, true]);
    }
    assert!(!run.story.disk.is_empty());
    let document: serde_json::Value = serde_json::from_str(&run.text("summary.json")).unwrap();
    assert!(
        document["disk"][0]["peak"].is_u64(),
        "{:#}",
        document["disk"]
    );
    // What is needed of it again is there again.
    let _ = environment.tool(&["bitbake", "hello"]);
    assert_eq!(has_work(&build_dirs[0], "hello"), [true, true]);
}

#[test]
fn work_folders_stay_with_other_schedulers_and_where_builds_remove_them_themselves() {
    for (scheduler, inherit) in [("basic", ""), ("rm-work", "INHERIT += \"rm_work\"\n")] {
        let Some(environment) = Environment::six() else {
            return;
        };
        environment.append(&environment.build_dir().join("conf/local.conf"), inherit);
        let call = environment.upgrade("hello --machines qemux86-64");
        let call = call.args(["--scheduler", scheduler]);
        let _ = call.run().expect_code(0);
        assert!(removed(&environment.latest_run()).is_empty());
        assert_eq!(has_work(&environment.build_dir(), "hello"), [true, true]);
    }
}

#[test]
fn jobs_remove_work_in_their_own_build_directories_and_have_seats() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade(TWO).args(["--scheduler", "rm-work"]);
    let _ = call.args(["--jobs", "2"]).run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(removed(&run), [("hello".to_owned(), 2)]);
    for end in ["-job1", "-job2", "-job1-qemuarm64", "-job2-qemuarm64"] {
        let build_dir = environment.top().join(format!("build{end}"));
        assert_eq!(has_work(&build_dir, "hello"), [false, false], "{end}");
    }
    let seats = run.journal.records.iter().filter_map(|r| match &r.event {
        Event::StepStarted { seat, step, .. } => Some((*seat, step.starts_with("compile"))),
        _ => None,
    });
    for (seat, builds) in seats {
        let seat = seat.expect("a step has a seat");
        assert!(
            seat <= 2 && (seat < 2 || !builds),
            "the last is the branch's"
        );
    }
}

/// Commands that fetched ahead: what they are called, how they ended, and whether their group had
/// not begun by then.
fn fetched_ahead(run: &Finished) -> Vec<(String, Exit, bool)> {
    let mut begun = BTreeSet::new();
    let mut early = BTreeSet::new();
    let mut fetched = Vec::new();
    for record in &run.journal.records {
        match &record.event {
            Event::StepStarted { groups, .. } => begun.extend(groups.iter().cloned()),
            Event::CommandStarted {
                id,
                label,
                group: Some(group),
                ..
            } if label.starts_with("fetch ahead") && !begun.contains(group) => {
                early.insert(*id);
            }
            Event::CommandFinished(end) if end.label.starts_with("fetch ahead") => {
                fetched.push((end.label.clone(), end.exit, early.contains(&end.id)));
            }
            _ => {}
        }
    }
    fetched
}

#[test]
fn sources_of_the_next_group_are_fetched_while_the_one_before_is_built() {
    let Some(environment) = Environment::made(&["--recipes", "2"]) else {
        return;
    };
    let call = environment.upgrade("r0001 r0002 --machines qemux86-64");
    let _ = call.env("STANDIN_SLEEP", "0.5").run().expect_code(0);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["r0001", "r0002"]);
    let expected = ("fetch ahead r0002 2.0".to_owned(), Exit::Code(0), true);
    assert_eq!(fetched_ahead(&run), [expected]);
}

#[test]
fn what_cannot_be_fetched_ahead_is_left_to_the_upgrade() {
    let fates = ["true", "false"].map(|ahead| {
        // The third one's upstream lists an archive that it has not got.
        let environment = Environment::made(&["--recipes", "4", "--fail-every", "1"])?;
        environment.settings(&format!("[build]\nfetch-ahead = {ahead}\n"));
        let call = environment.upgrade("r0004 r0003 --machines qemux86-64");
        let _ = call.env("STANDIN_SLEEP", "0.5").run().expect_code(1);
        let run = environment.latest_run();
        let exits: Vec<_> = fetched_ahead(&run).into_iter().map(|f| f.1).collect();
        let failures = run.failures("r0003").into_iter();
        let classes: Vec<_> = failures.map(|(class, _)| class).collect();
        Some((run.verdicts(), classes, exits))
    });
    let [Some(with), Some(without)] = fates else {
        return;
    };
    assert_eq!((with.0, with.1), (without.0, without.1));
    assert_eq!(with.2, [Exit::Code(1)]);
    assert_eq!(without.2, []);
}
