//! Weights and orders against slow oracles that are written from their descriptions.

mod random_graphs;

use std::cmp::Ordering;

use auh_graph::{Order, TaskGraph, TaskIndex, Weights, order};
use num_bigint::BigUint;
use proptest::prelude::*;
use random_graphs::RandomGraph;

/// 10 where nothing depends on the task, else 1 + the sum of the direct dependants' weights.
fn naive_weights(graph: &RandomGraph) -> Vec<BigUint> {
    fn weigh(task: usize, graph: &RandomGraph, known: &mut Vec<Option<BigUint>>) -> BigUint {
        if let Some(weight) = &known[task] {
            return weight.clone();
        }
        let depends_on_it = |other: &usize| graph.depends[*other].contains(&(task as u32));
        let dependants: Vec<usize> = (0..graph.tids.len()).filter(depends_on_it).collect();
        let weight = match dependants.is_empty() {
            true => BigUint::from(10_u8),
            false => dependants.iter().fold(BigUint::from(1_u8), |sum, &next| {
                sum + weigh(next, graph, known)
            }),
        };
        known[task] = Some(weight.clone());
        weight
    }
    let mut known = vec![None; graph.tids.len()];
    (0..graph.tids.len())
        .map(|task| weigh(task, graph, &mut known))
        .collect()
}

/// Picks the heaviest that is left, of equal ones the last.
fn naive_speed(weights: &[BigUint]) -> Vec<TaskIndex> {
    let mut left: Vec<usize> = (0..weights.len()).collect();
    let mut order = Vec::new();
    while let Some(place) = (0..left.len()).max_by_key(|&place| &weights[left[place]]) {
        order.push(left.remove(place) as TaskIndex);
    }
    order
}

/// The most important task, then all others of its recipe, and so on.
fn naive_completion(graph: &TaskGraph, speed: &[TaskIndex]) -> Vec<TaskIndex> {
    let mut left = speed.to_vec();
    let mut order = Vec::new();
    while let Some(&first) = left.first() {
        let (same, others): (Vec<_>, Vec<_>) = left
            .iter()
            .partition(|&&task| graph.recipe(task) == graph.recipe(first));
        order.extend(same);
        left = others;
    }
    order
}

/// Merges the recipes' lists (a known name moves the place behind it, a new one is put in there),
/// then takes all tasks of the last name, of the last but one, and so on.
fn naive_rm_work(graph: &TaskGraph, speed: &[TaskIndex]) -> (Vec<String>, Vec<TaskIndex>) {
    let mut merged: Vec<String> = Vec::new();
    let mut recipes: Vec<&str> = Vec::new();
    for &task in speed {
        if !recipes.contains(&graph.recipe(task)) {
            recipes.push(graph.recipe(task));
        }
    }
    for recipe in recipes {
        let mut place = 0;
        for &task in speed.iter().filter(|&&task| graph.recipe(task) == recipe) {
            let name = graph.task_name(task);
            match merged.iter().position(|known| known == name) {
                Some(known) => place = known + 1,
                None => {
                    merged.insert(place, name.to_owned());
                    place += 1;
                }
            }
        }
    }
    let of_name = |name: &String| {
        let same = |task: &TaskIndex| graph.task_name(*task) == name;
        speed.iter().copied().filter(same).collect::<Vec<_>>()
    };
    let order = merged.iter().rev().flat_map(of_name).collect();
    (merged, order)
}

/// Longest way to the end by trying all ways, with every duration at least 1.
fn naive_remaining(graph: &TaskGraph, task: TaskIndex) -> u64 {
    let own = graph.duration(task).unwrap_or(1).max(1);
    let after = graph.dependants().of(task).iter();
    own + after
        .map(|&next| naive_remaining(graph, next))
        .max()
        .unwrap_or(0)
}

fn assert_reverse(order: &Order) {
    for (place, &task) in order.sequence().iter().enumerate() {
        assert_eq!(order.place(task) as usize, place);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn weights_are_those_of_the_description(seed in any::<u64>(), size in 0_u64..10) {
        let random = RandomGraph::new(seed, size);
        let graph = random.task_graph();
        let weights = Weights::of(&graph);
        let expected = naive_weights(&random);
        let shown: Vec<String> = expected.iter().map(ToString::to_string).collect();
        prop_assert_eq!(weights.decimals(&graph), shown);
        for task in graph.tasks().step_by(7) {
            prop_assert_eq!(weights.decimal(&graph, task), expected[task as usize].to_string());
        }
        for (a, b) in graph.tasks().zip(graph.tasks().rev()) {
            let order: Ordering = expected[a as usize].cmp(&expected[b as usize]);
            prop_assert_eq!(weights.compare(a, b), order);
        }
    }

    #[test]
    fn orders_are_those_of_the_descriptions(seed in any::<u64>(), size in 0_u64..10) {
        let random = RandomGraph::new(seed, size);
        let graph = random.task_graph();
        let weights = Weights::of(&graph);
        let speed = naive_speed(&naive_weights(&random));
        let fast = order::speed(&weights);
        prop_assert_eq!(fast.sequence(), &speed);
        let completion = order::completion(&graph, &weights);
        prop_assert_eq!(completion.sequence(), naive_completion(&graph, &speed));
        let rm_work = order::rm_work(&graph, &weights);
        let (merged, sequence) = naive_rm_work(&graph, &speed);
        let names: Vec<&str> = rm_work.merged.iter().map(|&n| graph.task_names().get(n)).collect();
        prop_assert_eq!(names, merged);
        prop_assert_eq!(rm_work.order.sequence(), sequence);
        prop_assert_eq!(rm_work.before.sequence(), speed);
        prop_assert!(order::basic(&graph).sequence().iter().copied().eq(graph.tasks()));
        assert_reverse(&completion);
        assert_reverse(&rm_work.order);
    }

    #[test]
    fn the_critical_path_is_the_longest_way(
        recipes in prop::collection::vec((0_u64..5, prop::collection::vec(any::<prop::sample::Index>(), 0..3)), 0..12),
    ) {
        let random = RandomGraph {
            tids: (0..recipes.len()).map(|n| format!("r{n}:do_x")).collect(),
            depends: recipes
                .iter()
                .enumerate()
                .map(|(task, (_, picks))| match task {
                    0 => Vec::new(),
                    _ => picks.iter().map(|pick| pick.index(task) as u32).collect(),
                })
                .collect(),
        };
        let graph = random
            .task_graph()
            .with_durations(|_, task| Some(recipes[task as usize].0).filter(|&d| d > 0));
        let mut expected: Vec<TaskIndex> = graph.tasks().rev().collect();
        expected.sort_by_key(|&task| std::cmp::Reverse(naive_remaining(&graph, task)));
        let order = order::critical_path(&graph);
        prop_assert_eq!(order.sequence(), expected);
        for task in graph.tasks() {
            for &dependency in graph.dependencies().of(task) {
                prop_assert!(order.place(dependency) < order.place(task));
            }
        }
    }
}
