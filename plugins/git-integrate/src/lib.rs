//! Step `git-integrate`: brings the commits of a group, which was upgraded in work trees of its
//! own, to the branch where the commits of all groups come together. Without such a branch there
//! is nothing to do.
//!
//! Not here: making commits and taking them back, and the user's checkout, which stays as it is.

#[cfg(test)]
mod tests;

use auh_repository::{GitError, Repository};
use auh_sdk::{
    Commit, Failure, FailureClass, GroupWork, Host, Options, PluginManifest, RecipeStatus, Step,
    StepError, StepOutcome, StepRequest,
};

struct GitIntegrate;

impl Step for GitIntegrate {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let work = request
            .groups
            .first()
            .ok_or_else(|| StepError::new(FailureClass::Plugin, "the request names no group"))?;
        let commits = match &request.run.branch {
            Some(_) => integrate(host, work),
            None => Ok(Vec::new()),
        };
        Ok(match commits {
            Ok(commits) => StepOutcome {
                commits,
                ..StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded)
            },
            Err(failure) => StepOutcome::for_all(&work.group, &RecipeStatus::Failed(failure)),
        })
    }
}

/// Brings all of the group's commits that stand to the branch, or none. Hands back the commits as
/// they are known from now on.
fn integrate(host: &Host, work: &GroupWork) -> Result<Vec<Commit>, Failure> {
    let mut integrated: Vec<Commit> = Vec::new();
    let standing = work
        .state
        .commits
        .iter()
        .filter(|c| c.reverted_by.is_none());
    for commit in standing {
        match pick(host, work, commit) {
            Ok(revision) => integrated.push(Commit {
                integrated_as: Some(revision),
                ..commit.clone()
            }),
            Err(failure) => {
                for commit in integrated.iter().rev() {
                    // The work tree is the run's own; what was picked lies on top.
                    let _ = repository(work, commit).run(
                        host,
                        &["reset", "-q", "--hard", "HEAD^"],
                        &[],
                    );
                }
                return Err(failure);
            }
        }
    }
    Ok(integrated)
}

fn pick(host: &Host, work: &GroupWork, commit: &Commit) -> Result<String, Failure> {
    let repository = repository(work, commit);
    let arguments = [
        "cherry-pick",
        "--keep-redundant-commits",
        // The message is whole, whatever the user's settings take for comments.
        "--cleanup=verbatim",
        &commit.revision,
    ];
    if let Err(error) = repository.run(host, &arguments, &[]) {
        let message = refusal(host, &repository, commit, &error);
        let _ = repository.run(host, &["cherry-pick", "--abort"], &[]);
        let failure = Failure::new(FailureClass::Commit, message);
        return Err(match &commit.patch {
            Some(patch) => failure.with_log(patch),
            None => failure,
        });
    }
    let head = repository.run(host, &["rev-parse", "HEAD"], &[]);
    let head = head.map_err(|error| Failure::new(FailureClass::Commit, error.to_string()))?;
    Ok(head.stdout.trim().to_owned())
}

/// Why a commit could not be brought to the branch: which earlier one it conflicts with, if that
/// can be said, else git's words.
fn refusal(host: &Host, repository: &Repository, commit: &Commit, error: &GitError) -> String {
    let unmerged = ["diff", "--name-only", "--diff-filter=U", "-z"];
    let files = repository.run(host, &unmerged, &[]).map(|r| r.stdout);
    let files = files.unwrap_or_default();
    let paths: Vec<_> = files.split('\0').filter(|p| !p.is_empty()).collect();
    if paths.is_empty() {
        return error.to_string();
    }
    let base = format!("{}^..HEAD", commit.revision);
    let log = [
        "--literal-pathspecs",
        "log",
        "-1",
        "--format=%s",
        &base,
        "--",
    ];
    let other = repository.run(host, &[&log[..], &paths].concat(), &[]);
    let other = other
        .map(|r| r.stdout.trim().to_owned())
        .unwrap_or_default();
    match other.as_str() {
        "" => format!(
            "conflicts with other changes of the run in {}",
            paths.join(", ")
        ),
        subject => format!("conflicts with \"{subject}\" in {}", paths.join(", ")),
    }
}

fn repository(work: &GroupWork, commit: &Commit) -> Repository {
    // What was begun is brought to its end: a half-done pick would be in everybody's way.
    Repository::at(&commit.repository, &work.folder).for_cleanup()
}

fn manifest() -> PluginManifest {
    PluginManifest {
        integrates: true,
        options: Some(Vec::new()),
        ..auh_sdk::step_manifest(
            "git-integrate",
            env!("CARGO_PKG_VERSION"),
            "brings the commits of groups that worked side by side to one branch",
        )
    }
}

fn create(_options: &Options) -> Result<GitIntegrate, StepError> {
    Ok(GitIntegrate)
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}
