//! Why git did not do what it was asked.

use auh_sdk::{CommandResult, Exit, Failure, FailureClass, HostError};
use auh_transcript::git::StatusError;
use std::path::PathBuf;

/// Why git did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The folder belongs to no repository.
    #[error("{} is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// git ended badly.
    #[error("{what} {how}: {said}")]
    Failed {
        /// What was run, e.g. `git status`.
        what: String,
        /// How it ended, for people.
        how: String,
        /// How it ended.
        exit: Exit,
        /// What it said, in one line.
        said: String,
    },
    /// git listed more changes than the host keeps of a command's output.
    #[error("git status lists too many files; the layer's repository has to be tidied up first")]
    TooManyChanges,
    /// git status said something that is not its format.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// A path that must not be handed to git.
    #[error("the path {0:?} leads out of the repository or is no UTF-8")]
    Path(PathBuf),
    /// git did not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A file could not be put back or taken away.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

impl GitError {
    /// What this makes of a recipe.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Failed {
                exit: Exit::TimedOut,
                ..
            } => Failure::new(FailureClass::Hang, self.to_string()),
            Self::Failed {
                exit: Exit::Stopped,
                ..
            } => Failure::new(FailureClass::Infrastructure, "stopped"),
            Self::NoRepository(_) => {
                Failure::new(FailureClass::Commit, "the layer is no git repository")
            }
            Self::Host(_) | Self::File { .. } => {
                Failure::new(FailureClass::Infrastructure, self.to_string())
            }
            _ => Failure::new(FailureClass::Commit, self.to_string()),
        }
    }

    pub(crate) fn check(what: &str, result: CommandResult) -> Result<CommandResult, Self> {
        if result.succeeded() {
            return Ok(result);
        }
        let said = match one_line(&result.stderr) {
            text if text.is_empty() => one_line(&result.stdout),
            text => text,
        };
        Err(Self::Failed {
            what: what.to_owned(),
            how: result.how(),
            exit: result.exit,
            said,
        })
    }
}

/// What a tool said, in one line: its lines without git's hints, and not too many of them.
#[must_use]
pub fn one_line(said: &str) -> String {
    const MOST: usize = 6;
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"))
        .collect();
    let more = if lines.len() > MOST { "; …" } else { "" };
    lines[..lines.len().min(MOST)].join("; ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variant after this one. A new variant that has no place here does not compile.
    fn after(error: &GitError) -> Option<GitError> {
        Some(match error {
            GitError::NoRepository(_) => GitError::Failed {
                what: "git commit".to_owned(),
                how: "exited with status 128".to_owned(),
                exit: Exit::Code(128),
                said: "fatal: no".to_owned(),
            },
            GitError::Failed { .. } => GitError::TooManyChanges,
            GitError::TooManyChanges => GitError::Status(StatusError {
                entry: "?".to_owned(),
            }),
            GitError::Status(_) => GitError::Path("../x".into()),
            GitError::Path(_) => GitError::Host(HostError("git did not start".to_owned())),
            GitError::Host(_) => GitError::File {
                path: "/l/a.bb".into(),
                error: std::io::Error::from_raw_os_error(13),
            },
            GitError::File { .. } => return None,
        })
    }

    #[test]
    fn each_says_what_happened() {
        let first = GitError::NoRepository("/l".into());
        let all = std::iter::successors(Some(first), after);
        let said: Vec<String> = all.map(|error| error.to_string()).collect();
        let expected = [
            "/l is in no git repository",
            "git commit exited with status 128: fatal: no",
            "git status lists too many files; the layer's repository has to be tidied up first",
            "not the output of git status: \"?\"",
            "the path \"../x\" leads out of the repository or is no UTF-8",
            "git did not start",
            "/l/a.bb: Permission denied (os error 13)",
        ];
        assert_eq!(said, expected);
    }
}
