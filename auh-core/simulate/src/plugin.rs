//! Scheduler plugins as schedulers of the simulation.

use crate::scheduler::{Fault, Moment, Scheduler};
use auh_graph::{TaskGraph, TaskIndex};
use auh_loader::Object;

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
    object
        .order(graph)
        .map_err(|fault| Fault(fault.to_string()))
}
