//! From a program's end to the step's outcome.

use crate::settings::Settings;
use auh_sdk::{
    CommandResult, Exit, Failure, FailureClass, Group, RecipeName, RecipeOutcome, RecipeStatus,
    StepOutcome, serde_json,
};
use std::path::Path;

/// The outcome: what the program wrote if it ended well, else its failure for every recipe.
pub(crate) fn outcome(
    settings: &Settings,
    result: &CommandResult,
    groups: &[&Group],
    log: Option<&Path>,
) -> StepOutcome {
    let judged = match failure(settings, result) {
        Some(failure) => Err(failure),
        None => answer(&result.stdout).map_err(|reason| {
            let message = format!("{} {reason}", settings.program());
            Failure::new(FailureClass::Plugin, message)
        }),
    };
    let (outcome, rest) = match judged {
        Ok(outcome) => (outcome, RecipeStatus::Succeeded),
        Err(mut failure) => {
            failure.log = log.map(Path::to_owned);
            (StepOutcome::default(), RecipeStatus::Failed(failure))
        }
    };
    completed(outcome, groups, &rest)
}

fn failure(settings: &Settings, result: &CommandResult) -> Option<Failure> {
    let class = match result.exit {
        Exit::Code(0) => return None,
        Exit::Code(_) | Exit::Signal(_) => settings.class,
        Exit::TimedOut => FailureClass::Hang,
        Exit::Stopped => FailureClass::Infrastructure,
    };
    let mut message = format!("{} {}", settings.program(), result.how());
    let said = result.stderr.lines().rev().map(str::trim);
    if let Some(line) = said.into_iter().find(|line| !line.is_empty()) {
        message = format!("{message}: {line}");
    }
    Some(Failure::new(class, message))
}

/// What the program wrote: a JSON object is its outcome, anything else is for the log.
fn answer(stdout: &str) -> Result<StepOutcome, String> {
    if !stdout.trim_start().starts_with('{') {
        return Ok(StepOutcome::default());
    }
    serde_json::from_str(stdout)
        .map_err(|error| format!("wrote an outcome that is not understood: {error}"))
}

/// With `rest` for each recipe that the outcome does not name.
fn completed(mut outcome: StepOutcome, groups: &[&Group], rest: &RecipeStatus) -> StepOutcome {
    let named: Vec<RecipeName> = outcome.recipes.iter().map(|o| o.recipe.clone()).collect();
    let recipes = groups.iter().flat_map(|group| &group.recipes);
    let unnamed = recipes.filter(|recipe| !named.contains(&recipe.name));
    outcome.recipes.extend(unnamed.map(|recipe| RecipeOutcome {
        recipe: recipe.name.clone(),
        status: rest.clone(),
    }));
    outcome
}
