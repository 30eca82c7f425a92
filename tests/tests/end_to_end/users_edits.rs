//! The user's checkout is theirs: edits that have nothing to do with an upgrade survive it.

use auh_journal::GroupVerdict;
use auh_tests::Environment;
use std::fs;

const UPGRADE_AND_REVERT: [&str; 3] = [
    "hello: upgrade 1.0 -> 2.0",
    "bhello: upgrade 1.0 -> 2.0",
    "Revert \"bhello: upgrade 1.0 -> 2.0\"",
];

/// A changed file, an untracked one and another recipe, each with its state in `git status`.
const EDITS: [(&str, &str); 3] = [
    (" M", "conf/layer.conf"),
    (" M", "recipes-hello/phello/phello_1.0.bb"),
    ("??", "recipes-hello/notes.txt"),
];

fn edited() -> Option<Environment> {
    let environment = Environment::six()?;
    for (_, file) in EDITS {
        environment.append(&environment.layer().join(file), "# mine\n");
    }
    Some(environment)
}

/// One upgrade that is committed and one that is taken back, with the edits in place.
#[track_caller]
fn upgrade_and_revert(environment: &Environment) {
    let status = || environment.git(&["status", "--porcelain", "--untracked-files=all"]);
    let contents = || EDITS.map(|(_, file)| fs::read(environment.layer().join(file)).unwrap());
    let (status_before, contents_before) = (status(), contents());
    let call = environment.upgrade("hello bhello --machines qemux86-64");
    let _ = call.run().expect_code(1);
    assert_eq!(status(), status_before);
    assert_eq!(contents(), contents_before);
    assert_eq!(environment.subjects(), UPGRADE_AND_REVERT);
    for (_, file) in EDITS {
        let touched = environment.git(&["log", "--format=%s", "HEAD~3..", "--", file]);
        assert_eq!(touched, "", "{file}");
    }
}

#[test]
fn unrelated_edits_survive_untouched_and_uncommitted() {
    let Some(environment) = edited() else { return };
    let status = environment.git(&["status", "--porcelain", "--untracked-files=all"]);
    let edits = EDITS.map(|(state, file)| format!("{state} {file}"));
    assert_eq!(status.lines().collect::<Vec<_>>(), edits);
    upgrade_and_revert(&environment);
}

#[test]
fn staged_edits_stay_staged_and_uncommitted() {
    let Some(environment) = edited() else { return };
    let _ = environment.git(&["add", "-A"]);
    // One of them goes on after it was staged.
    environment.append(&environment.layer().join(EDITS[0].1), "# more\n");
    let staged_before = environment.git(&["diff", "--cached"]);
    assert!(staged_before.contains("+# mine"), "{staged_before}");
    upgrade_and_revert(&environment);
    assert_eq!(environment.git(&["diff", "--cached"]), staged_before);
}

#[test]
fn of_all_recipes_only_the_edited_one_is_left_alone() {
    let Some(environment) = edited() else { return };
    let table = environment
        .auh()
        .args(["check", "all"])
        .run()
        .expect_code(1);
    let file = environment.recipe("phello", "1.0");
    let reason = format!(
        "{} has local changes; commit, stash or undo them first",
        file.display()
    );
    assert!(table.stdout.contains(&reason), "{}", table.stdout);
    let call = environment.upgrade("all --machines qemux86-64");
    let _ = call.run().expect_code(1);
    let run = environment.latest_run();
    let left = run.story.left_out.iter().find(|l| l.recipe == "phello");
    let left = left.map(|left| (left.reason.as_str(), left.failed));
    assert_eq!(left, Some((reason.as_str(), true)));
    assert_eq!(
        run.with(GroupVerdict::Succeeded),
        ["ghello", "hello", "mhello"]
    );
    assert!(fs::read_to_string(file).unwrap().ends_with("# mine\n"));
}

#[test]
fn of_all_recipes_only_those_without_git_are_left_alone() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let layer = environment.second_layer();
    fs::remove_dir_all(layer.join(".git")).unwrap();
    let _ = environment.upgrade("all -s").run().expect_code(1);
    let run = environment.latest_run();
    let left = run.story.left_out.iter().find(|l| l.recipe == "other");
    let reason = format!(
        "its layer {} is in no git repository; put the layer under git, with its recipes committed",
        layer.display()
    );
    assert_eq!(left.map(|left| left.reason.as_str()), Some(reason.as_str()));
    assert_eq!(environment.subjects().len(), 5);
}
