//! The simulation against one that is so simple that it must be right.

use auh_graph::{TaskGraph, TaskGraphBuilder, TaskIndex};
use auh_simulate::{FixedOrder, Outcome, Slots, TaskRun, simulate};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["do_unpack", "do_compile", "do_install", "do_rm_work"];

#[derive(Clone, Debug)]
struct Case {
    graph: TaskGraph,
    order: Vec<TaskIndex>,
    slots: Slots,
}

prop_compose! {
    fn case(shortest: u64)(
        tasks in prop::collection::btree_set((0_u32..6, 0_usize..4), 1..20),
        durations in prop::collection::vec(shortest..6, 20),
        bytes in prop::collection::vec(0_u64..9, 20),
        edges in prop::collection::vec((0_u32..20, 0_u32..20), 0..40),
        priorities in prop::collection::vec(any::<u32>(), 20),
        all in 1_u32..5,
        limit in prop::option::of((0_usize..4, 1_u32..3)),
        start_cost in 0_u64..3,
    ) -> Case {
        let mut builder = TaskGraphBuilder::new();
        for (index, &(recipe, name)) in tasks.iter().enumerate() {
            let task = builder.task_of(&format!("r{recipe}"), NAMES[name]).expect("a new task");
            builder.duration(task, durations[index]);
            builder.work_bytes(task, bytes[index]);
        }
        let count = tasks.len() as u32;
        for (a, b) in edges.into_iter().filter(|&(a, b)| a != b && a.max(b) < count) {
            builder.depends(a.max(b), a.min(b));
        }
        let mut order: Vec<TaskIndex> = (0..count).collect();
        order.sort_by_key(|&task| (priorities[task as usize], task));
        let limit = limit.map(|(name, limit)| (NAMES[name].to_owned(), limit));
        Case {
            graph: builder.build().expect("edges go backwards"),
            order,
            slots: Slots { all, of_task: limit.into_iter().collect(), start_cost },
        }
    }
}

fn run(case: &Case) -> Outcome {
    let mut scheduler = FixedOrder(case.order.clone());
    simulate(&case.graph, &mut scheduler, &case.slots).expect("it runs")
}

/// Looks at every task at every tick.
fn naive(case: &Case) -> Vec<TaskRun> {
    let mut runs: Vec<TaskRun> = Vec::new();
    let mut now = 0;
    while runs.len() < case.graph.len() {
        let before = runs.len();
        while let Some(&task) = case
            .order
            .iter()
            .find(|&&task| can_start(case, &runs, before, now, task))
        {
            let end = now
                + match case.graph.duration(task).expect("all have one") {
                    0 => 0,
                    duration => case.slots.start_cost + duration,
                };
            runs.push(TaskRun {
                task,
                start: now,
                end,
            });
        }
        // What took no time may have made others ready.
        if !runs[before..].iter().any(|run| run.end == now) {
            now += 1;
        }
    }
    runs
}

/// Of `runs` those from `fresh` on were started in this round, and have not ended in it.
fn can_start(case: &Case, runs: &[TaskRun], fresh: usize, now: u64, task: TaskIndex) -> bool {
    let ended = |(place, run): &(usize, &TaskRun)| run.end <= now && *place < fresh;
    let running = runs.iter().enumerate().filter(|entry| !ended(entry));
    let name = case.graph.task_name(task);
    let same = running
        .clone()
        .filter(|(_, run)| case.graph.task_name(run.task) == name);
    let limit = case
        .slots
        .of_task
        .iter()
        .find(|(limited, _)| limited == name);
    let mut dependencies = case.graph.dependencies().of(task).iter();
    !runs.iter().any(|run| run.task == task)
        && running.count() < case.slots.all as usize
        && limit.is_none_or(|&(_, limit)| same.count() < limit as usize)
        && dependencies.all(|&dependency| {
            runs.iter()
                .enumerate()
                .any(|entry| entry.1.task == dependency && ended(&entry))
        })
}

/// All bytes of the tasks that have started, of recipes that are not removed.
fn disk_at(graph: &TaskGraph, runs: &[TaskRun], time: u64) -> u64 {
    let removed = |recipe: u32| {
        runs.iter().any(|run| {
            graph.recipe_of(run.task) == recipe
                && graph.task_name(run.task) == "do_rm_work"
                && run.end <= time
        })
    };
    let there = runs
        .iter()
        .filter(|run| run.start <= time && !removed(graph.recipe_of(run.task)));
    there
        .map(|run| graph.work_bytes(run.task).unwrap_or(0))
        .sum()
}

proptest! {
    #[test]
    fn runs_are_those_of_the_naive_simulation(case in case(0)) {
        let outcome = run(&case);
        prop_assert_eq!(&outcome.runs, &naive(&case));
        prop_assert_eq!(outcome.makespan, outcome.runs.iter().map(|run| run.end).max().unwrap_or(0));
        prop_assert!(outcome.makespan >= outcome.bounds.highest());
    }

    #[test]
    fn disk_is_what_the_started_tasks_have_added(case in case(1)) {
        let outcome = run(&case);
        let peak = outcome.runs.iter().map(|run| disk_at(&case.graph, &outcome.runs, run.start));
        prop_assert_eq!(outcome.peak_disk, peak.max().unwrap_or(0));
        for sample in &outcome.samples {
            prop_assert_eq!(sample.disk, disk_at(&case.graph, &outcome.runs, sample.time));
            let running = |run: &&TaskRun| run.start <= sample.time && sample.time < run.end;
            prop_assert_eq!(sample.running as usize, outcome.runs.iter().filter(running).count());
        }
    }
}
