//! From the command line to settings, plugins and an upstream check: what several commands need.

use crate::{
    args::{PluginFlags, SettingsFlags},
    failure::Usage,
    screen::Waiting,
    terminal,
};
use anyhow::{Context, Result, anyhow};
use auh_config::{Flags, Load, PipelineEntry, Settings, Warning};
use auh_engine::{Filters, Pipeline, Scheduler, Selection, Step};
use auh_journal::ParseEvent;
use auh_loader::{Apart, Plugin, Search, Trust};
use auh_oe::{OeError, SessionRequest, SessionResponse, Surroundings, Unfit, Wanted, ask};
use auh_process::CancelToken;
use auh_protocol::{Layer, PluginKind, Recipe, RecipeName, Version, host::Level};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Reads the settings and tells their warnings.
pub(crate) fn settings(build_dir: &Path, flags: &SettingsFlags, more: Flags) -> Result<Settings> {
    let settings = Settings::load(&load(build_dir, flags, more)?)?;
    tell(&settings.warnings);
    Ok(settings)
}

/// Warnings about settings.
pub(crate) fn tell(warnings: &[Warning]) {
    for warning in warnings {
        terminal::warning(&warning.to_string());
        if let Some(hint) = &warning.hint {
            terminal::hint(hint);
        }
    }
}

/// Where the settings come from.
pub(crate) fn load(build_dir: &Path, flags: &SettingsFlags, more: Flags) -> Result<Load> {
    let config_file = flags.config_file.as_deref().map(absolute).transpose()?;
    let flags = Flags {
        machines: flags.machines.clone(),
        scheduler: flags.scheduler.clone(),
        pipeline: flags.pipeline.clone(),
        layer_names: flags.layer_names.clone(),
        layer_dir: flags.layer_dir.as_deref().map(absolute).transpose()?,
        plugin_path: absolutes(&flags.plugins)?,
        allow_untrusted_plugins: flags.plugins.allow_untrusted_plugins,
        ..more
    };
    Ok(Load {
        build_dir: build_dir.to_owned(),
        config_file,
        flags,
    })
}

/// The flags about plugins alone.
pub(crate) fn plugin_flags(plugins: &PluginFlags) -> Result<Flags> {
    Ok(Flags {
        plugin_path: absolutes(plugins)?,
        allow_untrusted_plugins: plugins.allow_untrusted_plugins,
        ..Flags::default()
    })
}

/// The build directory for what needs no tools of OE: its settings are there.
pub(crate) fn build_dir() -> Result<PathBuf, OeError> {
    let variable = std::env::var_os("BUILDDIR").filter(|path| !path.is_empty());
    let path = PathBuf::from(variable.ok_or(OeError::NoBuildDir)?);
    path.canonicalize().map_err(|_| OeError::BadBuildDir {
        path,
        what: "there is no such folder".to_owned(),
    })
}

/// The plugin search that settings describe.
pub(crate) fn search(settings: &Settings) -> Result<Search> {
    let usual = Search::usual(
        settings.plugin_path.clone(),
        trust(settings.allow_untrusted_plugins),
    );
    let isolated = settings.isolated();
    if isolated.is_empty() {
        return Ok(usual);
    }
    let program = std::env::current_exe().context("where this program is cannot be found out")?;
    let isolating = |search: Search, (name, memory): (&String, &u64)| {
        let apart = Apart {
            program: program.clone(),
            arguments: serve_arguments(*memory),
            without: others_secrets(settings, name),
        };
        search.isolating(name, &apart)
    };
    Ok(isolated.iter().fold(usual, isolating))
}

/// Variables that are secrets by their names, apart from those that the plugin's settings name.
fn others_secrets(settings: &Settings, plugin: &str) -> Vec<OsString> {
    let options = settings.plugin_options(plugin, None);
    let is_named = |name: &str| options.values().any(|value| value.as_str() == Some(name));
    let names = std::env::vars_os().map(|(name, _)| name);
    let is_others = |name: &OsString| {
        let name = name.to_string_lossy();
        auh_foreign::is_secret_name(&name) && !is_named(&name)
    };
    names.filter(is_others).collect()
}

/// The command line of `auh plugin serve`, without the file.
fn serve_arguments(memory: u64) -> Vec<String> {
    ["plugin", "serve", "--memory", &memory.to_string()]
        .map(str::to_owned)
        .into()
}

/// The plugin search without any settings: flags, environment and the usual folders.
pub(crate) fn search_of_flags(flags: &PluginFlags) -> Result<Search> {
    Ok(Search::usual(
        absolutes(flags)?,
        trust(flags.allow_untrusted_plugins),
    ))
}

pub(crate) fn trust(allow: bool) -> Trust {
    if allow { Trust::Any } else { Trust::Strict }
}

/// Loads the plugins of a pipeline.
pub(crate) fn pipeline(
    chosen: &auh_config::Pipeline,
    settings: &Settings,
    search: &Search,
) -> Result<Pipeline> {
    let load = |entries: &[PipelineEntry]| {
        let steps = entries.iter().map(|entry| step(settings, search, entry));
        steps.collect::<Result<_>>()
    };
    Ok(Pipeline {
        name: chosen.name.clone(),
        steps: load(&chosen.steps)?,
        closing: load(&chosen.closing)?,
    })
}

/// Loads the plugin of a pipeline's entry.
pub(crate) fn step(settings: &Settings, search: &Search, entry: &PipelineEntry) -> Result<Step> {
    let plugin = search.load(PluginKind::Step, &entry.step)?;
    let asked_for = plugin.manifest().settings.iter();
    // The other plugins' settings are not its business: they may be secrets.
    let is_plugins = |key: &&String| key.split('.').next() == Some("plugins");
    let asked_for = asked_for.filter(|key| !is_plugins(key));
    Ok(Step {
        options: options(settings, &plugin, Some(entry))?,
        settings: asked_for
            .filter_map(|key| Some((key.clone(), settings.value(key)?)))
            .collect(),
        action: entry.action.clone(),
        always: entry.always,
        limit: entry.limit.unwrap_or(settings.limits.step),
        plugin,
    })
}

/// Loads the scheduler that orders the run.
pub(crate) fn scheduler(settings: &Settings, search: &Search) -> Result<Scheduler> {
    let plugin = search.load(PluginKind::Scheduler, &settings.scheduler)?;
    Ok(Scheduler {
        options: options(settings, &plugin, None)?,
        limit: settings.limits.scheduler,
        plugin,
    })
}

/// A plugin's own settings; the first of them that it does not take is the error.
fn options(
    settings: &Settings,
    plugin: &Plugin,
    entry: Option<&PipelineEntry>,
) -> Result<Map<String, Value>> {
    let checked = settings.checked_options(plugin.manifest(), entry);
    checked.map_err(|errors| match errors.into_iter().next() {
        Some(error) => error.into(),
        None => anyhow!("the settings of {} cannot be used", plugin.manifest().name),
    })
}

/// The recipes of a command line, checked: `all` stands alone, names are names, each once.
pub(crate) fn wanted(recipes: &[String]) -> Result<Wanted, Usage> {
    if recipes.iter().any(|recipe| recipe == "all") {
        return match recipes {
            [_] => Ok(Wanted::All),
            _ => Err(Usage::new(
                "\"all\" goes with no other recipe",
                "name recipes, or say all",
            )),
        };
    }
    let mut names: Vec<String> = Vec::new();
    for recipe in recipes {
        let name = RecipeName::new(recipe).map_err(|error| {
            Usage::new(
                error.to_string(),
                "a recipe is named as bitbake names it, without version and .bb",
            )
        })?;
        if !names.contains(recipe) {
            names.push(name.into());
        }
    }
    Ok(Wanted::Named(names))
}

/// What the settings say about which recipes are attempted.
pub(crate) fn filters(
    settings: &Settings,
    wanted: &Wanted,
    to_version: Option<Version>,
) -> Filters {
    Filters {
        blacklist: settings.blacklist.clone(),
        maintainers_whitelist: settings.maintainers_whitelist.clone(),
        maintainer_override: settings.global_maintainer_override.clone(),
        to_version,
        by_name: matches!(wanted, Wanted::Named(_)),
    }
}

/// Those of the selected recipes that cannot be upgraded in place.
pub(crate) fn unfit(
    selection: &Selection,
    cancel: &CancelToken,
) -> Result<BTreeMap<RecipeName, Unfit>, OeError> {
    let recipes: Vec<&Recipe> = recipes(selection).collect();
    auh_oe::unfit(&recipes, cancel)
}

/// Refuses what was asked for by name, when a recipe cannot be upgraded in place.
pub(crate) fn refuse(
    selection: &Selection,
    unfit: &BTreeMap<RecipeName, Unfit>,
) -> Result<(), OeError> {
    let first = recipes(selection).find_map(|recipe| unfit.get_key_value(&recipe.name));
    match first {
        Some((recipe, why)) => Err(OeError::Unfit {
            recipe: recipe.to_string(),
            why: why.clone(),
        }),
        None => Ok(()),
    }
}

/// Says which repositories are on no branch: their commits are easily lost.
pub(crate) fn warn_of_no_branch(
    selection: &Selection,
    cancel: &CancelToken,
) -> Result<(), OeError> {
    let recipes: Vec<&Recipe> = recipes(selection).collect();
    for repository in auh_oe::on_no_branch(&recipes, cancel)? {
        terminal::warning(&format!(
            "{} is on no branch (its HEAD is detached): nothing but its reflog will know the commits once something else is checked out",
            repository.display()
        ));
        terminal::hint("git switch -c NAME there, before or after the run, keeps them on a branch");
    }
    Ok(())
}

/// Leaves out what cannot be upgraded in place, with the remedy.
pub(crate) fn leave_out(selection: &mut Selection, unfit: &BTreeMap<RecipeName, Unfit>) {
    let reasons = unfit
        .iter()
        .map(|(recipe, why)| (recipe.clone(), format!("{why}; {}", why.hint())));
    selection.leave_out(&reasons.collect());
}

fn recipes(selection: &Selection) -> impl Iterator<Item = &Recipe> {
    selection.groups.iter().flat_map(|group| &group.recipes)
}

/// An upstream check, and what BitBake parsed for it.
pub(crate) struct Checked {
    pub response: SessionResponse,
    pub parses: Vec<ParseEvent>,
    pub seconds: f64,
}

/// Reads the recipes and asks their upstreams, and shows that this goes on. `sources` asks how sources
/// of other versions are named, too.
pub(crate) fn check(
    wanted: &Wanted,
    settings: &Settings,
    variables: Vec<String>,
    sources: bool,
    surroundings: &Surroundings,
    cancel: &CancelToken,
) -> Result<Checked> {
    let request = SessionRequest {
        check: true,
        sources,
        ..request(wanted, settings, variables)
    };
    let waiting = Waiting::begin("reading recipes and asking their upstreams");
    let began = std::time::Instant::now();
    let mut parses = Vec::new();
    let response = ask(&request, surroundings, cancel, &mut |line| {
        if let Some(counts) = auh_oe::parse_counts(&line.text) {
            parses.push(ParseEvent {
                cached: counts.cached.into(),
                parsed: counts.parsed.into(),
            });
        }
    })?;
    waiting.end();
    known_layers(wanted, settings, &response)?;
    Ok(Checked {
        response,
        parses,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Reads the recipes and asks no upstream.
pub(crate) fn read(
    wanted: &Wanted,
    settings: &Settings,
    variables: Vec<String>,
    surroundings: &Surroundings,
    cancel: &CancelToken,
) -> Result<SessionResponse> {
    let request = request(wanted, settings, variables);
    let response = ask(&request, surroundings, cancel, &mut |_| {})?;
    known_layers(wanted, settings, &response)?;
    Ok(response)
}

/// The question about recipes, without one about their upstreams.
fn request(wanted: &Wanted, settings: &Settings, variables: Vec<String>) -> SessionRequest {
    let layers = settings.layers.as_ref().map(|layers| layers.names.clone());
    let limit = settings.limits.upstream_check;
    SessionRequest {
        recipes: wanted.clone(),
        layers: layers.unwrap_or_default(),
        check: false,
        stable: settings.stable,
        check_timeout_s: limit.map_or(WITHOUT_LIMIT, |limit| limit.as_secs().max(1)),
        sources: false,
        variables,
    }
}

/// Seconds that stand for no limit: a year.
const WITHOUT_LIMIT: u64 = 365 * 24 * 60 * 60;

/// Checks that the build directory has the layers whose recipes are wanted.
fn known_layers(
    wanted: &Wanted,
    settings: &Settings,
    response: &SessionResponse,
) -> Result<(), Usage> {
    let asked = settings.layers.as_ref().map(|layers| &layers.names[..]);
    let is_known = |name: &&String| {
        response.layers.iter().any(|layer| {
            layer.name == **name
                || folder_name(layer) == **name
                || layer.path.as_os_str() == name.as_str()
        })
    };
    let unknown = asked
        .unwrap_or_default()
        .iter()
        .find(|name| !is_known(name));
    match (wanted, unknown) {
        (Wanted::All, Some(name)) => {
            let known: Vec<_> = response.layers.iter().map(folder_name).collect();
            Err(Usage::new(
                format!("this build directory has no layer {name:?}"),
                format!("BBLAYERS has {}", known.join(", ")),
            ))
        }
        _ => Ok(()),
    }
}

/// A layer as OE's tools name it.
fn folder_name(layer: &Layer) -> String {
    let name = layer.path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn absolutes(flags: &PluginFlags) -> Result<Vec<PathBuf>> {
    flags
        .plugin_path
        .iter()
        .map(|path| absolute(path))
        .collect()
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}

/// The level of the log that `-d` asks for.
pub(crate) fn level(number: u8) -> Level {
    match number {
        1 => Level::Critical,
        2 => Level::Error,
        3 => Level::Warning,
        4 => Level::Info,
        _ => Level::Debug,
    }
}
