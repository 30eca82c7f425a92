//! Commits and reverts with the real git.

use crate::{GitCommit, create, policy::RevertPolicy};
use auh_sdk::{
    Commit, Failure, FailureClass, GroupState, Host, LicenceChange, Options, RecipeName,
    RecipeStatus, RepositoryChange, Step, StepOutcome, StepRequest,
    pretend::{self, PretendHost},
    protocol::step::{DroppedPatch, RecipeFailure},
};
use real_git::Layer;
use std::{fs, os::unix::fs::PermissionsExt};

#[path = "../../repository/tests/real_git/mod.rs"]
mod real_git;

fn hello() -> RecipeName {
    RecipeName::new("hello").unwrap()
}

fn request(layer: &Layer, action: &str, state: GroupState) -> StepRequest {
    let recipe = pretend::recipe(&layer.top(), "hello");
    let mut request = pretend::request(&layer.beside(), action, vec![recipe], &[]);
    request.groups[0].state = state;
    request
}

fn host() -> Host {
    PretendHost::new(real_git::run).host()
}

fn run(policy: RevertPolicy, request: &StepRequest) -> StepOutcome {
    GitCommit { policy }.run(request, &host()).unwrap()
}

fn status(outcome: &StepOutcome) -> &RecipeStatus {
    assert_eq!(outcome.recipes.len(), 1);
    &outcome.recipes[0].status
}

fn failure(outcome: &StepOutcome) -> &Failure {
    match status(outcome) {
        RecipeStatus::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

fn failed(class: FailureClass) -> GroupState {
    GroupState {
        failures: vec![RecipeFailure {
            recipe: hello(),
            failure: Failure::new(class, "failed"),
        }],
        ..GroupState::default()
    }
}

const OLD: &str = "SUMMARY = \"hello\"\nLICENSE = \"MIT\"\nDEPENDS = \"x\"\n";

fn layer() -> Layer {
    Layer::new(&[
        ("hello/hello_1.0.bb", OLD),
        ("hello/fix.patch", "fix\n"),
        ("user/a.bb", "a\n"),
        ("user/b.bb", "b\n"),
    ])
}

/// What devtool does to the layer.
fn upgrade(layer: &Layer) -> GroupState {
    layer.remove("hello/hello_1.0.bb");
    layer.write("hello/hello_2.0.bb", &OLD.replace("x", "y"));
    layer.write("hello/fix.patch", "fixed\n");
    let paths = [
        "hello/fix.patch",
        "hello/hello_1.0.bb",
        "hello/hello_2.0.bb",
    ];
    GroupState {
        changes: vec![RepositoryChange {
            repository: layer.top(),
            paths: paths.map(Into::into).into(),
        }],
        ..GroupState::default()
    }
}

/// The user's own edits: staged, staged and changed again, changed, new, staged as removed.
fn edits(layer: &Layer) -> Vec<String> {
    layer.write("user/a.bb", "staged\n");
    layer.write("user/new.bb", "staged\n");
    layer.git(&["add", "-A"]);
    layer.write("user/a.bb", "staged and changed\n");
    layer.write("notes", "mine\n");
    layer.git(&["rm", "-q", "--cached", "user/b.bb"]);
    layer.status()
}

#[test]
fn commits_exactly_the_changed_paths_and_writes_the_patch() {
    let layer = layer();
    let before = edits(&layer);
    let outcome = run(
        RevertPolicy::default(),
        &request(&layer, "run", upgrade(&layer)),
    );
    assert_eq!(status(&outcome), &RecipeStatus::Succeeded);
    assert_eq!(outcome.changes, Some(vec![]));
    assert_eq!(layer.status(), before);
    assert_eq!(layer.git(&["show", ":user/a.bb"]), "staged\n");
    assert_eq!(layer.read("user/a.bb"), "staged and changed\n");
    let shown = layer.git(&[
        "show",
        "--no-renames",
        "--name-status",
        "--format=%an <%ae>%n%cn%n%B",
    ]);
    assert_eq!(
        shown,
        "Upgrade Helper <uh@not.set>\nTester\nhello: upgrade 1.0 -> 2.0\n\n\
         Signed-off-by: Tester <tester@example.com>\n\n\n\
         M\thello/fix.patch\nD\thello/hello_1.0.bb\nA\thello/hello_2.0.bb\n"
    );
    let commit = &outcome.commits[0];
    assert_eq!(commit.revision, layer.git(&["rev-parse", "HEAD"]).trim());
    let patch = commit.patch.as_ref().unwrap();
    assert_eq!(
        patch,
        &layer.beside().join("0001-hello-upgrade-1.0-2.0.patch")
    );
    let text = fs::read_to_string(patch).unwrap();
    assert!(text.contains("rename to hello/hello_2.0.bb"), "{text}");
}

#[test]
fn a_changed_licence_is_mentioned_without_claiming_a_review() {
    let layer = layer();
    let mut state = upgrade(&layer);
    state.licences.push(LicenceChange {
        recipe: hello(),
        file: layer.beside().join("license-diff-1.0.txt"),
    });
    run(RevertPolicy::default(), &request(&layer, "run", state));
    let body = layer.git(&["show", "-s", "--format=%b"]);
    assert!(body.contains("see license-diff-1.0.txt"), "{body}");
    assert!(!body.contains("License-Update:"), "{body}");
}

#[test]
fn the_message_has_upstreams_changes_and_the_patches_that_are_gone() {
    let layer = layer();
    let changelog = layer.beside().join("changelog-hello.txt");
    let text = "Changelog for hello: 1.0 -> 2.0\nSource: NEWS\n\n# 2.0\n\n---\nSaid: more\n";
    fs::write(&changelog, text).unwrap();
    let mut state = upgrade(&layer);
    state.changelogs.push((hello(), changelog));
    let request_without_drops = request(&layer, "run", state.clone());
    run(RevertPolicy::default(), &request_without_drops);
    assert_eq!(
        layer.git(&["show", "-s", "--format=%B"]),
        "hello: upgrade 1.0 -> 2.0\n\nSource: NEWS\n\n # 2.0\n\n ---\nSaid: more\n\n\
         Signed-off-by: Tester <tester@example.com>\n\n"
    );
    layer.git(&["reset", "-q", "HEAD^"]);
    state.dropped_patches.push(DroppedPatch {
        recipe: hello(),
        patch: "0001-greet.patch".into(),
    });
    run(RevertPolicy::default(), &request(&layer, "run", state));
    let body = layer.git(&["show", "-s", "--format=%b"]);
    let expect = "Said: more\n\nDropped patches:\n- 0001-greet.patch\n\nSigned-off-by: ";
    assert!(body.contains(expect), "{body}");
    // What `git am` makes of the patch is the same commit again.
    let patch = layer.beside().join("0001-hello-upgrade-1.0-2.0.patch");
    let message = layer.git(&["show", "-s", "--format=%B"]);
    layer.git(&["reset", "-q", "--hard", "HEAD^"]);
    layer.git(&["am", "-q", &patch.display().to_string()]);
    assert_eq!(layer.git(&["show", "-s", "--format=%B"]), message);
}

#[test]
fn nothing_changed_is_no_commit_and_hides_no_failure() {
    let layer = layer();
    let outcome = run(
        RevertPolicy::All,
        &request(&layer, "run", GroupState::default()),
    );
    let reason = "nothing to commit".to_owned();
    assert_eq!(status(&outcome), &RecipeStatus::Skipped { reason });
    let state = failed(FailureClass::PatchConflict);
    let outcome = run(RevertPolicy::All, &request(&layer, "run", state));
    assert_eq!(status(&outcome), &RecipeStatus::Succeeded);
    assert_eq!(layer.git(&["rev-list", "--count", "HEAD"]), "1\n");
}

#[test]
fn a_refused_commit_leaves_the_layer_as_it_was() {
    let layer = layer();
    let before = edits(&layer);
    let hook = layer.top().join(".git/hooks/pre-commit");
    fs::write(
        &hook,
        "#!/bin/sh\necho 'no upgrades on a Sunday' >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = run(
        RevertPolicy::default(),
        &request(&layer, "run", upgrade(&layer)),
    );
    let failure = failure(&outcome);
    assert_eq!(failure.class, FailureClass::Commit);
    assert!(
        failure.message.contains("no upgrades on a Sunday"),
        "{failure:?}"
    );
    assert_eq!((outcome.changes, layer.status()), (Some(vec![]), before));
    assert_eq!(layer.git(&["rev-list", "--count", "HEAD"]), "1\n");
    assert_eq!(layer.git(&["show", ":user/a.bb"]), "staged\n");
}

#[test]
fn a_locked_index_leaves_the_layer_as_it_was() {
    let layer = layer();
    let state = upgrade(&layer);
    let lock = layer.top().join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    let outcome = run(RevertPolicy::default(), &request(&layer, "run", state));
    fs::remove_file(lock).unwrap();
    assert!(
        failure(&outcome).message.contains("index.lock"),
        "{outcome:?}"
    );
    assert_eq!((outcome.changes, layer.status()), (Some(vec![]), vec![]));
}

#[test]
fn two_repositories_get_a_patch_each() {
    let (one, two) = (layer(), layer());
    let mut state = upgrade(&one);
    state.changes.extend(upgrade(&two).changes);
    let outcome = run(RevertPolicy::default(), &request(&one, "run", state));
    let patches: Vec<_> = outcome.commits.iter().flat_map(|c| &c.patch).collect();
    assert_eq!(patches.len(), 2);
    assert_ne!(patches[0], patches[1]);
    assert!(patches.iter().all(|patch| patch.exists()));
}

/// Commits an upgrade and hands back the commit.
fn committed(layer: &Layer) -> Commit {
    let outcome = run(RevertPolicy::Never, &request(layer, "run", upgrade(layer)));
    outcome.commits.into_iter().next().unwrap()
}

fn after(layer: &Layer, class: FailureClass) -> GroupState {
    GroupState {
        commits: vec![committed(layer)],
        ..failed(class)
    }
}

#[test]
fn a_failed_upgrade_is_reverted_beside_the_users_edits() {
    for with_edits in [false, true] {
        let layer = layer();
        let state = after(&layer, FailureClass::Compile);
        let before = if with_edits { edits(&layer) } else { vec![] };
        let outcome = run(RevertPolicy::default(), &request(&layer, "revert", state));
        assert_eq!(status(&outcome), &RecipeStatus::Succeeded, "{with_edits}");
        assert_eq!(layer.status(), before);
        assert_eq!(layer.git(&["diff", "--stat", "HEAD~2", "HEAD"]), "");
        assert_eq!(layer.read("hello/hello_1.0.bb"), OLD);
        let head = layer.git(&["rev-parse", "HEAD"]);
        assert_eq!(outcome.commits[0].reverted_by.as_deref(), Some(head.trim()));
        let subject = layer.git(&["show", "-s", "--format=%s"]);
        assert_eq!(subject, "Revert \"hello: upgrade 1.0 -> 2.0\"\n");
    }
}

#[test]
fn a_revert_that_conflicts_is_undone_and_reported_with_the_remedy() {
    for with_edits in [false, true] {
        let layer = layer();
        let state = after(&layer, FailureClass::Compile);
        layer.write("hello/fix.patch", "fixed again\n");
        layer.git(&["commit", "-q", "-a", "-m", "later"]);
        let before = if with_edits { edits(&layer) } else { vec![] };
        let revision = state.commits[0].revision.clone();
        let outcome = run(RevertPolicy::default(), &request(&layer, "revert", state));
        let failure = failure(&outcome);
        assert_eq!(failure.class, FailureClass::Commit);
        assert!(failure.message.contains(&format!("revert {revision}")));
        assert_eq!(layer.status(), before, "{with_edits}");
        assert_eq!(layer.read("hello/fix.patch"), "fixed again\n");
        assert!(!layer.top().join(".git/REVERT_HEAD").exists());
    }
}

#[test]
fn each_policy_reverts_what_its_name_says() {
    use FailureClass::{Commit as Git, Compile, Test, Timeout};
    let cases = [
        ("failed_to_build", vec![Compile], true),
        ("failed_to_build", vec![Timeout], true),
        ("failed_to_build", vec![Git], true),
        ("failed_to_build", vec![Test], false),
        ("failed_to_build", vec![], false),
        ("failed_to_test", vec![Compile], false),
        ("failed_to_test", vec![Test], true),
        ("failed_to_test", vec![], false),
        ("all", vec![], true),
        ("all", vec![Compile], true),
        ("never", vec![Compile, Test], false),
    ];
    for (name, classes, expect) in cases {
        let mut options = Options::new();
        options.insert("revert-policy".into(), name.into());
        let mut state = GroupState::default();
        for class in &classes {
            state.failures.extend(failed(*class).failures);
        }
        let policy = create(&options).unwrap().policy;
        assert_eq!(policy.reverts(&state), expect, "{name} {classes:?}");
    }
}

#[test]
fn a_good_upgrade_is_neither_reverted_nor_said_to_be_skipped() {
    let layer = layer();
    let state = GroupState {
        commits: vec![committed(&layer)],
        ..GroupState::default()
    };
    let outcome = run(RevertPolicy::default(), &request(&layer, "revert", state));
    assert_eq!(status(&outcome), &RecipeStatus::Succeeded);
    assert_eq!((outcome.changes, outcome.commits), (None, vec![]));
    assert_eq!(layer.git(&["rev-list", "--count", "HEAD"]), "2\n");
}

#[test]
fn an_unknown_policy_does_not_fit() {
    let key = &crate::manifest().options.unwrap()[0];
    assert!(key.kind.fits(key.default.as_ref().unwrap()));
    assert!(!key.kind.fits(&"sometimes".into()));
}

#[test]
fn what_was_never_committed_is_put_back() {
    let layer = layer();
    let before = edits(&layer);
    let state = GroupState {
        failures: failed(FailureClass::Compile).failures,
        ..upgrade(&layer)
    };
    let kept = run(
        RevertPolicy::Never,
        &request(&layer, "revert", state.clone()),
    );
    assert_eq!(kept.changes, None);
    assert_ne!(layer.status(), before);
    let outcome = run(
        RevertPolicy::FailedToTest,
        &request(&layer, "revert", state),
    );
    assert_eq!((outcome.changes, layer.status()), (Some(vec![]), before));
}

#[test]
fn an_unknown_action_is_an_error() {
    let layer = layer();
    let request = request(&layer, "push", GroupState::default());
    let step = create(&Options::new()).unwrap();
    let error = step.run(&request, &host()).unwrap_err().to_string();
    assert!(error.contains("\"push\""), "{error}");
}
