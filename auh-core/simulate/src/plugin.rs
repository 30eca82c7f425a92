//! Scheduler plugins as schedulers of the simulation.

use crate::scheduler::{Fault, Moment, Scheduler};
use auh_graph::{TaskGraph, TaskIndex};
use auh_loader::{FlatGraph, Object};

/// A scheduler object that was made by its plugin.
pub struct PluginScheduler {
    object: Object,
}

impl PluginScheduler {
    /// Asks this object.
    #[must_use]
    pub fn new(object: Object) -> Self {
        Self { object }
    }
}

impl Scheduler for PluginScheduler {
    fn order(&mut self, graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault> {
        order_of(&self.object, graph)
    }

    fn pick(&mut self, moment: &Moment<'_>) -> Result<Option<TaskIndex>, Fault> {
        self.object
            .pick(moment.ready, moment.running, moment.ended)
            .map_err(|fault| Fault(fault.to_string()))
    }
}

/// The order that a plugin's object gives the graph's tasks.
///
/// # Errors
/// When it gives none, or no permutation.
pub fn order_of(object: &Object, graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault> {
    let recipes: Vec<&str> = graph.recipes().iter().collect();
    let names: Vec<&str> = graph.task_names().iter().collect();
    let flat = FlatGraph {
        dependency_offsets: graph.dependencies().offsets(),
        dependencies: graph.dependencies().targets(),
        recipe_of: graph.recipe_indices(),
        name_of: graph.task_name_indices(),
        recipes: &recipes,
        names: &names,
        duration_us: graph.durations(),
        work_bytes: graph.work_sizes(),
    };
    object
        .order(&flat)
        .map_err(|fault| Fault(fault.to_string()))
}
