//! Recorded runs of devtool, and wordings from its source that no recording has.

use super::*;
use proptest::prelude::*;

macro_rules! upgrade {
    ($name:literal, $exit:literal) => {
        upgrade_report(
            Some($exit),
            include_str!(concat!(
                "../../tests/data/devtool-upgrade-",
                $name,
                ".stdout"
            )),
            include_str!(concat!(
                "../../tests/data/devtool-upgrade-",
                $name,
                ".stderr"
            )),
        )
    };
}

fn ends(path: Option<&PathBuf>, end: &str) -> bool {
    path.is_some_and(|path| path.ends_with(end))
}

fn problem(stderr: &str) -> UpgradeProblem {
    upgrade_report(Some(1), "", stderr).problem.unwrap()
}

fn check(stderr: &str, class: FailureClass, message: &str) {
    let failure = problem(stderr).failure();
    assert_eq!((failure.class, &*failure.message), (class, message));
}

#[test]
fn a_good_upgrade() {
    let report = upgrade!("license", 0);
    assert!(report.is_success() && report.licence_changed && report.warnings.is_empty());
    assert!(ends(
        report.recipe_file.as_ref(),
        "workspace/recipes/hello/hello_2.0.bb"
    ));
    assert!(ends(report.source_tree.as_ref(), "workspace/sources/hello"));
    assert!(ends(
        report.changelog.as_ref(),
        "workspace/changelogs/hello.txt"
    ));
    assert_eq!(
        report
            .build
            .parses()
            .iter()
            .filter(|parse| parse.is_full())
            .count(),
        1
    );
    assert!(upgrade!("git", 0).is_success());
}

#[test]
fn a_conflict_is_a_problem_though_devtool_exits_with_0() {
    let report = upgrade!("conflict", 0);
    assert!(report.recipe_file.is_some() && report.warnings.is_empty());
    assert_eq!(report.conflicts.len(), 1);
    assert_eq!(report.conflicts[0].file.as_deref(), Some("hello.sh"));
    assert_eq!(report.conflicts[0].override_branch, None);
    let failure = report.problem.unwrap().failure();
    assert_eq!(failure.class, FailureClass::PatchConflict);
    assert_eq!(
        failure.message,
        "patches conflict with the new version in hello.sh"
    );
}

#[test]
fn conflicts_of_overrides_and_of_other_kinds() {
    let stderr = "INFO: Rebasing devtool onto abc\nINFO: Rebasing devtool-override-arm onto abc\n\
        WARNING: Command 'git rebase abc' failed:\n\
        CONFLICT (modify/delete): a/b.c deleted in HEAD and modified in 123.\n";
    let conflicts = upgrade_report(Some(1), "", stderr).conflicts;
    assert_eq!(conflicts[0].kind, "modify/delete");
    assert_eq!(conflicts[0].file.as_deref(), Some("a/b.c"));
    assert_eq!(
        conflicts[0].override_branch.as_deref(),
        Some("devtool-override-arm")
    );
    let stderr = "WARNING: Command 'git rebase abc' failed:\nerror: could not apply\n";
    check(
        stderr,
        FailureClass::PatchConflict,
        "git could not rebase the recipe's patches onto the new version",
    );
}

#[test]
fn a_version_that_does_not_exist_is_fetch_trouble() {
    let report = upgrade!("missing-version", 1);
    assert!(report.recipe_file.is_none());
    let failure = report.problem.unwrap().failure();
    assert_eq!(failure.class, FailureClass::Fetch);
    assert!(
        failure.message.contains("hello-9.9.tar.gz"),
        "{}",
        failure.message
    );
}

#[test]
fn recipes_that_are_unknown_or_taken() {
    let unknown = upgrade!("unknown-recipe", 1).problem.unwrap();
    assert!(matches!(&unknown, UpgradeProblem::UnknownRecipe { .. }));
    let again = upgrade!("again", 1).problem.unwrap();
    assert!(
        matches!(&again, UpgradeProblem::AlreadyInWorkspace { message }
        if message == "recipe hello is already in your workspace")
    );
}

#[test]
fn a_recipe_for_another_machine_is_skipped() {
    let stderr = "ERROR: mhello is unavailable:\n  \
        mhello was skipped: incompatible with machine qemuarm64 (not in COMPATIBLE_MACHINE)\n";
    let UpgradeProblem::Skipped(skip) = problem(stderr) else {
        panic!("not skipped");
    };
    assert!(skip.recipe == "mhello" && skip.is_incompatible());
}

#[test]
fn what_devtool_refuses() {
    let text = "Current and upgrade versions are the same version";
    check(&format!("ERROR: {text}\n"), FailureClass::Upstream, text);
    let text = "The x recipe is an image, and therefore is not supported by this tool";
    check(
        &format!("ERROR: {text}\n"),
        FailureClass::Infrastructure,
        text,
    );
    let text = "Could not find a fetcher which supports the URL: 'foo://x'";
    check(
        &format!("ERROR: {text}\n"),
        FailureClass::UnsupportedProtocol,
        text,
    );
    let text = "Execution of 'git checkout abc' failed with exit code 128:";
    check(
        &format!("ERROR: {text}\nfatal: bad\n"),
        FailureClass::Fetch,
        text,
    );
}

#[test]
fn a_task_of_the_old_version_can_fail() {
    let stderr = "ERROR: x-1-r0 do_patch: no\nERROR: Task (/l/x_1.bb:do_patch) failed with exit code '1'\n\
        ERROR: Extracting source for x failed\n";
    check(stderr, FailureClass::PatchConflict, "do_patch failed: no");
}

#[test]
fn last_words_are_better_than_none() {
    check(
        "Traceback:\n  x\nKeyError: 'y'\n\n",
        FailureClass::Infrastructure,
        "KeyError: 'y'",
    );
    check("", FailureClass::Infrastructure, "devtool gave no reason");
    assert!(
        upgrade_report(None, "", "INFO: New recipe is /x.bb\n")
            .problem
            .is_some()
    );
    assert!(upgrade_report(Some(0), "", "").problem.is_some());
}

#[test]
fn warnings_are_kept() {
    let report = upgrade_report(
        Some(0),
        "",
        "WARNING: Version is pinned to 1.0 via PREFERRED_VERSION; x\nINFO: New recipe is /x.bb\n",
    );
    assert!(report.is_success());
    assert_eq!(
        report.warnings,
        ["Version is pinned to 1.0 via PREFERRED_VERSION; x"]
    );
}

#[test]
fn what_finish_did() {
    let stderr = include_str!("../../tests/data/devtool-finish.stderr");
    let report = finish_report(
        Some(0),
        include_str!("../../tests/data/devtool-finish.stdout"),
        stderr,
    );
    assert_eq!(report.updated, ["0001-greet.patch"]);
    assert!(report.removed.len() == 1 && report.removed[0].ends_with("hello/hello_1.0.bb"));
    assert!(ends(report.recipe_folder.as_ref(), "recipes-hello/hello"));
    assert!(ends(
        report.kept_sources.as_ref(),
        "attic/sources/hello.20261121215849"
    ));
    assert_eq!(report.failure, None);
}

#[test]
fn finish_can_fail() {
    let text = "Source tree /s appears to be in the middle of a rebase - please resolve this first";
    let failure = finish_report(Some(1), "", &format!("ERROR: {text}\n"))
        .failure
        .unwrap();
    assert_eq!(
        (failure.class, &*failure.message),
        (FailureClass::PatchConflict, text)
    );
    let failure = finish_report(Some(1), "", "ERROR: Source tree is not clean:\n\n x\n").failure;
    assert_eq!(failure.unwrap().message, "Source tree is not clean:");
}

#[test]
fn the_workspace() {
    let stdout = include_str!("../../tests/data/devtool-status.stdout");
    let entries = workspace_entries(stdout);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].recipe, "hello");
    assert!(ends(
        entries[0].recipe_file.as_ref(),
        "recipes/hello/hello_2.0.bb"
    ));
    assert!(entries[0].source_tree.ends_with("workspace/sources/hello"));
    assert_eq!(workspace_entries("a: /s\n")[0].recipe_file, None);
}

proptest! {
    #[test]
    fn no_output_is_too_strange(exit in proptest::option::of(any::<i32>()), lines in proptest::collection::vec(
        "(ERROR: |INFO: |WARNING: |CONFLICT \\(|Command 'git rebase |Rebasing | is unavailable:|x: /|)[ -~é]{0,30}", 0..8
    )) {
        let text = lines.join("\n");
        let _ = (upgrade_report(exit, &text, &text), finish_report(exit, &text, &text));
        let _ = workspace_entries(&text);
    }
}
