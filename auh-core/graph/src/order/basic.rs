//! The graph's own order.

use super::Order;
use crate::task_graph::TaskGraph;

/// The tasks as the graph has them. (BitBake has a class of this name too, which raises an error.)
pub fn basic(graph: &TaskGraph) -> Order {
    Order::new(graph.tasks().collect())
}
