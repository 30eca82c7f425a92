//! How weights and orders grow from a thousand to a million tasks with 5 dependencies each.
//!
//! `cargo run --release -p auh-graph --example scale [FILE.dot | TASKS WINDOW]`: times in milliseconds for graphs
//! whose dependencies are spread over all earlier tasks, or stay near; with a
//! file or a size, for that one.

use std::hint::black_box;
use std::time::Instant;

use auh_graph::{TaskGraph, TaskGraphBuilder, Weights, order, read_task_depends};

fn main() {
    println!(
        "{:>10} {:>8}  build weights rm-work   all",
        "tasks", "window"
    );
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => measure_all(),
        [path] => measure_file(path),
        [tasks, window, ..] => {
            let number = |text: &String| text.parse().expect("a number");
            let (tasks, window) = (number(tasks), number(window));
            measure(tasks, window, || generate(tasks, window));
        }
    }
}

fn measure_all() {
    for window in [u64::MAX, 10_000, 1000, 100, 10] {
        for tasks in [1_000, 10_000, 100_000, 1_000_000] {
            measure(tasks, window, || generate(tasks, window));
        }
    }
}

fn measure_file(path: &str) {
    let bytes = std::fs::read(path).expect("a readable file");
    for _ in 0..20 {
        measure(0, 0, || {
            read_task_depends(&mut &bytes[..]).expect("well formed")
        });
    }
}

fn measure(tasks: u64, window: u64, graph: impl FnOnce() -> TaskGraph) {
    let start = Instant::now();
    let graph = graph();
    let built = start.elapsed();
    let weights = Weights::of(&graph);
    let weighed = start.elapsed();
    black_box(order::rm_work(&graph, &weights));
    let ordered = start.elapsed();
    println!(
        "{tasks:>10} {:>8} {:>6.1} {:>7.1} {:>7.1} {:>5.0}",
        if window == u64::MAX {
            "all".to_owned()
        } else {
            window.to_string()
        },
        built.as_secs_f64() * 1e3,
        (weighed - built).as_secs_f64() * 1e3,
        (ordered - weighed).as_secs_f64() * 1e3,
        ordered.as_secs_f64() * 1e3,
    );
}

/// Recipes of 20 tasks; each task waits for five among the `window` tasks before it.
fn generate(tasks: u64, window: u64) -> TaskGraph {
    let mut builder = TaskGraphBuilder::new();
    let mut random = 1_u64;
    for task in 0..tasks {
        let recipe = task / 20;
        let file = format!("/layers/meta/recipes-some/recipe-{recipe}/recipe-{recipe}_1.0.bb");
        let index = builder
            .task_of(&file, &format!("do_task_{}", task % 20))
            .expect("a new task");
        for _ in 0..5.min(task) {
            random = random
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            let back = 1 + (random >> 33) % window.min(task);
            builder.depends(index, (task - back) as u32);
        }
    }
    builder.build().expect("no loop")
}
