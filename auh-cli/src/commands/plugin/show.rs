//! `auh plugin show`: what a plugin is for, and the settings that it takes.

use super::described;
use crate::{args::PluginFlags, exit, preparation, terminal};
use anyhow::Result;
use auh_loader::{LoadError, Plugin, Search};
use auh_protocol::{OptionKey, PluginKind};

pub(super) fn show(name: &str, flags: &PluginFlags) -> Result<exit::Status> {
    let search = preparation::search_of_flags(flags)?;
    for plugin in of_name(&search, name)? {
        terminal::output(&text(&plugin));
    }
    Ok(exit::GOOD)
}

/// The step and the scheduler of that name; one of them has to be there.
fn of_name(search: &Search, name: &str) -> Result<Vec<Plugin>, LoadError> {
    match (
        search.load(PluginKind::Step, name),
        search.load(PluginKind::Scheduler, name),
    ) {
        (Ok(step), Ok(scheduler)) => Ok(vec![step, scheduler]),
        (Ok(plugin), Err(LoadError::NotFound { .. }))
        | (Err(LoadError::NotFound { .. }), Ok(plugin)) => Ok(vec![plugin]),
        (Err(error), Err(LoadError::NotFound { .. })) | (_, Err(error)) | (Err(error), _) => {
            Err(error)
        }
    }
}

fn text(plugin: &Plugin) -> String {
    let manifest = plugin.manifest();
    let mut text = format!("{}\n", described(plugin));
    let lists = [
        ("further names", &manifest.aliases),
        ("actions beside run", &manifest.actions),
        ("actions about the whole run", &manifest.run_actions),
        ("sees the settings", &manifest.settings),
    ];
    for (what, words) in lists {
        if !words.is_empty() {
            text += &format!("{what}: {}\n", words.join(", "));
        }
    }
    for requirement in &manifest.requires {
        text += &format!(
            "looks at {} of the build configuration\n",
            requirement.variable
        );
    }
    let table = format!("[plugins.{}]", manifest.name);
    text += &match manifest.options.as_deref() {
        None => format!("{table} is not checked: the plugin does not say what it takes\n"),
        Some([]) => format!("{table} has no settings\n"),
        Some(keys) => format!("\n{table}\n{}", listed(keys)),
    };
    text
}

/// Two lines for each key: what its value must be, and what it is for.
fn listed(keys: &[OptionKey]) -> String {
    let lines = keys.iter().map(|key| {
        let unless_set = match (&key.default, key.required) {
            (Some(value), _) => format!("; {value} unless set"),
            (None, true) => "; required".to_owned(),
            (None, false) => String::new(),
        };
        let kind = key.kind.described();
        format!("{}: {kind}{unless_set}\n    {}\n", key.key, key.doc)
    });
    lines.collect()
}
