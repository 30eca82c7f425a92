//! Scheduler `completion`: the most important task, then all others of its recipe, and so on: what
//! BitBake had under this name up to 2016. (Its `completion` of today is `rm-work` here.)
//!
//! Not here: weights and orders (`auh-graph`), and anything that waits.

use auh_graph::{Weights, order};
use auh_sdk::{GraphView, Host, Options, Scheduler, StepError};

struct Completion;

impl Scheduler for Completion {
    fn order(&self, view: &GraphView<'_>, _host: &Host) -> Result<Vec<u32>, StepError> {
        let graph = auh_graph_view::task_graph(view)?;
        Ok(order::completion(&graph, &Weights::of(&graph)).into_sequence())
    }
}

fn create(_options: &Options) -> Result<Completion, StepError> {
    Ok(Completion)
}

auh_sdk::export_scheduler! {
    manifest: auh_sdk::scheduler_manifest(
        "completion",
        env!("CARGO_PKG_VERSION"),
        "one recipe after the other: BitBake's completion of 2016 and before",
    )
    .with_options(Vec::new()),
    create: create,
}
