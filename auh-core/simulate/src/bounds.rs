//! What no scheduler can beat.

use crate::run::Slots;
use auh_graph::TaskGraph;

/// Two times that every run needs, in microseconds. A run can be above both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The longest chain of tasks that wait for one another.
    pub critical_path: u64,
    /// All tasks' time, spread evenly over the slots.
    pub work_per_slot: u64,
}

impl Bounds {
    /// Bounds for this many slots. A task without a duration takes no time; starts cost what they cost.
    #[must_use]
    pub fn of(graph: &TaskGraph, slots: &Slots) -> Self {
        let mut remaining = vec![0_u64; graph.len()];
        let mut work = 0_u64;
        for &task in graph.dependants_first() {
            let own = slots.time_of(graph, task);
            let dependants = graph.dependants().of(task).iter();
            let after = dependants.map(|&next| remaining[next as usize]).max();
            remaining[task as usize] = own.saturating_add(after.unwrap_or(0));
            work = work.saturating_add(own);
        }
        Self {
            critical_path: remaining.into_iter().max().unwrap_or(0),
            work_per_slot: work.div_ceil(u64::from(slots.all.max(1))),
        }
    }

    /// The higher one.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.critical_path.max(self.work_per_slot)
    }
}
