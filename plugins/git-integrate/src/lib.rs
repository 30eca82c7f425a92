//! Step `git-integrate`: brings the commits of a group, which was upgraded in work trees of its
//! own, to the branch where the commits of all groups come together. Without such a branch there
//! is nothing to do. Asked again after a death of the host, it recognises a commit that it has brought
//! there by what a pick keeps: author, time and message.
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
            Some(_) => integrate(host, work, request.again),
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
fn integrate(host: &Host, work: &GroupWork, again: bool) -> Result<Vec<Commit>, Failure> {
    let mut integrated: Vec<Commit> = Vec::new();
    let standing = work
        .state
        .commits
        .iter()
        .filter(|c| c.reverted_by.is_none());
    for commit in standing {
        let there = again.then(|| picked_before(host, work, commit)).flatten();
        let picked = there.map_or_else(|| pick(host, work, commit), Ok);
        match picked {
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

/// The pick of a commit that an earlier attempt made: one of the last on the branch.
fn picked_before(host: &Host, work: &GroupWork, commit: &Commit) -> Option<String> {
    let repository = repository(work, commit);
    let own = marks(host, &repository, &["-1", &commit.revision]).pop()?;
    // A group has few commits in one repository, and nobody else is before the next group.
    let last = marks(host, &repository, &["-20", "HEAD"]);
    let same = last.into_iter().find(|known| known.kept == own.kept)?;
    Some(same.revision)
}

/// A commit, and what a pick keeps of it: author, time and message.
struct Marks {
    revision: String,
    kept: [String; 4],
}

fn marks(host: &Host, repository: &Repository, which: &[&str]) -> Vec<Marks> {
    const FORMAT: &[&str] = &["log", "-z", "--format=%H%x00%an%x00%ae%x00%at%x00%B"];
    let said = repository.run(host, &[FORMAT, which].concat(), &[]);
    let text = said.map(|said| said.stdout).unwrap_or_default();
    let fields: Vec<&str> = text.split('\0').collect();
    let (commits, _) = fields.as_chunks::<5>();
    let commits = commits.iter().map(|[revision, kept @ ..]| Marks {
        revision: (*revision).to_owned(),
        kept: kept.map(str::to_owned),
    });
    commits.collect()
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
