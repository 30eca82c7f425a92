//! What goes wrong: one error that says what to do, and the commit stays.

use super::*;
use auh_sdk::{Exit, FailureClass, pretend::ended};
use std::os::unix::fs::PermissionsExt;

const CREATE: &str = "gh pr create";

/// Runs it, checks that the commit is still what the layer has, and hands back the failure.
fn failure(bench: &Bench) -> (FailureClass, String) {
    let head = || bench.layer.git(&["rev-parse", "HEAD"]);
    let before = head();
    let failure = bench.failure();
    assert_eq!(head(), before);
    assert!(bench.layer.status().is_empty());
    let remote = bench.remote().display().to_string();
    (failure.class, failure.message.replace(&remote, "[REMOTE]"))
}

#[test]
fn a_rejected_push_is_told_and_opens_nothing() {
    let bench = Bench::new("github");
    let hook = bench.remote().join("hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\necho 'no bots, please' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let (class, message) = failure(&bench);
    assert_eq!(class, FailureClass::Commit);
    assert!(
        message.starts_with("git push exited with status 1: ! "),
        "{message}"
    );
    assert!(message.contains("no bots, please"), "{message}");
    assert!(message.ends_with("the commit stays in the layer, and the next run tries again"));
    assert!(bench.asked(CREATE).is_empty());
}

#[test]
fn a_push_between_look_and_push_is_not_overwritten() {
    let bench = Bench::new("github");
    bench.answer(
        "git ls-remote --symref -- origin HEAD refs/heads/auh",
        ended(0, "", ""),
    );
    let elsewhere = "HEAD~2:refs/heads/auh/hello-2.0";
    bench.layer.git(&["push", "-q", "origin", elsewhere]);
    let (class, message) = failure(&bench);
    assert_eq!(class, FailureClass::Commit);
    assert!(message.contains("stale info"), "{message}");
}

#[test]
fn who_is_not_logged_in_is_told_how() {
    let gh = "To get started with GitHub CLI, please run:  gh auth login\n\
              Alternatively, populate the GH_TOKEN environment variable with a GitHub API authentication token.\n";
    let glab = "none of the git remotes configured for this repository point to a known GitLab \
                host. Please use `glab auth login` to authenticate and configure a new host for glab.\n";
    for (kind, command, result, remedy) in [
        (
            "github",
            "gh pr list",
            ended(4, "", gh),
            "log in with `gh auth login`",
        ),
        (
            "gitlab",
            "glab mr list",
            ended(1, "", glab),
            "log in with `glab auth login`",
        ),
    ] {
        let bench = Bench::new(kind);
        bench.answer(command, result);
        let (class, message) = failure(&bench);
        assert_eq!(class, FailureClass::Infrastructure);
        assert!(
            message.starts_with(&format!("{command} was not let in: ")),
            "{message}"
        );
        assert!(message.ends_with(remedy), "{message}");
        assert!(!bench.remote_has("refs/heads/auh"));
    }
}

#[test]
fn what_the_forge_does_not_want_is_told_in_its_words() {
    let bench = Bench::new("github");
    bench.answer(
        CREATE,
        ended(1, "", "could not add label: 'auh' not found\n"),
    );
    let (class, message) = failure(&bench);
    assert_eq!(class, FailureClass::Commit);
    assert!(
        message.contains("could not add label: 'auh' not found;"),
        "{message}"
    );
}

#[test]
fn an_answer_of_another_form_is_no_empty_list() {
    let bench = Bench::new("github");
    bench.answer("gh pr list", ended(0, "{\"oops\": 1}", ""));
    let (_, message) = failure(&bench);
    assert!(
        message.starts_with("gh pr list answered something else"),
        "{message}"
    );
    assert!(bench.asked("git push").is_empty());
}

#[test]
fn an_upgrade_that_needs_commits_of_the_users_says_so() {
    let mut bench = Bench::new("github");
    let first = bench.state().commits[0].revision.clone();
    bench.layer.write("hello_2.0.bb", "PV = 3.0\n");
    bench
        .layer
        .git(&["commit", "-q", "-a", "-m", "hello: more"]);
    let later = bench.layer.git(&["rev-parse", "HEAD"]).trim().to_owned();
    assert_ne!(first, later);
    bench.state().commits[0].revision = later;
    let (class, message) = failure(&bench);
    assert_eq!(class, FailureClass::Commit);
    assert_eq!(
        message,
        "the upgrade builds on commits that main does not have, in hello_2.0.bb; push those first"
    );
}

#[test]
fn a_target_that_is_not_there_is_named() {
    let mut bench = Bench::new("github");
    bench.set("target-branch", json!("kirkstone"));
    let (_, message) = failure(&bench);
    assert_eq!(
        message,
        "origin has no branch kirkstone; name the branch to merge into with target-branch"
    );
    bench.set("target-branch", Value::Null);
    bench.set("remote", json!("nobody"));
    let (_, message) = failure(&bench);
    assert!(
        message.contains("'nobody' does not appear to be a git repository"),
        "{message}"
    );
}

#[test]
fn what_hangs_or_is_stopped_is_told_apart() {
    for (exit, class, words) in [
        (
            Exit::TimedOut,
            FailureClass::Hang,
            "see whether it waits for a password",
        ),
        (Exit::Stopped, FailureClass::Infrastructure, "stopped"),
    ] {
        let bench = Bench::new("github");
        let result = CommandResult {
            exit,
            ..ended(0, "", "")
        };
        bench.answer("git push", result);
        let (found, message) = failure(&bench);
        assert_eq!(found, class);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn nothing_is_run_for_a_group_with_nothing_to_merge() {
    let mut failed = Bench::new("github");
    let failure = Failure::new(FailureClass::Compile, "x");
    let recipe = failed.request.groups[0].group.recipes[0].name.clone();
    let entry = auh_sdk::protocol::step::RecipeFailure { recipe, failure };
    failed.state().failures.push(entry);
    let mut reverted = Bench::new("github");
    reverted.state().commits[0].reverted_by = Some("x".into());
    let mut nothing = Bench::new("github");
    nothing.state().commits.clear();
    for bench in [failed, reverted, nothing] {
        let outcome = bench.outcome();
        assert_eq!(outcome.recipes[0].status, RecipeStatus::Succeeded);
        assert!(outcome.notes.is_empty());
        assert!(bench.host.commands().is_empty());
    }
}
