//! Changes on Gerrit; what they are pushed to is a plain repository that takes push options.

use super::*;

const FOR: &str = "refs/for/main";

fn bench() -> Bench {
    let bench = Bench::new("gerrit");
    bench.in_remote(&["config", "receive.advertisePushOptions", "true"]);
    bench
}

fn message(bench: &Bench) -> String {
    bench.in_remote(&["log", "-1", "--format=%B", FOR])
}

#[test]
fn a_change_has_an_id_that_follows_from_recipe_and_version() {
    let mut bench = bench();
    assert_eq!(bench.note(), "change for review pushed");
    assert_eq!(bench.proposed(FOR), ["hello: upgrade 1.0 -> 2.0"]);
    let first = message(&bench);
    let (_, end) = first
        .split_once("Signed-off-by: T <t@example.com>\nChange-Id: I")
        .unwrap();
    assert_eq!(end.trim().len(), 40, "{first}");
    // Another night: another commit, with an id that a hook has given it.
    bench.in_remote(&["update-ref", "-d", FOR]);
    bench.upgrade_again("PV = 2.0\nX = 1\n");
    let id = format!("Change-Id: I{}", "0".repeat(40));
    bench
        .layer
        .git(&["commit", "-q", "--amend", "-m", "hello: upgrade", "-m", &id]);
    bench.state().commits[0].revision = bench.layer.git(&["rev-parse", "HEAD"]).trim().to_owned();
    bench.note();
    let second = message(&bench);
    assert_eq!(second.matches("Change-Id: ").count(), 1, "{second}");
    assert!(
        second
            .trim_end()
            .ends_with(&format!("Change-Id: I{}", end.trim())),
        "{second}"
    );
}

#[test]
fn the_same_upgrade_on_the_same_base_is_the_same_commit() {
    let mut bench = bench();
    bench.note();
    let first = bench.in_remote(&["rev-parse", FOR]);
    bench.layer.git(&["reset", "-q", "--hard", "HEAD~2"]);
    bench.layer.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "something else of the run",
    ]);
    bench.state().commits = vec![bench.upgrade("hello", "PV = 2.0\n")];
    bench.note();
    assert_eq!(bench.in_remote(&["rev-parse", FOR]), first);
}

#[test]
fn settings_are_push_options() {
    let mut bench = bench();
    for (key, value) in [
        ("draft", json!(true)),
        ("labels", json!(["auh"])),
        ("reviewers", json!(["ann@example.org"])),
        ("dry-run", json!(true)),
    ] {
        bench.set(key, value);
    }
    let note = bench.note();
    assert!(
        note.starts_with("dry run: a change for main; see "),
        "{note}"
    );
    insta::assert_snapshot!("gerrit_push", bench.file("merge-request-commands.txt"));
    assert!(!bench.remote_has(FOR));
}

#[test]
fn gerrits_answers_are_understood() {
    let new = "remote: Processing changes: new: 1, done\nremote:\nremote: SUCCESS\nremote:\n\
               remote:   https://review.example.org/c/meta/+/12 hello: upgrade 1.0 -> 2.0 [NEW]\n";
    let rejected = |reason: &str| {
        let line = format!(
            "To https://review.example.org/meta\n!\tabc:refs/for/main\t[remote rejected] ({reason})\nDone\n"
        );
        ended(1, &line, "error: failed to push some refs\n")
    };
    for (result, note) in [
        (
            ended(0, "Done\n", new),
            "change https://review.example.org/c/meta/+/12 pushed",
        ),
        (rejected("no new changes"), "the change is up to date"),
        (
            rejected("change https://review.example.org/c/meta/+/12 closed"),
            "no change: https://review.example.org/c/meta/+/12 was for the same version and is \
             closed; restore it if it shall be merged",
        ),
    ] {
        let bench = bench();
        bench.answer("git push", result);
        assert_eq!(bench.note(), note);
    }
}
