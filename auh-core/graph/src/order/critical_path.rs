//! Longest remaining time first.

use super::Order;
use crate::task_graph::TaskGraph;
use crate::weights::descending;

/// By the time from a task's start to the end of the longest chain of tasks that begins with it,
/// longest first; ties in reverse order of the graph, as with [`speed`](super::speed). A task
/// without a duration, or with none to speak of, counts one microsecond: so without any durations
/// the longest chain is the one with most tasks, and a task always comes before its dependants.
pub fn critical_path(graph: &TaskGraph) -> Order {
    Order::new(descending(&remaining_times(graph)))
}

/// In microseconds.
fn remaining_times(graph: &TaskGraph) -> Vec<u64> {
    let mut remaining = vec![0_u64; graph.len()];
    for &task in graph.dependants_first() {
        let own = graph.duration(task).unwrap_or(1).max(1);
        let dependants = graph.dependants().of(task).iter();
        let after = dependants.map(|&next| remaining[next as usize]).max();
        remaining[task as usize] = own.saturating_add(after.unwrap_or(0));
    }
    remaining
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskGraphBuilder;

    #[test]
    fn the_longest_chain_comes_first() {
        let mut builder = TaskGraphBuilder::new();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|recipe| {
            let task = builder.task_of(recipe, "do_x");
            task.expect("a new task")
        });
        builder.depends(b, a);
        builder.duration(a, 5);
        builder.duration(b, 7);
        builder.duration(c, 11);
        let graph = builder.build().expect("no loop");
        assert_eq!(remaining_times(&graph), [12, 7, 11, 1]);
        assert_eq!(critical_path(&graph).sequence(), [a, c, b, d]);
    }
}
