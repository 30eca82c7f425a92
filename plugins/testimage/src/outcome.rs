//! What the trials mean for the groups.

use crate::{
    search::{Culprits, Found, Halt, Set},
    suspects::Suspect,
    trials::Failed,
};
use auh_sdk::{Failure, FailureClass, Host, RecipeStatus, StepOutcome, StepRequest};
use std::collections::BTreeMap;

/// Everything that the trials say.
pub(crate) struct Verdict<'a> {
    pub(crate) host: &'a Host,
    pub(crate) request: &'a StepRequest,
    pub(crate) suspects: &'a [Suspect<'a>],
    /// The image's name.
    pub(crate) image: &'a str,
    /// The trials that failed.
    pub(crate) failures: BTreeMap<Set, Failed>,
    /// How many were made.
    pub(crate) trials: usize,
    /// Why one could not be made.
    pub(crate) trouble: Option<String>,
    pub(crate) found: Found,
}

/// An outcome that changes nothing for anybody.
pub(crate) fn nothing_said(request: &StepRequest) -> StepOutcome {
    let groups = request.groups.iter();
    StepOutcome {
        recipes: groups
            .flat_map(|work| StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded).recipes)
            .collect(),
        ..StepOutcome::default()
    }
}

/// The outcome of tests that did not come about.
pub(crate) fn not_run(host: &Host, request: &StepRequest, reason: &str) -> StepOutcome {
    noted(
        host,
        request,
        format!("the test image was not run: {reason}"),
    )
}

/// The outcome of the trials.
pub(crate) fn outcome(verdict: &Verdict<'_>) -> StepOutcome {
    let Verdict {
        host,
        request,
        image,
        ..
    } = verdict;
    match &verdict.found {
        Found::Passes => nothing_said(request),
        Found::Flaky => noted(
            host,
            request,
            format!("the test image {image} failed once and passed when it was run again"),
        ),
        Found::NobodysFault => noted(
            host,
            request,
            format!(
                "the test image {image} fails without the upgrades too, so it says nothing about \
                 them: {}",
                reason(verdict.failures.get(&Set::new()))
            ),
        ),
        Found::NotRun => {
            let reason = verdict.trouble.as_deref().unwrap_or("no trial is allowed");
            not_run(host, request, reason)
        }
        Found::Stopped => {
            let failure = Failure::new(FailureClass::Test, "stopped before it was tested");
            let all = (0..verdict.suspects.len()).map(|number| (number, failure.clone()));
            with_failures(verdict, all.collect())
        }
        Found::Breaks(culprits) => {
            let failures = culprits.iter().flat_map(|found| blame(verdict, found));
            with_failures(verdict, failures.collect())
        }
    }
}

fn noted(host: &Host, request: &StepRequest, note: String) -> StepOutcome {
    host.warn(&note);
    StepOutcome {
        notes: vec![note],
        ..nothing_said(request)
    }
}

/// The same failure for each of the culprits.
fn blame(verdict: &Verdict<'_>, culprits: &Culprits) -> Vec<(usize, Failure)> {
    let failed = verdict.failures.get(&culprits.set);
    let message = format!("{}: {}", charge(verdict, culprits), reason(failed));
    let failure = Failure {
        log: failed.map(|failed| failed.log.clone()),
        machines: verdict
            .request
            .machines
            .iter()
            .take(1)
            .map(|m| m.machine.clone())
            .collect(),
        ..Failure::new(FailureClass::Test, message)
    };
    let numbers = culprits.set.iter();
    numbers.map(|number| (*number, failure.clone())).collect()
}

fn reason(failed: Option<&Failed>) -> &str {
    failed.map_or("no reason was given", |failed| &failed.message)
}

fn charge(verdict: &Verdict<'_>, culprits: &Culprits) -> String {
    let Verdict {
        image,
        trials,
        trouble,
        ..
    } = verdict;
    let names: Vec<&str> = culprits
        .set
        .iter()
        .map(|n| &*verdict.suspects[*n].name)
        .collect();
    let names = names.join(" and ");
    if culprits.set.len() == 1 {
        return format!("the test image {image} fails with this upgrade");
    }
    match (&culprits.not_narrowed, trouble) {
        (None, None) => {
            format!("the test image {image} fails only with {names} upgraded together")
        }
        (Some(Halt::Spent), _) => format!(
            "the test image {image} fails with {names} upgraded, and {trials} trials were not enough \
             to tell which of them breaks it"
        ),
        (_, trouble) => format!(
            "the test image {image} fails with {names} upgraded, and it cannot be told which of them \
             breaks it ({})",
            trouble.as_deref().unwrap_or_default()
        ),
    }
}

fn with_failures(verdict: &Verdict<'_>, failures: BTreeMap<usize, Failure>) -> StepOutcome {
    let mut outcome = nothing_said(verdict.request);
    for known in &mut outcome.recipes {
        let is_in = |number: &usize| {
            let recipes = &verdict.suspects[*number].work.group.recipes;
            recipes.iter().any(|recipe| recipe.name == known.recipe)
        };
        if let Some((_, failure)) = failures.iter().find(|(number, _)| is_in(number)) {
            known.status = RecipeStatus::Failed(failure.clone());
        }
    }
    outcome
}
