//! Graphs of real builds: BitBake's own answers for one, and readable files for the others.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use auh_graph::{RunQueue, Weights, order, read_run_queue, read_task_depends};

/// BitBake's run queue for core-image-sato with rm_work, as its server held it.
const SATO: &str = "tests/data/sato-rmwork.runqueue.json.zst";

fn open(path: &Path) -> BufReader<zstd::Decoder<'static, BufReader<File>>> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    BufReader::new(zstd::Decoder::new(file).expect("a zstd file"))
}

fn check_against_bitbake(path: &Path) {
    let queue: RunQueue = read_run_queue(&mut open(path)).expect("well formed");
    let graph = &queue.graph;
    let weights = Weights::of(graph);
    assert_eq!(Some(weights.decimals(graph)), queue.weights);
    assert_eq!(Some(order::speed(&weights)), queue.speed);
    assert_eq!(
        Some(order::rm_work(graph, &weights).order),
        queue.completion
    );
}

#[test]
fn answers_for_sato_are_bitbakes() {
    check_against_bitbake(&Path::new(env!("CARGO_MANIFEST_DIR")).join(SATO));
}

/// A folder with more graphs that may be beside the workspace.
fn shared_graphs() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/graphs");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no folder {}", folder.display());
    None
}

#[test]
fn answers_for_shared_run_queues_are_bitbakes() {
    let Some(folder) = shared_graphs() else {
        return;
    };
    check_against_bitbake(&folder.join("sato-rmwork.runqueue.json.zst"));
}

#[test]
fn shared_dot_files_have_all_their_tasks() {
    let Some(folder) = shared_graphs() else {
        return;
    };
    let check = |name: &str, tasks, edges, heaviest: &str| {
        let path = folder.join(name).with_extension("task-depends.dot.zst");
        let graph = read_task_depends(&mut open(&path)).expect("well formed");
        assert_eq!(
            (graph.len(), graph.dependencies().edges()),
            (tasks, edges),
            "{name}"
        );
        let weights = Weights::of(&graph);
        let speed = order::speed(&weights);
        assert_eq!(
            weights.decimal(&graph, speed.sequence()[0]),
            heaviest,
            "{name}"
        );
    };
    check("sato", 9260, 46486, "57424938876986505377");
    check("sato-rmwork", 9687, 47176, "15191496263564942207");
    check("world", 19552, 96657, "4666942425373793133");
}
