//! `auh config`: settings shown, checked and taken over.

use crate::{
    args::{Config, Format, PluginFlags, SettingsFlags},
    commands::plugin::columns,
    exit,
    failure::{self, Usage},
    preparation, terminal,
};
use anyhow::{Context, Result};
use auh_config::{ConfigError, Flags, Load, PipelineEntry, Row, Settings, Source};
use auh_loader::Search;
use auh_protocol::PluginKind;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};

pub(crate) fn config(command: &Config) -> Result<exit::Status> {
    match command {
        Config::Show { format, settings } => show(*format, settings),
        Config::Import {
            file,
            output,
            force,
        } => import(file, output.as_deref(), *force),
        Config::Check { file, plugins } => check(file.as_deref(), plugins),
    }
}

fn show(format: Format, flags: &SettingsFlags) -> Result<exit::Status> {
    let build_dir = preparation::build_dir()?;
    let settings = preparation::settings(&build_dir, flags, Flags::default())?;
    let rows = settings.explain();
    match format {
        Format::Table => terminal::output(&table(&rows)),
        Format::Json => {
            let rows: Vec<_> = rows.iter().map(as_json).collect();
            terminal::output(&serde_json::to_string_pretty(&rows)?);
        }
    }
    Ok(exit::GOOD)
}

fn table(rows: &[Row]) -> String {
    let mut cells = vec![["KEY", "FROM", "VALUE"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let value = row.value.as_deref().unwrap_or("(not set)");
        [row.key.clone(), row.source.to_string(), value.to_owned()]
    }));
    columns(&cells)
}

fn as_json(row: &Row) -> serde_json::Value {
    let source = match &row.source {
        Source::Shipped => json!({ "kind": "default" }),
        Source::File(place) => json!({
            "kind": "file", "file": place.file, "line": place.line, "column": place.column,
        }),
        Source::Flag(flag) => json!({ "kind": "flag", "flag": flag }),
    };
    json!({ "key": row.key, "value": row.json, "source": source })
}

fn import(file: &Path, output: Option<&Path>, force: bool) -> Result<exit::Status> {
    let text = fs::read_to_string(file)
        .map_err(|error| cannot("read", file, &error, "name an upgrade-helper.conf"))?;
    let imported = auh_config::import(file, &text)?;
    preparation::tell(&imported.warnings);
    let Some(output) = output else {
        terminal::output(&imported.toml);
        return Ok(exit::GOOD);
    };
    let mut options = File::options();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut target = options.open(output).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Usage::new(
            format!("{} is there already", output.display()),
            "name another file, or write over it with --force",
        ),
        _ => cannot("write", output, &error, "name another file with -o"),
    })?;
    target
        .write_all(imported.toml.as_bytes())
        .with_context(|| format!("cannot write {}", output.display()))?;
    terminal::output(&format!("wrote {}", output.display()));
    Ok(exit::GOOD)
}

fn cannot(action: &str, file: &Path, error: &std::io::Error, hint: &str) -> Usage {
    Usage::new(format!("cannot {action} {}: {error}", file.display()), hint)
}

fn check(file: Option<&Path>, plugins: &PluginFlags) -> Result<exit::Status> {
    let build_dir = match (preparation::build_dir(), file) {
        (Ok(build_dir), _) => build_dir,
        // A file alone can be checked anywhere.
        (Err(_), Some(_)) => env::current_dir()?,
        (Err(error), None) => return Err(error.into()),
    };
    let load = Load {
        build_dir,
        config_file: file.map(preparation::absolute).transpose()?,
        flags: preparation::plugin_flags(plugins)?,
    };
    match Settings::load_or_all_errors(&load) {
        Ok(settings) => {
            preparation::tell(&settings.warnings);
            let misfits = misfits(&settings)?;
            if !misfits.is_empty() {
                for error in misfits {
                    failure::report(&error.into());
                }
                return Ok(exit::USAGE);
            }
            let unknown = unknown_plugins(&settings)?;
            for message in &unknown {
                terminal::warning(message);
            }
            let warnings = settings.warnings.len() + unknown.len();
            terminal::output(&match warnings {
                0 => "the settings are good".to_owned(),
                1 => "the settings can be used, with 1 warning".to_owned(),
                _ => format!("the settings can be used, with {warnings} warnings"),
            });
            Ok(exit::GOOD)
        }
        Err(errors) => {
            for error in errors {
                failure::report(&error.into());
            }
            Ok(exit::USAGE)
        }
    }
}

/// What plugins are given and do not take: in pipelines, in their own tables, and as the scheduler.
fn misfits(settings: &Settings) -> Result<Vec<ConfigError>> {
    let search = preparation::search(settings)?;
    let pipelines = settings.pipelines.values();
    let entries: Vec<&PipelineEntry> = pipelines
        .flat_map(|pipeline| pipeline.steps.iter().chain(&pipeline.closing))
        .collect();
    let in_pipelines = entries
        .iter()
        .map(|entry| (PluginKind::Step, &entry.step, Some(*entry)));
    // A table whose step stands in a pipeline is complete only together with what stands there.
    let stands = |name: &String| entries.iter().any(|entry| entry.step == *name);
    let tables = settings.plugins.keys();
    let tables = tables.flat_map(|name| {
        let idle = (!stands(name)).then_some((PluginKind::Step, name, None));
        [Some((PluginKind::Scheduler, name, None)), idle]
    });
    let ordering = (PluginKind::Scheduler, &settings.scheduler, None);
    // What stands in several pipelines is told once.
    let mut errors = BTreeMap::new();
    for (kind, name, entry) in in_pipelines.chain(tables.flatten()).chain([ordering]) {
        // What cannot be loaded is warned of elsewhere.
        let Ok(plugin) = search.load(kind, name) else {
            continue;
        };
        let checked = settings.checked_options(plugin.manifest(), entry);
        let found = checked.err().into_iter().flatten();
        errors.extend(found.map(|error| (error.to_string(), error)));
    }
    Ok(errors.into_values().collect())
}

/// Names in the settings that no plugin goes by.
fn unknown_plugins(settings: &Settings) -> Result<Vec<String>> {
    let search = preparation::search(settings)?;
    let pipelines = settings.pipelines.values();
    let in_pipelines = pipelines.flat_map(|pipeline| {
        let entries = pipeline.steps.iter().chain(&pipeline.closing);
        entries.map(|entry| {
            (
                PluginKind::Step,
                &entry.step,
                format!("pipeline {}", pipeline.name),
            )
        })
    });
    let schedulers = [
        (Some(&settings.scheduler), "scheduler"),
        (settings.bitbake_scheduler.as_ref(), "bitbake.scheduler"),
    ];
    let schedulers = schedulers
        .into_iter()
        .filter_map(|(name, key)| Some((PluginKind::Scheduler, name?, key.to_owned())));
    let mut named: BTreeSet<String> = in_pipelines
        .chain(schedulers)
        .filter_map(|(kind, name, place)| {
            let error = search.load(kind, name).err()?;
            Some(format!("{place}: {error}"))
        })
        .collect();
    named.extend(tables_of_nobody(settings, &search));
    Ok(named.into_iter().collect())
}

/// Tables `[plugins.NAME]` that no plugin is given.
fn tables_of_nobody(settings: &Settings, search: &Search) -> Vec<String> {
    let kinds = [PluginKind::Step, PluginKind::Scheduler];
    let nobodys = |name: &&String| kinds.iter().all(|kind| search.load(*kind, name).is_err());
    let names = settings.plugins.keys().filter(nobodys);
    names
        .map(|name| format!("[plugins.{name}]: there is no plugin of that name"))
        .collect()
}
