//! `cargo xtask plugin new`: begins a plugin inside the workspace, in `plugins` or `schedulers`. The
//! workspace's member patterns take it in by its folder.

use crate::workspace::Workspace;
use anyhow::{Context, Result, anyhow};
use auh_new_plugin::{Home, Name, NewPlugin, NewPluginError, write};
use auh_protocol::PluginKind;
use std::path::Path;

/// What is done about plugins.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Write the crate of a new plugin
    New {
        /// What it is to be
        #[arg(value_enum)]
        kind: Kind,
        /// Its name: lower-case letters, digits, and dashes between them
        name: String,
    },
}

/// The kinds of plugins that there are.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Does something with each group of recipes
    Step,
    /// Says which task is the most important one
    Scheduler,
}

/// Writes the crate, and says how to go on.
pub(crate) fn run(task: &Task) -> Result<()> {
    let Task::New { kind, name } = task;
    let (package, folder) = begin(&Workspace::load()?.root, *kind, name)?;
    println!("wrote {folder}");
    println!("next: cargo test -p {package}, cargo xtask build");
    Ok(())
}

/// The package that was begun, and its folder from the top.
fn begin(root: &Path, kind: Kind, name: &str) -> Result<(String, String)> {
    let name: Name = name.parse().map_err(with_hint)?;
    let (kind, above) = match kind {
        Kind::Step => (PluginKind::Step, "plugins"),
        Kind::Scheduler => (PluginKind::Scheduler, "schedulers"),
    };
    let folder = format!("{above}/{}", name.as_str());
    let package = name.package(kind);
    let plugin = NewPlugin {
        kind,
        name,
        home: Home::Workspace,
    };
    write(&plugin, &root.join(&folder))
        .map_err(with_hint)
        .with_context(|| format!("{folder} was not begun"))?;
    Ok((package, folder))
}

fn with_hint(error: NewPluginError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => anyhow!("{error}; {hint}"),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_begins_in_the_folder_of_its_kind_and_only_once() {
        let root = tempfile::tempdir().unwrap();
        let begin = |kind, name| begin(root.path(), kind, name);
        let (package, folder) = begin(Kind::Scheduler, "most-wanted").unwrap();
        assert_eq!(package, "auh_scheduler_most_wanted");
        assert!(root.path().join(folder).join("src/lib.rs").is_file());
        let again = begin(Kind::Scheduler, "most-wanted").unwrap_err();
        assert!(
            format!("{again:#}").contains("is there already"),
            "{again:#}"
        );
        assert!(begin(Kind::Step, "../x").is_err());
    }
}
