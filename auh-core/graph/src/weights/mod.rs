//! BitBake's task weights, however large: which task is heavier, and what the numbers are.
//!
//! A task on which nothing depends weighs 10, any other 1 plus the sum of what its direct
//! dependants weigh (BitBake: `RunQueueData.calculate_task_weights`). So a weight counts paths, and
//! paths multiply: real images need 66 bits, a chain of 200 diamonds over 200. In random graphs of
//! 1,000,000 tasks with 5 dependencies each, the heaviest weight has about 90 bits where these are
//! spread evenly over all tasks before, 7 thousand where they are among the 1000 tasks before, 70
//! thousand for 100 and 470 thousand for 10, where all weights together would fill nearly 30 GB.
//! Therefore three ways, the first that fits:
//!
//! 1. `u64`, 2. `u128`, each in one pass that stops at the first overflow;
//! 3. no numbers at all but *ranks*: see the module `long`. Exact numbers are computed only for
//!    weights that cannot be told apart otherwise, and for the one task somebody asks about.

mod approximate;
mod classes;
mod long;

use std::cmp::Ordering;

use crate::task_graph::{TaskGraph, TaskIndex};

/// What a task weighs on which nothing depends.
const END_WEIGHT: u8 = 10;

/// The weights of all tasks of one graph.
#[derive(Clone, Debug)]
pub struct Weights(Values);

#[derive(Clone, Debug)]
enum Values {
    Short(Vec<u64>),
    Medium(Vec<u128>),
    /// Equal ranks for equal weights, a higher rank for a higher weight.
    Ranks(Vec<u32>),
}

impl Weights {
    /// Weighs all tasks.
    pub fn of(graph: &TaskGraph) -> Self {
        if let Some(values) = weigh::<u64>(graph) {
            return Self(Values::Short(values));
        }
        Self(match weigh::<u128>(graph) {
            Some(values) => Values::Medium(values),
            None => Values::Ranks(long::ranks(graph)),
        })
    }

    /// How many tasks were weighed.
    pub fn len(&self) -> usize {
        match &self.0 {
            Values::Short(values) => values.len(),
            Values::Medium(values) => values.len(),
            Values::Ranks(ranks) => ranks.len(),
        }
    }

    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which of two tasks is heavier.
    pub fn compare(&self, a: TaskIndex, b: TaskIndex) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        match &self.0 {
            Values::Short(values) => values[a].cmp(&values[b]),
            Values::Medium(values) => values[a].cmp(&values[b]),
            Values::Ranks(ranks) => ranks[a].cmp(&ranks[b]),
        }
    }

    /// The weight in decimal digits. `graph` must be the one that was weighed: a weight past 128
    /// bits is computed anew here, in about the time that weighing took.
    pub fn decimal(&self, graph: &TaskGraph, task: TaskIndex) -> String {
        match &self.0 {
            Values::Short(values) => values[task as usize].to_string(),
            Values::Medium(values) => values[task as usize].to_string(),
            Values::Ranks(_) => long::exact(graph, task).to_string(),
        }
    }

    /// All weights in decimal digits, by task. What was said of [`decimal`](Self::decimal) holds for
    /// all of them together; and they are all in memory, which for very long ones may be too much.
    pub fn decimals(&self, graph: &TaskGraph) -> Vec<String> {
        match &self.0 {
            Values::Ranks(_) => long::all_exact(graph, |weight| weight.to_string()),
            _ => graph
                .tasks()
                .map(|task| self.decimal(graph, task))
                .collect(),
        }
    }

    /// The tasks from heavy to light, equal ones in reverse order of the graph.
    pub(crate) fn heaviest_first(&self) -> Vec<TaskIndex> {
        match &self.0 {
            Values::Short(values) => descending(values),
            Values::Medium(values) => descending(values),
            Values::Ranks(ranks) => descending(ranks),
        }
    }
}

/// The indices of `keys`, highest key first; of equal keys the last comes first.
pub(crate) fn descending<K: Ord + Copy>(keys: &[K]) -> Vec<TaskIndex> {
    let mut pairs: Vec<(K, TaskIndex)> = keys.iter().copied().zip(0..).collect();
    pairs.sort_unstable_by(|a, b| b.cmp(a));
    pairs.into_iter().map(|(_, task)| task).collect()
}

trait Number: Copy + From<u8> {
    fn plus(self, other: Self) -> Option<Self>;
}

impl Number for u64 {
    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }
}

impl Number for u128 {
    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }
}

/// All weights, or `None` when one does not fit.
fn weigh<N: Number>(graph: &TaskGraph) -> Option<Vec<N>> {
    let mut weights = vec![N::from(END_WEIGHT); graph.len()];
    for &task in graph.dependants_first() {
        let dependants = graph.dependants().of(task);
        if !dependants.is_empty() {
            let mut sum = N::from(1);
            for &dependant in dependants {
                sum = sum.plus(weights[dependant as usize])?;
            }
            weights[task as usize] = sum;
        }
    }
    Some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskGraphBuilder;

    fn graph(tasks: u32, edges: impl IntoIterator<Item = (u32, u32)>) -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        for task in 0..tasks {
            builder.task(&format!("r{task}:do_x")).expect("a new task");
        }
        for (task, dependency) in edges {
            builder.depends(task, dependency);
        }
        builder.build().expect("a graph without loops")
    }

    /// Each diamond's top (3n + 3) waits for two tasks which both wait for its bottom (3n).
    fn diamonds(count: u32) -> TaskGraph {
        let one = |n: u32| {
            let bottom = 3 * n;
            [(1, 0), (2, 0), (3, 1), (3, 2)].map(|(a, b)| (bottom + a, bottom + b))
        };
        graph(3 * count + 1, (0..count).flat_map(one))
    }

    /// A diamond's bottom weighs 1 + 2 * (1 + top), beginning with 10.
    fn diamond_bottom(count: u32) -> num_bigint::BigUint {
        (num_bigint::BigUint::from(13_u8) << count) - 3_u8
    }

    #[test]
    fn ends_weigh_ten_and_others_one_more_than_their_dependants() {
        let graph = graph(4, [(0, 1), (0, 2), (3, 2), (1, 2)]);
        let weights = Weights::of(&graph);
        let shown: Vec<String> = graph.tasks().map(|t| weights.decimal(&graph, t)).collect();
        assert_eq!(shown, ["10", "11", "32", "10"]);
    }

    #[test]
    fn diamonds_are_exact_at_every_size() {
        for count in [1, 10, 59, 60, 61, 62, 63, 120, 124, 125, 126, 200, 1000] {
            let graph = diamonds(count);
            let weights = Weights::of(&graph);
            assert_eq!(
                weights.decimal(&graph, 0),
                diamond_bottom(count).to_string()
            );
            assert_eq!(weights.compare(1, 2), Ordering::Equal, "{count} diamonds");
            assert_eq!(weights.compare(0, 1), Ordering::Greater, "{count} diamonds");
            assert_eq!(weights.compare(3, 1), Ordering::Less, "{count} diamonds");
        }
    }

    #[test]
    fn no_task_no_weight() {
        assert!(Weights::of(&graph(0, [])).is_empty());
    }
}
