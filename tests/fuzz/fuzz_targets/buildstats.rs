//! A file of buildstats: a sensible time or none, and a run that passed behind it counts.
#![no_main]

use auh_fuzz::scratch;
use auh_graph::{Buildstats, TaskGraphBuilder};
use libfuzzer_sys::fuzz_target;

const FILE: &str = "a-1.0-r0/do_compile";
const PASSED: &[u8] = b"\nStarted: 1700000000.25 \nElapsed time: 1.50 seconds\nStatus: PASSED \n";
/// A thousand million seconds.
const LONGEST: u64 = 1_000_000_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    if let Some(stats) = read(bytes) {
        let duration = stats.duration("a", "do_compile").expect("the one file");
        assert!((1..=LONGEST).contains(&duration));
    }
    let stats = read(&[bytes, PASSED].concat()).expect("a run that passed");
    assert_eq!(stats.duration("a", "do_compile"), Some(1_500_000));
    let mut builder = TaskGraphBuilder::new();
    let tasks = ["do_fetch", "do_compile"].map(|name| builder.task_of("/l/a_1.0.bb", name));
    let [fetch, compile] = tasks.map(|task| task.expect("a new task"));
    builder.depends(compile, fetch);
    let graph = stats.apply(builder.build().expect("no loop"));
    assert_eq!(graph.durations(), [0, 1_500_000]);
    assert_eq!(stats.start_cost(&graph), None);
});

fn read(bytes: &[u8]) -> Option<Buildstats> {
    scratch::file(FILE, bytes);
    Buildstats::read(scratch::folder()).ok()
}
