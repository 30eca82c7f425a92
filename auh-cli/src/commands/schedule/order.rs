//! `auh schedule order`.

use super::{measures, schedulers::SchedulerPlugin};
use crate::{
    args::schedule::{Order as Args, OrderFormat},
    exit, terminal,
};
use anyhow::Result;
use std::fmt::Write as _;

pub(crate) fn order(args: &Args) -> Result<exit::Status> {
    let plugin = SchedulerPlugin::load(&args.scheduler, &args.schedulers)?;
    let graph = measures::graph(&args.input)?.graph;
    let order = plugin.order(&graph)?;
    let ids = order.sequence().iter().map(|&task| graph.id(task));
    let ids: Vec<&str> = ids.take(args.limit.unwrap_or(usize::MAX)).collect();
    match args.format {
        OrderFormat::Text => terminal::output(&listing(&ids)),
        OrderFormat::Json => terminal::output(&serde_json::to_string(&ids)?),
    }
    Ok(exit::GOOD)
}

fn listing(ids: &[&str]) -> String {
    let mut text = String::new();
    for (place, id) in (1..).zip(ids) {
        let _ = writeln!(text, "{place}. ID {id}");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn tasks_are_numbered_from_one() {
        let text = super::listing(&["/l/a.bb:do_x", "/l/b.bb:do_y"]);
        assert_eq!(text, "1. ID /l/a.bb:do_x\n2. ID /l/b.bb:do_y\n");
    }
}
