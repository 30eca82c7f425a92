//! Scheduler `speed`: by weight, heaviest first, as BitBake's class of this name.
//!
//! Not here: weights and orders (`auh-graph`), and anything that waits.

use auh_graph::{Weights, order};
use auh_sdk::{GraphView, Host, Options, Scheduler, StepError};

struct Speed;

impl Scheduler for Speed {
    fn order(&self, view: &GraphView<'_>, _host: &Host) -> Result<Vec<u32>, StepError> {
        let graph = auh_graph_view::task_graph(view)?;
        Ok(order::speed(&Weights::of(&graph)).into_sequence())
    }
}

fn create(_options: &Options) -> Result<Speed, StepError> {
    Ok(Speed)
}

auh_sdk::export_scheduler! {
    manifest: auh_sdk::scheduler_manifest(
        "speed",
        env!("CARGO_PKG_VERSION"),
        "by weight, heaviest first: BitBake's usual order",
    )
    .with_options(Vec::new()),
    create: create,
}
