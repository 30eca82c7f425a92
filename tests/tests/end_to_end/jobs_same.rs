//! `--jobs N` gives what one job gives: verdicts, reasons, commits and files, for every way in which
//! an upgrade can go.

use crate::every_way::{self, DATE, DEATH, LICENCE};
use auh_journal::GroupVerdict;
use auh_protocol::FailureClass::{
    self, Commit, Compile, Configure, Fetch, Infrastructure, Licence, Package, PatchConflict,
    Plugin, Test,
};
use auh_tests::{Environment, Finished};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Takes longer than the others.
const SLOW: (&str, &str) = (
    "r0005",
    "do_compile() {\n    sleep 3\n    sh ./build.sh\n}\n",
);
const SETTINGS: &str = r#"
pipeline = "odd"
[pipelines.odd]
steps = [
    "devtool-upgrade",
    "compile-parallel",
    { step = "hostile", with = { misbehave = "panic-in-call", recipe = "r0007" } },
    { step = "hostile", with = { misbehave = "error", recipe = "r0009" } },
    { step = "git-commit", always = true },
    { step = "git-commit", action = "revert", always = true },
    { step = "git-integrate", always = true },
    { step = "mail", always = true },
]
"#;

fn environment() -> Option<Environment> {
    every_way::environment(&[LICENCE, DEATH, SLOW], SETTINGS)
}

/// A group, its verdict, and class and message of each reason.
type Fate = (String, Option<GroupVerdict>, Vec<(FailureClass, String)>);

/// What came of all recipes with so many jobs.
struct Came {
    environment: Environment,
    run: Finished,
    /// Where the commits are.
    branch: String,
}

fn upgrade(jobs: &str) -> Option<Came> {
    upgrade_with(jobs, "1")
}

fn upgrade_with(jobs: &str, batch: &str) -> Option<Came> {
    let environment = environment()?;
    // The slowest is asked for first.
    let names = (1..=28).map(|number| format!("r{number:04}"));
    let names = names.filter(|name| name != "r0005");
    let call = environment
        .upgrade("r0005")
        .args(names)
        .args(["--machines", "qemux86-64 qemuarm64"])
        .args(["--jobs", jobs, "--batch", batch])
        .args([Path::new("--plugin-path"), environment.hostile_plugins()])
        .env("GIT_AUTHOR_DATE", DATE)
        .env("GIT_COMMITTER_DATE", DATE);
    let before = environment.git(&["rev-parse", "HEAD"]);
    let _ = call.run().expect_code(1);
    assert!(environment.processes().is_empty());
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
    let mut branch = "HEAD".to_owned();
    if (jobs, batch) != ("1", "1") {
        let list = ["for-each-ref", "--format=%(refname)", "refs/heads/auh"];
        branch = environment.git(&list);
        assert_eq!(environment.git(&["rev-parse", "HEAD"]), before);
    }
    Some(Came {
        run: environment.latest_run(),
        environment,
        branch,
    })
}

impl Came {
    /// A message without what is each environment's and each job's own.
    fn normal(&self, text: &str) -> String {
        let mut text = text.replace(&self.environment.top().display().to_string(), "TOP");
        for job in 0..=3 {
            text = text
                .replace(&format!("build-job{job}/layers/0-meta-tiny"), "meta-tiny")
                .replace(&format!("build-job{job}"), "build");
        }
        text
    }

    /// Each group in the order of the plan, its verdict and its reasons.
    fn fates(&self) -> Vec<Fate> {
        let fate = |(group, verdict): (String, _)| {
            let failures = self.run.failures(&group).into_iter();
            let failures = failures.map(|(class, message)| (class, self.normal(&message)));
            (group, verdict, failures.collect())
        };
        self.run.verdicts().into_iter().map(fate).collect()
    }

    /// Message, author and difference of the commits that stand, oldest first.
    fn commits(&self) -> Vec<String> {
        let log = "log --reverse --format=%x00%an%x20<%ae>%n%B -p";
        let words = log.split(' ').chain([self.branch.as_str()]);
        let log = self.environment.git(&words.collect::<Vec<_>>());
        let stands = |commit: &&str| {
            let subject = commit.lines().nth(1).unwrap_or_default();
            let name = subject.split(": ").next().unwrap_or_default();
            let mut chapters = self.run.story.chapters.iter();
            chapters
                .find(|c| c.group.name() == name)
                .is_some_and(|chapter| {
                    let commits = &chapter.state.commits;
                    commits.iter().all(|commit| commit.reverted_by.is_none())
                })
        };
        log.split('\0')
            .filter(stands)
            .map(|c| c.trim_end().to_owned())
            .collect()
    }

    /// What lies in each group's folder; of patches what stands in them.
    fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for group in self.run.names_in("all") {
            for name in self.run.names_in(&format!("all/{group}")) {
                let file = format!("all/{group}/{name}");
                // Its first line has the commit's hash, which depends on the commits before.
                let text = match name.ends_with(".patch") {
                    true => self.run.text(&file).split_once('\n').unwrap().1.to_owned(),
                    false => String::new(),
                };
                found.insert(file, text);
            }
        }
        found
    }

    /// Recipes of `summary.json` with their results, in its order.
    fn summary(&self) -> Vec<[String; 4]> {
        let summary: Value = serde_json::from_str(&self.run.text("summary.json")).unwrap();
        let of =
            |recipe: &Value| ["recipe", "status", "class", "to"].map(|key| recipe[key].to_string());
        summary["recipes"]
            .as_array()
            .unwrap()
            .iter()
            .map(of)
            .collect()
    }

    fn revision(&self, what: &str) -> String {
        let what = format!("{}{what}", self.branch);
        self.environment.git(&["rev-parse", &what])
    }
}

#[test]
fn jobs_change_no_verdict_no_commit_and_no_file_in_any_way_to_go_wrong() {
    let (Some(one), Some(two), Some(three)) = (upgrade("1"), upgrade("2"), upgrade("3")) else {
        return;
    };
    let reached: BTreeSet<_> = one
        .fates()
        .into_iter()
        .flat_map(|f| f.2)
        .map(|f| f.0)
        .collect();
    let wanted = [
        Fetch,
        PatchConflict,
        Licence,
        Configure,
        Compile,
        Package,
        Test,
        Commit,
        Plugin,
        Infrastructure,
    ];
    assert_eq!(reached, wanted.into(), "{:#?}", one.fates());
    assert_eq!(one.run.verdicts()[0].0, "r0005");
    for many in [&two, &three] {
        assert_eq!(many.fates(), one.fates());
        assert_eq!(many.summary(), one.summary());
        assert_eq!(many.commits(), one.commits());
        assert_eq!(many.files(), one.files());
        assert_eq!(many.revision("^{tree}"), one.revision("^{tree}"));
        assert_eq!(
            many.run.text("statistics_summary"),
            one.run.text("statistics_summary")
        );
    }
    // Nothing depends on which group was done first.
    let steps = |came: &Came| {
        let range = format!("main..{}", came.branch);
        came.environment.git(&["log", "--format=%T %s", &range])
    };
    assert_eq!(steps(&two), steps(&three));
    let on_the_branch = two
        .environment
        .git(&["rev-list", "--count", "main..", &two.branch]);
    assert_eq!(on_the_branch, one.commits().len().to_string());
}

#[test]
fn company_changes_no_verdict_no_commit_and_no_file_in_any_way_to_go_wrong() {
    let (Some(one), Some(six), Some(all)) = (
        upgrade("1"),
        upgrade_with("1", "6"),
        upgrade_with("2", "28"),
    ) else {
        return;
    };
    for many in [&six, &all] {
        assert_eq!(many.fates(), one.fates());
        assert_eq!(many.summary(), one.summary());
        assert_eq!(many.commits(), one.commits());
        assert_eq!(many.files(), one.files());
        assert_eq!(many.revision("^{tree}"), one.revision("^{tree}"));
    }
    // A build that is killed takes those with it that share it.
    let notes = &six.run.state("r0005").notes;
    let expected =
        "fails only in the company of r0001, r0003, r0004: bitbake was ended by signal 9";
    assert_eq!(notes, &[expected]);
    let builds = |came: &Came| {
        let journal = came.run.text("journal.jsonl");
        let built = |line: &&str| line.contains("command-started") && line.contains("\"-k\"");
        journal.lines().filter(built).count()
    };
    let (alone, together) = (builds(&one), builds(&six));
    assert!(
        together < alone,
        "{together} builds in company, {alone} alone"
    );
}
