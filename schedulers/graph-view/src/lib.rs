//! From the graph that crosses the plugin boundary to the one that orders are computed on, for the
//! schedulers beside this crate.
//!
//! Not here: any order.

use auh_graph::{GraphParts, TaskGraph, model};
use auh_sdk::{GraphView, OptionKey, OptionKind, Options, StepError};

/// The graph, without putting ids together.
///
/// # Errors
/// When the view makes no graph, which names the loops if there are some.
pub fn task_graph(view: &GraphView<'_>) -> Result<TaskGraph, StepError> {
    let (dependency_offsets, dependencies) = view.adjacency();
    TaskGraph::from_parts(GraphParts {
        dependency_offsets,
        dependencies,
        recipe_of: view.recipe_of(),
        task_name_of: view.name_of(),
        recipes: view.recipes().collect(),
        task_names: view.names().collect(),
        durations: view.duration_us(),
        work_bytes: view.work_bytes(),
    })
    .map_err(|error| StepError::infrastructure(error.to_string()))
}

/// The option [`model_seed`] reads.
#[must_use]
pub fn seed_key() -> OptionKey {
    let doc = "seed of the model that stands in for unknown durations and sizes";
    OptionKey::new("seed", OptionKind::Whole { least: 0 }, doc).with_default(model::DEFAULT_SEED)
}

/// The option `seed` of the model that stands in for measurements.
///
/// # Errors
/// When it is no whole number.
pub fn model_seed(options: &Options) -> Result<u64, StepError> {
    match options.get("seed") {
        None => Ok(model::DEFAULT_SEED),
        Some(value) => value.as_u64().ok_or_else(|| {
            StepError::infrastructure(format!("option seed is no whole number: {value}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_a_number_or_the_usual_one() {
        assert_eq!(model_seed(&Options::new()), Ok(model::DEFAULT_SEED));
        assert_eq!(
            model_seed(&[("seed".to_owned(), 7.into())].into_iter().collect()),
            Ok(7)
        );
        let text = [("seed".to_owned(), "x".into())].into_iter().collect();
        let error = model_seed(&text).expect_err("no number");
        assert_eq!(error.to_string(), "option seed is no whole number: \"x\"");
    }
}
