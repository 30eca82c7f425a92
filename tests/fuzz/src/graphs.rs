//! What holds for every graph that a reader lets through, and for every refusal.

use std::fmt::Write as _;

use auh_graph::{
    GraphParts, Order, ReadError, TaskGraph, Weights, order, read_run_queue, read_task_depends,
};

use crate::lines;

/// Graphs up to this many tasks are checked with all that takes more than linear time.
const SMALL: usize = 300;

/// A graph obeys its invariants; an error is short and in a line that exists.
pub fn check_read(bytes: &[u8], read: &Result<TaskGraph, ReadError>) {
    match read {
        Ok(graph) => check_graph(graph),
        Err(error) => check_error(bytes, error),
    }
}

/// Errors are for people: no megabytes of foreign text, and a line that can be looked up.
pub fn check_error(bytes: &[u8], error: &ReadError) {
    assert!(error.to_string().len() < 1 << 16, "a long error");
    if let ReadError::Line { line, .. } = error {
        assert!((1..=lines(bytes)).contains(line), "{error}");
    }
}

fn check_graph(graph: &TaskGraph) {
    check_names(graph);
    check_edges(graph);
    check_orders(graph);
    check_parts(graph);
    // PN.TASK is parted at its last dot, so a task's name cannot have one.
    if graph.task_names().iter().all(|name| !name.contains('.')) {
        let again = read_task_depends(&mut to_dot(graph).as_bytes());
        check_same(graph, &again.expect("as BitBake writes it"));
    }
    let again = read_run_queue(&mut to_run_queue(graph).as_bytes()).expect("as BitBake has it");
    check_same(graph, &again.graph);
}

fn check_names(graph: &TaskGraph) {
    assert_eq!(graph.ids().len(), graph.len());
    let mut ids: Vec<&str> = graph.ids().iter().collect();
    for (task, id) in graph.tasks().zip(&ids) {
        let parted = id.rsplit_once(':').expect("a colon");
        assert_eq!(parted, (graph.recipe(task), graph.task_name(task)));
        let bad = |c: char| c == '"' || c.is_ascii_control();
        assert!(!id.contains(bad), "{id:?}");
        let recipe = graph.recipe_name(graph.recipe_of(task));
        assert!(!recipe.contains(bad), "{recipe:?}");
    }
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "an id twice");
}

fn check_edges(graph: &TaskGraph) {
    let (dependencies, dependants) = (graph.dependencies(), graph.dependants());
    assert_eq!(dependencies.edges(), dependants.edges());
    let order = Order::from_sequence(graph.dependants_first().to_vec(), graph.len());
    let order = order.expect("a permutation");
    for task in graph.tasks() {
        for &dependency in dependencies.of(task) {
            assert!(dependants.of(dependency).binary_search(&task).is_ok());
            assert!(order.place(task) < order.place(dependency));
        }
        let mut targets = dependencies.of(task).to_vec();
        targets.sort_unstable();
        assert!(targets.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

fn check_orders(graph: &TaskGraph) {
    let weights = Weights::of(graph);
    for task in graph.tasks() {
        for &dependency in graph.dependencies().of(task) {
            assert!(weights.compare(dependency, task).is_gt());
        }
    }
    let speed = order::speed(&weights);
    let sequence = speed.sequence().windows(2);
    assert!(
        sequence
            .map(|pair| weights.compare(pair[0], pair[1]))
            .all(|o| o.is_ge())
    );
    let orders = [
        speed,
        order::basic(graph),
        order::critical_path(graph),
        order::completion(graph, &weights),
        order::rm_work(graph, &weights).order,
    ];
    for order in orders {
        let again = Order::from_sequence(order.sequence().to_vec(), graph.len());
        assert_eq!(again.as_ref(), Ok(&order));
    }
    if graph.len() <= SMALL {
        check_decimals(graph, &weights);
    }
}

/// Against a plain sum, as far as that fits.
fn check_decimals(graph: &TaskGraph, weights: &Weights) {
    let mut plain: Vec<Option<u128>> = vec![None; graph.len()];
    for &task in graph.dependants_first() {
        let dependants = graph.dependants().of(task).iter();
        let sum = |sum: Option<u128>, &task: &u32| sum?.checked_add(plain[task as usize]?);
        plain[task as usize] = match dependants.len() {
            0 => Some(10),
            _ => dependants.fold(Some(1), sum),
        };
    }
    for (decimal, plain) in weights.decimals(graph).iter().zip(plain) {
        assert!(plain.is_none_or(|plain| *decimal == plain.to_string()));
    }
}

fn check_parts(graph: &TaskGraph) {
    let again = TaskGraph::from_parts(GraphParts {
        dependency_offsets: graph.dependencies().offsets(),
        dependencies: graph.dependencies().targets(),
        recipe_of: graph.recipe_indices(),
        task_name_of: graph.task_name_indices(),
        recipes: graph.recipes().clone(),
        task_names: graph.task_names().clone(),
        durations: graph.durations(),
        work_bytes: graph.work_sizes(),
    });
    check_same(graph, &again.expect("parts that fit"));
}

/// The same but for the recipes' names, which not every form has.
fn check_same(graph: &TaskGraph, again: &TaskGraph) {
    assert!(graph.ids() == again.ids());
    assert!(graph.recipes() == again.recipes());
    assert!(graph.task_names() == again.task_names());
    assert!(graph.recipe_indices() == again.recipe_indices());
    assert!(graph.dependencies() == again.dependencies());
    assert!(graph.dependants() == again.dependants());
    assert!(graph.dependants_first() == again.dependants_first());
}

/// The graph as `bitbake -g` would write it, but for the names of recipes.
fn to_dot(graph: &TaskGraph) -> String {
    let name = |task| (graph.recipe_of(task), graph.task_name(task));
    let mut text = String::from("digraph depends {\n");
    for task in graph.tasks() {
        let ((recipe, kind), file) = (name(task), graph.recipe(task));
        let _ = writeln!(
            text,
            "\"r{recipe}.{kind}\" [label=\"r{recipe} {kind}\\n:1-r0\\n{file}\"]"
        );
        for &dependency in graph.dependencies().of(task) {
            let (on, on_kind) = name(dependency);
            let _ = writeln!(text, "\"r{recipe}.{kind}\" -> \"r{on}.{on_kind}\"");
        }
    }
    text + "}\n"
}

/// The graph as a dump of BitBake's run queue.
fn to_run_queue(graph: &TaskGraph) -> String {
    let tids: Vec<&str> = graph.ids().iter().collect();
    let depends: Vec<&[u32]> = graph.tasks().map(|t| graph.dependencies().of(t)).collect();
    serde_json::json!({ "tids": tids, "depends": depends }).to_string()
}
