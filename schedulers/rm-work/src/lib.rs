//! Scheduler `rm-work`: tasks that finish recipes come before tasks that begin them, so that work
//! folders are removed early. Proposed for BitBake as `rm_work` in January 2017 and in it under the
//! name `completion` since.
//!
//! Not here: weights and orders (`auh-graph`), and anything that waits.

use auh_graph::{Order, TaskGraph, Weights, order};
use auh_sdk::protocol::PluginManifest;
use auh_sdk::{GraphView, Host, Options, Scheduler, StepError};
use std::fmt::Write as _;

struct RmWork;

impl Scheduler for RmWork {
    fn order(&self, view: &GraphView<'_>, host: &Host) -> Result<Vec<u32>, StepError> {
        let graph = auh_graph_view::task_graph(view)?;
        let made = order::rm_work(&graph, &Weights::of(&graph));
        host.debug(&merged_list(&graph, &made.merged));
        host.debug(&listing(&graph, "original priorities", &made.before));
        host.debug(&listing(&graph, "rm_work priorities", &made.order));
        Ok(made.order.into_sequence())
    }
}

/// The task names, what runs first in a recipe first.
fn merged_list(graph: &TaskGraph, merged: &[u32]) -> String {
    let names: Vec<&str> = merged
        .iter()
        .map(|&name| graph.task_names().get(name))
        .collect();
    format!("merged task list: {}", names.join(", "))
}

/// The first tasks of an order, a line each.
fn listing(graph: &TaskGraph, title: &str, order: &Order) -> String {
    let mut text = format!("{title} (most important first):");
    for (place, &task) in (1..).zip(order.sequence()) {
        let _ = write!(text, "\n{place}. ID {}", graph.id(task));
    }
    text
}

fn create(_options: &Options) -> Result<RmWork, StepError> {
    Ok(RmWork)
}

fn manifest() -> PluginManifest {
    let summary = "tasks that finish recipes before tasks that begin others";
    PluginManifest {
        aliases: vec!["rm_work".to_owned()],
        saves_disk: true,
        options: Some(Vec::new()),
        ..auh_sdk::scheduler_manifest("rm-work", env!("CARGO_PKG_VERSION"), summary)
    }
}

auh_sdk::export_scheduler! {
    manifest: manifest(),
    create: create,
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_graph::TaskGraphBuilder;

    #[test]
    fn the_log_has_the_merged_list_and_numbered_priorities() {
        let mut builder = TaskGraphBuilder::new();
        let [first, last] = ["/l/a.bb:do_fetch", "/l/a.bb:do_build"]
            .map(|id| builder.task(id).expect("a new task"));
        builder.depends(last, first);
        let graph = builder.build().expect("no loop");
        let made = order::rm_work(&graph, &Weights::of(&graph));
        assert_eq!(
            merged_list(&graph, &made.merged),
            "merged task list: do_fetch, do_build"
        );
        assert_eq!(
            listing(&graph, "rm_work priorities", &made.order),
            "rm_work priorities (most important first):\n1. ID /l/a.bb:do_build\n2. ID /l/a.bb:do_fetch"
        );
    }
}
