//! `auh plugin new`: a crate for a plugin of one's own, outside of auh's workspace.

use crate::{args::NewKind, exit, failure::Usage, preparation, terminal};
use anyhow::{Context, Result};
use auh_new_plugin::{Home, Name, NewPlugin, write};
use auh_protocol::PluginKind;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Where a source checkout has the SDK.
const SDK: &str = "auh-core/sdk";

pub(super) fn new(
    kind: NewKind,
    name: &str,
    path: Option<&Path>,
    sdk: Option<&Path>,
) -> Result<exit::Status> {
    let name: Name = name.parse()?;
    let folder = path.map_or_else(|| PathBuf::from(name.as_str()), Path::to_owned);
    let plugin = NewPlugin {
        kind: match kind {
            NewKind::Step => PluginKind::Step,
            NewKind::Scheduler => PluginKind::Scheduler,
        },
        home: match sdk_folder(sdk)? {
            Some(sdk) => Home::Alone { sdk },
            None => Home::Published {
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        },
        name,
    };
    let files = write(&plugin, &preparation::absolute(&folder)?)?;
    terminal::output(&said(&plugin, &folder, &files));
    Ok(exit::GOOD)
}

/// The SDK's sources: those that were named, else those of the checkout that this program is in.
fn sdk_folder(named: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(folder) = named {
        let folder = folder.canonicalize().ok();
        let folder = folder.filter(|folder| folder.join("Cargo.toml").is_file());
        return folder.map(Some).ok_or_else(|| {
            let message = "the folder given with --sdk has no Cargo.toml";
            Usage::new(message, "name the folder auh-core/sdk of a checkout of auh").into()
        });
    }
    let program = env::current_exe().context("where this program is cannot be found out")?;
    let mut above = program.ancestors().map(|folder| folder.join(SDK));
    let found = above.find(|folder| folder.join("Cargo.toml").is_file());
    Ok(found.map(|folder| folder.canonicalize().unwrap_or(folder)))
}

fn said(plugin: &NewPlugin, folder: &Path, files: &[PathBuf]) -> String {
    let folder = folder.display();
    let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    format!(
        "wrote {} in {folder}\n\
         next: cd {folder}, cargo test, cargo build, \
         auh plugin check target/debug/{}",
        files.join(", "),
        auh_loader::file_name(plugin.kind, plugin.name.as_str()),
    )
}
