//! How long a `task-depends.dot` takes to read, and its rm-work order to make: a line of JSON with
//! milliseconds, the best of several runs, for the bench.
//!
//! `cargo run --release -p auh-graph --example times -- FILE.dot`

use auh_graph::{Weights, order, read_task_depends};
use std::hint::black_box;
use std::time::Instant;

const RUNS: usize = 15;

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let bytes = std::fs::read(&path).expect("a readable file");
    let graph = read_task_depends(&mut &bytes[..]).expect("well formed");
    // With the ids, which a graph makes when they are first asked for.
    let read = best(|| {
        let graph = read_task_depends(&mut &bytes[..]).expect("well formed");
        graph.ids().len()
    });
    // An order has its reverse map.
    let order = best(|| order::rm_work(&graph, &Weights::of(&graph)).order.place(0));
    println!(
        "{{\"tasks\": {}, \"edges\": {}, \"read_ms\": {read:.3}, \"order_ms\": {order:.3}}}",
        graph.len(),
        graph.dependencies().edges(),
    );
}

fn best<T>(work: impl Fn() -> T) -> f64 {
    let once = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..RUNS).map(once).fold(f64::INFINITY, f64::min)
}
