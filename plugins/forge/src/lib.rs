//! Step `forge`: proposes the commits of a group to the people who merge them. It pushes a branch
//! and opens a merge request on GitHub or GitLab, or a change on Gerrit, through `git`, `gh` and
//! `glab` as the user has set them up.
//!
//! The branch has the group's commits and nothing else of the run, whatever lies between them and
//! the target in the layer's history. It is made of objects in the layer's repository: no work
//! tree, no index and no branch of it is touched.
//!
//! | file in a group's folder | what is in it |
//! |---|---|
//! | `merge-request.md` | the text of the merge request |
//! | `merge-request-commands.txt` | after a dry run: what would have been run |
//!
//! Not here: making commits, and logging in (the tools keep the credentials).

mod branch;
mod error;
mod gerrit;
mod github;
mod gitlab;
mod options;
mod proposal;
mod push;
mod remote;
mod service;
mod text;
mod tool;

#[cfg(test)]
mod tests;

use auh_sdk::{
    Commit, FailureClass, GroupWork, Host, Options, PluginManifest, RecipeStatus, Step, StepError,
    StepOutcome, StepRequest,
};
use error::ForgeError;
use options::{ForgeOptions, Kind};
use proposal::Proposal;
use std::path::{Path, PathBuf};
use text::Text;
use tool::Tool;

struct Forge {
    options: ForgeOptions,
}

impl Step for Forge {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let missing = || StepError::new(FailureClass::Plugin, "the request names no group");
        let work = request.groups.first().ok_or_else(missing)?;
        let mut outcome = StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded);
        for (number, (repository, commits)) in to_propose(work).into_iter().enumerate() {
            let files = Files::new(&work.folder, number + 1);
            match self.propose(request, host, &files, &repository, &commits) {
                Ok(note) => {
                    host.info(&note);
                    outcome.notes.push(note);
                }
                Err(error) => {
                    let failed = RecipeStatus::Failed(error.failure());
                    outcome.recipes = StepOutcome::for_all(&work.group, &failed).recipes;
                    break;
                }
            }
        }
        Ok(outcome)
    }
}

/// The commits that stand, by repository, in the order in which they were made. A group that failed
/// has nothing that anybody should merge.
fn to_propose(work: &GroupWork) -> Vec<(PathBuf, Vec<&Commit>)> {
    let mut found: Vec<(PathBuf, Vec<&Commit>)> = Vec::new();
    let standing = |commit: &&Commit| commit.reverted_by.is_none();
    let commits = work.state.commits.iter().filter(standing);
    for commit in commits.filter(|_| !work.state.failed()) {
        match found.iter_mut().find(|(top, _)| *top == commit.repository) {
            Some((_, commits)) => commits.push(commit),
            None => found.push((commit.repository.clone(), vec![commit])),
        }
    }
    found
}

impl Forge {
    /// Proposes the commits in one repository and says what came of it.
    fn propose(
        &self,
        request: &StepRequest,
        host: &Host,
        files: &Files,
        repository: &Path,
        commits: &[&Commit],
    ) -> Result<String, ForgeError> {
        let work = &request.groups[0];
        let text = Text::about(request, work);
        Files::write(&files.text, &text.body)?;
        let dry_run = self.options.dry_run.then_some(files.text.as_path());
        let tool = Tool::new(host, repository, dry_run);
        let proposal = Proposal {
            tool: &tool,
            options: &self.options,
            work,
            commits,
            text: &text,
        };
        let note = match self.options.kind {
            Kind::Github => service::propose(&proposal, &github::GitHub),
            Kind::Gitlab => service::propose(&proposal, &gitlab::GitLab),
            Kind::Gerrit => gerrit::propose(&proposal),
        }?;
        let held_back = tool.held_back();
        if held_back.is_empty() {
            return Ok(note);
        }
        Files::write(&files.commands, &(held_back.join("\n") + "\n"))?;
        Ok(format!("dry run: {note}; see {}", files.commands.display()))
    }
}

/// Where what is written down goes.
struct Files {
    text: PathBuf,
    commands: PathBuf,
}

impl Files {
    /// The files about the repository of this number, from 1: those of one group mostly lie in one.
    fn new(folder: &Path, number: usize) -> Self {
        let suffix = match number {
            1 => String::new(),
            number => format!("-{number}"),
        };
        Self {
            text: folder.join(format!("merge-request{suffix}.md")),
            commands: folder.join(format!("merge-request-commands{suffix}.txt")),
        }
    }

    fn write(path: &Path, text: &str) -> Result<(), ForgeError> {
        std::fs::write(path, text).map_err(|source| ForgeError::File {
            path: path.to_owned(),
            source,
        })
    }
}

fn manifest() -> PluginManifest {
    PluginManifest {
        settings: vec!["publish-work-url".to_owned()],
        options: Some(options::keys()),
        ..auh_sdk::step_manifest(
            "forge",
            env!("CARGO_PKG_VERSION"),
            "pushes a branch for each group and opens a merge request (GitHub, GitLab, Gerrit)",
        )
    }
}

fn create(options: &Options) -> Result<Forge, StepError> {
    let options = ForgeOptions::new(options).map_err(StepError::infrastructure)?;
    Ok(Forge { options })
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}
