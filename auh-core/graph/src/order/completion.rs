//! One recipe after the other.

use super::{Order, grouped, speed};
use crate::task_graph::{TaskGraph, TaskIndex};
use crate::weights::Weights;

/// The most important task by [`speed`], then all other tasks of its recipe in the same order, then
/// the most important of what is left, and so on: `RunQueueSchedulerCompletion` as BitBake had it
/// up to the first days of 2017. (Today's class of that name is [`rm_work`](super::rm_work).)
pub fn completion(graph: &TaskGraph, weights: &Weights) -> Order {
    Order::new(recipe_by_recipe(graph, speed(weights).sequence()))
}

/// Groups the sequence by recipe; recipes and their tasks come as the sequence first has them.
pub(super) fn recipe_by_recipe(graph: &TaskGraph, sequence: &[TaskIndex]) -> Vec<TaskIndex> {
    const UNSEEN: u32 = u32::MAX;
    let recipes = graph.recipes().len();
    let mut ranks = vec![UNSEEN; recipes];
    let mut next = 0;
    for &task in sequence {
        let rank = &mut ranks[graph.recipe_of(task) as usize];
        if *rank == UNSEEN {
            *rank = next;
            next += 1;
        }
    }
    grouped(sequence, recipes, |task| {
        ranks[graph.recipe_of(task) as usize]
    })
}
