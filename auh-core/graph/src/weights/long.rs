//! Weights past 128 bits: ranks instead of numbers, in time and memory near to linear.
//!
//! Each weight is a *form*, a class plus an offset (module `classes`): equal forms are equal
//! weights, and forms of one class compare by their offsets. Between classes the leading 128 bits
//! with a bound of their error decide (module `approximate`). What overlaps is a *cluster*, and is
//! sorted by what the members' differences come to when common terms cancel out. Where that does
//! not tell, exact numbers are computed, in passes that keep a bounded amount. So answers are exact
//! always, and what takes long is only what is hard: weights of over 220 bits that agree in their
//! first 100, though they are different sums of different sums, many levels deep.

use std::cmp::Ordering;
use std::collections::HashMap;

use num_bigint::BigUint;

use super::approximate::Bound;
use super::classes::{Class, Classes, Form};
use crate::task_graph::{TaskGraph, TaskIndex};

/// What may be spent on telling weights apart.
#[derive(Clone, Copy)]
struct Limits {
    /// How often a difference is taken apart before exact numbers are computed.
    steps: usize,
    /// How many bits of exact numbers one pass keeps. A single cluster may need more.
    kept_bits: u64,
}

const LIMITS: Limits = Limits {
    steps: 64,
    kept_bits: 1 << 30,
};

/// For each task the rank of its weight: equal ranks for equal weights, a higher one for a higher.
pub(super) fn ranks(graph: &TaskGraph) -> Vec<u32> {
    let (classes, forms) = Classes::of(graph);
    rank_forms(&classes, &forms, LIMITS)
}

/// The task's weight as a number.
pub(super) fn exact(graph: &TaskGraph, task: TaskIndex) -> BigUint {
    let (classes, forms) = Classes::of(graph);
    let form = forms[task as usize];
    let mut wanted = vec![false; classes.len()];
    wanted[form.class as usize] = true;
    let mut weight = BigUint::from(form.offset);
    classes.evaluate(&wanted, |_, value| weight += value);
    weight
}

/// All weights as numbers, each turned into something else.
pub(super) fn all_exact<T>(graph: &TaskGraph, show: impl Fn(BigUint) -> T) -> Vec<T> {
    let (classes, forms) = Classes::of(graph);
    let mut values = vec![BigUint::ZERO; classes.len()];
    let wanted = vec![true; classes.len()];
    classes.evaluate(&wanted, |class, value| values[class as usize] = value);
    forms
        .iter()
        .map(|form| show(&values[form.class as usize] + form.offset))
        .collect()
}

fn rank_forms(classes: &Classes, forms: &[Form], limits: Limits) -> Vec<u32> {
    let mut ranking = Ranking::by_lower_bound(classes, forms);
    let by_terms = |a: Form, b: Form| match a.class == b.class {
        true => Some(a.offset.cmp(&b.offset)),
        false => classes.compare(a, b, limits.steps),
    };
    let mut clusters = ranking.clusters(classes);
    clusters.retain(|cluster| ranking.settle(cluster, by_terms).is_none());
    for batch in batches(&clusters, limits.kept_bits) {
        let values = ranking.exact_values(classes, batch);
        let by_value = |a: Form, b: Form| Some(worth(a, &values).cmp(&worth(b, &values)));
        for cluster in batch {
            let settled = ranking.settle(cluster, by_value);
            debug_assert!(settled.is_some(), "numbers always compare");
        }
    }
    ranking.ranks
}

/// Places `start..end` in the order by lower bound, whose tasks' bounds overlap.
struct Cluster {
    start: usize,
    end: usize,
    /// How many bits the exact weights have together, at most.
    bits: u64,
}

/// An order of the tasks that gets better.
struct Ranking<'a> {
    forms: &'a [Form],
    tasks: Vec<TaskIndex>,
    /// For each task the first place in `tasks` with an equal weight.
    ranks: Vec<u32>,
}

impl<'a> Ranking<'a> {
    fn by_lower_bound(classes: &Classes, forms: &'a [Form]) -> Self {
        let mut bounds: Vec<(Bound, TaskIndex)> = forms
            .iter()
            .zip(0..)
            .map(|(&form, task)| (classes.approximate(form).low(), task))
            .collect();
        bounds.sort_unstable();
        let mut ranks = vec![0; forms.len()];
        for (&(_, task), place) in bounds.iter().zip(0..) {
            ranks[task as usize] = place;
        }
        Self {
            forms,
            tasks: bounds.into_iter().map(|(_, task)| task).collect(),
            ranks,
        }
    }

    /// All clusters of more than one task.
    fn clusters(&self, classes: &Classes) -> Vec<Cluster> {
        let mut clusters: Vec<Cluster> = Vec::new();
        let mut open = Cluster {
            start: 0,
            end: 0,
            bits: 0,
        };
        let mut high = (0, 0);
        for (place, &task) in self.tasks.iter().enumerate() {
            let approximate = classes.approximate(self.forms[task as usize]);
            if approximate.low() > high {
                clusters.extend(Some(open).filter(|open| open.end - open.start > 1));
                open = Cluster {
                    start: place,
                    end: place,
                    bits: 0,
                };
            }
            open.end = place + 1;
            open.bits += approximate.bits();
            high = high.max(approximate.high());
        }
        clusters.extend(Some(open).filter(|open| open.end - open.start > 1));
        clusters
    }

    /// Orders and ranks a cluster's tasks, if `compare` can tell.
    fn settle(
        &mut self,
        cluster: &Cluster,
        compare: impl Fn(Form, Form) -> Option<Ordering>,
    ) -> Option<()> {
        let tasks = &mut self.tasks[cluster.start..cluster.end];
        let forms = self.forms;
        let compare = |a: TaskIndex, b: TaskIndex| compare(forms[a as usize], forms[b as usize]);
        try_sort(tasks, &compare)?;
        let mut rank = cluster.start;
        let mut previous = tasks[0];
        for (&task, place) in tasks.iter().zip(cluster.start..) {
            if compare(previous, task)?.is_ne() {
                rank = place;
            }
            self.ranks[task as usize] = rank as u32;
            previous = task;
        }
        Some(())
    }

    /// What the classes in these clusters are worth.
    fn exact_values(&self, classes: &Classes, clusters: &[Cluster]) -> HashMap<Class, BigUint> {
        let mut wanted = vec![false; classes.len()];
        for cluster in clusters {
            for &task in &self.tasks[cluster.start..cluster.end] {
                wanted[self.forms[task as usize].class as usize] = true;
            }
        }
        let mut values = HashMap::new();
        classes.evaluate(&wanted, |class, value| {
            values.insert(class, value);
        });
        values
    }
}

/// Consecutive clusters whose exact numbers can be kept at the same time.
fn batches(clusters: &[Cluster], kept_bits: u64) -> impl Iterator<Item = &[Cluster]> {
    let mut kept = 0;
    clusters.chunk_by(move |before, after| {
        kept += before.bits;
        let fits = kept + after.bits <= kept_bits;
        if !fits {
            kept = 0;
        }
        fits
    })
}

fn worth(form: Form, values: &HashMap<Class, BigUint>) -> BigUint {
    &values[&form.class] + form.offset
}

/// Merge sort that gives up at the first pair which cannot be compared. (The standard sort wants an
/// answer for each pair.) The tasks may have been moved by then, but are all there.
fn try_sort(
    tasks: &mut [TaskIndex],
    compare: &impl Fn(TaskIndex, TaskIndex) -> Option<Ordering>,
) -> Option<()> {
    if tasks.len() < 2 {
        return Some(());
    }
    let (left, right) = tasks.split_at_mut(tasks.len() / 2);
    try_sort(left, compare)?;
    try_sort(right, compare)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (&*left, &*right);
    while let ([a, ..], [b, ..]) = (left, right) {
        let from = if compare(*a, *b)?.is_le() {
            &mut left
        } else {
            &mut right
        };
        merged.push(from[0]);
        *from = &from[1..];
    }
    merged.extend(left.iter().chain(right));
    tasks.copy_from_slice(&merged);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskGraphBuilder;

    /// A chain of diamonds, and tasks on top of it.
    struct Towers {
        builder: TaskGraphBuilder,
        /// The diamonds' bottoms; each weighs a little more than twice the one before.
        bottoms: Vec<TaskIndex>,
    }

    impl Towers {
        fn new(diamonds: usize) -> Self {
            let builder = TaskGraphBuilder::new();
            let mut towers = Self {
                builder,
                bottoms: Vec::new(),
            };
            let mut top = towers.before(&[]);
            for _ in 0..diamonds {
                let sides = [towers.before(&[top]), towers.before(&[top])];
                top = towers.before(&sides);
                towers.bottoms.push(top);
            }
            towers
        }

        /// A new task that all of these wait for.
        fn before(&mut self, dependants: &[TaskIndex]) -> TaskIndex {
            let name = format!("r:do_{}", self.builder.len());
            let task = self.builder.task(&name).expect("a new task");
            for &dependant in dependants {
                self.builder.depends(dependant, task);
            }
            task
        }
    }

    fn naive_weights(graph: &TaskGraph) -> Vec<BigUint> {
        let mut weights = vec![BigUint::from(10_u8); graph.len()];
        for &task in graph.dependants_first() {
            let dependants = graph.dependants().of(task);
            if !dependants.is_empty() {
                let one = BigUint::from(1_u8);
                let add = |sum, &next: &TaskIndex| sum + &weights[next as usize];
                weights[task as usize] = dependants.iter().fold(one, add);
            }
        }
        weights
    }

    /// Checks ranks with all ways to cut the work into passes; says in how many clusters classes meet.
    fn check(graph: &TaskGraph) -> usize {
        let weights = naive_weights(graph);
        let mut distinct = weights.clone();
        distinct.sort();
        distinct.dedup();
        let expected: Vec<u32> = weights
            .iter()
            .map(|weight| distinct.binary_search(weight).expect("it is there") as u32)
            .collect();
        let (classes, forms) = Classes::of(graph);
        for (steps, kept_bits) in [
            (0, 0),
            (0, 1000),
            (0, 5000),
            (0, 1 << 30),
            (1, 5000),
            (64, 0),
        ] {
            let mut ranks = rank_forms(&classes, &forms, Limits { steps, kept_bits });
            let mut used = ranks.clone();
            used.sort_unstable();
            used.dedup();
            for rank in &mut ranks {
                *rank = used.binary_search(rank).expect("it is there") as u32;
            }
            assert_eq!(ranks, expected, "{steps} steps, {kept_bits} bits");
        }
        assert_eq!(all_exact(graph, |weight| weight), weights);
        let mut ranking = Ranking::by_lower_bound(&classes, &forms);
        let mut clusters = ranking.clusters(&classes);
        let same_class = |a: Form, b: Form| (a.class == b.class).then_some(Ordering::Equal);
        clusters.retain(|cluster| ranking.settle(cluster, same_class).is_none());
        clusters.len()
    }

    #[test]
    fn sums_that_differ_far_behind_the_leading_bits_are_told_apart() {
        let mut towers = Towers::new(600);
        let [low, middle, high, higher] = [130, 131, 400, 599].map(|n| towers.bottoms[n]);
        for large in [high, higher] {
            for small in [middle, low, middle] {
                let both = towers.before(&[large, small]);
                towers.before(&[both]);
            }
        }
        assert_eq!(check(&towers.builder.build().expect("no loop")), 2);
    }

    #[test]
    fn the_same_sum_by_different_ways_is_the_same_weight() {
        let mut towers = Towers::new(200);
        let [a, b, c, d] = [150, 151, 152, 153].map(|n| towers.bottoms[n]);
        let ab = towers.before(&[a, b]);
        let cd = towers.before(&[c, d]);
        let ac = towers.before(&[a, c]);
        let bd = towers.before(&[b, d]);
        let one_way = towers.before(&[ab, cd]);
        let other_way = towers.before(&[ac, bd]);
        let more = towers.before(&[other_way]);
        let graph = towers.builder.build().expect("no loop");
        assert_eq!(check(&graph), 1);
        let ranks = ranks(&graph);
        assert_eq!(ranks[one_way as usize], ranks[other_way as usize]);
        assert!(ranks[more as usize] > ranks[one_way as usize]);
    }

    #[test]
    fn equal_branches_need_no_exact_numbers() {
        let mut towers = Towers::new(300);
        let top = *towers.bottoms.last().expect("there are diamonds");
        for _ in 0..50 {
            let unpack = towers.before(&[top]);
            towers.before(&[unpack]);
        }
        assert_eq!(check(&towers.builder.build().expect("no loop")), 0);
    }
}
