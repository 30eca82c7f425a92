//! Cherry-picks with the real git.

use crate::GitIntegrate;
use auh_sdk::{
    Commit, GroupState, Host, RecipeStatus, Step, StepOutcome, StepRequest,
    pretend::{self, PretendHost},
};
use real_git::Layer;

#[path = "../../repository/tests/real_git/mod.rs"]
mod real_git;

fn request(layer: &Layer, commits: Vec<Commit>, branch: Option<&str>) -> StepRequest {
    let recipe = pretend::recipe(&layer.top(), "hello");
    let mut request = pretend::request(&layer.beside(), "run", vec![recipe], &[]);
    request.run.branch = branch.map(str::to_owned);
    request.groups[0].state = GroupState {
        commits,
        ..GroupState::default()
    };
    request
}

fn run(layer: &Layer, commits: Vec<Commit>, branch: Option<&str>) -> StepOutcome {
    carry_out(&request(layer, commits, branch))
}

fn run_again(layer: &Layer, commits: Vec<Commit>) -> StepOutcome {
    let mut request = request(layer, commits, Some("auh/1"));
    request.again = true;
    carry_out(&request)
}

fn carry_out(request: &StepRequest) -> StepOutcome {
    let host: Host = PretendHost::new(real_git::run).host();
    GitIntegrate.run(request, &host).unwrap()
}

fn head(layer: &Layer) -> String {
    layer.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

/// A commit that was made beside the branch: the branch is where it was before.
fn commit(layer: &Layer, file: &str, text: &str) -> Commit {
    commit_of(layer, &format!("change {file} to {text}"), || {
        layer.write(file, text);
    })
}

fn commit_of(layer: &Layer, subject: &str, edit: impl FnOnce()) -> Commit {
    let before = head(layer);
    edit();
    layer.git(&["add", "-A"]);
    layer.git(&["commit", "-q", "--cleanup=verbatim", "-m", subject]);
    let revision = head(layer);
    layer.git(&["reset", "-q", "--hard", &before]);
    Commit {
        repository: layer.top(),
        revision,
        subject: String::new(),
        patch: None,
        integrated_as: None,
        reverted_by: None,
    }
}

fn layer() -> Layer {
    Layer::new(&[("a.bb", "1\n"), ("b.bb", "1\n")])
}

#[test]
fn commits_come_to_the_branch_and_know_it() {
    let layer = layer();
    let made = commit(&layer, "a.bb", "2\n\n# no comment");
    layer.git(&["config", "commit.cleanup", "strip"]);
    let outcome = run(&layer, vec![made.clone()], Some("auh/1"));
    assert_eq!(outcome.recipes[0].status, RecipeStatus::Succeeded);
    assert_eq!(layer.read("a.bb"), "2\n\n# no comment");
    let message = |revision: &str| layer.git(&["log", "-1", "--format=%B", revision]);
    assert_eq!(message("HEAD"), message(&made.revision));
    assert_eq!(outcome.commits[0].current(), head(&layer));
    assert_eq!(outcome.commits[0].revision, made.revision);
}

#[test]
fn a_pick_of_an_earlier_attempt_is_recognised_whatever_its_message_ends_with() {
    for (end, number) in ["", "\n", "\n\n\u{1e}\n", "\r\n "].iter().zip(2..) {
        let layer = layer();
        let subject = format!("change a.bb\n\nto {number}{end}");
        let made = commit_of(&layer, &subject, || {
            layer.write("a.bb", &number.to_string());
        });
        let first = run(&layer, vec![made.clone()], Some("auh/1"));
        let picked = head(&layer);
        let second = run_again(&layer, vec![made]);
        assert_eq!(head(&layer), picked, "{end:?}");
        assert_eq!(second.commits, first.commits);
    }
}

#[test]
fn of_two_commits_of_which_one_was_picked_only_the_other_is() {
    let layer = layer();
    let both = [commit(&layer, "a.bb", "2"), commit(&layer, "b.bb", "2")];
    run(&layer, both[..1].to_vec(), Some("auh/1"));
    let picked = head(&layer);
    let outcome = run_again(&layer, both.to_vec());
    assert_eq!(outcome.commits[0].current(), picked);
    assert_eq!(outcome.commits[1].current(), head(&layer));
    assert_eq!(layer.git(&["rev-parse", "HEAD^"]).trim(), picked);
}

#[test]
fn a_removed_file_is_gone_on_the_branch() {
    let layer = layer();
    let made = commit_of(&layer, "remove b", || layer.remove("b.bb"));
    run(&layer, vec![made], Some("auh/1"));
    assert!(!layer.top().join("b.bb").exists());
}

#[test]
fn in_place_there_is_nothing_to_do() {
    let layer = layer();
    let made = commit(&layer, "a.bb", "2");
    let outcome = run(&layer, vec![made], None);
    assert_eq!(outcome.recipes[0].status, RecipeStatus::Succeeded);
    assert!(outcome.commits.is_empty());
    assert_eq!(layer.read("a.bb"), "1\n");
}

#[test]
fn a_reverted_commit_stays_away() {
    let layer = layer();
    let made = Commit {
        reverted_by: Some("x".into()),
        ..commit(&layer, "a.bb", "2")
    };
    assert!(run(&layer, vec![made], Some("auh/1")).commits.is_empty());
    assert_eq!(layer.read("a.bb"), "1\n");
}

#[test]
fn a_conflict_names_the_other_change_and_leaves_nothing() {
    let layer = layer();
    let both = [commit(&layer, "b.bb", "2"), commit(&layer, "a.bb", "3")];
    let earlier = commit(&layer, "a.bb", "2");
    run(&layer, vec![earlier], Some("auh/1"));
    let before = head(&layer);
    let outcome = run(&layer, both.to_vec(), Some("auh/1"));
    let RecipeStatus::Failed(failure) = &outcome.recipes[0].status else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        failure.message,
        "conflicts with \"change a.bb to 2\" in a.bb"
    );
    assert_eq!(head(&layer), before);
    assert!(layer.status().is_empty());
    assert!(outcome.commits.is_empty());
}
