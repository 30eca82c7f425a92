//! `auh runs`: the runs of a build directory.

use crate::{
    args::{Format, Runs},
    commands::plugin::columns,
    exit,
    runs::{self, Told},
    terminal,
};
use anyhow::Result;
use auh_journal::RunFolder;
use auh_report::{Overview, duration};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::path::Path;

/// What is known of the runs of a folder.
pub(crate) struct Known {
    /// Oldest first.
    pub runs: Vec<Overview>,
    /// Runs whose journals cannot be read, and why.
    pub unreadable: Vec<(String, String)>,
}

impl Known {
    /// Reads the journal of each run.
    pub(crate) fn read(workdir: &Path) -> Self {
        let mut known = Self {
            runs: Vec::new(),
            unreadable: Vec::new(),
        };
        for folder in RunFolder::all(workdir) {
            let name = folder.name();
            match Told::read(folder) {
                Ok(told) => known
                    .runs
                    .push(Overview::of(&name, &told.story, told.state)),
                Err(error) => known.unreadable.push((name, error.to_string())),
            }
        }
        known
    }
}

pub(crate) fn runs(args: &Runs) -> Result<exit::Status> {
    let workdir = runs::workdir(&args.place)?;
    let known = Known::read(&workdir);
    match args.format {
        Format::Json => {
            terminal::output(&serde_json::to_string_pretty(&document(&known))?);
        }
        Format::Table if known.runs.is_empty() && known.unreadable.is_empty() => {
            terminal::output(&format!("there is no run in {}", workdir.display()));
        }
        Format::Table => terminal::output(&table(&known)),
    }
    Ok(exit::GOOD)
}

/// The runs as a table, the newest last: it stands right above the prompt.
pub(crate) fn table(known: &Known) -> String {
    let mut rows = vec![["RUN", "BEGAN", "STATE", "TOOK", "RECIPES"].map(str::to_owned)];
    rows.extend(known.runs.iter().map(|run| {
        let began = run.began.map(|time| {
            let local = time.to_zoned(TimeZone::system());
            local.strftime("%Y-%m-%d %H:%M").to_string()
        });
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [
            run.name.clone(),
            or_dash(began),
            match run.resumed {
                0 => run.state.word().to_owned(),
                times => format!("{}, resumed {times}x", run.state.word()),
            },
            or_dash(run.seconds.map(duration)),
            run.counts.text(),
        ]
    }));
    let unreadable = known.unreadable.iter();
    let unreadable: String = unreadable
        .map(|(name, why)| format!("{name} cannot be read: {why}\n"))
        .collect();
    columns(&rows) + &unreadable
}

fn document(known: &Known) -> Value {
    let runs = known.runs.iter().map(|run| {
        let classes = run.counts.classes().map(|(class, count)| (class.to_string(), count.into()));
        let kinds = auh_report::Standing::KINDS;
        let counts = kinds.map(|kind| (kind.word().replace(' ', "_"), run.counts.of(kind).into()));
        json!({
            "run": run.name, "began": run.began.map(|time| time.to_string()), "state": run.state.word(),
            "resumed": run.resumed, "seconds": run.seconds, "asked": run.asked,
            "counts": counts.into_iter().collect::<serde_json::Map<String, Value>>(),
            "classes": classes.collect::<serde_json::Map<String, Value>>(),
        })
    });
    let unreadable = known.unreadable.iter();
    let unreadable = unreadable.map(|(name, why)| json!({ "run": name, "why": why }));
    json!({
        "format": 1, "runs": runs.collect::<Vec<_>>(), "unreadable": unreadable.collect::<Vec<_>>(),
    })
}
