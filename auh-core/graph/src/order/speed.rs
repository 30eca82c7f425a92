//! Heaviest first.

use super::Order;
use crate::weights::Weights;

/// By weight, heaviest first; equal weights in reverse order of the graph, since BitBake sorts
/// ascending and then turns the whole list round (`RunQueueSchedulerSpeed`).
pub fn speed(weights: &Weights) -> Order {
    Order::new(weights.heaviest_first())
}
