//! One call of one step: make the plugin's object, ask it, end it; whatever goes wrong on the
//! way becomes a failure of the step's recipes.

use crate::{company::Parting, host::StepHost, plan::Step};
use auh_oe::Worktrees;
use auh_protocol::{
    Failure, FailureClass, Group, PluginFault, RecipeName, RecipeOutcome, RecipeStatus,
    StepOutcome, StepRequest,
};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Carries out a step. The outcome covers the recipes of the request and no others.
pub(crate) fn carry_out(step: &Step, request: &StepRequest, host: Arc<StepHost>) -> StepOutcome {
    let groups: Vec<&Group> = request.groups.iter().map(|work| &work.group).collect();
    let name = &step.plugin.manifest().name;
    let leash = Arc::clone(&host.leash);
    let failure = |name: &str, fault: &PluginFault| failure(name, fault, leash.given_up());
    match ask(step, request, host) {
        (Ok(outcome), ended) => {
            let outcome = completed(outcome, &groups, name);
            match ended {
                Ok(()) => outcome,
                Err(fault) => failed(outcome, &groups, &failure(name, &fault)),
            }
        }
        (Err(fault), _) => failed(StepOutcome::default(), &groups, &failure(name, &fault)),
    }
}

/// What `carry_out` answers; should it panic, which is a bug of the host's, then failures. Otherwise
/// the dispatcher would wait for ever.
pub(crate) fn guarded(request: &StepRequest, carry_out: impl FnOnce() -> Parting) -> Parting {
    catch_unwind(AssertUnwindSafe(carry_out)).unwrap_or_else(|_| {
        let groups: Vec<&Group> = request.groups.iter().map(|work| &work.group).collect();
        let message = "auh panicked; this is a bug of auh";
        let failure = Failure::new(FailureClass::Infrastructure, message);
        failed(StepOutcome::default(), &groups, &failure).into()
    })
}

/// The same in work trees that first have to forget what the group before did in them.
pub(crate) fn carry_out_afresh(
    worktrees: &Worktrees,
    step: &Step,
    request: &StepRequest,
    host: Arc<StepHost>,
) -> StepOutcome {
    match worktrees.reset(host.shared.stop.cleanup()) {
        Ok(()) => carry_out(step, request, host),
        Err(error) => {
            let groups: Vec<&Group> = request.groups.iter().map(|work| &work.group).collect();
            let failure = Failure::new(FailureClass::Infrastructure, error.to_string());
            failed(StepOutcome::default(), &groups, &failure)
        }
    }
}

/// Carries out a step about the run as a whole; what it says of recipes does not count.
pub(crate) fn close_out(
    step: &Step,
    request: &StepRequest,
    host: Arc<StepHost>,
) -> Result<StepOutcome, Failure> {
    let name = &step.plugin.manifest().name;
    let leash = Arc::clone(&host.leash);
    let failure = |name: &str, fault: &PluginFault| failure(name, fault, leash.given_up());
    let (answer, ended) = ask(step, request, host);
    let outcome = answer.map_err(|fault| failure(name, &fault))?;
    ended.map_err(|fault| failure(name, &fault))?;
    Ok(outcome)
}

/// The plugin's answer, and how its object took its end.
fn ask(
    step: &Step,
    request: &StepRequest,
    host: Arc<StepHost>,
) -> (Result<StepOutcome, PluginFault>, Result<(), PluginFault>) {
    let options = serde_json::Value::Object(request.options.clone()).to_string();
    let object = match step.plugin.create(host, &options) {
        Ok(object) => object,
        Err(fault) => return (Err(fault), Ok(())),
    };
    let answer = serde_json::to_string(request)
        .map_err(|e| PluginFault::error(format!("the request cannot be written: {e}")))
        .and_then(|payload| object.call("step", &payload))
        .and_then(|answer| {
            serde_json::from_str(&answer)
                .map_err(|e| PluginFault::error(format!("its answer is not understood: {e}")))
        });
    (answer, object.finish())
}

/// Checks that an outcome speaks of each recipe that was asked about, and of no other.
fn completed(mut outcome: StepOutcome, groups: &[&Group], plugin: &str) -> StepOutcome {
    let asked: BTreeSet<&RecipeName> = names(groups).collect();
    if let Some(stranger) = outcome
        .recipes
        .iter()
        .find(|known| !asked.contains(&known.recipe))
    {
        let message = format!(
            "plugin {plugin} answered about {}, which it was not asked about",
            stranger.recipe
        );
        return failed(
            outcome,
            groups,
            &Failure::new(FailureClass::Plugin, message),
        );
    }
    let answered: BTreeSet<RecipeName> = outcome
        .recipes
        .iter()
        .map(|known| known.recipe.clone())
        .collect();
    let message = format!("plugin {plugin} said nothing about this recipe");
    let failure = Failure::new(FailureClass::Plugin, message);
    outcome.recipes.extend(
        names(groups)
            .filter(|name| !answered.contains(*name))
            .map(|recipe| RecipeOutcome {
                recipe: recipe.clone(),
                status: RecipeStatus::Failed(failure.clone()),
            }),
    );
    outcome
}

fn names<'g>(groups: &'g [&Group]) -> impl Iterator<Item = &'g RecipeName> {
    groups
        .iter()
        .flat_map(|group| &group.recipes)
        .map(|recipe| &recipe.name)
}

/// An outcome in which every recipe failed for the same reason; what was done stays recorded.
pub(crate) fn failed(outcome: StepOutcome, groups: &[&Group], failure: &Failure) -> StepOutcome {
    let recipes = groups
        .iter()
        .flat_map(|group| {
            StepOutcome::for_all(group, &RecipeStatus::Failed(failure.clone())).recipes
        })
        .collect();
    StepOutcome { recipes, ..outcome }
}

/// What a fault makes of the step's recipes. A plugin that was given up did not come back, whatever it
/// says now.
fn failure(plugin: &str, fault: &PluginFault, given_up: bool) -> Failure {
    let message = match fault.class {
        Some(_) => fault.to_string(),
        None => format!(
            "plugin {plugin} {}{fault}",
            if fault.panicked { "" } else { "failed: " }
        ),
    };
    let class = match given_up {
        true => FailureClass::Hang,
        false => fault.class.unwrap_or(FailureClass::Plugin),
    };
    Failure::new(class, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_protocol::{Recipe, RecipeName, Target, Version};

    fn group(names: &[&str]) -> Group {
        let version = |v| Version::new(v).unwrap();
        let recipe = |name: &&str| Recipe {
            name: RecipeName::new(*name).unwrap(),
            file: format!("/l/{name}_1.bb").into(),
            layer: None,
            version: version("1"),
            target: Target {
                version: version("2"),
                revision: None,
                new_commits: false,
            },
            maintainer: None,
            packages: vec![],
        };
        Group {
            recipes: names.iter().map(recipe).collect(),
        }
    }

    #[test]
    fn a_recipe_that_the_plugin_forgot_has_failed() {
        let (asked, answered) = (group(&["a", "b"]), group(&["b"]));
        let outcome = StepOutcome::for_all(&answered, &RecipeStatus::Succeeded);
        let outcome = completed(outcome, &[&asked], "p");
        assert_eq!(outcome.recipes[0].status, RecipeStatus::Succeeded);
        assert!(
            matches!(&outcome.recipes[1].status, RecipeStatus::Failed(f) if f.message == "plugin p said nothing about this recipe")
        );
    }

    #[test]
    fn an_answer_about_strangers_is_not_trusted() {
        let outcome = StepOutcome::for_all(&group(&["a", "c"]), &RecipeStatus::Succeeded);
        let outcome = completed(outcome, &[&group(&["a"])], "p");
        assert_eq!(outcome.recipes.len(), 1);
        assert!(outcome.failed());
    }

    #[test]
    fn a_fault_says_which_plugin_and_where() {
        let fault = PluginFault {
            panicked: true,
            place: Some("x.rs:7".into()),
            ..PluginFault::error("boom")
        };
        assert_eq!(
            failure("p", &fault, false).message,
            "plugin p panicked at x.rs:7: boom"
        );
        assert_eq!(
            failure("p", &PluginFault::error("no"), false).message,
            "plugin p failed: no"
        );
        let hang = failure("p", &PluginFault::error("no"), true);
        assert_eq!(hang.class, FailureClass::Hang);
    }
}
