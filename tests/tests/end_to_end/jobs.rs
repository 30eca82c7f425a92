//! `--jobs`: groups side by side, each in work trees and build directories of its own.

use auh_journal::GroupVerdict;
use auh_tests::Environment;
use std::fs;

const ALL: &str = "hello ghello phello mhello chello bhello --machines qemux86-64,qemuarm64";

/// Commits that a branch has on top of the layer's first one.
fn subjects(environment: &Environment, branch: &str) -> Vec<String> {
    let log = environment.git(&["log", "--reverse", "--format=%s", branch]);
    log.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn side_by_side_gives_what_one_by_one_gives() {
    let (Some(alone), Some(together)) = (Environment::six(), Environment::six()) else {
        return;
    };
    // devtool notes the date in the patches that it refreshes.
    let date = "1700000000 +0000";
    let call = alone.upgrade(ALL).env("GIT_AUTHOR_DATE", date);
    let _ = call.run().expect_code(1);
    let before = together.git(&["rev-parse", "HEAD"]);
    let output = together
        .upgrade(ALL)
        .args(["--jobs", "2"])
        .env("GIT_AUTHOR_DATE", date)
        .run()
        .expect_code(1);
    // The checkout is as it was; the commits are on the run's branch, in the order of the plan.
    assert_eq!(together.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(together.git(&["status", "--porcelain"]), "");
    let branch = together.git(&[
        "for-each-ref",
        "--format=%(refname:short)",
        "refs/heads/auh",
    ]);
    let standing: Vec<_> = subjects(&alone, "HEAD")
        .into_iter()
        .filter(|s| !s.contains("bhello"))
        .collect();
    assert_eq!(subjects(&together, &branch), standing);
    assert!(
        output
            .stderr
            .contains(&format!("on the branch {branch} of")),
        "{}",
        output.shown()
    );
    let fates = |environment: &Environment| {
        let run = environment.latest_run();
        let verdicts = run.verdicts().into_iter();
        verdicts
            .map(|(group, verdict)| {
                let classes: Vec<_> = run.failures(&group).into_iter().map(|(c, _)| c).collect();
                (group, verdict, classes)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(fates(&together), fates(&alone));
    for recipe in ["hello", "ghello", "phello", "mhello"] {
        let grep = format!("^{recipe}: ");
        let patch = |environment: &Environment, branch: &str| {
            let show = ["log", "--format=%an%n%B", "-p", "--grep", &grep, branch];
            let said = environment.git(&show);
            // A recipe with its upstream in the environment's own folder has a hash of its own, too.
            let said = said.replace(&environment.top().display().to_string(), "TOP");
            let lines = said.lines().filter(|line| !line.starts_with("index "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(patch(&together, &branch), patch(&alone, "HEAD"), "{recipe}");
    }
    assert!(together.processes().is_empty());
}

#[test]
fn the_checkout_follows_when_asked_to() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello ghello --machines qemux86-64 --jobs 3");
    let _ = call
        .args(["--integrate", "fast-forward"])
        .run()
        .expect_code(0);
    assert_eq!(
        environment.subjects(),
        ["hello: upgrade 1.0 -> 2.0", "ghello: upgrade 1.0 -> 2.0"]
    );
    assert_eq!(
        environment.latest_run().with(GroupVerdict::Succeeded).len(),
        2
    );
    assert!(environment.recipe("hello", "2.0").is_file());
}

#[test]
fn a_second_run_takes_the_same_folders() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let old = environment.top().join("build-job1/tmp/old");
    for (recipe, branches) in [("hello", 1), ("ghello", 2)] {
        environment.append(&old, "");
        environment.settings(&format!("clean-tmp = {}\n", branches == 2));
        let words = format!("{recipe} --machines qemux86-64 --jobs 2");
        let _ = environment.upgrade(&words).run().expect_code(0);
        let refs = environment.git(&["for-each-ref", "--format=%(refname)", "refs/heads/auh"]);
        assert_eq!(refs.lines().count(), branches, "{refs}");
        assert_eq!(old.exists(), branches == 1);
    }
    let trees = environment.git(&["worktree", "list"]);
    assert_eq!(trees.lines().count(), 4, "{trees}");
}

#[test]
fn jobs_in_one_checkout_are_refused() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.upgrade("hello --jobs 2 --integrate in-place");
    let output = call.run().expect_code(2);
    assert!(
        output.stderr.contains("does not go with 2 jobs"),
        "{}",
        output.shown()
    );
    let call = environment.upgrade("hello --batch 2 --integrate in-place");
    let refused = call.run().expect_code(2).stderr;
    assert!(
        refused.contains("does not go with batches of 2"),
        "{refused}"
    );
    assert!(fs::read_dir(environment.build_dir().join("upgrade-helper")).is_err());
}

#[test]
fn a_pipeline_that_brings_nothing_to_the_branch_is_worth_a_warning() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("[pipelines.odd]\nsteps = [\"devtool-upgrade\"]\n");
    for (words, warned) in [
        ("hello --dry-run --pipeline odd --jobs 2", true),
        ("hello --dry-run --pipeline odd", false),
        ("hello --dry-run --jobs 2", false),
    ] {
        let output = environment.upgrade(words).run().expect_code(0);
        let said = output
            .stderr
            .contains("no step of the pipeline odd brings commits");
        assert_eq!(said, warned, "{words}: {}", output.shown());
        let step = output.stdout.contains("git-integrate");
        assert_eq!(step, words.ends_with("run --jobs 2"), "{}", output.shown());
    }
}
