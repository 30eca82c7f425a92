//! Scheduler `critical-path`: the longest remaining time first, by measured durations where there are
//! some, else by modelled ones (`auh_graph::model`; option `seed`).
//!
//! Not here: the order itself (`auh-graph`), and anything that waits.

use auh_graph::{model, order};
use auh_sdk::{GraphView, Host, Options, Scheduler, StepError};

struct CriticalPath {
    seed: u64,
}

impl Scheduler for CriticalPath {
    fn order(&self, view: &GraphView<'_>, _host: &Host) -> Result<Vec<u32>, StepError> {
        let graph = model::with_durations(auh_graph_view::task_graph(view)?, self.seed);
        Ok(order::critical_path(&graph).into_sequence())
    }
}

fn create(options: &Options) -> Result<CriticalPath, StepError> {
    let seed = auh_graph_view::model_seed(options)?;
    Ok(CriticalPath { seed })
}

auh_sdk::export_scheduler! {
    manifest: auh_sdk::scheduler_manifest(
        "critical-path",
        env!("CARGO_PKG_VERSION"),
        "the longest remaining time first, by measured or modelled durations",
    )
    .with_options(vec![auh_graph_view::seed_key()]),
    create: create,
}
