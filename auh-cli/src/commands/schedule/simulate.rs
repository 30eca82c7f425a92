//! `auh schedule simulate`.

use super::{
    measures::{self, Measured},
    schedulers::SchedulerPlugin,
};
use crate::{
    args::{Format, schedule::Simulate as Args},
    exit, terminal,
};
use anyhow::Result;
use auh_simulate::{Outcome, PluginScheduler, SimulateError, Slots};
use serde_json::{Value, json};

pub(crate) fn simulate(args: &Args) -> Result<exit::Status> {
    let plugin = SchedulerPlugin::load(&args.scheduler, &args.schedulers)?;
    let measured = measures::measured(&args.input, args.schedulers.seed)?;
    let slots = measured.slots(args.threads, &args.queue);
    let outcome = run(&plugin, &measured, &slots).map_err(|error| plugin.failure(&error))?;
    match args.format {
        Format::Table => terminal::output(&text(plugin.name(), &measured, &slots, &outcome)),
        Format::Json => terminal::output(&serde_json::to_string(&document(
            plugin.name(),
            &measured,
            &slots,
            &outcome,
        ))?),
    }
    Ok(exit::GOOD)
}

/// One run on paper, with an object of its own.
pub(crate) fn run(
    plugin: &SchedulerPlugin,
    measured: &Measured,
    slots: &Slots,
) -> Result<Outcome, SimulateError> {
    let mut scheduler = PluginScheduler::new(plugin.create(Some(slots.all))?);
    auh_simulate::simulate(&measured.graph, &mut scheduler, slots)
}

fn text(scheduler: &str, measured: &Measured, slots: &Slots, outcome: &Outcome) -> String {
    let bounds = outcome.bounds;
    let bound = |bound: u64| {
        let above = outcome.distance_to(bound) * 100.0;
        format!("{} (makespan {above:+.1} %)", duration(bound))
    };
    format!(
        "{}\n{scheduler} on {} threads{}\n\
         makespan          {}\n\
         peak disk         {}\n\
         peak recipes      {}\n\
         mean parallelism  {:.2}\n\
         start cost        {} a task\n\
         critical path     {}\n\
         work / threads    {}\n",
        measured.described(),
        slots.all,
        limits(slots),
        duration(outcome.makespan),
        size(outcome.peak_disk),
        outcome.peak_recipes,
        outcome.mean_parallelism(),
        duration(slots.start_cost),
        bound(bounds.critical_path),
        bound(bounds.work_per_slot),
    )
}

/// Limits of single tasks, for the end of a line.
pub(crate) fn limits(slots: &Slots) -> String {
    let limit = |(task, count): &(String, u32)| format!(", {task} at most {count}");
    slots.of_task.iter().map(limit).collect()
}

fn document(scheduler: &str, measured: &Measured, slots: &Slots, outcome: &Outcome) -> Value {
    let runs = outcome.runs.iter().map(|run| {
        json!({
            "task": measured.graph.id(run.task),
            "start_s": run.start as f64 / 1e6,
            "end_s": run.end as f64 / 1e6,
        })
    });
    let mut document = summary(scheduler, slots, outcome);
    document["format"] = json!(1);
    document["measured_tasks"] = json!(measured.measured_tasks);
    document["sized_recipes"] = json!(measured.sized_recipes);
    document["tasks"] = runs.collect();
    document
}

/// The figures of one run.
pub(crate) fn summary(scheduler: &str, slots: &Slots, outcome: &Outcome) -> Value {
    let bounds = outcome.bounds;
    json!({
        "scheduler": scheduler,
        "threads": slots.all,
        "limits": slots.of_task.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "makespan_s": outcome.makespan as f64 / 1e6,
        "peak_disk_bytes": outcome.peak_disk,
        "peak_recipes": outcome.peak_recipes,
        "start_cost_s": slots.start_cost as f64 / 1e6,
        "mean_parallelism": outcome.mean_parallelism(),
        "critical_path_s": bounds.critical_path as f64 / 1e6,
        "work_per_thread_s": bounds.work_per_slot as f64 / 1e6,
        "above_highest_bound": outcome.distance_to(bounds.highest()),
    })
}

/// Microseconds for people.
pub(crate) fn duration(microseconds: u64) -> String {
    let seconds = microseconds / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{:.2} s", microseconds as f64 / 1e6),
        (0, _) => format!("{minutes} min {:02} s", seconds % 60),
        _ => format!("{hours} h {minutes:02} min {:02} s", seconds % 60),
    }
}

/// Bytes for people, in powers of 1000.
pub(crate) fn size(bytes: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)];
    let unit = units.iter().find(|(_, unit)| bytes as f64 >= *unit);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(name, unit)| format!("{:.2} {name}", bytes as f64 / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_for_people() {
        assert_eq!(duration(1_250_000), "1.25 s");
        assert_eq!(duration(61_000_000), "1 min 01 s");
        assert_eq!(duration(3_725_900_000), "1 h 02 min 05 s");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(20_500_000_000), "20.50 GB");
    }
}
