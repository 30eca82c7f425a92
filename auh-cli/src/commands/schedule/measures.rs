//! Gives the tasks durations and the work folders sizes: measured ones, else modelled ones.

use super::input::{self, Kind};
use crate::{
    args::schedule::{InputFlags, QueueFlags},
    failure::{BUILDSTATS_SOURCES, Usage},
};
use anyhow::{Context, Result};
use auh_graph::{Buildstats, TaskGraph, WorkSizes, model};
use auh_simulate::Slots;
use std::{fs::File, io::BufReader};

/// A graph of which everything is known, and where from.
pub(crate) struct Measured {
    pub graph: TaskGraph,
    /// How many tasks have a duration that was measured.
    pub measured_tasks: usize,
    /// How many recipes have a size that was given.
    pub sized_recipes: usize,
    pub seed: u64,
    /// What a start cost in the build that was measured, in microseconds; 0 when it is not known.
    pub start_cost: u64,
}

impl Measured {
    /// Slots for this many tasks.
    pub(crate) fn slots(&self, threads: u32, queue: &QueueFlags) -> Slots {
        Slots {
            all: threads,
            of_task: queue.limits.clone(),
            start_cost: queue.start_cost.unwrap_or(self.start_cost),
        }
    }

    /// One line for people: what was measured, and what is the model's.
    pub(crate) fn described(&self) -> String {
        let part = |known: usize, all: usize, of: &str| match known {
            0 => format!("{of} modelled"),
            _ if known == all => format!("{of} measured"),
            _ => format!("{of} of {known} measured, of {} modelled", all - known),
        };
        format!(
            "{} tasks, {} recipes; {}, {}; seed of the model {}",
            self.graph.len(),
            self.graph.recipes().len(),
            part(self.measured_tasks, self.graph.len(), "durations"),
            part(
                self.sized_recipes,
                self.graph.recipes().len(),
                "work folders"
            ),
            self.seed,
        )
    }
}

/// A graph as it was read, with what was measured.
pub(crate) struct Read {
    pub graph: TaskGraph,
    kind: Kind,
    start_cost: Option<u64>,
}

/// The graph with what was measured only: schedulers have models of their own.
pub(crate) fn graph(flags: &InputFlags) -> Result<Read> {
    let input = input::read(&flags.graph)?;
    let mut graph = input.graph;
    let mut start_cost = None;
    if flags.rm_work {
        graph = graph.with_rm_work()?;
    }
    if let Some(folder) = &flags.buildstats {
        let stats = Buildstats::read(folder)
            .map_err(|error| Usage::new(error.to_string(), BUILDSTATS_SOURCES))?;
        start_cost = stats.start_cost(&graph);
        graph = stats.apply(graph);
    }
    if let Some(path) = &flags.work_sizes {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let sizes = WorkSizes::read(&mut BufReader::new(file)).map_err(|error| {
            let message = format!("{}: {error}", path.display());
            Usage::new(
                message,
                "each line is PN, a tab, and the bytes of its work folder",
            )
        })?;
        graph = sizes.apply(graph);
    }
    Ok(Read {
        graph,
        kind: input.kind,
        start_cost,
    })
}

/// The graph with everything known. A run of auh has no work folders that count.
pub(crate) fn measured(flags: &InputFlags, seed: u64) -> Result<Measured> {
    let Read {
        graph,
        kind,
        start_cost,
    } = graph(flags)?;
    let measured_tasks = graph
        .tasks()
        .filter(|&t| graph.duration(t).is_some())
        .count();
    let mut sized = vec![false; graph.recipes().len()];
    for task in graph.tasks() {
        sized[graph.recipe_of(task) as usize] |= graph.work_bytes(task).is_some();
    }
    let graph = model::with_durations(graph, seed);
    let graph = match kind {
        Kind::Build => model::with_work_bytes(graph, seed),
        Kind::Run => graph.with_work_bytes(|graph, task| graph.work_bytes(task).or(Some(0))),
    };
    Ok(Measured {
        graph,
        measured_tasks,
        sized_recipes: sized.into_iter().filter(|&sized| sized).count(),
        seed,
        start_cost: start_cost.unwrap_or(0),
    })
}
