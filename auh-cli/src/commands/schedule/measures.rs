//! Gives the tasks durations and the work folders sizes: measured ones, else modelled ones.

use super::input::{self, Kind};
use crate::{args::schedule::InputFlags, failure::Usage};
use anyhow::{Context, Result};
use auh_graph::{Buildstats, TaskGraph, WorkSizes, model};
use std::{fs::File, io::BufReader};

/// A graph of which everything is known, and where from.
pub(crate) struct Measured {
    pub graph: TaskGraph,
    /// How many tasks have a duration that was measured.
    pub measured_tasks: usize,
    /// How many recipes have a size that was given.
    pub sized_recipes: usize,
    pub seed: u64,
}

impl Measured {
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

/// The graph with what was measured only: schedulers have models of their own.
pub(crate) fn graph(flags: &InputFlags) -> Result<(TaskGraph, Kind)> {
    let input = input::read(&flags.graph)?;
    let mut graph = input.graph;
    if flags.rm_work {
        graph = graph.with_rm_work()?;
    }
    if let Some(folder) = &flags.buildstats {
        let stats = Buildstats::read(folder).map_err(|error| {
            let hint = "give a folder such as tmp/buildstats, or one build in it";
            Usage::new(error.to_string(), hint)
        })?;
        graph = stats.apply(graph);
    }
    if let Some(path) = &flags.work_sizes {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let sizes = WorkSizes::read(&mut BufReader::new(file)).map_err(|error| Usage {
            message: format!("{}: {error}", path.display()),
            hint: None,
        })?;
        graph = sizes.apply(graph);
    }
    Ok((graph, input.kind))
}

/// The graph with everything known. A run of auh has no work folders that count.
pub(crate) fn measured(flags: &InputFlags, seed: u64) -> Result<Measured> {
    let (graph, kind) = graph(flags)?;
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
    })
}
