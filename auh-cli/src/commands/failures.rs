//! `auh failures`: the recipes that failed and were not upgraded since.

use crate::{
    args::{Failures, Format, SettingsFlags},
    commands::plugin::columns,
    exit, memory, preparation, terminal,
};
use anyhow::Result;
use auh_config::Flags;
use auh_memory::{Next, Remembered, Rules};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// A failure, and when the recipe is tried next.
struct Line<'m> {
    failure: &'m Remembered,
    /// Whether its files have changed since.
    changed: bool,
    next: Next,
}

pub(crate) fn failures(args: &Failures) -> Result<exit::Status> {
    let flags = SettingsFlags {
        config_file: args.place.config_file.clone(),
        ..SettingsFlags::default()
    };
    let build_dir = preparation::build_dir()?;
    let settings = preparation::settings(&build_dir, &flags, Flags::default())?;
    let memory = memory::remembered(&settings.workdir);
    let rules = memory::rules(&settings);
    // A recipe whose file has gone was upgraded by somebody, or is no more.
    let pending = memory.failures().filter(|known| known.file.is_file());
    let lines: Vec<Line<'_>> = pending.map(|known| line(known, &rules)).collect();
    match args.format {
        _ if args.json => terminal::output(&serde_json::to_string_pretty(&document(&lines))?),
        Format::Json => terminal::output(&serde_json::to_string_pretty(&document(&lines))?),
        Format::Table if lines.is_empty() => {
            let workdir = settings.workdir.display();
            terminal::output(&format!("the runs in {workdir} left no failure behind"));
        }
        Format::Table => terminal::output(&table(&lines)),
    }
    Ok(exit::GOOD)
}

fn line<'m>(failure: &'m Remembered, rules: &Rules) -> Line<'m> {
    let fingerprint = auh_oe::fingerprint(&failure.file);
    let changed = !failure.has_files_of(fingerprint.as_ref());
    Line {
        failure,
        changed,
        next: match changed {
            true => Next::Now,
            false => rules.next(failure, Timestamp::now()),
        },
    }
}

fn table(lines: &[Line<'_>]) -> String {
    let head = ["RECIPE", "VERSION", "CLASS", "TIMES", "LAST", "NEXT", "RUN"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(lines.iter().map(|line| {
        let failure = line.failure;
        [
            failure.recipe.to_string(),
            failure.target.clone(),
            failure.class.to_string(),
            failure.attempts.to_string(),
            local(failure.last),
            next(line),
            failure.run.clone(),
        ]
    }));
    columns(&rows)
}

fn next(line: &Line<'_>) -> String {
    match line.next {
        Next::Now if line.changed => "now: the recipe has changed".to_owned(),
        Next::Now => "now".to_owned(),
        Next::At(time) => local(time),
        Next::OnChange => "with another release or a changed recipe".to_owned(),
    }
}

fn local(time: Timestamp) -> String {
    let local = time.to_zoned(TimeZone::system());
    local.strftime("%Y-%m-%d %H:%M").to_string()
}

/// `next` is `now`, `on-change`, or a time.
fn document(lines: &[Line<'_>]) -> Value {
    let failures = lines.iter().map(|line| {
        let failure = line.failure;
        let next = match line.next {
            Next::Now => "now".to_owned(),
            Next::At(time) => time.to_string(),
            Next::OnChange => "on-change".to_owned(),
        };
        json!({
            "recipe": failure.recipe, "version": failure.target, "class": failure.class,
            "message": failure.message, "attempts": failure.attempts,
            "last": failure.last.to_string(), "next": next, "changed": line.changed,
            "run": failure.run,
        })
    });
    json!({ "format": 1, "failures": failures.collect::<Vec<_>>() })
}
