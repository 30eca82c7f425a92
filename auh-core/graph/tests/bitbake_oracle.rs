//! The same answers as BitBake's own code, tie for tie, on thousands of random graphs.
//!
//! Needs a Python with BitBake in it, named by `AUH_ORACLE_PYTHON`: see `tests/bitbake-oracle` at
//! the top of the workspace.

mod random_graphs;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use auh_graph::{Weights, order};
use random_graphs::RandomGraph;
use serde::{Deserialize, Serialize};

const GRAPHS: u64 = 6000;
const MOST_RECIPES: u64 = 9;

#[derive(Serialize)]
struct Question<'a> {
    tids: &'a [String],
    depends: &'a [Vec<u32>],
}

#[derive(Deserialize)]
struct Answer {
    weights: Vec<String>,
    speed: Vec<u32>,
    completion: Vec<u32>,
}

/// How many of the graphs were of the kinds that must be among them.
#[derive(Debug, Default)]
struct Kinds {
    empty: u32,
    one_recipe: u32,
    multiconfig: u32,
    past_64_bits: u32,
    past_128_bits: u32,
}

#[test]
fn answers_are_those_of_bitbakes_own_classes() {
    let Ok(python) = std::env::var("AUH_ORACLE_PYTHON") else {
        println!("skipped: AUH_ORACLE_PYTHON does not name a Python that has BitBake");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bitbake-oracle/oracle.py");
    let mut oracle = Command::new(&python)
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python}: {error}"));
    let questions = oracle.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(oracle.stdout.take().expect("a pipe")).lines();
    let asking = std::thread::spawn(move || ask_all(questions));
    let mut kinds = Kinds::default();
    for seed in seeds() {
        let line = answers.next().expect("an answer for each graph");
        let answer: Answer = serde_json::from_str(&line.expect("a line")).expect("an answer");
        check(seed, &answer, &mut kinds);
    }
    asking.join().expect("all graphs were sent");
    assert!(oracle.wait().expect("it ends").success());
    println!("{GRAPHS} graphs, of these {kinds:?}");
    assert!(
        kinds.empty > 0 && kinds.one_recipe > 0 && kinds.multiconfig > 0,
        "{kinds:?}"
    );
    assert!(
        kinds.past_64_bits > 100 && kinds.past_128_bits > 100,
        "{kinds:?}"
    );
}

fn seeds() -> std::ops::Range<u64> {
    let first = std::env::var("AUH_ORACLE_SEED").map_or(0, |seed| {
        seed.parse().expect("AUH_ORACLE_SEED is a whole number")
    });
    first..first + GRAPHS
}

fn ask_all(mut questions: ChildStdin) {
    for seed in seeds() {
        let graph = RandomGraph::new(seed, MOST_RECIPES);
        let question = Question {
            tids: &graph.tids,
            depends: &graph.depends,
        };
        let mut line = serde_json::to_vec(&question).expect("plain lists");
        line.push(b'\n');
        questions.write_all(&line).expect("the oracle reads on");
    }
}

fn check(seed: u64, answer: &Answer, kinds: &mut Kinds) {
    let graph = RandomGraph::new(seed, MOST_RECIPES).task_graph();
    let weights = Weights::of(&graph);
    assert_eq!(
        weights.decimals(&graph),
        answer.weights,
        "weights of seed {seed}"
    );
    assert_eq!(
        order::speed(&weights).sequence(),
        answer.speed,
        "speed of seed {seed}"
    );
    let rm_work = order::rm_work(&graph, &weights).order;
    assert_eq!(
        rm_work.sequence(),
        answer.completion,
        "rm-work of seed {seed}"
    );
    let past = |fits: fn(&str) -> bool| u32::from(answer.weights.iter().any(|w| !fits(w)));
    kinds.empty += u32::from(graph.is_empty());
    kinds.one_recipe += u32::from(graph.recipes().len() == 1);
    kinds.multiconfig += u32::from(graph.recipes().iter().any(|r| r.starts_with("mc:")));
    kinds.past_64_bits += past(|digits| digits.parse::<u64>().is_ok());
    kinds.past_128_bits += past(|digits| digits.parse::<u128>().is_ok());
}
