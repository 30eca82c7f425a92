//! What a step is asked, and what it answers.

use crate::{Failure, Group, Machine, RecipeName};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a step with an action is called: `step`, or `step action` for another action than `run`.
#[must_use]
pub fn label(step: &str, action: &str) -> String {
    match action {
        "run" => step.to_owned(),
        action => format!("{step} {action}"),
    }
}

/// What the note is called that a step leaves to itself in a group's folder or in the run directory for
/// as long as its end is not recorded.
#[must_use]
pub fn note_name(step: &str, action: &str) -> String {
    format!("{NOTES}{}.json", label(step, action).replace(' ', "-"))
}

/// What the names of all such notes begin with.
pub const NOTES: &str = ".again-";

/// The run that a step is part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunContext {
    /// The run directory.
    pub folder: PathBuf,
    /// The user's build directory.
    pub build_dir: PathBuf,
    /// devtool's workspace layer of that build directory.
    pub workspace: PathBuf,
    /// `Name <address>` for the commits.
    pub author: String,
    /// The branch on which the commits of all groups come together; absent when each group works
    /// in the user's own checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// A machine and where it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineBuild {
    /// The machine.
    pub machine: Machine,
    /// The build directory that is its own while machines build in parallel; the first
    /// machine's is the user's.
    pub build_dir: PathBuf,
}

/// A group, its folder in the run directory, and what earlier steps did with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupWork {
    /// The group.
    pub group: Group,
    /// Its folder, `all/NAME` in the run directory.
    pub folder: PathBuf,
    /// What earlier steps did.
    #[serde(default)]
    pub state: GroupState,
}

/// What has happened to a group so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupState {
    /// Failures, in the order in which they happened; the first one names the group's status.
    pub failures: Vec<RecipeFailure>,
    /// Recipes that a step passed over as a whole, with the reason.
    pub skipped: Vec<RecipeSkip>,
    /// Recipes that were left out on a machine.
    pub machine_skips: Vec<MachineSkip>,
    /// Files of the user's repositories that the upgrade changed and that are not committed.
    pub changes: Vec<RepositoryChange>,
    /// Commits that were made.
    pub commits: Vec<Commit>,
    /// Differences in licence texts.
    pub licences: Vec<LicenceChange>,
    /// Changelogs that were extracted: recipe and file.
    pub changelogs: Vec<(RecipeName, PathBuf)>,
    /// Patches that the new release made superfluous.
    pub dropped_patches: Vec<DroppedPatch>,
    /// Things worth a line in the summary.
    pub notes: Vec<String>,
}

impl GroupState {
    /// Adds what one step did.
    pub fn absorb(&mut self, outcome: &StepOutcome) {
        for RecipeOutcome { recipe, status } in &outcome.recipes {
            let recipe = recipe.clone();
            match status {
                RecipeStatus::Succeeded => {}
                RecipeStatus::Failed(failure) => self.failures.push(RecipeFailure {
                    recipe,
                    failure: failure.clone(),
                }),
                RecipeStatus::Skipped { reason } => self.skipped.push(RecipeSkip {
                    recipe,
                    reason: reason.clone(),
                }),
            }
        }
        self.machine_skips.extend_from_slice(&outcome.machine_skips);
        self.licences.extend_from_slice(&outcome.licences);
        self.changelogs.extend_from_slice(&outcome.changelogs);
        self.dropped_patches
            .extend_from_slice(&outcome.dropped_patches);
        self.notes.extend_from_slice(&outcome.notes);
        if let Some(changes) = &outcome.changes {
            self.changes.clone_from(changes);
        }
        for commit in &outcome.commits {
            match self
                .commits
                .iter_mut()
                .find(|c| c.revision == commit.revision)
            {
                Some(known) => known.clone_from(commit),
                None => self.commits.push(commit.clone()),
            }
        }
    }

    /// Whether a step has failed for any of the group's recipes.
    #[must_use]
    pub fn failed(&self) -> bool {
        !self.failures.is_empty()
    }
}

/// A failure and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeFailure {
    /// The recipe.
    pub recipe: RecipeName,
    /// What happened.
    pub failure: Failure,
}

/// A recipe that was passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeSkip {
    /// The recipe.
    pub recipe: RecipeName,
    /// The reason, one line.
    pub reason: String,
}

/// A recipe that was left out on one machine; no failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSkip {
    /// The recipe.
    pub recipe: RecipeName,
    /// The machine.
    pub machine: Machine,
    /// BitBake's reason.
    pub reason: String,
}

/// Files that differ from the last commit of one git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryChange {
    /// Top folder of the repository's work tree.
    pub repository: PathBuf,
    /// Paths relative to it, sorted: added, changed and removed files.
    pub paths: Vec<PathBuf>,
}

/// A commit that the run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Top folder of the repository's work tree.
    pub repository: PathBuf,
    /// Its hash.
    pub revision: String,
    /// Its first line.
    pub subject: String,
    /// The patch file in the group's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<PathBuf>,
    /// Hash of the same commit on the run's branch, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrated_as: Option<String>,
    /// Hash of the commit that took it back again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted_by: Option<String>,
}

impl Commit {
    /// Its hash where it is now: on the run's branch, else where it was made.
    #[must_use]
    pub fn current(&self) -> &str {
        self.integrated_as.as_ref().unwrap_or(&self.revision)
    }
}

/// A licence text that changed with the upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceChange {
    /// The recipe.
    pub recipe: RecipeName,
    /// The difference, as a file in the group's folder.
    pub file: PathBuf,
}

/// A patch that a recipe carried and no longer needs, since upstream has the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedPatch {
    /// The recipe.
    pub recipe: RecipeName,
    /// The patch's file name.
    pub patch: String,
}

/// What the host asks of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRequest {
    /// What to do; `run` unless the pipeline says otherwise.
    pub action: String,
    /// The run.
    pub run: RunContext,
    /// The groups it is about: exactly one, unless the step's scope is the whole run.
    pub groups: Vec<GroupWork>,
    /// The machines to build for, most important first.
    pub machines: Vec<MachineBuild>,
    /// The plugin's own settings: `[plugins.NAME]` with the pipeline entry's laid over them.
    #[serde(default)]
    pub options: serde_json::Map<String, serde_json::Value>,
    /// The settings that its manifest names, by key; those that are not set are absent.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Whether this very step may have been begun before in this run, about the same groups, and its
    /// end is not known: the host died. What that attempt did may be done in part or in full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// What became of one recipe in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum RecipeStatus {
    /// The step did its work.
    Succeeded,
    /// It did not, and why.
    Failed(Failure),
    /// There was nothing to do or nothing that could be done.
    Skipped {
        /// The reason, one line.
        reason: String,
    },
}

/// What became of which recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeOutcome {
    /// The recipe.
    pub recipe: RecipeName,
    /// What became of it.
    #[serde(flatten)]
    pub status: RecipeStatus,
}

/// What a step answers: per recipe, so that one bad recipe never sinks its neighbours, and
/// what later steps and the reports have to know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepOutcome {
    /// One entry per recipe that the step was asked about.
    pub recipes: Vec<RecipeOutcome>,
    /// Recipes left out on a machine.
    pub machine_skips: Vec<MachineSkip>,
    /// The uncommitted files from now on; absent when the step changed nothing about them.
    pub changes: Option<Vec<RepositoryChange>>,
    /// Commits made, or known ones with news (reverted).
    pub commits: Vec<Commit>,
    /// Licence differences found.
    pub licences: Vec<LicenceChange>,
    /// Changelogs extracted.
    pub changelogs: Vec<(RecipeName, PathBuf)>,
    /// Patches that the new release made superfluous.
    pub dropped_patches: Vec<DroppedPatch>,
    /// Things worth a line in the summary.
    pub notes: Vec<String>,
}

impl StepOutcome {
    /// The same status for each recipe of `group`.
    #[must_use]
    pub fn for_all(group: &Group, status: &RecipeStatus) -> Self {
        Self {
            recipes: group
                .recipes
                .iter()
                .map(|recipe| RecipeOutcome {
                    recipe: recipe.name.clone(),
                    status: status.clone(),
                })
                .collect(),
            ..Self::default()
        }
    }

    /// What of it is about one group of the request. What names no recipe belongs to every group.
    #[must_use]
    pub fn part_of(&self, group: &Group) -> Self {
        let is_ours = |name: &RecipeName| group.recipes.iter().any(|recipe| recipe.name == *name);
        let mut part = self.clone();
        part.recipes.retain(|known| is_ours(&known.recipe));
        part.machine_skips.retain(|skip| is_ours(&skip.recipe));
        part.licences.retain(|change| is_ours(&change.recipe));
        part.changelogs.retain(|(recipe, _)| is_ours(recipe));
        part.dropped_patches.retain(|known| is_ours(&known.recipe));
        part
    }

    /// Whether any recipe failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.recipes
            .iter()
            .any(|outcome| matches!(outcome.status, RecipeStatus::Failed(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureClass;

    fn name(text: &str) -> RecipeName {
        RecipeName::new(text).unwrap()
    }

    #[test]
    fn a_state_learns_that_a_commit_was_reverted() {
        let commit = Commit {
            repository: "/layer".into(),
            revision: "abc".into(),
            subject: "hello: upgrade 1.0 -> 2.0".into(),
            patch: None,
            integrated_as: None,
            reverted_by: None,
        };
        let reverted = Commit {
            reverted_by: Some("def".into()),
            ..commit.clone()
        };
        let mut state = GroupState::default();
        for commits in [vec![commit], vec![reverted.clone()]] {
            state.absorb(&StepOutcome {
                commits,
                ..StepOutcome::default()
            });
        }
        assert_eq!(state.commits, [reverted]);
    }

    #[test]
    fn an_outcome_survives_json_and_unknown_fields() {
        let outcome = StepOutcome {
            recipes: vec![RecipeOutcome {
                recipe: name("hello"),
                status: RecipeStatus::Failed(Failure::new(
                    FailureClass::Compile,
                    "do_compile failed",
                )),
            }],
            ..StepOutcome::default()
        };
        let mut json = serde_json::to_value(&outcome).unwrap();
        json["later_invention"] = 1.into();
        assert_eq!(
            serde_json::from_value::<StepOutcome>(json).unwrap(),
            outcome
        );
        assert!(outcome.failed());
    }
}
