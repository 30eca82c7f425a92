//! Step `git-commit`: commits exactly the paths that an upgrade changed and writes the commit as a
//! patch (action `run`); takes the commits of a failed upgrade back (action `revert`, with the
//! setting `revert-policy`).
//!
//! Not here: finding out which paths those are (the upgrading step says so), and the user's other
//! edits, staged or not, which stay as they are.

mod changelog;
mod commit;
mod message;
mod policy;
mod revert;

#[cfg(test)]
mod tests;

use auh_repository::Repository;
use auh_sdk::{
    FailureClass, GroupWork, Host, Options, PluginManifest, RepositoryChange, Step, StepError,
    StepOutcome, StepRequest,
};
use policy::RevertPolicy;

struct GitCommit {
    policy: RevertPolicy,
}

impl Step for GitCommit {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let work = request
            .groups
            .first()
            .ok_or_else(|| StepError::new(FailureClass::Plugin, "the request names no group"))?;
        match request.action.as_str() {
            "run" => Ok(commit::commit(host, work, &request.run.author)),
            "revert" => {
                let on_branch = request.run.branch.is_some();
                Ok(revert::revert(
                    host,
                    work,
                    self.policy,
                    on_branch,
                    request.again,
                ))
            }
            other => Err(StepError::new(
                FailureClass::Plugin,
                format!("git-commit has no action {other:?}; it has run and revert"),
            )),
        }
    }
}

fn repository(work: &GroupWork, change: &RepositoryChange) -> Repository {
    Repository::at(&change.repository, &work.folder)
}

fn manifest() -> PluginManifest {
    PluginManifest {
        actions: vec!["revert".to_owned()],
        options: Some(vec![RevertPolicy::key()]),
        ..auh_sdk::step_manifest(
            "git-commit",
            env!("CARGO_PKG_VERSION"),
            "commits an upgrade, makes its patch, takes a failed one back",
        )
    }
}

fn create(options: &Options) -> Result<GitCommit, StepError> {
    let policy = RevertPolicy::from_options(options);
    Ok(GitCommit { policy })
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}
