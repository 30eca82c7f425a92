//! `auh schedule compare`: several schedulers and numbers of threads, in a table and on a page.

use super::{
    measures::{self, Measured},
    schedulers::SchedulerPlugin,
    simulate::{duration, limits, run, size, summary},
};
use crate::{
    args::{Format, schedule::Compare as Args},
    commands::plugin::columns,
    exit, terminal,
};
use anyhow::{Context, Result};
use auh_schedule_page::{Page, Run};
use auh_simulate::{Outcome, SimulateError, Slots};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

/// One run of the comparison.
struct Row<'a> {
    plugin: &'a SchedulerPlugin,
    slots: Slots,
    outcome: Result<Outcome, SimulateError>,
}

pub(crate) fn compare(args: &Args) -> Result<exit::Status> {
    let plugins = args
        .schedulers
        .iter()
        .map(|name| SchedulerPlugin::load(name, &args.flags))
        .collect::<Result<Vec<_>>>()?;
    let measured = measures::measured(&args.input, args.flags.seed)?;
    let rows = rows(&plugins, &measured, args);
    match args.format {
        Format::Table => {
            terminal::output(&measured.described());
            terminal::output(&table(&rows));
        }
        Format::Json => {
            let runs: Vec<Value> = rows.iter().map(as_json).collect();
            let document = json!({"format": 1, "runs": runs});
            terminal::output(&serde_json::to_string_pretty(&document)?);
        }
    }
    if let Some(path) = &args.html {
        write_page(path, &measured, &rows, args)?;
    }
    let failed = rows.iter().filter_map(|row| {
        let error = row.outcome.as_ref().err()?;
        Some((row, error))
    });
    let mut status = exit::GOOD;
    for (row, error) in failed {
        let threads = row.slots.all;
        terminal::error(&format!(
            "{} on {threads} threads: {error}",
            row.plugin.name()
        ));
        status = exit::SOME_FAILED;
    }
    Ok(status)
}

/// Runs everything, as many at a time as there are processors.
fn rows<'a>(plugins: &'a [SchedulerPlugin], measured: &Measured, args: &Args) -> Vec<Row<'a>> {
    let pairs = args.threads.iter().flat_map(|&threads| {
        let slots = measured.slots(threads, &args.queue);
        plugins.iter().map(move |plugin| (plugin, slots.clone()))
    });
    let pairs: Vec<_> = pairs.collect();
    pairs
        .into_par_iter()
        .map(|(plugin, slots)| Row {
            outcome: run(plugin, measured, &slots),
            plugin,
            slots,
        })
        .collect()
}

fn write_page(path: &Path, measured: &Measured, rows: &[Row<'_>], args: &Args) -> Result<()> {
    let graph = args.input.graph.file_name().unwrap_or_default();
    let title = match graph.to_string_lossy() {
        name if name == "-" => "Schedulers compared".to_owned(),
        name => format!("Schedulers compared on {name}"),
    };
    let runs = rows.iter().map(|row| Run {
        scheduler: row.plugin.name(),
        threads: row.slots.all,
        outcome: row.outcome.as_ref().map_err(ToString::to_string),
    });
    let page = auh_schedule_page::html(&Page {
        title: &title,
        remark: &measured.described(),
        budget: args
            .flags
            .disk_budget
            .as_deref()
            .and_then(auh_protocol::size::bytes),
        runs: runs.collect(),
    });
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

fn table(rows: &[Row<'_>]) -> String {
    let titles = [
        "THREADS",
        "SCHEDULER",
        "MAKESPAN",
        "ABOVE BOUND",
        "PEAK DISK",
        "RECIPES",
        "PARALLEL",
    ];
    let mut lines = vec![titles.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let shown = |cell: &dyn Fn(&Outcome) -> String| match &row.outcome {
            Ok(outcome) => cell(outcome),
            Err(_) => "-".to_owned(),
        };
        [
            row.slots.all.to_string() + &limits(&row.slots),
            row.plugin.name().to_owned(),
            shown(&|outcome| duration(outcome.makespan)),
            shown(&|o| format!("{:+.1} %", 100.0 * o.distance_to(o.bounds.highest()))),
            shown(&|outcome| size(outcome.peak_disk)),
            shown(&|outcome| outcome.peak_recipes.to_string()),
            shown(&|outcome| format!("{:.2}", outcome.mean_parallelism())),
        ]
    }));
    columns(&lines)
}

fn as_json(row: &Row<'_>) -> Value {
    match &row.outcome {
        Ok(outcome) => summary(row.plugin.name(), &row.slots, outcome),
        Err(error) => json!({
            "scheduler": row.plugin.name(), "threads": row.slots.all, "error": error.to_string(),
        }),
    }
}
