//! The run itself, from event to event.

use crate::bounds::Bounds;
use crate::meter::Meter;
use crate::outcome::{Outcome, TaskRun};
use crate::ready::ReadyList;
use crate::scheduler::{Fault, Moment, Scheduler};
use auh_graph::{NotAPermutation, Order, TaskGraph, TaskIndex};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How many tasks may run at the same time, and what it takes to start one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// All together: BitBake's `BB_NUMBER_THREADS`.
    pub all: u32,
    /// Of tasks with this name: BitBake's `do_fetch[number_threads]`.
    pub of_task: Vec<(String, u32)>,
    /// Microseconds for which a task has its slot before its own time begins: BitBake's worker
    /// forks and parses the recipe again. A task that takes no time has no code, and costs nothing:
    /// BitBake notes it as done where it stands.
    pub start_cost: u64,
}

impl Slots {
    /// This many, of any tasks.
    #[must_use]
    pub fn of(all: u32) -> Self {
        Self {
            all,
            ..Self::default()
        }
    }

    /// How long the task has its slot, in microseconds.
    pub(crate) fn time_of(&self, graph: &TaskGraph, task: TaskIndex) -> u64 {
        match graph.duration(task) {
            None | Some(0) => 0,
            Some(duration) => duration.saturating_add(self.start_cost),
        }
    }
}

/// Why a run came to no end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulateError {
    /// The scheduler gave no answer.
    #[error("{0}")]
    Scheduler(#[from] Fault),
    /// It gave something else than an order.
    #[error("the scheduler's order is none: {0}")]
    Order(#[from] NotAPermutation),
    /// It picked what could not start.
    #[error("the scheduler picked task {task}, which is not ready")]
    NotReady {
        /// What it picked.
        task: TaskIndex,
    },
    /// It waits, but there is nothing to wait for.
    #[error(
        "the scheduler starts none of {ready} ready tasks although none runs; first is {first}"
    )]
    Stalled {
        /// How many tasks could start.
        ready: usize,
        /// The id of the first.
        first: String,
    },
    /// No task may ever run.
    #[error("a limit of 0 tasks at the same time lets none run")]
    NoSlots,
}

/// Runs all tasks. What ends at one moment ends before anything starts at it; of the tasks that end
/// at one moment, the one that started first ends first. A task without a duration takes no time.
///
/// # Errors
/// When the scheduler fails, or starts nothing although nothing runs.
pub fn simulate(
    graph: &TaskGraph,
    scheduler: &mut dyn Scheduler,
    slots: &Slots,
) -> Result<Outcome, SimulateError> {
    if slots.all == 0 || slots.of_task.iter().any(|&(_, limit)| limit == 0) {
        return Err(SimulateError::NoSlots);
    }
    let order = Order::from_sequence(scheduler.order(graph)?, graph.len())?;
    let mut run = Run::new(graph, &order, slots);
    while run.start_what_can(scheduler)? {
        run.end_next();
    }
    Ok(run.outcome())
}

struct Run<'g> {
    graph: &'g TaskGraph,
    slots: &'g Slots,
    ready: ReadyList<'g>,
    limits: Limits,
    /// For each task how many others it waits for.
    waiting_for: Vec<u32>,
    running: Vec<TaskIndex>,
    /// When running tasks end, and their place in `runs`.
    ends: BinaryHeap<Reverse<(u64, usize)>>,
    ended: Vec<TaskIndex>,
    runs: Vec<TaskRun>,
    now: u64,
    meter: Meter<'g>,
}

impl<'g> Run<'g> {
    fn new(graph: &'g TaskGraph, order: &'g Order, slots: &'g Slots) -> Self {
        let waiting_for = graph
            .tasks()
            .map(|t| graph.dependencies().of(t).len() as u32);
        let waiting_for: Vec<u32> = waiting_for.collect();
        let mut ready = ReadyList::new(order);
        let first = graph.tasks().filter(|&t| waiting_for[t as usize] == 0);
        ready.put_back(first.collect());
        Self {
            graph,
            slots,
            ready,
            limits: Limits::new(graph, slots),
            waiting_for,
            running: Vec::new(),
            ends: BinaryHeap::new(),
            ended: Vec::new(),
            runs: Vec::with_capacity(graph.len()),
            now: 0,
            meter: Meter::new(graph),
        }
    }

    /// Fills the slots; false when everything is done.
    fn start_what_can(&mut self, scheduler: &mut dyn Scheduler) -> Result<bool, SimulateError> {
        while self.running.len() < self.slots.all as usize && !self.ready.tasks().is_empty() {
            let moment = Moment {
                ready: self.ready.tasks(),
                running: &self.running,
                ended: &self.ended,
            };
            let picked = scheduler.pick(&moment)?;
            self.ended.clear();
            match picked {
                Some(task) => self.start(task)?,
                None if self.running.is_empty() => return Err(self.stalled()),
                None => break,
            }
        }
        self.meter.sample(self.now);
        Ok(!self.running.is_empty())
    }

    fn start(&mut self, task: TaskIndex) -> Result<(), SimulateError> {
        if task as usize >= self.graph.len() || !self.ready.remove(task) {
            return Err(SimulateError::NotReady { task });
        }
        let time = self.slots.time_of(self.graph, task);
        let end = self.now.saturating_add(time);
        self.ends.push(Reverse((end, self.runs.len())));
        self.runs.push(TaskRun {
            task,
            start: self.now,
            end,
        });
        self.running.push(task);
        self.meter.start(task);
        self.limits
            .start(self.graph.task_name_of(task), self.graph, &mut self.ready);
        Ok(())
    }

    /// Goes on to the next moment at which something ends.
    fn end_next(&mut self) {
        let Some(&Reverse((time, _))) = self.ends.peek() else {
            return;
        };
        self.now = time;
        while let Some(&Reverse((end, run))) = self.ends.peek()
            && end == time
        {
            self.ends.pop();
            self.end(self.runs[run].task);
        }
    }

    fn end(&mut self, task: TaskIndex) {
        self.running.retain(|&other| other != task);
        self.ended.push(task);
        self.meter.end(task);
        self.limits
            .end(self.graph.task_name_of(task), &mut self.ready);
        for &dependant in self.graph.dependants().of(task) {
            let waiting = &mut self.waiting_for[dependant as usize];
            *waiting -= 1;
            if *waiting == 0 {
                let name = self.graph.task_name_of(dependant);
                self.limits.make_ready(dependant, name, &mut self.ready);
            }
        }
    }

    fn stalled(&self) -> SimulateError {
        let ready = self.ready.tasks();
        SimulateError::Stalled {
            ready: ready.len(),
            first: self.graph.id(ready[0]).to_owned(),
        }
    }

    fn outcome(self) -> Outcome {
        Outcome {
            makespan: self.now,
            work: self.runs.iter().map(|run| run.end - run.start).sum(),
            peak_disk: self.meter.peak_disk,
            peak_recipes: self.meter.peak_recipes,
            bounds: Bounds::of(self.graph, self.slots),
            runs: self.runs,
            samples: self.meter.samples,
        }
    }
}

/// Limits for tasks of one name. Where one is reached, the ready tasks of that name are kept aside.
struct Limits {
    /// For each task name how many more may run; `None` without a limit.
    free: Vec<Option<u32>>,
    aside: Vec<Vec<TaskIndex>>,
}

impl Limits {
    fn new(graph: &TaskGraph, slots: &Slots) -> Self {
        let limit = |name| {
            let of_name = slots.of_task.iter().filter(|(task, _)| task == name);
            of_name.map(|&(_, limit)| limit).min()
        };
        Self {
            free: graph.task_names().iter().map(limit).collect(),
            aside: vec![Vec::new(); graph.task_names().len()],
        }
    }

    fn start(&mut self, name: u32, graph: &TaskGraph, ready: &mut ReadyList<'_>) {
        if let Some(free) = &mut self.free[name as usize] {
            *free -= 1;
            if *free == 0 {
                self.aside[name as usize] = ready.take_out(|t| graph.task_name_of(t) == name);
            }
        }
    }

    fn end(&mut self, name: u32, ready: &mut ReadyList<'_>) {
        if let Some(free) = &mut self.free[name as usize] {
            *free += 1;
            if *free == 1 {
                ready.put_back(std::mem::take(&mut self.aside[name as usize]));
            }
        }
    }

    fn make_ready(&mut self, task: TaskIndex, name: u32, ready: &mut ReadyList<'_>) {
        if self.free[name as usize] == Some(0) {
            self.aside[name as usize].push(task);
        } else {
            ready.insert(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FixedOrder;
    use auh_graph::TaskGraphBuilder;

    const NAMES: [&str; 4] = ["do_fetch", "do_unpack", "do_compile", "do_rm_work"];

    /// Recipes of four tasks, of 1, 2, 3 and 1 microseconds; the unpacking adds 10 bytes.
    fn recipes(count: u32, rm_work: bool) -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        for recipe in 0..count {
            let mut before = None;
            for (name, duration) in NAMES
                .iter()
                .zip([1, 2, 3, 1])
                .take(3 + usize::from(rm_work))
            {
                let task = builder
                    .task_of(&format!("r{recipe}"), name)
                    .expect("a new task");
                before
                    .into_iter()
                    .for_each(|before| builder.depends(task, before));
                builder.duration(task, duration);
                before = Some(task);
            }
        }
        let graph = builder.build().expect("no loop");
        graph.with_work_folders(|_, _| Some(10))
    }

    fn run(graph: &TaskGraph, slots: &Slots) -> Outcome {
        let order = graph.tasks().collect();
        simulate(graph, &mut FixedOrder(order), slots).expect("it runs")
    }

    #[test]
    fn one_slot_runs_one_recipe_after_the_other() {
        let outcome = run(&recipes(3, true), &Slots::of(1));
        assert_eq!((outcome.makespan, outcome.work), (21, 21));
        assert_eq!((outcome.peak_disk, outcome.peak_recipes), (10, 1));
        let bounds = Bounds {
            critical_path: 7,
            work_per_slot: 21,
        };
        assert_eq!(outcome.bounds, bounds);
        let tasks: Vec<u32> = outcome.runs.iter().map(|run| run.task).collect();
        assert_eq!(tasks, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn without_rm_work_the_disk_fills_up_but_recipes_end() {
        let outcome = run(&recipes(3, false), &Slots::of(1));
        assert_eq!((outcome.peak_disk, outcome.peak_recipes), (30, 1));
        let last = outcome.samples.last().expect("samples");
        assert_eq!((last.disk, last.recipes, last.running), (30, 0, 0));
    }

    #[test]
    fn a_limit_holds_tasks_of_one_name_back() {
        let mut slots = Slots::of(8);
        assert_eq!(run(&recipes(4, true), &slots).makespan, 7);
        slots.of_task.push(("do_compile".to_owned(), 1));
        let outcome = run(&recipes(4, true), &slots);
        assert_eq!(outcome.makespan, 3 + 4 * 3 + 1);
        assert_eq!(outcome.peak_disk, 40);
    }

    #[test]
    fn a_start_costs_its_time_where_there_is_code() {
        let graph = recipes(1, true)
            .with_durations(|graph, task| graph.duration(task).filter(|_| task != 2));
        let slots = Slots {
            start_cost: 10,
            ..Slots::of(1)
        };
        let outcome = run(&graph, &slots);
        assert_eq!((outcome.makespan, outcome.work), (11 + 12 + 11, 34));
        assert_eq!(outcome.bounds.critical_path, 34);
    }

    #[test]
    fn who_starts_nothing_and_waits_for_nothing_is_named() {
        struct Lazy;
        impl Scheduler for Lazy {
            fn order(&mut self, graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault> {
                Ok(graph.tasks().collect())
            }
            fn pick(&mut self, _: &Moment<'_>) -> Result<Option<TaskIndex>, Fault> {
                Ok(None)
            }
        }
        let error = simulate(&recipes(2, true), &mut Lazy, &Slots::of(2)).expect_err("lazy");
        let text =
            "the scheduler starts none of 2 ready tasks although none runs; first is r0:do_fetch";
        assert_eq!(error.to_string(), text);
        let none = simulate(&recipes(1, true), &mut Lazy, &Slots::of(0));
        assert_eq!(none, Err(SimulateError::NoSlots));
    }

    #[test]
    fn no_task_takes_no_time() {
        let graph = TaskGraphBuilder::new().build().expect("empty");
        let outcome = run(&graph, &Slots::of(1));
        assert_eq!((outcome.makespan, outcome.runs.len()), (0, 0));
    }
}
