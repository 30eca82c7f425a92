//! What the compile steps share: one machine's build of a group, its verdict per recipe, and the
//! step's outcome once all machines are done.
//!
//! Not here: in which order or in which build directories the machines build; that is what the
//! steps differ in. Nothing is judged before every machine has been built.

mod build;
#[cfg(test)]
mod fixture;
mod judge;
mod read;

pub use build::{build, prepared_build};
pub use judge::judge;

use auh_sdk::{Failure, FailureClass, GroupWork, Machine, RecipeName, StepError, StepRequest};

/// What became of a group on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineResult {
    /// The machine.
    pub machine: Machine,
    /// One entry for each recipe of the group.
    pub recipes: Vec<(RecipeName, Verdict)>,
    /// Things worth a line in the summary.
    pub notes: Vec<String>,
}

/// What became of a recipe on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was built.
    Built,
    /// It does not suit the machine, for BitBake's reason.
    Skipped(String),
    /// It was not built.
    Failed(Failure),
}

impl MachineResult {
    /// The same failure for each recipe of `work`'s group.
    #[must_use]
    pub fn all_failed(
        work: &GroupWork,
        machine: &Machine,
        class: FailureClass,
        message: &str,
    ) -> Self {
        let verdict = Verdict::Failed(Failure::new(class, message));
        let recipes = work.group.recipes.iter();
        Self {
            machine: machine.clone(),
            recipes: recipes
                .map(|recipe| (recipe.name.clone(), verdict.clone()))
                .collect(),
            notes: Vec::new(),
        }
    }
}

/// The group that a request is about.
///
/// # Errors
/// The request is about none.
pub fn group_of(request: &StepRequest) -> Result<&GroupWork, StepError> {
    let group = request.groups.first();
    group.ok_or_else(|| StepError::new(FailureClass::Plugin, "the request names no group"))
}
