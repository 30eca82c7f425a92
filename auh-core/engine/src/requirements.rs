//! Whether the build configuration has what the steps of a pipeline need.

use crate::{EngineError, Pipeline, Step};
use auh_protocol::{Must, Requirement};
use std::collections::BTreeSet;

/// The variables that the pipeline's steps have to say something about.
#[must_use]
pub fn required_variables(pipeline: &Pipeline) -> Vec<String> {
    let variables: BTreeSet<_> = requirements(pipeline)
        .map(|(_, requirement)| requirement.variable.clone())
        .collect();
    variables.into_iter().collect()
}

/// Checks each step's requirements against the build configuration; `value` answers with the
/// expanded value of a variable.
pub fn check_requirements<'v>(
    pipeline: &Pipeline,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<(), EngineError> {
    match unmet_requirements(pipeline, value).into_iter().next() {
        None => Ok(()),
        Some(unmet) => Err(unmet),
    }
}

/// An error for each requirement of a step that does not hold.
pub fn unmet_requirements<'v>(
    pipeline: &Pipeline,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Vec<EngineError> {
    let unmet = requirements(pipeline).filter_map(|(step, requirement)| {
        let value = value(&requirement.variable);
        (!requirement.holds(value)).then(|| EngineError::Requirement {
            step: step.label(),
            variable: requirement.variable.clone(),
            must: match &requirement.must {
                Must::Be(text) => format!("be {text:?}"),
                Must::Contain(word) => format!("contain {word:?}"),
            },
            is: value.unwrap_or_default().trim().to_owned(),
            remedy: requirement.hint.clone(),
        })
    });
    unmet.collect()
}

fn requirements(pipeline: &Pipeline) -> impl Iterator<Item = (&Step, &Requirement)> {
    let steps = pipeline.steps.iter().chain(&pipeline.closing);
    steps.flat_map(|step| {
        let requires = step.plugin.manifest().requires.iter();
        requires.map(move |requirement| (step, requirement))
    })
}
