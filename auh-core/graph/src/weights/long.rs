//! Weights past 128 bits: ranks instead of numbers, in time and memory near to linear.
//!
//! Each weight is a *form*, a class plus an offset (module `classes`): equal forms are equal
//! weights, and forms of one class compare by their offsets. Between classes the leading 128 bits
//! with a bound of their error decide (module `approximate`). What overlaps is a *cluster*; only
//! where classes meet in one are exact numbers computed, in passes that keep a bounded amount. So
//! answers are exact always, and the long way is taken where two weights of over 220 bits agree in
//! their first 100 without being the same sum.

use std::cmp::Ordering;
use std::collections::HashMap;

use num_bigint::BigUint;

use super::approximate::{Approximate, Bound};
use super::classes::{Class, Classes, Form};
use crate::task_graph::{TaskGraph, TaskIndex};

/// How many bits of exact numbers one pass keeps, 128 MiB. A single cluster may need more.
const KEPT_BITS: u64 = 1 << 30;

/// For each task the rank of its weight, from 0: equal weights share one.
pub(super) fn ranks(graph: &TaskGraph) -> Vec<u32> {
    let (classes, forms) = Classes::of(graph);
    rank_forms(&classes, &forms, KEPT_BITS)
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

fn rank_forms(classes: &Classes, forms: &[Form], kept_bits: u64) -> Vec<u32> {
    let mut tasks: Vec<(Bound, TaskIndex)> = forms
        .iter()
        .zip(0..)
        .map(|(&form, task)| (classes.approximate(form).low(), task))
        .collect();
    tasks.sort_unstable();
    let mut tasks: Vec<TaskIndex> = tasks.into_iter().map(|(_, task)| task).collect();
    let clusters = clusters(classes, forms, &tasks);
    let mut ranking = Ranking {
        ranks: vec![0; forms.len()],
        next: 0,
    };
    for batch in batches(&clusters, kept_bits) {
        let values = exact_values(classes, forms, &tasks, batch);
        for cluster in batch {
            let members = &mut tasks[cluster.start..cluster.end];
            match cluster.mixed {
                false => ranking.add(members, |a, b| {
                    forms[a as usize].offset.cmp(&forms[b as usize].offset)
                }),
                true => ranking.add(members, |a, b| {
                    compare(forms[a as usize], forms[b as usize], &values)
                }),
            }
        }
    }
    ranking.ranks
}

/// Neighbours in the order by lower bound whose bounds overlap.
struct Cluster {
    start: usize,
    end: usize,
    /// Whether there is more than one class in it, so that exact numbers are needed.
    mixed: bool,
    /// How many bits those numbers have at most.
    bits: u64,
}

fn clusters(classes: &Classes, forms: &[Form], tasks: &[TaskIndex]) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut high = (0, 0);
    let mut class = None;
    for (place, &task) in tasks.iter().enumerate() {
        let form = forms[task as usize];
        let approximate: Approximate = classes.approximate(form);
        match clusters.last_mut() {
            Some(cluster) if approximate.low() <= high => {
                cluster.end = place + 1;
                cluster.mixed |= class != Some(form.class);
                cluster.bits += approximate.bits();
            }
            _ => clusters.push(Cluster {
                start: place,
                end: place + 1,
                mixed: false,
                bits: approximate.bits(),
            }),
        }
        high = high.max(approximate.high());
        class = Some(form.class);
    }
    clusters
}

/// Consecutive clusters whose exact numbers can be kept at the same time.
fn batches(clusters: &[Cluster], kept_bits: u64) -> impl Iterator<Item = &[Cluster]> {
    let mut kept = 0;
    clusters.chunk_by(move |before, after| {
        let needed = |cluster: &Cluster| if cluster.mixed { cluster.bits } else { 0 };
        kept += needed(before);
        let fits = kept + needed(after) <= kept_bits;
        if !fits {
            kept = 0;
        }
        fits
    })
}

/// What the classes in the batch's mixed clusters are worth.
fn exact_values(
    classes: &Classes,
    forms: &[Form],
    tasks: &[TaskIndex],
    batch: &[Cluster],
) -> HashMap<Class, BigUint> {
    let mut values = HashMap::new();
    if !batch.iter().any(|cluster| cluster.mixed) {
        return values;
    }
    let mut wanted = vec![false; classes.len()];
    for cluster in batch.iter().filter(|cluster| cluster.mixed) {
        for &task in &tasks[cluster.start..cluster.end] {
            wanted[forms[task as usize].class as usize] = true;
        }
    }
    classes.evaluate(&wanted, |class, value| {
        values.insert(class, value);
    });
    values
}

fn compare(a: Form, b: Form, values: &HashMap<Class, BigUint>) -> Ordering {
    match a.class == b.class {
        true => a.offset.cmp(&b.offset),
        false => (&values[&a.class] + a.offset).cmp(&(&values[&b.class] + b.offset)),
    }
}

struct Ranking {
    ranks: Vec<u32>,
    next: u32,
}

impl Ranking {
    /// Gives the next ranks to a cluster.
    fn add(
        &mut self,
        members: &mut [TaskIndex],
        compare: impl Fn(TaskIndex, TaskIndex) -> Ordering,
    ) {
        members.sort_by(|&a, &b| compare(a, b));
        for equal in members.chunk_by(|&a, &b| compare(a, b).is_eq()) {
            for &task in equal {
                self.ranks[task as usize] = self.next;
            }
            self.next += 1;
        }
    }
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

    /// Checks ranks with all ways to cut the work into passes; says how many clusters are mixed.
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
        for kept_bits in [0, 1000, 5000, KEPT_BITS] {
            assert_eq!(rank_forms(&classes, &forms, kept_bits), expected);
        }
        assert_eq!(all_exact(graph, |weight| weight), weights);
        let mut tasks: Vec<TaskIndex> = graph.tasks().collect();
        tasks.sort_by_key(|&task| classes.approximate(forms[task as usize]).low());
        let clusters = clusters(&classes, &forms, &tasks);
        clusters.iter().filter(|cluster| cluster.mixed).count()
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
