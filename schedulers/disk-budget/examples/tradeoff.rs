//! What a budget costs in time: the makespan within the budget that rm-work needs, within half of
//! it, and within the least that was found, on a graph with modelled durations and sizes.
//!
//! `cargo run --release -p auh-disk-budget --example tradeoff -- GRAPH.dot.zst...`

use auh_disk_budget::{Build, TooSmall};
use auh_graph::{TaskGraph, TaskIndex, Weights, model, order, read_task_depends};
use auh_simulate::{Fault, FixedOrder, Moment, Outcome, Scheduler, Slots, simulate};
use std::io::BufReader;

struct Within(u64, Option<Build>);

impl Scheduler for Within {
    fn order(&mut self, graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault> {
        let build = Build::new(graph, self.0).map_err(|error| Fault(error.to_string()))?;
        let order = build.order().sequence().to_vec();
        self.1 = Some(build);
        Ok(order)
    }

    fn pick(&mut self, moment: &Moment<'_>) -> Result<Option<TaskIndex>, Fault> {
        let build = self.1.as_mut().expect("an order was asked for");
        Ok(build.pick(moment.ready, moment.ended))
    }
}

fn main() {
    for path in std::env::args().skip(1) {
        for seed in 1..=3 {
            let graph = modelled(&path, seed);
            for threads in [2, 4, 8, 16, 32] {
                measure(&path, seed, &graph, threads);
            }
        }
    }
}

fn modelled(path: &str, seed: u64) -> TaskGraph {
    let file = std::fs::File::open(path).expect("a readable file");
    let mut input = BufReader::new(zstd::Decoder::new(file).expect("a zstd file"));
    let graph = read_task_depends(&mut input).expect("well formed");
    let graph = graph.with_rm_work().expect("small enough");
    model::with_work_bytes(model::with_durations(graph, seed), seed)
}

fn measure(path: &str, seed: u64, graph: &TaskGraph, threads: u32) {
    let slots = Slots::of(threads);
    let rm_work = order::rm_work(graph, &Weights::of(graph)).order;
    let mut rm_work = FixedOrder(rm_work.into_sequence());
    let base = simulate(graph, &mut rm_work, &slots).expect("it runs");
    let name = path.rsplit('/').next().unwrap_or(path);
    println!("{name}, seed {seed}, {threads} threads");
    show("rm-work", &base, &base);
    for (label, budget) in [
        ("same", base.peak_disk),
        ("half", base.peak_disk / 2),
        ("least", least(graph)),
    ] {
        let begun = std::time::Instant::now();
        match simulate(graph, &mut Within(budget, None), &slots) {
            Ok(outcome) => {
                assert!(outcome.peak_disk <= budget, "the budget is kept");
                show(label, &outcome, &base);
                println!("      in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
            }
            Err(error) => println!("  {label}: {error}"),
        }
    }
}

/// The least budget that is offered.
fn least(graph: &TaskGraph) -> u64 {
    let mut budget = 0;
    while let Err(TooSmall::Impossible { bytes, .. } | TooSmall::NoWayFound { bytes, .. }) =
        Build::new(graph, budget)
    {
        budget = bytes;
    }
    budget
}

fn show(label: &str, outcome: &Outcome, base: &Outcome) {
    println!(
        "  {label:8} {:6.2} GB  {:8.0} s  {:6.2} x rm-work  {:5.1} % above the bound  {:4} recipes{}",
        outcome.peak_disk as f64 / 1e9,
        outcome.makespan as f64 / 1e6,
        outcome.makespan as f64 / base.makespan as f64,
        100.0 * outcome.distance_to(outcome.bounds.highest()),
        outcome.peak_recipes,
        if label == "same" && outcome.makespan > base.makespan {
            "  SLOWER"
        } else {
            ""
        },
    );
}
