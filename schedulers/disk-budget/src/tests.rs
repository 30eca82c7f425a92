//! Random graphs run on paper under random budgets, and recipes that cannot fit.

use super::*;
use auh_graph::TaskGraphBuilder;
use auh_simulate::{Fault, FixedOrder, Moment, Outcome, Scheduler, SimulateError, Slots, simulate};
use proptest::prelude::*;

/// A build as the simulation wants it.
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

/// A build that is planned.
struct Planned(Build);

impl Scheduler for Planned {
    fn order(&mut self, _graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault> {
        Ok(self.0.order().sequence().to_vec())
    }

    fn pick(&mut self, moment: &Moment<'_>) -> Result<Option<TaskIndex>, Fault> {
        Ok(self.0.pick(moment.ready, moment.ended))
    }
}

fn run(graph: &TaskGraph, budget: u64, slots: u32) -> Result<Outcome, SimulateError> {
    simulate(graph, &mut Within(budget, None), &Slots::of(slots))
}

/// Tasks `r{recipe}:{name}` in this order, each recipe's in a chain; edges by place, from a later
/// place to an earlier one; bytes at each place.
fn graph(tasks: &[(u32, &str, u64)], edges: &[(u32, u32)]) -> TaskGraph {
    let mut builder = TaskGraphBuilder::new();
    for (place, &(recipe, name, bytes)) in tasks.iter().enumerate() {
        let task = builder
            .task_of(&format!("r{recipe}"), name)
            .expect("a new task");
        builder.work_bytes(task, bytes);
        builder.duration(task, 1 + (place as u64 * 7) % 5);
        let before = tasks[..place]
            .iter()
            .rposition(|&(other, ..)| other == recipe);
        before
            .into_iter()
            .for_each(|before| builder.depends(task, before as u32));
    }
    for &(task, dependency) in edges {
        builder.depends(task, dependency);
    }
    builder.build().expect("edges go backwards")
}

/// Two recipes whose packaging waits for the other's installation.
fn knot() -> TaskGraph {
    let tasks = [
        (0, "do_unpack", 5),
        (1, "do_unpack", 7),
        (0, "do_package", 1),
        (1, "do_package", 0),
        (0, "do_rm_work", 0),
        (1, "do_rm_work", 0),
    ];
    graph(&tasks, &[(2, 1), (3, 0)])
}

#[test]
fn recipes_that_need_each_other_must_fit_together() {
    let outcome = run(&knot(), 13, 4).expect("it fits");
    assert_eq!(outcome.peak_disk, 13);
    let error = Build::new(&knot(), 12).err().expect("too small");
    assert_eq!(
        error.to_string(),
        "recipe r1 cannot fit into 12 bytes: it must be in progress with r0 at the same time, \
         13 bytes together"
    );
}

#[test]
fn a_recipe_that_is_larger_than_the_budget_is_named() {
    let tasks = [
        (0, "do_unpack", 5),
        (0, "do_rm_work", 0),
        (1, "do_unpack", 9),
        (1, "do_rm_work", 0),
    ];
    let error = Build::new(&graph(&tasks, &[]), 8).err().expect("too small");
    let text = "recipe r1 cannot fit into 8 bytes: it is in progress by itself at the same time, 9 bytes together";
    assert_eq!(error.to_string(), text);
    assert!(run(&graph(&tasks, &[]), 9, 4).is_ok());
}

#[test]
fn what_is_never_removed_must_fit_for_good() {
    let tasks = [(0, "do_unpack", 5), (1, "do_unpack", 6)];
    assert!(run(&graph(&tasks, &[]), 11, 2).is_ok());
    assert!(matches!(
        Build::new(&graph(&tasks, &[]), 10).err(),
        Some(TooSmall::Impossible { bytes: 11, .. })
    ));
}

#[test]
fn of_many_recipes_that_cannot_fit_a_few_are_named() {
    let tasks: Vec<_> = (0..1000).map(|recipe| (recipe, "do_unpack", 1)).collect();
    let error = Build::new(&graph(&tasks, &[]), 10)
        .err()
        .expect("too small");
    assert_eq!(
        error.to_string(),
        "recipe r999 cannot fit into 10 bytes: it must be in progress with r0, r1, r2, r3 and 995 more \
         at the same time, 1000 bytes together; 1000 of them never remove their work folders: they \
         have no do_rm_work, which OE's class rm_work adds (on paper, --rm-work)"
    );
}

#[test]
fn without_work_folders_any_budget_will_do() {
    let outcome = run(
        &graph(&[(0, "do_unpack", 0), (1, "do_build", 0)], &[]),
        0,
        2,
    );
    assert_eq!(outcome.expect("it fits").peak_disk, 0);
    assert!(run(&graph(&[], &[]), 0, 2).is_ok());
}

/// Recipe 0 waits, once unpacked, for recipe 1: with room for one large folder beside it, whoever
/// begins 2 first never ends.
#[test]
fn nobody_begins_what_would_leave_no_way_to_finish() {
    let tasks = [
        (0, "do_unpack", 4),
        (2, "do_unpack", 5),
        (1, "do_unpack", 6),
        (1, "do_rm_work", 0),
        (2, "do_compile", 0),
        (0, "do_rm_work", 0),
        (2, "do_rm_work", 0),
    ];
    let outcome = run(&graph(&tasks, &[(4, 3), (5, 3)]), 11, 3).expect("it never stands still");
    assert!(outcome.peak_disk <= 11);
}

const NAMES: [&str; 4] = ["do_unpack", "do_compile", "do_package", "do_rm_work"];

prop_compose! {
    /// Fewer than `most` tasks: recipes of some of four, shuffled together, with edges.
    fn any_graph(most: usize)(
        order in prop::collection::vec(0_u32..9, 1..most),
        bytes in prop::collection::vec(0_u64..50, 40),
        skips in prop::collection::vec(0_usize..8, 40),
        edges in prop::collection::vec((0_u32..40, 0_u32..40), 0..60),
    ) -> TaskGraph {
        let mut used = [0; 9];
        let mut tasks = Vec::new();
        for (place, &recipe) in order.iter().enumerate() {
            let next = &mut used[recipe as usize];
            *next += usize::from(skips[place] == 0);
            if let Some(name) = NAMES.get(*next) {
                tasks.push((recipe, *name, bytes[place]));
                *next += 1;
            }
        }
        let count = tasks.len() as u32;
        let edges: Vec<(u32, u32)> = edges
            .into_iter()
            .filter(|&(a, b)| a != b && a.max(b) < count)
            .map(|(a, b)| (a.max(b), a.min(b)))
            .collect();
        graph(&tasks, &edges)
    }
}

/// The smallest peak that any order of tasks has, by trying all of them.
fn smallest_peak(graph: &TaskGraph) -> u64 {
    let folders = Folders::of(graph);
    let mut best = std::collections::HashMap::new();
    let all: u64 = (1 << graph.len()) - 1;
    walk(graph, &folders, 0, all, &mut best)
}

/// The smallest peak from here on, when the tasks of the bit set `done` have run.
fn walk(
    graph: &TaskGraph,
    folders: &Folders,
    done: u64,
    all: u64,
    known: &mut std::collections::HashMap<u64, u64>,
) -> u64 {
    if let Some(&peak) = known.get(&done) {
        return peak;
    }
    let has = |set: u64, task: u32| set >> task & 1 == 1;
    let used = |set: u64| -> u64 {
        let there = |&folder: &u32| {
            let tasks = || graph.tasks().filter(|&task| has(set, task));
            tasks().any(|task| folders.begun_by(task) == Some(folder))
                && !tasks().any(|task| folders.removed_by(task) == Some(folder))
        };
        let present = (0..folders.len() as u32).filter(there);
        present.map(|folder| folders.bytes(folder)).sum()
    };
    let ready = |&task: &u32| {
        let mut dependencies = graph.dependencies().of(task).iter();
        !has(done, task) && dependencies.all(|&dependency| has(done, dependency))
    };
    let peak = graph.tasks().filter(ready).map(|task| {
        let running = if let Some(folder) = folders.removed_by(task) {
            // It is there while it is being removed.
            let begun = graph
                .tasks()
                .any(|t| has(done, t) && folders.begun_by(t) == Some(folder));
            used(done) + if begun { 0 } else { folders.bytes(folder) }
        } else {
            used(done | 1 << task)
        };
        running.max(walk(graph, folders, done | 1 << task, all, known))
    });
    let peak = if done == all {
        0
    } else {
        peak.min().expect("something is ready")
    };
    known.insert(done, peak);
    peak
}

proptest! {
    #[test]
    fn a_build_keeps_its_budget_and_comes_to_its_end(
        graph in any_graph(40),
        budget in 0_u64..400,
        slots in 1_u32..6,
    ) {
        match run(&graph, budget, slots) {
            Ok(outcome) => {
                prop_assert!(outcome.peak_disk <= budget);
                prop_assert_eq!(outcome.runs.len(), graph.len());
            }
            Err(SimulateError::Scheduler(_)) => {
                prop_assert!(Build::new(&graph, budget).is_err());
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn the_budget_that_an_error_asks_for_is_enough(graph in any_graph(40), slots in 1_u32..6) {
        if let Err(TooSmall::NoWayFound { bytes, bound, .. }) = Build::new(&graph, 0) {
            prop_assert!(bound == 0 && bytes > 0);
        }
        let mut budget = 0;
        while let Err(error) = Build::new(&graph, budget) {
            budget = match error {
                TooSmall::Impossible { bytes, .. } | TooSmall::NoWayFound { bytes, .. } => {
                    prop_assert!(bytes > budget);
                    bytes
                }
            };
        }
        let outcome = run(&graph, budget, slots);
        prop_assert!(outcome.is_ok_and(|outcome| outcome.peak_disk <= budget));
    }

    #[test]
    fn what_is_called_impossible_is(graph in any_graph(14)) {
        let smallest = smallest_peak(&graph);
        if let Some(below) = smallest.checked_sub(1) {
            prop_assert!(Build::new(&graph, below).is_err());
        }
        if let Err(TooSmall::Impossible { bytes, .. }) = Build::new(&graph, smallest) {
            prop_assert!(false, "{} is enough, not {}", smallest, bytes);
        }
    }

    #[test]
    fn with_slots_known_and_room_for_rm_work_it_is_at_least_as_fast(
        graph in any_graph(40),
        more in 0_u64..20,
        slots in 1_u32..6,
    ) {
        let folders = Folders::of(&graph);
        let order = order::rm_work(&graph, &Weights::of(&graph)).order;
        let first = |ready: &[TaskIndex], _: &[TaskIndex]| ready.first().copied();
        let rm_work = paper::run(&graph, &folders, &order, slots as usize, first);
        let budget = rm_work.peak + more;
        let real = simulate(&graph, &mut FixedOrder(order.into_sequence()), &Slots::of(slots));
        prop_assert_eq!(real.expect("it runs").makespan, rm_work.makespan);
        let build = Build::for_slots(&graph, budget, slots).expect("rm-work fits");
        let outcome = simulate(&graph, &mut Planned(build), &Slots::of(slots)).expect("it runs");
        prop_assert!(outcome.makespan <= rm_work.makespan);
        prop_assert!(outcome.peak_disk <= budget);
    }

    /// Without needs the plan is worse, not wrong.
    #[test]
    fn a_plan_without_needs_is_a_plan(graph in any_graph(40)) {
        let folders = Folders::of(&graph);
        let urgency = folders.urgency(&order::critical_path(&graph));
        let plan = plan::plan(&graph, &folders, None, &urgency, Roots::Urgent);
        let mut sequence = plan.sequence.clone();
        sequence.sort_unstable();
        prop_assert_eq!(sequence, (0..folders.len() as u32).collect::<Vec<_>>());
    }
}

/// The variant after this one. A new variant that has no place here does not compile.
fn after(error: &TooSmall) -> Option<TooSmall> {
    match error {
        TooSmall::Impossible { .. } => Some(TooSmall::NoWayFound {
            recipe: "a".to_owned(),
            with: vec!["b".to_owned()],
            bytes: 30,
            bound: 12,
            budget: 20,
        }),
        TooSmall::NoWayFound { .. } => None,
    }
}

#[test]
fn each_error_says_what_would_do() {
    let first = TooSmall::Impossible {
        recipe: "a".to_owned(),
        with: vec!["b".to_owned()],
        kept: 0,
        bytes: 30,
        budget: 20,
    };
    let all = std::iter::successors(Some(first), after);
    let said: Vec<String> = all.map(|error| error.to_string()).collect();
    let expected = [
        "recipe a cannot fit into 20 bytes: it must be in progress with b at the same time, 30 bytes together",
        "no way was found to fit recipe a into 20 bytes: with 1 others in progress 30 bytes are needed; \
         at least 12 would be, whatever the order",
    ];
    assert_eq!(said, expected);
}
