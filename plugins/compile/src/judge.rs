//! The step's outcome once all machines are done.

use crate::{MachineResult, Verdict};
use auh_sdk::{Failure, Group, MachineSkip, RecipeName, RecipeOutcome, RecipeStatus, StepOutcome};

/// Sums up all machines. A recipe that failed has one entry per class of failure, with all the
/// machines it failed on; one that suits no machine is skipped.
#[must_use]
pub fn judge(group: &Group, results: Vec<MachineResult>) -> StepOutcome {
    let mut outcome = StepOutcome::default();
    for recipe in &group.recipes {
        let statuses = statuses(&recipe.name, &results);
        outcome
            .recipes
            .extend(statuses.into_iter().map(|status| RecipeOutcome {
                recipe: recipe.name.clone(),
                status,
            }));
    }
    for result in results {
        outcome.machine_skips.extend(skips(&result));
        for note in result.notes {
            if !outcome.notes.contains(&note) {
                outcome.notes.push(note);
            }
        }
    }
    outcome
}

fn statuses(recipe: &RecipeName, results: &[MachineResult]) -> Vec<RecipeStatus> {
    let verdicts: Vec<&Verdict> = results
        .iter()
        .flat_map(|result| &result.recipes)
        .filter(|(name, _)| name == recipe)
        .map(|(_, verdict)| verdict)
        .collect();
    let failures = by_class(&verdicts);
    if !failures.is_empty() {
        return failures.into_iter().map(RecipeStatus::Failed).collect();
    }
    if verdicts.contains(&&Verdict::Built) {
        return vec![RecipeStatus::Succeeded];
    }
    let reason = verdicts.iter().find_map(|verdict| match verdict {
        Verdict::Skipped(reason) => Some(reason.clone()),
        _ => None,
    });
    let reason = reason.unwrap_or_else(|| "there is no machine to build for".to_owned());
    vec![RecipeStatus::Skipped { reason }]
}

/// The failures, those of one class as one: the first machine's words, every machine's name.
fn by_class(verdicts: &[&Verdict]) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for verdict in verdicts {
        let Verdict::Failed(failure) = verdict else {
            continue;
        };
        match failures.iter_mut().find(|f| f.class == failure.class) {
            Some(known) => known.machines.extend_from_slice(&failure.machines),
            None => failures.push(failure.clone()),
        }
    }
    failures
}

fn skips(result: &MachineResult) -> impl Iterator<Item = MachineSkip> {
    result.recipes.iter().filter_map(|(recipe, verdict)| {
        let Verdict::Skipped(reason) = verdict else {
            return None;
        };
        Some(MachineSkip {
            recipe: recipe.clone(),
            machine: result.machine.clone(),
            reason: reason.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{group, machine, name};
    use auh_sdk::FailureClass::{self, Compile, Package};

    fn result(on: &str, recipes: Vec<(&str, Verdict)>) -> MachineResult {
        MachineResult {
            machine: machine(on),
            recipes: recipes.into_iter().map(|(r, v)| (name(r), v)).collect(),
            notes: vec!["a note".into()],
        }
    }

    fn failed(on: &str, class: FailureClass) -> Verdict {
        Verdict::Failed(Failure {
            machines: vec![machine(on)],
            ..Failure::new(class, format!("failed on {on}"))
        })
    }

    fn skipped(reason: &str) -> Verdict {
        Verdict::Skipped(reason.into())
    }

    /// The statuses of recipe `a` as lines.
    fn check(results: Vec<MachineResult>, expect: &[&str]) -> StepOutcome {
        let outcome = judge(&group(&["a"]), results);
        let line = |outcome: &RecipeOutcome| match &outcome.status {
            RecipeStatus::Succeeded => "succeeded".to_owned(),
            RecipeStatus::Skipped { reason } => format!("skipped: {reason}"),
            RecipeStatus::Failed(f) => {
                let machines: Vec<_> = f.machines.iter().map(ToString::to_string).collect();
                format!("{}: {} [{}]", f.class, f.message, machines.join(" "))
            }
        };
        let lines: Vec<String> = outcome.recipes.iter().map(line).collect();
        assert_eq!(lines, expect);
        outcome
    }

    #[test]
    fn every_failing_machine_is_named_in_one_failure_per_class() {
        check(
            vec![
                result("m1", vec![("a", failed("m1", Compile))]),
                result("m2", vec![("a", Verdict::Built)]),
                result("m3", vec![("a", failed("m3", Package))]),
                result("m4", vec![("a", failed("m4", Compile))]),
            ],
            &[
                "compile: failed on m1 [m1 m4]",
                "package: failed on m3 [m3]",
            ],
        );
    }

    #[test]
    fn a_skip_on_some_machine_is_reported_and_no_failure() {
        let outcome = check(
            vec![
                result("m1", vec![("a", Verdict::Built)]),
                result("m2", vec![("a", skipped("not for m2"))]),
            ],
            &["succeeded"],
        );
        assert_eq!(
            outcome.machine_skips,
            [MachineSkip {
                recipe: name("a"),
                machine: machine("m2"),
                reason: "not for m2".into(),
            }]
        );
        assert_eq!(outcome.notes, ["a note"]);
    }

    #[test]
    fn a_recipe_that_suits_no_machine_is_skipped() {
        let results = vec![
            result("m1", vec![("a", skipped("not for m1"))]),
            result("m2", vec![("a", skipped("not for m2"))]),
        ];
        check(results, &["skipped: not for m1"]);
        check(vec![], &["skipped: there is no machine to build for"]);
    }
}
