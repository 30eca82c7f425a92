//! `auh plugin`: list, check, show, and begin new ones.

mod new;
mod show;

use crate::{
    args::{Format, Plugin as Command},
    exit, preparation, terminal,
};
use anyhow::{Context, Result};
use auh_loader::{Plugin, load};
use serde_json::json;

pub(crate) fn plugin(command: &Command) -> Result<exit::Status> {
    match command {
        Command::List { format, plugins } => {
            let found = preparation::search_of_flags(plugins)?.all();
            let (plugins, errors): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_ok);
            let plugins: Vec<Plugin> = plugins.into_iter().flatten().collect();
            match format {
                Format::Table => terminal::output(&table(&plugins)),
                Format::Json => terminal::output(&serde_json::to_string_pretty(
                    &plugins.iter().map(as_json).collect::<Vec<_>>(),
                )?),
            }
            let failed = !errors.is_empty();
            for error in errors.into_iter().filter_map(Result::err) {
                crate::failure::report(&error.into());
            }
            Ok(if failed {
                exit::SOME_FAILED
            } else {
                exit::GOOD
            })
        }
        Command::Show { name, plugins } => show::show(name, plugins),
        Command::New {
            kind,
            name,
            path,
            sdk,
        } => new::new(*kind, name, path.as_deref(), sdk.as_deref()),
        Command::Serve { file, memory } => {
            auh_loader::serve(file, *memory)
                .with_context(|| format!("{} cannot be served", file.display()))?;
            Ok(exit::GOOD)
        }
        Command::Check {
            file,
            detail,
            allow_untrusted_plugins,
        } => match load(file, preparation::trust(*allow_untrusted_plugins)) {
            Ok(plugin) => {
                terminal::output(&described(&plugin));
                Ok(exit::GOOD)
            }
            Err(error) => {
                if let (true, Some(text)) = (*detail, error.detail()) {
                    terminal::output(text);
                }
                Err(error.into())
            }
        },
    }
}

fn table(plugins: &[Plugin]) -> String {
    let mut rows = vec![["NAME", "KIND", "VERSION", "API", "FILE"].map(str::to_owned)];
    rows.extend(plugins.iter().map(|plugin| {
        let manifest = plugin.manifest();
        [
            manifest.name.clone(),
            manifest.kind.to_string(),
            manifest.version.clone(),
            api(plugin),
            plugin.file().display().to_string(),
        ]
    }));
    columns(&rows)
}

/// Rows as aligned columns; the last one is as wide as it is.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn described(plugin: &Plugin) -> String {
    let manifest = plugin.manifest();
    format!(
        "{} {} is a {} plugin, API {}: {}",
        manifest.name,
        manifest.version,
        manifest.kind,
        api(plugin),
        manifest.summary
    )
}

fn api(plugin: &Plugin) -> String {
    match plugin.manifest().api {
        (low, high) if low == high => low.to_string(),
        (low, high) => format!("{low}-{high}"),
    }
}

fn as_json(plugin: &Plugin) -> serde_json::Value {
    let manifest = plugin.manifest();
    json!({
        "name": manifest.name, "kind": manifest.kind, "version": manifest.version, "summary": manifest.summary,
        "api": [manifest.api.0, manifest.api.1], "aliases": manifest.aliases, "file": plugin.file(),
    })
}
