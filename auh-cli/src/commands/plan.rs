//! What an upgrade would do, in which order, and what it would take: `auh plan`.

use crate::{commands::plugin::columns, screen::Forecast};
use anyhow::Result;
use auh_config::Settings;
use auh_engine::{Pipeline, Scheduler, Selection, Step, Stop, order_of_groups};
use auh_journal::{RunFolder, read};
use auh_protocol::{Group, Recipe, Scope};
use auh_report::{Estimate, Experience, Planned, PlannedStep, duration};
use std::path::Path;

/// The plan for people.
///
/// # Errors
/// When the scheduler fails.
pub(crate) fn shown(
    selection: &Selection,
    pipeline: &Pipeline,
    scheduler: &Scheduler,
    stop: &Stop,
    settings: &Settings,
) -> Result<String> {
    let batch = settings.batch.get();
    let order = order_of_groups(pipeline, &selection.groups, batch, scheduler, stop)?;
    let groups: Vec<&Group> = order
        .iter()
        .map(|group| &selection.groups[*group])
        .collect();
    let planned = planned(pipeline, &groups, settings);
    let experience = experience(&settings.workdir);
    let estimate = experience.estimate(&planned);
    let left_out = selection.left_out.iter();
    let left_out = left_out.map(|l| format!("not tried: {}: {}\n", l.recipe, l.reason));
    let steps: Vec<String> = pipeline.steps.iter().map(Step::label).collect();
    let machines: Vec<String> = settings.machines.iter().map(ToString::to_string).collect();
    Ok(format!(
        "{}{}\nsteps: {}\nmachines: {}\n{}this was a dry run: nothing was changed\n",
        table(&groups, estimate.as_ref()),
        left_out.collect::<String>(),
        steps.join(", "),
        machines.join(", "),
        expected(estimate.as_ref(), &experience, settings)
    ))
}

/// What earlier runs say about a run with these groups.
pub(crate) fn forecast(
    selection: &Selection,
    pipeline: &Pipeline,
    settings: &Settings,
) -> Option<Forecast> {
    let groups: Vec<&Group> = selection.groups.iter().collect();
    let experience = experience(&settings.workdir);
    (experience.runs > 0).then(|| Forecast {
        planned: planned(pipeline, &groups, settings),
        experience,
    })
}

fn planned(pipeline: &Pipeline, groups: &[&Group], settings: &Settings) -> Planned {
    Planned {
        steps: pipeline.steps.iter().map(planned_step).collect(),
        groups: groups.iter().map(|group| group.name()).collect(),
        jobs: settings.jobs.get(),
        batch: settings.batch.get(),
    }
}

fn planned_step(step: &Step) -> PlannedStep {
    PlannedStep {
        label: step.label(),
        of_run: step.plugin.manifest().scope_of(&step.action) == Scope::Run,
        shared: step.takes_company(),
    }
}

/// What the journals of earlier runs say. One that cannot be read says nothing.
pub(crate) fn experience(workdir: &Path) -> Experience {
    let mut experience = Experience::default();
    for folder in RunFolder::all(workdir) {
        if let Ok(journal) = read(&folder.journal()) {
            experience.absorb(&journal.records);
        }
    }
    experience
}

fn table(groups: &[&Group], estimate: Option<&Estimate>) -> String {
    let mut rows = vec![["GROUP", "CHANGE", "TIME", "LAYER"].map(str::to_owned)];
    rows.extend(groups.iter().enumerate().map(|(place, group)| {
        let changes: Vec<String> = group.recipes.iter().map(Recipe::change).collect();
        let layer = group.recipes[0].layer.as_ref();
        let time = estimate.map(|estimate| {
            let of_group = &estimate.groups[place];
            let doubt = if of_group.known { "" } else { "?" };
            format!("{}{doubt}", duration(of_group.seconds))
        });
        [
            group.name(),
            changes.join(", "),
            time.unwrap_or_else(|| "-".to_owned()),
            layer.map_or_else(|| "-".to_owned(), |layer| layer.path.display().to_string()),
        ]
    }));
    columns(&rows)
}

fn expected(estimate: Option<&Estimate>, experience: &Experience, settings: &Settings) -> String {
    let side_by_side = match (settings.jobs.get(), settings.batch.get()) {
        (1, 1) => String::new(),
        (jobs, 1) => format!(" with {jobs} jobs"),
        (1, batch) => format!(" in batches of {batch}"),
        (jobs, batch) => format!(" with {jobs} jobs in batches of {batch}"),
    };
    let Some(estimate) = estimate else {
        return "expected: there is no earlier run to judge by\n".to_owned();
    };
    let runs = match experience.runs {
        1 => "1 earlier run".to_owned(),
        runs => format!("{runs} earlier runs"),
    };
    let unknown = estimate.groups.iter().filter(|group| !group.known).count();
    let unknown = match unknown {
        0 => String::new(),
        1 => "; for 1 new group (?) the others' times stand in".to_owned(),
        unknown => format!("; for {unknown} new groups (?) the others' times stand in"),
    };
    let disk = estimate.disk.map(|bytes| {
        let bytes = bytes as f64 / 1e9;
        format!("disk: an earlier run needed up to {bytes:.1} GB for a while\n")
    });
    format!(
        "expected: {}{side_by_side}, judged by {runs}{unknown}\n{}",
        duration(estimate.seconds),
        disk.unwrap_or_default()
    )
}
