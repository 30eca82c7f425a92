//! The step as the host calls it: what it composes, what nobody can smuggle into a mail, what it
//! sends to a real server, and what it keeps.

mod composing;
mod injection;
mod sending;

#[path = "../../../../tests/src/smtp.rs"]
#[expect(unreachable_pub, reason = "it is a part of a library, too")]
mod smtp;

use crate::{
    Mail,
    post::{Post, Resent},
    settings::Settings,
};
use auh_sdk::{
    CommandResult, Commit, Failure, FailureClass, GroupState, Recipe, RecipeName, RecipeStatus,
    Step, StepError, StepOutcome, StepRequest,
    pretend::{self, PretendHost},
    protocol::step::{RecipeFailure, RecipeSkip},
};
use serde_json::{Map, Value, json};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A run directory with a group's folder in it.
struct Bench {
    folder: TempDir,
    request: StepRequest,
    host: PretendHost,
}

impl Bench {
    /// A run with one group of these recipes; `settings` as the host hands them on.
    fn new(recipes: &[&str], settings: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("20260102030405");
        let group = run.join("all").join(recipes.join(","));
        fs::create_dir_all(&group).unwrap();
        let recipe = |name: &&str| Recipe {
            maintainer: Some(format!("Ann {name} <{name}@example.org>")),
            ..pretend::recipe(folder.path(), name)
        };
        let recipes = recipes.iter().map(recipe).collect();
        let mut request = pretend::request(&run, "run", recipes, &[]);
        request.groups[0].folder = group;
        request.settings = object(settings);
        Self {
            folder,
            request,
            host: PretendHost::new(|command| panic!("{command:?}")),
        }
    }

    /// One that sends mails.
    fn sending(smtp: &str, options: Value) -> Self {
        let mut bench = Self::new(
            &["hello"],
            json!({"from": "Upgrade Helper <uh@example.org>", "smtp": smtp, "send-emails": true}),
        );
        bench.request.options = object(options);
        bench
    }

    fn with_commands(
        mut self,
        answer: impl Fn(&auh_sdk::RunCommand) -> CommandResult + Send + Sync + 'static,
    ) -> Self {
        self.host = PretendHost::new(answer);
        self
    }

    fn set(&mut self, key: &str, value: Value) {
        self.request.settings.insert(key.to_owned(), value);
    }

    fn state(&mut self) -> &mut GroupState {
        &mut self.request.groups[0].state
    }

    fn run(&self, action: &str) -> StepOutcome {
        self.try_to_run(action).unwrap()
    }

    fn try_to_run(&self, action: &str) -> Result<StepOutcome, StepError> {
        let request = StepRequest {
            action: action.to_owned(),
            ..self.request.clone()
        };
        Mail.run(&request, &self.host.host())
    }

    /// Sends again what was kept.
    fn resend(&self) -> Resent {
        let settings = Settings::new(&self.request.settings);
        let host = self.host.host();
        Post::new(&host, &self.request, &settings).resend(&|| false)
    }

    /// Runs it about the group: whatever becomes of the mail, it fails no recipe.
    fn notes(&self) -> Vec<String> {
        let outcome = self.run("run");
        assert_eq!(
            outcome.recipes.len(),
            self.request.groups[0].group.recipes.len()
        );
        let statuses = outcome.recipes.iter().map(|recipe| &recipe.status);
        assert!(
            statuses
                .into_iter()
                .all(|status| *status == RecipeStatus::Succeeded)
        );
        outcome.notes
    }

    /// Writes a file into the group's folder.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.request.groups[0].folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// `email_summary`, with a mark for the run directory.
    fn summary(&self) -> String {
        let path = self.request.groups[0].folder.join("email_summary");
        let run = self.request.run.folder.display().to_string();
        fs::read_to_string(path).unwrap().replace(&run, "[RUN]")
    }

    /// Names of what is in the run's folder of unsent mails.
    fn kept(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.request.run.folder.join("mail")) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// The envelope of an unsent mail.
    fn envelope(&self, name: &str) -> Value {
        let path = self.request.run.folder.join("mail").join(name);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn name(text: &str) -> RecipeName {
    RecipeName::new(text).unwrap()
}

fn failed(recipe: &str, failure: Failure) -> RecipeFailure {
    RecipeFailure {
        recipe: name(recipe),
        failure,
    }
}

fn skipped(recipe: &str) -> RecipeSkip {
    RecipeSkip {
        recipe: name(recipe),
        reason: "up to date".to_owned(),
    }
}

fn commit(repository: &str, patch: PathBuf) -> Commit {
    Commit {
        repository: repository.into(),
        revision: "abc".to_owned(),
        subject: "hello: upgrade 1.0 -> 2.0".to_owned(),
        patch: Some(patch),
        integrated_as: None,
        reverted_by: None,
    }
}

fn compile_error() -> Failure {
    Failure::new(FailureClass::Compile, "do_compile failed")
}
