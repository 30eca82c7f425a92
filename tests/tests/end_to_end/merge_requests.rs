//! Merge requests from the command line: a pipeline with the step `forge`, a remote on disk, and a
//! `gh` on the `PATH` that answers from a folder and keeps what it was asked.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_protocol::FailureClass;
use auh_tests::{Call, Environment};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Answers as gh does: a list of what it has opened for a branch, or the address of a new one.
const GH: &str = r#"#!/usr/bin/env python3
import json, os, pathlib, sys
state = pathlib.Path(os.environ["GH_STATE"])
value = lambda flag: next((a.split("=", 1)[1] for a in sys.argv if a.startswith(flag + "=")), "")
with open(state / "calls", "a") as calls:
    calls.write(json.dumps([sys.argv[1:], sys.stdin.read()]) + "\n")
opened = state / value("--head").replace("/", "_")
url = "https://github.com/me/meta-tiny/pull/1"
if sys.argv[2] == "list":
    request = {"number": 1, "url": url, "state": "OPEN", "isCrossRepository": False,
               "headRepositoryOwner": {"login": "me"}}
    print(json.dumps([request] if opened.exists() else []))
elif sys.argv[2] == "edit":
    print(url)
else:
    opened.touch()
    print(url)
"#;

const SETTINGS: &str = r#"
machines = ["qemux86-64"]
pipeline = "propose"
[pipelines.propose]
steps = [
    "devtool-upgrade",
    { step = "git-commit", always = true },
    { step = "git-commit", action = "revert", always = true },
    { step = "git-integrate", always = true },
    "forge",
]
[plugins.forge]
kind = "github"
"#;

/// An environment whose layer has a remote.
struct Forge {
    environment: Environment,
    state: PathBuf,
    tools: PathBuf,
    remote: PathBuf,
}

impl Forge {
    fn new() -> Option<Self> {
        let environment = Environment::six()?;
        environment.settings(SETTINGS);
        let remote = environment.beside("remote.git");
        let name = remote.to_str().unwrap();
        let _ = environment.git(&["init", "-q", "--bare", "-b", "main", name]);
        let _ = environment.git(&["remote", "add", "origin", name]);
        let _ = environment.git(&["push", "-q", "origin", "main"]);
        let tools = environment.beside("forge-tools");
        let gh = tools.join("gh");
        fs::write(&gh, GH).unwrap();
        fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
        Some(Self {
            state: environment.beside("forge-state"),
            tools,
            remote,
            environment,
        })
    }

    fn upgrade(&self, words: &str) -> Call<'_> {
        let path = env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.tools.display());
        let call = self.environment.upgrade(words).env("PATH", path);
        call.env("GH_STATE", &self.state)
            .env("BB_ENV_PASSTHROUGH_ADDITIONS", "GH_STATE")
    }

    /// Subjects of each branch of the remote that `main` does not have.
    fn proposed(&self) -> Vec<(String, String)> {
        let git = |arguments: &[&str]| self.environment.git_in(&self.remote, arguments);
        let branches = git(&[
            "for-each-ref",
            "--format=%(refname:short)",
            "refs/heads/auh",
        ]);
        let subjects = |branch: &str| git(&["log", "--format=%s", &format!("main..{branch}")]);
        let branches = branches
            .lines()
            .map(|branch| (branch.to_owned(), subjects(branch)));
        branches.collect()
    }

    /// How often gh was asked to do this.
    fn calls(&self, action: &str) -> usize {
        let calls = fs::read_to_string(self.state.join("calls")).unwrap_or_default();
        let begins = format!("[[\"pr\", \"{action}\"");
        calls
            .lines()
            .filter(|line| line.starts_with(&begins))
            .count()
    }

    fn note(&self, group: &str) -> String {
        self.environment.latest_run().state(group).notes.join("\n")
    }
}

fn expected() -> Vec<(String, String)> {
    ["ghello", "hello"]
        .map(|name| {
            (
                format!("auh/{name}-2.0"),
                format!("{name}: upgrade 1.0 -> 2.0"),
            )
        })
        .to_vec()
}

#[test]
fn each_group_gets_a_branch_of_its_own_in_place_and_with_jobs() {
    for flags in ["", "--jobs 2"] {
        let Some(forge) = Forge::new() else { return };
        let words = format!("hello ghello {flags}");
        let _ = forge.upgrade(&words).run().expect_code(0);
        assert_eq!(forge.proposed(), expected(), "{flags}");
        assert_eq!(forge.calls("create"), 2);
        assert_eq!(
            forge.note("hello"),
            "merge request https://github.com/me/meta-tiny/pull/1 opened"
        );
        assert_eq!(forge.environment.git(&["status", "--porcelain"]), "");
        let text = forge
            .environment
            .latest_run()
            .text("all/hello/merge-request.md");
        assert!(text.starts_with("| recipe | from | to |\n"), "{text}");
    }
}

#[test]
fn another_night_with_the_same_upgrade_opens_nothing() {
    let Some(forge) = Forge::new() else { return };
    let night = || {
        forge
            .upgrade("hello --integrate branch")
            .run()
            .expect_code(0)
    };
    let _ = night();
    let before = forge
        .environment
        .git_in(&forge.remote, &["rev-parse", "auh/hello-2.0"]);
    let _ = night();
    assert!(
        forge.note("hello").ends_with("is up to date"),
        "{}",
        forge.note("hello")
    );
    let after = forge
        .environment
        .git_in(&forge.remote, &["rev-parse", "auh/hello-2.0"]);
    assert_eq!(after, before);
    assert_eq!((forge.calls("create"), forge.calls("list")), (1, 2));
}

#[test]
fn a_missing_tool_is_one_error_with_a_remedy_and_the_commit_stays() {
    let Some(forge) = Forge::new() else { return };
    fs::remove_file(forge.tools.join("gh")).unwrap();
    // What else is on the PATH, but for a gh of the tester's own.
    let without_gh = without(
        &env::var("PATH").unwrap(),
        &forge.environment.beside("few-tools"),
    );
    let call = forge.upgrade("hello").env("PATH", without_gh);
    let output = call.run().expect_code(1);
    let run = forge.environment.latest_run();
    assert_eq!(run.with(Failed), ["hello"]);
    assert!(run.with(Succeeded).is_empty());
    let failures = run.failures("hello");
    assert_eq!(failures.len(), 1, "{}", output.shown());
    let (class, message) = &failures[0];
    assert_eq!(*class, FailureClass::Infrastructure);
    assert!(message.contains("gh not found in PATH"), "{message}");
    assert!(
        message.ends_with("and log in with `gh auth login`"),
        "{message}"
    );
    assert_eq!(forge.environment.subjects(), ["hello: upgrade 1.0 -> 2.0"]);
    assert!(forge.proposed().is_empty());
}

/// A `PATH` without any gh: folders that have one are replaced by links to their other programs.
fn without(path: &str, links: &Path) -> String {
    let folders = env::split_paths(path).map(|folder| {
        if !folder.join("gh").exists() {
            return folder;
        }
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let link = links.join(entry.file_name());
            if entry.file_name() != "gh" && !link.is_symlink() {
                std::os::unix::fs::symlink(entry.path(), link).unwrap();
            }
        }
        links.to_owned()
    });
    env::join_paths(folders).unwrap().into_string().unwrap()
}
