//! Committing what an upgrade changed.
//!
//! Asked again after a death of the host: a commit that was made is recognised by its message and its
//! paths, and one that was refused is not tried again.

use crate::{message::message, repository};
use auh_repository::{GitError, Repository};
use auh_sdk::{
    Commit, Failure, FailureClass, GroupWork, Host, Note, RecipeStatus, RepositoryChange,
    StepOutcome,
};
use std::path::{Path, PathBuf};

/// One commit per repository, each with its patch in the group's folder. When one fails, its paths
/// and those of the repositories after it are put back as they were; commits that were made stay
/// for the revert action.
pub(crate) fn commit(host: &Host, work: &GroupWork, author: &str) -> StepOutcome {
    let changes = &work.state.changes;
    if changes.is_empty() {
        return nothing_to_commit(work);
    }
    let mut outcome = StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded);
    outcome.changes = Some(Vec::new());
    let note = refusal_of(work);
    let refused: Option<(usize, Failure)> = note.read();
    for (number, change) in changes.iter().enumerate() {
        let committing = Committing {
            host,
            // A commit that was cut short could have been made without anybody knowing.
            repository: repository(work, change).for_cleanup(),
            change,
            work,
        };
        let refused = refused.iter().find(|(known, _)| *known == number);
        let committed = match refused {
            Some((_, failure)) => Err(failure.clone()),
            None => committing.commit(author, number + 1, &mut outcome.commits),
        };
        if let Err(failure) = committed {
            // What is being stopped was not refused.
            if !host.stopping()
                && let Err(error) = note.write(&(number, &failure))
            {
                host.warn(&format!("{}: {error}", work.folder.display()));
            }
            let left = give_up(host, work, &changes[number..], failure);
            return StepOutcome {
                commits: outcome.commits,
                ..left
            };
        }
    }
    outcome
}

/// What is noted when a commit was refused: the number of the repository, and how it failed. Its files
/// are put back then, so that another attempt would find nothing to commit.
fn refusal_of(work: &GroupWork) -> Note {
    Note::of(&work.folder, "git-commit", "run")
}

/// The reason is given only when nothing has been said of the group yet: it must not stand beside a
/// failure as if it were the group's fate.
fn nothing_to_commit(work: &GroupWork) -> StepOutcome {
    let quiet = work.state.failed() || !work.state.skipped.is_empty();
    let status = match quiet {
        true => RecipeStatus::Succeeded,
        false => RecipeStatus::Skipped {
            reason: "nothing to commit".to_owned(),
        },
    };
    StepOutcome::for_all(&work.group, &status)
}

struct Committing<'a> {
    host: &'a Host,
    repository: Repository,
    change: &'a RepositoryChange,
    work: &'a GroupWork,
}

impl Committing<'_> {
    /// `number` is the patch's: one upgrade in two repositories has the same subject twice, and
    /// the patches would have the same name.
    fn commit(&self, author: &str, number: usize, made: &mut Vec<Commit>) -> Result<(), Failure> {
        if self.host.stopping() {
            return Err(Failure::new(FailureClass::Infrastructure, "stopped"));
        }
        let revision = match self.commit_paths(author) {
            Ok(revision) => revision,
            Err(error) => match self.made_before() {
                Some(revision) => revision,
                None => return Err(error.failure()),
            },
        };
        made.push(Commit {
            repository: self.change.repository.clone(),
            revision: revision.clone(),
            subject: self.work.group.subject(),
            patch: None,
            integrated_as: None,
            reverted_by: None,
        });
        let patch = self.patch(&revision, number).map_err(|error| Failure {
            message: format!("{revision} is committed, but has no patch: {error}"),
            ..error.failure()
        })?;
        if let Some(commit) = made.last_mut() {
            commit.patch = patch;
        }
        Ok(())
    }

    fn commit_paths(&self, author: &str) -> Result<String, GitError> {
        let (host, paths) = (self.host, &self.change.paths);
        self.add(paths)?;
        let author = format!("--author={author}");
        let text = message(host, self.work);
        // `--only` leaves out what the user has staged beside these paths, and leaves it staged. The
        // message is whole: no settings of the user's shall take lines for comments.
        let commit = [
            "commit",
            "-q",
            "--only",
            "-s",
            "--cleanup=whitespace",
            &author,
            "-m",
            &text,
        ];
        self.repository.run_on(host, &commit, paths, &[])?;
        let head = self.repository.run(host, &["rev-parse", "HEAD"], &[])?;
        Ok(head.stdout.trim().to_owned())
    }

    /// Stages the paths. An earlier attempt may have done so already, and git does not take up a removed
    /// file that it has noted as removed.
    fn add(&self, paths: &[PathBuf]) -> Result<(), GitError> {
        let run = |words: &[&str]| self.repository.run_on(self.host, words, paths, &[]);
        let add = ["add", "-A"];
        run(&add)
            .or_else(|_| run(&["reset", "-q", "HEAD"]).and_then(|_| run(&add)))
            .map(drop)
    }

    /// The commit of an earlier attempt, if that is why there is nothing to commit any more: the last
    /// one that touched the paths, when it has our message and exactly these paths.
    fn made_before(&self) -> Option<String> {
        let (host, paths) = (self.host, &self.change.paths);
        let now = self.repository.status_of(host, paths).ok()?;
        if now.first_in(Path::new("")).is_some() {
            return None;
        }
        let log = ["log", "-1", "--format=%H%n%B"];
        let last = self.repository.run_on(host, &log, paths, &[]).ok()?.stdout;
        let (revision, text) = last.split_once('\n')?;
        let mut known = self.repository.paths_of(host, revision).ok()?;
        known.sort();
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        // Behind the message stands the sign-off, and git takes blanks at line ends away.
        let ours = words(&message(host, self.work));
        let is_ours = words(text).starts_with(&ours) && known == *paths;
        is_ours.then(|| revision.to_owned())
    }

    fn patch(&self, revision: &str, number: usize) -> Result<Option<PathBuf>, GitError> {
        let folder = self.work.folder.display().to_string();
        let number = format!("--start-number={number}");
        let arguments = [
            "format-patch",
            "-M10",
            "-1",
            &number,
            "-o",
            &folder,
            revision,
        ];
        let written = self.repository.run(self.host, &arguments, &[])?.stdout;
        let path = written.lines().next().map(PathBuf::from);
        // Relative when the run directory is named relative to the repository.
        Ok(path.map(|path| self.repository.top().join(path)))
    }
}

/// Puts back what is not committed. What cannot be put back stays known as uncommitted.
fn give_up(
    host: &Host,
    work: &GroupWork,
    uncommitted: &[RepositoryChange],
    mut failure: Failure,
) -> StepOutcome {
    let mut left = Vec::new();
    for change in uncommitted {
        if let Err(error) = repository(work, change).restore(host, &change.paths) {
            failure.message += &format!(
                "; and {} could not be put back: {error}",
                change.repository.display()
            );
            left.push(change.clone());
        }
    }
    StepOutcome {
        changes: Some(left),
        ..StepOutcome::for_all(&work.group, &RecipeStatus::Failed(failure))
    }
}
