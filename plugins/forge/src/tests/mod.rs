//! The step against real git with a remote on disk, and against stand-ins of `gh` and `glab` that
//! answer as the real ones do and remember what they were asked.

mod gerrit;
mod merge_requests;
mod refusals;

#[path = "../../../repository/tests/real_git/mod.rs"]
#[expect(dead_code, reason = "other steps' tests need more of it")]
mod real_git;

use crate::create;
use auh_sdk::{
    CommandResult, Commit, Failure, GroupState, RecipeStatus, RunCommand, Step, StepOutcome,
    StepRequest,
    pretend::{self, PretendHost, ended},
};
use real_git::Layer;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

/// What `gh pr list` and `glab mr list` say where there is nothing.
const NONE: &str = "[]\n";

/// A layer with a remote, a commit of an upgrade, and answers of the forge's tool.
struct Bench {
    layer: Layer,
    options: Value,
    request: StepRequest,
    answers: Arc<Mutex<BTreeMap<&'static str, CommandResult>>>,
    host: PretendHost,
}

impl Bench {
    /// The layer's `main` is pushed to `origin`. On top of it are an upgrade of another group and
    /// that of `hello`, whose commit is the group's.
    fn new(kind: &str) -> Self {
        let layer = Layer::new(&[
            ("hello_1.0.bb", "PV = 1.0\n"),
            ("other_1.0.bb", "PV = 1.0\n"),
        ]);
        let remote = layer.beside().join("remote.git");
        let remote = remote.to_str().unwrap();
        layer.git(&["init", "-q", "--bare", "-b", "main", remote]);
        layer.git(&["remote", "add", "origin", remote]);
        layer.git(&["push", "-q", "origin", "main"]);
        let answers: Arc<Mutex<BTreeMap<&str, CommandResult>>> = Arc::default();
        let known = Arc::clone(&answers);
        let host = PretendHost::new(move |command| answer(&known.lock().unwrap(), command));
        let recipe = pretend::recipe(&layer.top(), "hello");
        let run = layer.beside().join("20260102030405");
        let mut request = pretend::request(&run, "run", vec![recipe], &[]);
        request.groups[0].folder = layer.beside().join("hello");
        fs::create_dir(&request.groups[0].folder).unwrap();
        let mut bench = Self {
            layer,
            options: json!({"kind": kind}),
            request,
            answers,
            host,
        };
        bench.upgrade("other", "PV = 2.0\n");
        let commit = bench.upgrade("hello", "PV = 2.0\n");
        bench.state().commits = vec![commit];
        bench.answer("gh pr list", ended(0, NONE, ""));
        bench.answer("glab mr list", ended(0, NONE, ""));
        bench
    }

    /// Commits an upgrade that writes `text`.
    fn upgrade(&self, recipe: &str, text: &str) -> Commit {
        self.layer.git(&[
            "mv",
            "-f",
            &format!("{recipe}_1.0.bb"),
            &format!("{recipe}_2.0.bb"),
        ]);
        self.layer.write(&format!("{recipe}_2.0.bb"), text);
        let subject = format!("{recipe}: upgrade 1.0 -> 2.0");
        let message = format!("{subject}\n\n# a line\n\nSigned-off-by: T <t@example.com>");
        let arguments = ["commit", "-q", "-a", "--cleanup=verbatim", "-m", &message];
        self.layer.git(&arguments);
        Commit {
            repository: self.layer.top(),
            revision: self.layer.git(&["rev-parse", "HEAD"]).trim().to_owned(),
            subject,
            patch: None,
            integrated_as: None,
            reverted_by: None,
        }
    }

    /// As the next night: back to what was first, and the same upgrade again, or another one.
    fn upgrade_again(&mut self, text: &str) {
        self.layer.git(&["reset", "-q", "--hard", "HEAD~2"]);
        self.layer
            .git(&["commit", "-q", "--allow-empty", "-m", "news"]);
        self.layer.git(&["push", "-q", "origin", "main"]);
        self.state().commits = vec![self.upgrade("hello", text)];
    }

    fn state(&mut self) -> &mut GroupState {
        &mut self.request.groups[0].state
    }

    fn set(&mut self, key: &str, value: Value) {
        self.options[key] = value;
    }

    /// What a tool answers from now on, by the first words of its command line.
    fn answer(&self, words: &'static str, result: CommandResult) {
        self.answers.lock().unwrap().insert(words, result);
    }

    fn outcome(&self) -> StepOutcome {
        let step = create(self.options.as_object().unwrap()).unwrap();
        step.run(&self.request, &self.host.host()).unwrap()
    }

    /// Runs it, and hands back its one note.
    fn note(&self) -> String {
        let outcome = self.outcome();
        assert_eq!(outcome.recipes[0].status, RecipeStatus::Succeeded);
        assert_eq!(outcome.notes.len(), 1, "{outcome:?}");
        let folder = self.layer.beside().display().to_string();
        outcome.notes[0].replace(&folder, "[RUN]")
    }

    fn failure(&self) -> Failure {
        let outcome = self.outcome();
        let RecipeStatus::Failed(failure) = &outcome.recipes[0].status else {
            panic!("{outcome:?}");
        };
        failure.clone()
    }

    /// The commands of a tool so far that begin with these words, an argument a line.
    fn asked(&self, words: &str) -> Vec<RunCommand> {
        let commands = self.host.commands().into_iter();
        commands
            .filter(|command| command.argv.join(" ").starts_with(words))
            .collect()
    }

    /// The only such command, an argument a line.
    fn asked_once(&self, words: &str) -> String {
        let asked = self.asked(words);
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].argv.join("\n")
    }

    /// What a reference of the remote has: subjects that `main` does not have.
    fn proposed(&self, reference: &str) -> Vec<String> {
        let range = format!("main..{reference}");
        let log = self.in_remote(&["log", "--format=%s", &range]);
        log.lines().map(str::to_owned).collect()
    }

    fn in_remote(&self, arguments: &[&str]) -> String {
        let remote = self.remote();
        let all = [&["--git-dir", remote.to_str().unwrap()], arguments].concat();
        self.layer.git(&all)
    }

    fn remote(&self) -> PathBuf {
        self.layer.beside().join("remote.git")
    }

    fn remote_has(&self, reference: &str) -> bool {
        !self.in_remote(&["for-each-ref", reference]).is_empty()
    }

    /// A file of the group's folder.
    fn file(&self, name: &str) -> String {
        let text = fs::read_to_string(self.request.groups[0].folder.join(name)).unwrap();
        let commits = text
            .split_whitespace()
            .filter_map(|word| word.split_once(":refs/"));
        let commits: Vec<String> = commits.map(|(commit, _)| commit.to_owned()).collect();
        let run = self.layer.beside().display().to_string();
        commits.iter().fold(text.replace(&run, "[RUN]"), |text, c| {
            text.replace(c, "[COMMIT]")
        })
    }
}

/// git is git; a tool of a forge says what it is told to.
fn answer(answers: &BTreeMap<&'static str, CommandResult>, command: &RunCommand) -> CommandResult {
    let line = command.argv.join(" ");
    let known = answers.iter().find(|(words, _)| line.starts_with(**words));
    match known {
        Some((_, result)) => result.clone(),
        None if command.argv[0] == "git" => real_git::run(command),
        None => panic!("nobody knows what {line} answers"),
    }
}
