//! Tasks that finish recipes before tasks that begin them.

use super::completion::recipe_by_recipe;
use super::{Order, grouped, speed};
use crate::task_graph::{TaskGraph, TaskIndex};
use crate::weights::Weights;

/// The order, and what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RmWork {
    /// The priorities before: by weight.
    pub before: Order,
    /// All task names in one list (indices into [`TaskGraph::task_names`]), what runs first in a
    /// recipe first.
    pub merged: Vec<u32>,
    /// The priorities after.
    pub order: Order,
}

/// Merges the recipes' lists of tasks into one, turns it round, and groups the tasks by it; within
/// a group the order stays that of [`speed`].
///
/// This is the `rm_work` scheduler that Patrick Ohly proposed for BitBake in January 2017, and
/// which is in BitBake under the name `completion` since. The merged list is made as there: each
/// recipe's tasks are taken by weight, a task name that is in the list moves the cursor behind it,
/// any other is put in at the cursor. All in linear time: the list is a linked one, and grouping
/// counts instead of deleting and inserting.
pub fn rm_work(graph: &TaskGraph, weights: &Weights) -> RmWork {
    let before = speed(weights);
    let merged = merge(graph, &recipe_by_recipe(graph, before.sequence()));
    let mut ranks = vec![0; merged.len()];
    for (&name, rank) in merged.iter().rev().zip(0..) {
        ranks[name as usize] = rank;
    }
    let sequence = grouped(before.sequence(), merged.len(), |task| {
        ranks[graph.task_name_of(task) as usize]
    });
    RmWork {
        before,
        merged,
        order: Order::new(sequence),
    }
}

/// The merged list of task names, from tasks that come recipe by recipe.
fn merge(graph: &TaskGraph, recipe_by_recipe: &[TaskIndex]) -> Vec<u32> {
    let mut list = LinkedNames::new(graph.task_names().len());
    let mut cursor = list.start();
    let mut recipe = None;
    for &task in recipe_by_recipe {
        if recipe.replace(graph.recipe_of(task)) != Some(graph.recipe_of(task)) {
            cursor = list.start();
        }
        let name = graph.task_name_of(task) as usize;
        if !list.contains(name) {
            list.insert_behind(cursor, name);
        }
        cursor = name;
    }
    list.names()
}

/// For each name the next one in the list, and behind the last name the first.
struct LinkedNames {
    next: Vec<usize>,
}

impl LinkedNames {
    const ABSENT: usize = usize::MAX;

    fn new(names: usize) -> Self {
        let mut next = vec![Self::ABSENT; names + 1];
        next[names] = names;
        Self { next }
    }

    /// The place before the first and behind the last name.
    fn start(&self) -> usize {
        self.next.len() - 1
    }

    fn contains(&self, name: usize) -> bool {
        self.next[name] != Self::ABSENT
    }

    fn insert_behind(&mut self, place: usize, name: usize) {
        self.next[name] = self.next[place];
        self.next[place] = name;
    }

    fn names(&self) -> Vec<u32> {
        let following = |&name: &usize| Some(self.next[name]).filter(|&next| next != self.start());
        let first = following(&self.start());
        std::iter::successors(first, following)
            .map(|name| name as u32)
            .collect()
    }
}
