//! The bridge as files that BitBake can load: the library, the scheduler plugins, and the Python
//! module that makes BitBake's scheduler classes of them.

use crate::{exit, failure::Usage};
use anyhow::{Context, Result};
use auh_loader::{Plugin, Search};
use auh_protocol::PluginKind;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The Python module; it speaks the C interface of the library beside it.
const MODULE: &str = include_str!("../../schedulers/bridge/auhsched.py");
/// The library with the C interface.
const LIBRARY: &str = "libauh_bitbake.so";
/// Where the module, the library and the plugins are within the layer.
const PLACE: &str = "lib/auhsched";
/// What the module calls BitBake's schedulers, before the plugin's name.
const PREFIX: &str = "auh-";
/// The module's variables, which have no influence on recipes.
const VARIABLES: [&str; 8] = [
    "BB_SCHEDULER",
    "BB_SCHEDULERS",
    "AUH_SCHEDULER_OPTIONS",
    "AUH_SCHEDULER_WORK_SIZES",
    "AUH_SCHEDULER_BUILDSTATS",
    "AUH_ALLOW_UNTRUSTED_PLUGINS",
    "AUH_RUNQUEUE_DUMP",
    "AUH_RUNQUEUE_COUNT",
];

/// What is put beside each other for BitBake.
pub(crate) struct Bridge {
    library: PathBuf,
    schedulers: Vec<Plugin>,
}

impl Bridge {
    /// Everything that is installed. A scheduler that cannot be loaded is told and left out; the
    /// status says whether there was one.
    pub(crate) fn find(search: &Search) -> Result<(Self, exit::Status)> {
        let (schedulers, status) = schedulers(search)?;
        let library = library(search)?;
        Ok((
            Self {
                library,
                schedulers,
            },
            status,
        ))
    }

    /// What BitBake calls each scheduler, without their further names.
    pub(crate) fn bitbake_names(&self) -> Vec<String> {
        let names = self.schedulers.iter().map(|p| &p.manifest().name);
        names.map(|name| format!("{PREFIX}{name}")).collect()
    }

    /// Writes a layer, or writes it anew.
    pub(crate) fn write_layer(&self, folder: &Path) -> Result<()> {
        let layer_conf = format!(
            "\
# Scheduler plugins of auh for BitBake, written by `auh bitbake-layer`: run it again to have other
# plugins. Choose one with BB_SCHEDULER = \"{PREFIX}NAME\".
#
# The layer has no recipes, hence no collection, and goes with every release series. What it needs
# of BitBake stands in {PLACE}/__init__.py.

{}",
            self.configuration("addpylib ${LAYERDIR}/lib auhsched")
        );
        let written = self.write_files(folder).and_then(|()| {
            make_folder(&folder.join("conf"))?;
            // Last: without it this is no layer yet.
            replace(&folder.join("conf/layer.conf"), layer_conf.as_bytes())
        });
        written.with_context(|| format!("cannot write the layer {}", folder.display()))
    }

    /// Writes the files without a layer around them and hands back the lines of configuration with
    /// which BitBake orders its tasks by the scheduler of this name.
    pub(crate) fn enable(&self, folder: &Path, scheduler: &str) -> Result<String> {
        let names = names(&self.schedulers);
        if !names.contains(scheduler) {
            let names: Vec<_> = names.into_iter().collect();
            return Err(Usage::new(
                format!("bitbake.scheduler: there is no scheduler plugin {scheduler:?}"),
                format!("there are {}", names.join(", ")),
            )
            .into());
        }
        self.write_files(folder)
            .with_context(|| format!("cannot write {}", folder.display()))?;
        Ok(format!(
            "{}BB_SCHEDULER = \"{PREFIX}{scheduler}\"\n",
            self.configuration(&outside_of_a_layer(folder))
        ))
    }

    fn write_files(&self, folder: &Path) -> Result<()> {
        let place = folder.join(PLACE);
        for made in [folder, &folder.join("lib"), &place] {
            make_folder(made)?;
        }
        let mut current = BTreeSet::from([place.join(LIBRARY)]);
        replace(&place.join(LIBRARY), &fs::read(&self.library)?)?;
        for scheduler in &self.schedulers {
            let name = scheduler.file().file_name().unwrap_or_default();
            replace(&place.join(name), &fs::read(scheduler.file())?)?;
            current.insert(place.join(name));
        }
        remove_stale(&place, &current)?;
        replace(&place.join("__init__.py"), MODULE.as_bytes())
    }

    /// The lines of configuration that make the schedulers known; `found` is the one that lets
    /// BitBake find the module.
    fn configuration(&self, found: &str) -> String {
        configuration(found, &names(&self.schedulers))
    }
}

/// Every scheduler that can be loaded; what cannot is told.
fn schedulers(search: &Search) -> Result<(Vec<Plugin>, exit::Status)> {
    let mut schedulers = Vec::new();
    let mut status = exit::GOOD;
    for found in search.all() {
        match found {
            Ok(plugin) if plugin.manifest().kind == PluginKind::Scheduler => {
                schedulers.push(plugin);
            }
            Ok(_) => {}
            Err(error) => {
                crate::failure::report(&error.into());
                status = exit::SOME_FAILED;
            }
        }
    }
    if schedulers.is_empty() {
        return Err(not_installed("there is no scheduler plugin", search).into());
    }
    Ok((schedulers, status))
}

fn library(search: &Search) -> Result<PathBuf, Usage> {
    let mut places = search.folders().iter().map(|folder| folder.join(LIBRARY));
    places
        .find(|file| file.is_file())
        .ok_or_else(|| not_installed(&format!("there is no {LIBRARY}"), search))
}

fn not_installed(what: &str, search: &Search) -> Usage {
    let folders: Vec<_> = search
        .folders()
        .iter()
        .map(|f| f.display().to_string())
        .collect();
    Usage::new(
        what,
        format!(
            "looked in {}; name the folder with --plugin-path",
            folders.join(", ")
        ),
    )
}

/// Somebody else's folder must not get files mixed in.
pub(crate) fn refuse_foreign(folder: &Path) -> Result<(), Usage> {
    let empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    if empty || folder.join(PLACE).is_dir() {
        return Ok(());
    }
    Err(Usage::new(
        format!(
            "{} is there already and is no layer that auh wrote",
            folder.display()
        ),
        "name a folder that does not exist yet",
    ))
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    // The loader refuses plugins in folders that others can write to.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Writes a file in one step: a BitBake server that runs may have the old one mapped.
fn replace(file: &Path, content: &[u8]) -> Result<()> {
    let new = file.with_extension(format!("new-{}", std::process::id()));
    fs::write(&new, content)
        .and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(0o644)))
        .and_then(|()| fs::rename(&new, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Removes libraries of schedulers that are no more.
fn remove_stale(place: &Path, current: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "so") && !current.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Every name that a scheduler answers to.
fn names(schedulers: &[Plugin]) -> BTreeSet<String> {
    let manifests = schedulers.iter().map(Plugin::manifest);
    manifests
        .flat_map(|manifest| std::iter::once(&manifest.name).chain(&manifest.aliases))
        .cloned()
        .collect()
}

/// BitBake knows `addpylib` in layers only. Elsewhere an immediate assignment does what it does.
fn outside_of_a_layer(folder: &Path) -> String {
    format!(
        "AUHSCHED_PATH := \"${{@__import__('sys').path.append('{}/lib') or ''}}\"\n\
         BB_HASHCONFIG_IGNORE_VARS:append = \" AUHSCHED_PATH\"",
        folder.display()
    )
}

fn configuration(found: &str, names: &BTreeSet<String>) -> String {
    let classes: Vec<_> = names
        .iter()
        .map(|name| format!("auhsched.{}", class(name)))
        .collect();
    format!(
        "\
{found}
BB_SCHEDULERS:append = \" {}\"

# In which order tasks run has no influence on recipes: to change it is no reason to parse them.
BB_HASHCONFIG_IGNORE_VARS:append = \" {}\"
",
        classes.join(" "),
        VARIABLES.join(" ")
    )
}

/// The Python class for a name: a dash becomes `_`, and `_` becomes `__`.
fn class(name: &str) -> String {
    let name = format!("{PREFIX}{name}");
    name.replace('_', "__").replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_name_tells_dash_and_underscore_apart() {
        assert_eq!(class("first-one"), "auh_first_one");
        assert_eq!(class("first_one"), "auh_first__one");
    }

    #[test]
    fn the_module_reads_just_these_variables() {
        let read: BTreeSet<_> = MODULE
            .split('"')
            .filter(|text| {
                text.starts_with("AUH_") && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            })
            .collect();
        let ours: BTreeSet<_> = VARIABLES
            .into_iter()
            .filter(|v| v.starts_with("AUH_"))
            .collect();
        assert_eq!(read, ours);
    }

    #[test]
    fn the_configuration_lists_a_class_for_each_name() {
        let names = BTreeSet::from(["a".to_owned(), "b-c".to_owned()]);
        let text = configuration("addpylib ${LAYERDIR}/lib auhsched", &names);
        assert!(
            text.contains("\nBB_SCHEDULERS:append = \" auhsched.auh_a auhsched.auh_b_c\"\n"),
            "{text}"
        );
        assert!(
            text.starts_with("addpylib ${LAYERDIR}/lib auhsched\n"),
            "{text}"
        );
    }
}
