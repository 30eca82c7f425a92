//! Running git and the forges' tools in a repository through the host: without prompts, with a time
//! limit, and in a dry run without those commands that would change something outside.

use crate::error::ForgeError;
use auh_sdk::{CommandResult, Host, Place, RunCommand};
use std::{cell::RefCell, path::Path};

/// How long one command may take, in seconds: what asks for a password would wait for ever.
const LIMIT_S: u64 = 300;

/// Nobody is there to answer, to read colours or to hear of updates.
const QUIET: [(&str, &str); 7] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GH_PROMPT_DISABLED", "1"),
    ("GH_NO_UPDATE_NOTIFIER", "1"),
    ("NO_PROMPT", "1"),
    ("GLAB_CHECK_UPDATE", "false"),
    ("NO_COLOR", "1"),
    // What is read of their answers is in English.
    ("LC_ALL", "C"),
];

/// Commands in one repository.
pub(crate) struct Tool<'a> {
    host: &'a Host,
    top: &'a Path,
    /// `None` unless in a dry run: the file with the text that commands read there.
    dry_run: Option<&'a Path>,
    held_back: RefCell<Vec<String>>,
}

/// What a command needs beside its arguments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs<'n> {
    /// Standard input.
    pub stdin: Option<&'n str>,
    /// Further variables.
    pub env: Vec<(&'n str, String)>,
}

impl<'a> Tool<'a> {
    /// Commands in the repository at `top`. In a dry run, `dry_run` is the file with the text.
    pub(crate) fn new(host: &'a Host, top: &'a Path, dry_run: Option<&'a Path>) -> Self {
        Self {
            host,
            top,
            dry_run,
            held_back: RefCell::default(),
        }
    }

    /// The commands of a dry run that were not run, as a person would type them.
    pub(crate) fn held_back(&self) -> Vec<String> {
        self.held_back.borrow().clone()
    }

    /// Runs a command that changes nothing outside; what it prints.
    pub(crate) fn ask<S: AsRef<str>>(
        &self,
        argv: &[S],
        needs: &Needs<'_>,
    ) -> Result<String, ForgeError> {
        let result = self.run(argv, needs)?;
        match result.succeeded() {
            true => Ok(result.stdout),
            false => Err(ForgeError::ended(&label(argv), &result, remedy(argv))),
        }
    }

    /// Runs a command that changes something outside, whatever comes of it; none in a dry run.
    pub(crate) fn change<S: AsRef<str>>(
        &self,
        argv: &[S],
        stdin: Option<&str>,
    ) -> Result<Option<CommandResult>, ForgeError> {
        let Some(text) = self.dry_run else {
            let needs = Needs {
                stdin,
                ..Needs::default()
            };
            return self.run(argv, &needs).map(Some);
        };
        let line = shown(argv, stdin.map(|_| text));
        self.host.info(&format!("dry run: {line}"));
        self.held_back.borrow_mut().push(line);
        Ok(None)
    }

    /// The same for a command that has to end well.
    pub(crate) fn must_change<S: AsRef<str>>(
        &self,
        argv: &[S],
        stdin: Option<&str>,
    ) -> Result<(), ForgeError> {
        match self.change(argv, stdin)? {
            Some(result) if !result.succeeded() => Err(Self::refusal(argv, &result)),
            _ => Ok(()),
        }
    }

    /// The error about a command of [`Self::change`] that did not end well.
    pub(crate) fn refusal<S: AsRef<str>>(argv: &[S], result: &CommandResult) -> ForgeError {
        ForgeError::ended(&label(argv), result, remedy(argv))
    }

    fn run<S: AsRef<str>>(
        &self,
        argv: &[S],
        needs: &Needs<'_>,
    ) -> Result<CommandResult, ForgeError> {
        let quiet = QUIET.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let own = needs
            .env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let command = RunCommand {
            env: quiet.into_iter().chain(own).collect(),
            stdin: needs.stdin.map(str::to_owned),
            time_limit_s: Some(LIMIT_S),
            ..RunCommand::new(
                Place::Folder(self.top.to_owned()),
                label(argv),
                argv.iter().map(AsRef::as_ref),
            )
        };
        self.host
            .run(&command)
            .map_err(|reason| ForgeError::Missing {
                reason,
                remedy: remedy(argv),
            })
    }
}

/// `git push`, `gh pr list`: the words before the first option.
fn label<S: AsRef<str>>(argv: &[S]) -> String {
    let words = argv.iter().map(AsRef::as_ref);
    let words: Vec<_> = words
        .take_while(|word| !word.starts_with('-'))
        .take(3)
        .collect();
    words.join(" ")
}

/// What to do when a tool is missing or does not let us in.
fn remedy<S: AsRef<str>>(argv: &[S]) -> &'static str {
    match argv.first().map(AsRef::as_ref) {
        Some("gh") => "install GitHub's command line tool gh, and log in with `gh auth login`",
        Some("glab") => {
            "install GitLab's command line tool glab, and log in with `glab auth login`"
        }
        _ => "see whether `git push` to this remote works without a question, in this environment",
    }
}

/// A command line as it can be typed into a shell.
fn shown<S: AsRef<str>>(argv: &[S], input: Option<&Path>) -> String {
    let words: Vec<String> = argv.iter().map(|word| quoted(word.as_ref())).collect();
    let input = input.map(|file| format!(" < {}", quoted(&file.to_string_lossy())));
    words.join(" ") + &input.unwrap_or_default()
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+:,./@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_labelled_with_the_words_before_its_options() {
        assert_eq!(label(&["git", "push", "-q", "x"]), "git push");
        assert_eq!(label(&["gh", "pr", "edit", "7", "--x"]), "gh pr edit");
    }

    #[test]
    fn a_shown_command_can_be_typed() {
        let argv = ["gh", "--title=it's 1 -> 2", "{}", ""];
        assert_eq!(
            shown(&argv, Some(Path::new("/run/merge-request.md"))),
            r"gh '--title=it'\''s 1 -> 2' '{}' '' < /run/merge-request.md"
        );
    }
}
