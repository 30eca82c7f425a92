//! Step `command`: asks any program, with the request as JSON on its standard input, and reads the
//! outcome from its standard output or from its exit status alone. What a program gets and may
//! answer is written down in `docs/command-step.md`.
//!
//! It takes any action; the action tells apart the programs of one pipeline. `whole-run` is the one
//! that is about all groups of the run together.
//!
//! Not here: what any program does.

mod answer;
mod settings;

use answer::outcome;
use auh_sdk::{
    FailureClass, Group, Host, Options, Place, PluginManifest, RunCommand, Step, StepError,
    StepOutcome, StepRequest, serde_json,
};
use settings::{Settings, Start};
use std::path::{Path, PathBuf};

/// The action that is about the whole run.
const WHOLE_RUN: &str = "whole-run";

struct Command {
    settings: Settings,
}

impl Step for Command {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let command = self.command(request)?;
        let result = host.run(&command)?;
        let groups: Vec<&Group> = request.groups.iter().map(|work| &work.group).collect();
        let log = command.log.as_deref();
        Ok(outcome(&self.settings, &result, &groups, log))
    }
}

impl Command {
    fn command(&self, request: &StepRequest) -> Result<RunCommand, StepError> {
        let folder = folder(request);
        let place = match self.settings.start {
            Start::BuildDir => Place::BuildDir,
            Start::GroupFolder => Place::Folder(folder.to_owned()),
        };
        let label = auh_sdk::protocol::step::label(&self.settings.program(), &request.action);
        let mut command = RunCommand::new(place, label, self.settings.argv.iter().cloned());
        command.log = Some(log_file(folder, &request.action));
        command.time_limit_s = self.settings.time_limit;
        command.env = environment(request, folder);
        command.stdin = Some(json(request)?);
        Ok(command)
    }
}

/// The group's folder; the run's for a request about the whole run.
fn folder(request: &StepRequest) -> &Path {
    match (request.action.as_str(), request.groups.as_slice()) {
        (WHOLE_RUN, _) | (_, []) => &request.run.folder,
        (_, [work, ..]) => &work.folder,
    }
}

fn log_file(folder: &Path, action: &str) -> PathBuf {
    folder.join(match action {
        "run" => "command.log".to_owned(),
        action => format!("command-{action}.log"),
    })
}

/// What a shell script wants to know without reading JSON.
fn environment(request: &StepRequest, folder: &Path) -> Vec<(String, String)> {
    let recipes = request.groups.iter().flat_map(|work| &work.group.recipes);
    let recipes: Vec<&str> = recipes.map(|recipe| recipe.name.as_str()).collect();
    let failed = request.groups.iter().any(|work| work.state.failed());
    [
        ("AUH_ACTION", request.action.clone()),
        ("AUH_RECIPES", recipes.join(" ")),
        ("AUH_FOLDER", folder.to_string_lossy().into_owned()),
        (
            "AUH_RUN_FOLDER",
            request.run.folder.to_string_lossy().into_owned(),
        ),
        ("AUH_FAILED", if failed { "yes" } else { "no" }.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn json(request: &StepRequest) -> Result<String, StepError> {
    serde_json::to_string(request).map_err(|error| {
        let message = format!("the request cannot be written as JSON: {error}");
        StepError::new(FailureClass::Plugin, message)
    })
}

fn manifest() -> PluginManifest {
    PluginManifest {
        run_actions: vec![WHOLE_RUN.to_owned()],
        options: Some(settings::keys()),
        ..auh_sdk::step_manifest(
            "command",
            env!("CARGO_PKG_VERSION"),
            "asks any program, with the request as JSON on its standard input",
        )
    }
}

fn create(options: &Options) -> Result<Command, StepError> {
    let settings = Settings::new(options)?;
    Ok(Command { settings })
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}

#[cfg(test)]
mod tests;
