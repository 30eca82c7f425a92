//! One step for several groups at once: what fails is taken out, and the rest is asked about again,
//! so that nothing passes with the help of what does not.

use crate::{host::StepHost, plan::Step, work};
use auh_oe::{OeError, Worktrees};
use auh_protocol::{
    Failure, FailureClass, Group, GroupState, GroupWork, RecipeStatus, StepOutcome, StepRequest,
    step::RecipeFailure,
};
use std::{mem::take, sync::Arc};

/// What became of a company.
pub(crate) struct Parting {
    /// About the groups that stayed to the end.
    pub(crate) outcome: StepOutcome,
    /// The others.
    pub(crate) postponed: Vec<Postponed>,
}

impl From<StepOutcome> for Parting {
    fn from(outcome: StepOutcome) -> Self {
        Self {
            outcome,
            postponed: Vec::new(),
        }
    }
}

/// A group that failed in company.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Postponed {
    /// Its name.
    pub(crate) group: String,
    /// The names of the groups that it was built with.
    pub(crate) company: Vec<String>,
    pub(crate) failures: Vec<RecipeFailure>,
}

impl Postponed {
    /// What to say of a group that does well without the company.
    pub(crate) fn remark(&self) -> String {
        let why = self.failures.first().map(|known| &known.failure.message);
        format!(
            "fails only in the company of {}: {}",
            self.company.join(", "),
            why.map_or("for no reason that is known", String::as_str)
        )
    }
}

/// Groups of which nobody knows whose fault it was that the step failed.
pub(crate) fn all_postponed(groups: &[&Group], failure: &Failure) -> Vec<Postponed> {
    let outcome = work::failed(StepOutcome::default(), groups, failure);
    let postponed = groups.iter().map(|group| Postponed {
        group: group.name(),
        company: groups
            .iter()
            .map(|other| other.name())
            .filter(|name| *name != group.name())
            .collect(),
        failures: failures(&outcome, group),
    });
    postponed.collect()
}

/// Carries a step out for all groups of a request as for one. The verdict of a group that is left
/// by itself counts; groups that fail in company are taken out of the work trees.
pub(crate) fn carry_out(
    worktrees: &Worktrees,
    step: &Step,
    request: &StepRequest,
    host: &Arc<StepHost>,
) -> Parting {
    let mut present = request.groups.clone();
    let mut postponed = Vec::new();
    loop {
        let outcome = work::carry_out(step, &together(request, &present), Arc::clone(host));
        let failed = |work: &GroupWork| outcome.part_of(&work.group).failed();
        let (mut bad, good): (Vec<_>, Vec<_>) = take(&mut present).into_iter().partition(failed);
        if bad.is_empty() || bad.len() + good.len() == 1 || host.shared.stop.requested() {
            return Parting { outcome, postponed };
        }
        // What shares a file with a group that goes cannot stay without it.
        let (sharing, good): (Vec<_>, Vec<_>) = good.into_iter().partition(|work| {
            bad.iter()
                .any(|other| share_a_file(&work.state, &other.state))
        });
        bad.extend(sharing);
        let names = |works: &[GroupWork]| works.iter().map(|work| work.group.name()).collect();
        let all: Vec<String> = names(&[bad.clone(), good.clone()].concat());
        for work in &bad {
            postponed.push(Postponed {
                group: work.group.name(),
                company: all
                    .iter()
                    .filter(|name| **name != work.group.name())
                    .cloned()
                    .collect(),
                failures: failures(&outcome, &work.group),
            });
        }
        if let Err(error) = take_out(worktrees, &bad, host) {
            return Parting {
                outcome: lost(&good, &error),
                postponed,
            };
        }
        if good.is_empty() {
            return Parting {
                outcome: StepOutcome::default(),
                postponed,
            };
        }
        present = good;
    }
}

/// The request about several groups as about one.
fn together(request: &StepRequest, groups: &[GroupWork]) -> StepRequest {
    let mut state = GroupState::default();
    for work in groups {
        state.changes.extend(work.state.changes.iter().cloned());
        state.skipped.extend(work.state.skipped.iter().cloned());
    }
    let recipes = groups.iter().flat_map(|work| &work.group.recipes);
    let company = GroupWork {
        group: Group {
            recipes: recipes.cloned().collect(),
        },
        // Whoever fails is built again with a folder of its own.
        folder: groups[0].folder.clone(),
        state,
    };
    StepRequest {
        groups: vec![company],
        ..request.clone()
    }
}

fn failures(outcome: &StepOutcome, group: &Group) -> Vec<RecipeFailure> {
    let part = outcome.part_of(group).recipes.into_iter();
    let failures = part.filter_map(|known| match known.status {
        RecipeStatus::Failed(failure) => Some(RecipeFailure {
            recipe: known.recipe,
            failure,
        }),
        _ => None,
    });
    failures.collect()
}

fn share_a_file(one: &GroupState, other: &GroupState) -> bool {
    let files = |state: &GroupState| {
        let changes = state.changes.iter();
        let files =
            changes.flat_map(|change| change.paths.iter().map(|path| change.repository.join(path)));
        files.collect::<Vec<_>>()
    };
    let others = files(other);
    files(one).iter().any(|file| others.contains(file))
}

fn take_out(
    worktrees: &Worktrees,
    groups: &[GroupWork],
    host: &Arc<StepHost>,
) -> Result<(), OeError> {
    for change in groups.iter().flat_map(|work| &work.state.changes) {
        worktrees.restore(
            &change.repository,
            &change.paths,
            host.shared.stop.cleanup(),
        )?;
    }
    Ok(())
}

/// The groups that would have stayed, in work trees that cannot be put right.
fn lost(groups: &[GroupWork], error: &OeError) -> StepOutcome {
    let failure = Failure::new(FailureClass::Infrastructure, error.to_string());
    let groups: Vec<&Group> = groups.iter().map(|work| &work.group).collect();
    work::failed(StepOutcome::default(), &groups, &failure)
}
