//! What a scheduler is to the simulation.

use auh_graph::{TaskGraph, TaskIndex};

/// A moment at which a task could be started.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Tasks that could start, most important first by the scheduler's own order; never empty.
    pub ready: &'a [TaskIndex],
    /// Tasks that run.
    pub running: &'a [TaskIndex],
    /// Tasks that have ended since the last call, in the order in which they did.
    pub ended: &'a [TaskIndex],
}

/// Why a scheduler gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// Orders tasks, and says which one to start. One object for each run.
pub trait Scheduler {
    /// All tasks of the graph, most important first.
    ///
    /// # Errors
    /// When it can order none, for instance because the graph cannot be built within its limits.
    fn order(&mut self, graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault>;

    /// Which ready task to start next: `None` waits until another one has ended. By default the
    /// first in order.
    ///
    /// # Errors
    /// When it broke.
    fn pick(&mut self, moment: &Moment<'_>) -> Result<Option<TaskIndex>, Fault> {
        Ok(moment.ready.first().copied())
    }
}

/// An order that was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedOrder(pub Vec<TaskIndex>);

impl Scheduler for FixedOrder {
    fn order(&mut self, _graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault> {
        Ok(self.0.clone())
    }
}
