//! Branches and merge requests on GitHub and GitLab.

use super::*;

const BRANCH: &str = "refs/heads/auh/hello-2.0";
const PULL: &str = "https://github.com/me/meta-tiny/pull/7";
const MERGE: &str = "https://gitlab.com/me/meta-tiny/-/merge_requests/7";

fn pull(state: &str) -> CommandResult {
    let list = json!([
        {"number": 3, "url": "https://github.com/them/meta-tiny/pull/3", "state": "OPEN",
         "isCrossRepository": true, "headRepositoryOwner": {"id": "x", "login": "them"}},
        {"number": 7, "url": PULL, "state": state, "isCrossRepository": false,
         "headRepositoryOwner": {"id": "y", "login": "me"}},
    ]);
    ended(0, &list.to_string(), "")
}

fn merge(state: &str) -> CommandResult {
    let list = json!([
        {"iid": 3, "web_url": "x", "state": "opened", "source_branch": "auh/hello-2.0",
         "source_project_id": 2, "target_project_id": 1, "title": "of a fork"},
        {"iid": 7, "web_url": MERGE, "state": state, "source_branch": "auh/hello-2.0",
         "source_project_id": 1, "target_project_id": 1, "title": "x"},
    ]);
    ended(0, &list.to_string(), "")
}

fn github() -> Bench {
    let bench = Bench::new("github");
    bench.answer(
        "gh pr create",
        ended(0, &format!("{PULL}\n"), "\nCreating pull request\n"),
    );
    bench.answer("gh pr edit", ended(0, &format!("{PULL}\n"), ""));
    bench
}

#[test]
fn a_branch_has_the_groups_commit_alone_and_the_layer_stays_as_it_is() {
    let bench = github();
    let looked = || {
        (
            bench
                .layer
                .git(&["for-each-ref", "refs/heads", "refs/tags"]),
            bench.layer.git(&["rev-parse", "HEAD"]),
            bench.layer.status(),
        )
    };
    let before = looked();
    assert_eq!(bench.note(), format!("merge request {PULL} opened"));
    assert_eq!(bench.proposed(BRANCH), ["hello: upgrade 1.0 -> 2.0"]);
    let show = |what: &str| bench.in_remote(&["show", &format!("{BRANCH}:{what}")]);
    assert_eq!(show("hello_2.0.bb"), "PV = 2.0\n");
    assert_eq!(show("other_1.0.bb"), "PV = 1.0\n");
    let there = bench.in_remote(&["ls-tree", "--name-only", BRANCH]);
    assert_eq!(there, "hello_2.0.bb\nother_1.0.bb\n");
    let message = bench.in_remote(&["log", "-1", "--format=%an %ae%n%B", BRANCH]);
    assert!(
        message.contains("Tester tester@example.com\nhello: upgrade"),
        "{message}"
    );
    assert!(message.contains("\n# a line\n"), "{message}");
    assert_eq!(looked(), before);
    let files = fs::read_dir(&bench.request.groups[0].folder).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["merge-request.md"]);
}

#[test]
fn gh_gets_each_value_in_one_argument_and_the_text_as_its_input() {
    let mut bench = github();
    for (key, value) in [
        ("draft", json!(true)),
        ("labels", json!(["auh", "two words"])),
        ("reviewers", json!(["ann", "org/team"])),
        ("project", json!("them/meta-tiny")),
        ("fork", json!("me")),
        ("target-branch", json!("main")),
        ("branch", json!("bot/{version}/{group}")),
    ] {
        bench.set(key, value);
    }
    bench.note();
    insta::assert_snapshot!("gh_list", bench.asked_once("gh pr list"));
    insta::assert_snapshot!("gh_create", bench.asked_once("gh pr create"));
    let create = &bench.asked("gh pr create")[0];
    assert_eq!(
        create.stdin.as_deref(),
        Some(&*bench.file("merge-request.md"))
    );
    let variable = |name: &str| {
        create
            .env
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| &**v)
    };
    assert_eq!(variable("GH_PROMPT_DISABLED"), Some("1"));
    assert_eq!(bench.proposed("refs/heads/bot/2.0/hello").len(), 1);
}

#[test]
fn the_very_commit_is_pushed_when_it_lies_on_the_target() {
    let mut bench = github();
    bench.upgrade_again("PV = 2.0\n");
    bench.note();
    let pushed = bench.in_remote(&["rev-parse", BRANCH]);
    assert_eq!(pushed.trim(), bench.state().commits[0].revision);
}

#[test]
fn the_same_upgrade_on_another_night_changes_nothing() {
    let mut bench = github();
    bench.note();
    let first = bench.in_remote(&["rev-parse", BRANCH]);
    bench.answer("gh pr list", pull("OPEN"));
    bench.upgrade_again("PV = 2.0\n");
    assert_eq!(bench.note(), format!("merge request {PULL} is up to date"));
    assert_eq!(bench.in_remote(&["rev-parse", BRANCH]), first);
    assert_eq!(bench.asked("gh pr create").len(), 1);
    assert_eq!(bench.asked("gh pr edit").len(), 0);
}

#[test]
fn a_patch_of_the_recipe_that_has_another_date_is_no_other_upgrade() {
    let mut bench = github();
    let night = |bench: &mut Bench, date: &str| {
        let patch = format!("Subject: x\nDate: {date}\n\n-a\n+b\n");
        bench.layer.write("x.patch", &patch);
        bench.layer.git(&["add", "-A"]);
        bench.layer.git(&["commit", "-q", "--amend", "--no-edit"]);
        let revision = bench.layer.git(&["rev-parse", "HEAD"]);
        bench.state().commits[0].revision = revision.trim().to_owned();
    };
    night(&mut bench, "Sun, 22 Nov 2026 11:33:27 +0000");
    bench.note();
    bench.answer("gh pr list", pull("OPEN"));
    bench.upgrade_again("PV = 2.0\n");
    night(&mut bench, "Mon, 23 Nov 2026 11:33:27 +0000");
    assert_eq!(bench.note(), format!("merge request {PULL} is up to date"));
}

#[test]
fn a_branch_without_a_merge_request_gets_one() {
    let bench = github();
    bench.note();
    assert_eq!(bench.note(), format!("merge request {PULL} opened"));
    assert_eq!(bench.asked("gh pr create").len(), 2);
    assert_eq!(bench.asked("git push").len(), 1);
}

#[test]
fn another_upgrade_to_the_same_version_updates_branch_and_text() {
    let mut bench = github();
    bench.note();
    bench.answer("gh pr list", pull("OPEN"));
    bench.upgrade_again("PV = 2.0\nDEPENDS = zlib\n");
    assert_eq!(bench.note(), format!("merge request {PULL} updated"));
    assert_eq!(bench.proposed(BRANCH), ["hello: upgrade 1.0 -> 2.0"]);
    let recipe = bench.in_remote(&["show", &format!("{BRANCH}:hello_2.0.bb")]);
    assert!(recipe.ends_with("DEPENDS = zlib\n"));
    insta::assert_snapshot!("gh_edit", bench.asked_once("gh pr edit"));
}

#[test]
fn what_somebody_else_has_added_stays() {
    let mut bench = github();
    bench.note();
    bench.layer.git(&["fetch", "-q", "origin", BRANCH]);
    bench
        .layer
        .git(&["checkout", "-q", "--detach", "FETCH_HEAD"]);
    let author = "--author=Ann <ann@example.org>";
    bench
        .layer
        .git(&["commit", "-q", "--allow-empty", author, "-m", "mine"]);
    bench
        .layer
        .git(&["push", "-q", "origin", &format!("HEAD:{BRANCH}")]);
    bench.layer.git(&["checkout", "-q", "main"]);
    bench.answer("gh pr list", pull("OPEN"));
    bench.upgrade_again("PV = 2.0\nDEPENDS = zlib\n");
    let note = bench.note();
    assert_eq!(
        note,
        format!(
            "no merge request: the branch auh/hello-2.0 of {PULL} has commits of Ann and is left as it is"
        )
    );
    assert_eq!(bench.proposed(BRANCH)[0], "mine");
}

#[test]
fn what_was_turned_down_is_not_proposed_again() {
    for (kind, list, answer, address) in [
        ("github", "gh pr list", pull("CLOSED"), PULL),
        ("github", "gh pr list", pull("MERGED"), PULL),
        ("gitlab", "glab mr list", merge("closed"), MERGE),
    ] {
        let bench = Bench::new(kind);
        bench.answer(list, answer);
        let note = bench.note();
        assert!(
            note.starts_with(&format!("no merge request: {address} was")),
            "{note}"
        );
        assert!(!bench.remote_has(BRANCH));
    }
}

#[test]
fn one_that_was_opened_meanwhile_is_no_error() {
    let bench = github();
    let said =
        format!("a pull request for branch \"x\" into branch \"main\" already exists:\n{PULL}\n");
    bench.answer("gh pr create", ended(1, "", &said));
    assert_eq!(bench.note(), format!("merge request {PULL} opened"));
}

#[test]
fn a_dry_run_shows_text_and_commands_and_changes_nothing() {
    for kind in ["github", "gitlab"] {
        let mut bench = Bench::new(kind);
        bench.set("dry-run", json!(true));
        assert_eq!(
            bench.note(),
            "dry run: a merge request for auh/hello-2.0 into main; see \
             [RUN]/hello/merge-request-commands.txt"
        );
        let commands = bench.file("merge-request-commands.txt");
        insta::assert_snapshot!(format!("dry_run_{kind}"), commands);
        assert!(
            bench
                .file("merge-request.md")
                .contains("| `hello` | 1.0 | 2.0 |")
        );
        assert!(!bench.remote_has(BRANCH));
        assert_eq!(bench.host.log().len(), 3);
    }
}

#[test]
fn glab_gets_each_value_in_one_argument() {
    let mut bench = Bench::new("gitlab");
    for (key, value) in [
        ("draft", json!(true)),
        ("labels", json!(["auh"])),
        ("reviewers", json!(["ann"])),
        ("project", json!("them/meta-tiny")),
        ("fork", json!("me/meta-tiny")),
    ] {
        bench.set(key, value);
    }
    let printed = format!("\n!7 hello: upgrade 1.0 -> 2.0 (auh/hello-2.0)\n {MERGE}\n\n");
    bench.answer("glab mr create", ended(0, &printed, ""));
    assert_eq!(bench.note(), format!("merge request {MERGE} opened"));
    insta::assert_snapshot!("glab_list", bench.asked_once("glab mr list"));
    insta::assert_snapshot!("glab_create", bench.asked_once("glab mr create"));
}

#[test]
fn on_gitlab_a_merge_request_is_brought_up_to_date() {
    let mut bench = Bench::new("gitlab");
    bench.answer("glab mr create", ended(0, MERGE, ""));
    bench.note();
    bench.answer("glab mr list", merge("opened"));
    assert_eq!(bench.note(), format!("merge request {MERGE} is up to date"));
    bench.answer("glab mr update", ended(0, MERGE, ""));
    bench.upgrade_again("PV = 2.0\nX = 1\n");
    assert_eq!(bench.note(), format!("merge request {MERGE} updated"));
    insta::assert_snapshot!("glab_update", bench.asked_once("glab mr update"));
}

#[test]
fn each_repository_of_a_group_gets_a_merge_request() {
    let mut bench = github();
    bench.set("dry-run", json!(true));
    let mut other = Bench::new("github");
    let second = other.state().commits.remove(0);
    bench.state().commits.push(second);
    let outcome = bench.outcome();
    assert_eq!(outcome.notes.len(), 2, "{outcome:?}");
    assert_ne!(
        bench.file("merge-request-commands.txt"),
        bench.file("merge-request-commands-2.txt")
    );
    bench.set("dry-run", json!(false));
    bench.outcome();
    assert!(bench.remote_has(BRANCH) && other.remote_has(BRANCH));
}
