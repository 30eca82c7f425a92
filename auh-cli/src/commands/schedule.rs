//! `auh schedule`: orders of a task graph, and builds on paper.

mod compare;
mod explain;
mod input;
mod measures;
mod order;
mod run_graph;
mod schedulers;
mod simulate;

use crate::{args::schedule::Schedule, exit};
use anyhow::Result;

pub(crate) fn schedule(command: &Schedule) -> Result<exit::Status> {
    match command {
        Schedule::Order(args) => order::order(args),
        Schedule::Explain(args) => explain::explain(args),
        Schedule::Simulate(args) => simulate::simulate(args),
        Schedule::Compare(args) => compare::compare(args),
    }
}
