//! Lists of sizes: an error has its line, and what is read can be laid on any graph.
#![no_main]

use std::sync::LazyLock;

use auh_fuzz::graphs::check_error;
use auh_graph::{TaskGraph, TaskGraphBuilder, WorkFolders, WorkSizes};
use libfuzzer_sys::fuzz_target;

static GRAPH: LazyLock<TaskGraph> = LazyLock::new(|| {
    let mut builder = TaskGraphBuilder::new();
    for recipe in ["/l/a_1.bb", "virtual:native:/l/a_1.bb", "/l/b_2.bb"] {
        for task in ["do_unpack", "do_compile", "do_rm_work"] {
            builder.task_of(recipe, task).expect("a new task");
        }
    }
    builder.build().expect("no loop")
});

fuzz_target!(|bytes: &[u8]| {
    match WorkSizes::read(&mut &*bytes) {
        Err(error) => check_error(bytes, &error),
        Ok(sizes) => {
            let graph = sizes.apply(GRAPH.clone());
            let folders = WorkFolders::of(&graph);
            let whole: u64 = (0..3).map(|recipe| folders.bytes(recipe)).sum();
            let text = std::str::from_utf8(bytes).expect("what is read is text");
            let numbers = text
                .lines()
                .filter_map(|line| line.split_once('\t')?.1.parse::<u64>().ok());
            assert!(whole <= numbers.sum::<u64>());
            assert!(sizes.apply(graph.clone()) == graph);
        }
    }
});
