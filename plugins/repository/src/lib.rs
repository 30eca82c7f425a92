//! The git repository that owns a layer, as steps need it: what differs from its last commit,
//! and putting files back as they are in that commit.
//!
//! Not here: deciding what to commit, restore or revert (that is the steps' business), and
//! starting git: every command goes through the host. The user's own edits and their index are
//! never touched: every command that writes is given exactly the paths it is about.

mod error;
mod restore;
mod snapshot;

pub use error::{GitError, one_line};
pub use snapshot::Snapshot;

use auh_sdk::{CommandResult, Exit, Host, Place, RunCommand};
use std::{
    path::{Component, Path, PathBuf},
    thread,
    time::Duration,
};

/// A git repository with a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    top: PathBuf,
    scratch: PathBuf,
    cleanup: bool,
}

impl Repository {
    /// The repository with this top folder. `scratch` is a folder for temporary files.
    pub fn at(top: impl Into<PathBuf>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            top: top.into(),
            scratch: scratch.into(),
            cleanup: false,
        }
    }

    /// The same repository for cleaning up: its commands run although the run is being stopped.
    #[must_use]
    pub fn for_cleanup(&self) -> Self {
        Self {
            cleanup: true,
            ..self.clone()
        }
    }

    /// The repository whose work tree holds `folder`.
    ///
    /// # Errors
    /// There is none, or git refuses to say.
    pub fn owning(
        host: &Host,
        folder: &Path,
        scratch: impl Into<PathBuf>,
    ) -> Result<Self, GitError> {
        let asked = Self::at(folder, scratch);
        let result = match asked.run(host, &["rev-parse", "--show-toplevel"], &[]) {
            Err(GitError::Failed { said, .. }) if said.contains("not a git repository") => {
                return Err(GitError::NoRepository(folder.to_owned()));
            }
            other => other?,
        };
        Ok(Self {
            top: result.stdout.trim_end_matches('\n').into(),
            ..asked
        })
    }

    /// Top folder of the work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// What differs from the last commit now. Folders in `outside` are not looked into: a build
    /// directory inside the repository has more files than anybody wants to list.
    ///
    /// # Errors
    /// git fails, or its answer cannot be read to the last entry.
    pub fn status(&self, host: &Host, outside: &[PathBuf]) -> Result<Snapshot, GitError> {
        let excluded: Vec<String> = outside
            .iter()
            .filter_map(|folder| self.relative(folder))
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(|folder| format!(":(top,exclude,literal){}", folder.display()))
            .collect();
        let mut arguments = vec!["status", "--porcelain=v1", "-z", "--untracked-files=all"];
        if !excluded.is_empty() {
            arguments.extend(["--", ":(top)"]);
            arguments.extend(excluded.iter().map(String::as_str));
        }
        // Without the variable, git takes the index's lock to note what it found.
        let env = [("GIT_OPTIONAL_LOCKS", "0")];
        Snapshot::read(&self.run(host, &arguments, &env)?.stdout)
    }

    /// What differs from the last commit at exactly these paths.
    ///
    /// # Errors
    /// As [`Self::status`] and [`Self::run_on`].
    pub fn status_of(&self, host: &Host, paths: &[PathBuf]) -> Result<Snapshot, GitError> {
        let arguments = ["status", "--porcelain=v1", "-z", "--untracked-files=all"];
        let env = [("GIT_OPTIONAL_LOCKS", "0")];
        Snapshot::read(&self.run_on(host, &arguments, paths, &env)?.stdout)
    }

    /// The paths that a commit changed, relative to the top folder; a renamed file is two.
    ///
    /// # Errors
    /// git fails.
    pub fn paths_of(&self, host: &Host, revision: &str) -> Result<Vec<PathBuf>, GitError> {
        let arguments = [
            "diff-tree",
            "--no-commit-id",
            "--name-only",
            "--no-renames",
            "-r",
            "-z",
            revision,
        ];
        let listed = self.run(host, &arguments, &[])?.stdout;
        let paths = listed.split('\0').filter(|path| !path.is_empty());
        Ok(paths.map(PathBuf::from).collect())
    }

    /// `path` relative to the top folder, if it is inside; symbolic links do not matter.
    #[must_use]
    pub fn relative(&self, path: &Path) -> Option<PathBuf> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Some(real(path).strip_prefix(real(&self.top)).ok()?.to_owned())
    }

    /// Runs git in the top folder with these arguments and environment variables. While somebody
    /// else holds the index's lock it is tried again for some seconds.
    ///
    /// # Errors
    /// git does not start, or does not end with status 0.
    pub fn run(
        &self,
        host: &Host,
        arguments: &[&str],
        env: &[(&str, &str)],
    ) -> Result<CommandResult, GitError> {
        let command = self.command(arguments, env);
        for pause in [100, 400, 1500] {
            let result = host.run(&command)?;
            if !is_locked(&result) || (host.stopping() && !self.cleanup) {
                return GitError::check(&command.label, result);
            }
            thread::sleep(Duration::from_millis(pause));
        }
        GitError::check(&command.label, host.run(&command)?)
    }

    /// As [`Self::run`], for exactly these paths relative to the top folder.
    ///
    /// # Errors
    /// As [`Self::run`], and for paths that lead out of the work tree or are no UTF-8.
    pub fn run_on(
        &self,
        host: &Host,
        arguments: &[&str],
        paths: &[PathBuf],
        env: &[(&str, &str)],
    ) -> Result<CommandResult, GitError> {
        let mut all = vec!["--literal-pathspecs"];
        all.extend(arguments);
        all.push("--");
        for path in paths {
            all.push(checked(path)?);
        }
        self.run(host, &all, env)
    }

    /// Whether a command that answers with its exit status (0 no, 1 yes) says yes.
    ///
    /// # Errors
    /// As [`Self::run_on`], for any other exit status.
    pub fn says_yes(
        &self,
        host: &Host,
        arguments: &[&str],
        paths: &[PathBuf],
    ) -> Result<bool, GitError> {
        match self.run_on(host, arguments, paths, &[]) {
            Ok(_) => Ok(false),
            Err(GitError::Failed {
                exit: Exit::Code(1),
                ..
            }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether the index differs from the last commit: anywhere, or at one of `paths` if there are any.
    ///
    /// # Errors
    /// As [`Self::run_on`].
    pub fn has_staged(&self, host: &Host, paths: &[PathBuf]) -> Result<bool, GitError> {
        self.says_yes(host, &["diff-index", "--cached", "--quiet", "HEAD"], paths)
    }

    fn command(&self, arguments: &[&str], env: &[(&str, &str)]) -> RunCommand {
        let verb = arguments.iter().find(|a| !a.starts_with('-'));
        let label = format!("git {}", verb.unwrap_or(&""));
        let place = Place::Folder(self.top.clone());
        let argv = ["git"].iter().chain(arguments).copied();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        RunCommand {
            env: env.iter().map(own).collect(),
            cleanup: self.cleanup,
            ..RunCommand::new(place, label, argv)
        }
    }
}

fn is_locked(result: &CommandResult) -> bool {
    !result.succeeded() && result.stderr.contains("index.lock")
}

/// A path that names something inside the work tree, as text for git's command line.
fn checked(path: &Path) -> Result<&str, GitError> {
    let inside = path.components().next().is_some()
        && path.components().all(|c| matches!(c, Component::Normal(_)));
    match path.to_str() {
        Some(text) if inside && !text.contains(char::REPLACEMENT_CHARACTER) => Ok(text),
        _ => Err(GitError::Path(path.to_owned())),
    }
}
