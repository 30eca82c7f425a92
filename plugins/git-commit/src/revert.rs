//! Taking commits back, and putting back what was never committed.

use crate::{policy::RevertPolicy, repository};
use auh_repository::{GitError, Repository};
use auh_sdk::{
    Commit, Failure, FailureClass, GroupWork, Host, RecipeStatus, RepositoryChange, StepOutcome,
};

/// Takes the group's commits back, newest first, if the policy says so, and puts back what a
/// failed group left uncommitted. What fails is said with the command that remedies it; the rest
/// is tried all the same. Where groups' commits come together on a branch, one that has not come
/// there is no longer anybody's trouble.
pub(crate) fn revert(
    host: &Host,
    work: &GroupWork,
    policy: RevertPolicy,
    on_branch: bool,
    again: bool,
) -> StepOutcome {
    let reverts = policy.reverts(&work.state);
    let restores = reverts || (work.state.failed() && policy != RevertPolicy::Never);
    let commits = work.state.commits.iter().rev();
    let commits: Vec<&Commit> = commits
        .filter(|commit| reverts && commit.reverted_by.is_none())
        .filter(|commit| !on_branch || is_here(host, work, commit))
        .collect();
    let changes = match restores {
        true => work.state.changes.as_slice(),
        false => &[],
    };
    let mut reverting = Reverting {
        host,
        work,
        again,
        outcome: StepOutcome::default(),
        errors: Vec::new(),
    };
    reverting.restore(changes);
    commits
        .iter()
        .for_each(|commit| reverting.take_back(commit));
    reverting.finish()
}

struct Reverting<'a> {
    host: &'a Host,
    work: &'a GroupWork,
    /// Whether an earlier attempt may have done this in part or in full.
    again: bool,
    outcome: StepOutcome,
    errors: Vec<String>,
}

impl Reverting<'_> {
    fn restore(&mut self, changes: &[RepositoryChange]) {
        let mut left = Vec::new();
        for change in changes {
            if let Err(error) = repository(self.work, change).restore(self.host, &change.paths) {
                let folder = change.repository.display();
                self.errors
                    .push(format!("{folder} could not be put back: {error}"));
                left.push(change.clone());
            }
        }
        if !changes.is_empty() {
            self.outcome.changes = Some(left);
        }
    }

    fn take_back(&mut self, commit: &Commit) {
        let repository = Repository::at(&commit.repository, &self.work.folder).for_cleanup();
        let taken_back = match self.again {
            true => take_back_again(self.host, &repository, commit.current()),
            false => take_back(self.host, &repository, commit.current()),
        };
        match taken_back {
            Ok(reverted_by) => self.outcome.commits.push(Commit {
                reverted_by: Some(reverted_by),
                ..commit.clone()
            }),
            Err(error) => self.errors.push(format!(
                "{error}; take the commit back with: git -C {} revert {}",
                commit.repository.display(),
                commit.revision
            )),
        }
    }

    fn finish(self) -> StepOutcome {
        let status = match self.errors.is_empty() {
            true => RecipeStatus::Succeeded,
            false => {
                let message = self.errors.join("; ");
                RecipeStatus::Failed(Failure::new(FailureClass::Commit, message))
            }
        };
        StepOutcome {
            recipes: StepOutcome::for_all(&self.work.group, &status).recipes,
            ..self.outcome
        }
    }
}

/// Whether a commit is part of what is checked out.
fn is_here(host: &Host, work: &GroupWork, commit: &Commit) -> bool {
    let repository = Repository::at(&commit.repository, &work.folder).for_cleanup();
    let arguments = ["merge-base", "--is-ancestor", commit.current(), "HEAD"];
    repository.run(host, &arguments, &[]).is_ok()
}

/// The same after an attempt that was cut short: its commit is recognised by what git writes into it,
/// and what it did to the files without a commit is taken back first.
fn take_back_again(
    host: &Host,
    repository: &Repository,
    revision: &str,
) -> Result<String, GitError> {
    let range = format!("{revision}..HEAD");
    let words = format!("This reverts commit {revision}");
    let log = [
        "log",
        "-1",
        "--format=%H",
        "--fixed-strings",
        "--grep",
        &words,
        &range,
    ];
    let found = repository.run(host, &log, &[])?.stdout;
    if !found.trim().is_empty() {
        return Ok(found.trim().to_owned());
    }
    // Fails when there is nothing to abort.
    let _ = repository.run(host, &["revert", "--quit"], &[]);
    let paths = repository.paths_of(host, revision)?;
    repository.restore(host, &paths)?;
    take_back(host, repository, revision)
}

/// Reverts one commit; a revert that fails is undone. Hands back the new commit.
fn take_back(host: &Host, repository: &Repository, revision: &str) -> Result<String, GitError> {
    if repository.has_staged(host, &[])? {
        // git reverts nothing while anything is staged. Beside the user's index it does, and
        // only the reverted paths have to follow in the user's index.
        repository.with_own_index(host, |env| {
            repository
                .run(host, &["update-index", "-q", "--refresh"], env)
                .ok();
            git_revert(host, repository, revision, env)
        })?;
        let paths = repository.paths_of(host, revision)?;
        repository.run_on(host, &["reset", "-q", "HEAD"], &paths, &[])?;
    } else {
        git_revert(host, repository, revision, &[])?;
    }
    let head = repository.run(host, &["rev-parse", "HEAD"], &[])?;
    Ok(head.stdout.trim().to_owned())
}

fn git_revert(
    host: &Host,
    repository: &Repository,
    revision: &str,
    env: &[(&str, &str)],
) -> Result<(), GitError> {
    repository
        .run(host, &["revert", "--no-edit", revision], env)
        .map(|_| ())
        .inspect_err(|_| {
            // Fails when git did not get as far as having something to abort.
            let _ = repository.run(host, &["revert", "--abort"], env);
        })
}
