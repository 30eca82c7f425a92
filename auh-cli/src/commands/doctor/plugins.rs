//! The plugins of the chosen pipeline, the schedulers, and whether they take their settings.

use super::Examination;
use crate::{failure::Usage, jobs, preparation};
use anyhow::Result;
use auh_config::{PipelineEntry, Settings};
use auh_engine::{Pipeline, Step};
use auh_loader::{HostCalls, Plugin};
use auh_protocol::PluginKind;
use std::{collections::BTreeSet, env, path::Path, sync::Arc};

const CHECK: &str = "plugins";
const SCHEDULER: &str = "scheduler";

impl Examination<'_> {
    /// The pipeline of the settings with those of its plugins that load.
    pub(super) fn pipeline(&mut self, settings: &Settings) -> Result<Option<Pipeline>> {
        let search = preparation::search(settings)?;
        let chosen = settings.chosen_pipeline();
        let before = self.findings.problems();
        let mut load = |entries: &[PipelineEntry]| -> Vec<Step> {
            let mut steps = Vec::new();
            for entry in entries {
                match preparation::step(settings, &search, entry) {
                    Ok(step) => steps.push(step),
                    Err(error) => self.findings.failed(CHECK, error),
                }
            }
            steps
        };
        let pipeline = Pipeline {
            name: chosen.name.clone(),
            steps: load(&chosen.steps),
            closing: load(&chosen.closing),
        };
        self.plugin_settings(&pipeline);
        if let Some(unfit) = jobs::unfit_batch(&pipeline, settings) {
            self.findings.failed(CHECK, unfit);
        }
        if let Some(warning) = jobs::commits_stay_away(&pipeline, settings) {
            self.findings.warning(CHECK, warning, None);
        }
        if self.findings.problems() == before {
            let steps: BTreeSet<&str> = steps(&pipeline).map(name).collect();
            let number = steps.len();
            let name = &pipeline.name;
            self.findings
                .good(CHECK, format!("all {number} of the pipeline {name} load"));
        }
        let wanted = [
            Some(&settings.scheduler),
            settings.bitbake_scheduler.as_ref(),
        ];
        for name in wanted.into_iter().flatten() {
            match search.load(PluginKind::Scheduler, name) {
                Ok(plugin) => self.findings.good(SCHEDULER, described(&plugin)),
                Err(error) => self.findings.failed(SCHEDULER, error),
            }
        }
        Ok(Some(pipeline))
    }

    /// Without settings there is no pipeline, but the search path can be gone through.
    pub(super) fn every_plugin(&mut self) -> Result<Option<Pipeline>> {
        let search = preparation::search_of_flags(&self.args.settings.plugins)?;
        let mut number = 0;
        for plugin in search.all() {
            match plugin {
                Ok(_) => number += 1,
                Err(error) => self.findings.failed(CHECK, error),
            }
        }
        match number {
            0 => self.findings.failed(
                CHECK,
                Usage::new(
                    "there are none in the search path",
                    "set AUH_PLUGIN_PATH to the folder that holds the plugins",
                ),
            ),
            _ => self.findings.good(CHECK, format!("{number} load")),
        }
        Ok(None)
    }

    /// Whether each plugin takes the settings that it is given, and the programs they name are there.
    fn plugin_settings(&mut self, pipeline: &Pipeline) {
        let mut seen = BTreeSet::new();
        for step in steps(pipeline) {
            let options = serde_json::Value::Object(step.options.clone()).to_string();
            if !seen.insert((name(step), options.clone())) {
                continue;
            }
            match step.plugin.create(Arc::new(NoHost), &options) {
                Ok(object) => drop(object.finish()),
                Err(fault) => self.findings.problem(
                    CHECK,
                    format!("{}: {fault}", name(step)),
                    format!("correct [plugins.{}] in the settings", name(step)),
                ),
            }
            for (key, program) in commands(step) {
                if !is_there(program) {
                    self.findings.problem(
                        CHECK,
                        format!("{}: the program {program} is not there", name(step)),
                        format!("install it, or correct {key} in [plugins.{}]", name(step)),
                    );
                }
            }
        }
    }
}

/// All steps of a pipeline.
pub(super) fn steps(pipeline: &Pipeline) -> impl Iterator<Item = &Step> {
    pipeline.steps.iter().chain(&pipeline.closing)
}

/// The programs that a step's settings name, with the keys.
pub(super) fn commands(step: &Step) -> impl Iterator<Item = (&str, &str)> {
    let keys = step.plugin.manifest().commands.iter();
    keys.filter_map(|key| {
        let words = step.options.get(key)?.as_array()?;
        Some((key.as_str(), words.first()?.as_str()?))
    })
}

fn name(step: &Step) -> &str {
    &step.plugin.manifest().name
}

fn described(plugin: &Plugin) -> String {
    let manifest = plugin.manifest();
    format!(
        "{} {}: {}",
        manifest.name, manifest.version, manifest.summary
    )
}

/// Whether a program is there, as a path or in the folders of `PATH`.
fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    match program.contains('/') {
        true => Path::new(program).is_file(),
        false => auh_process::which(program, path).is_some(),
    }
}

/// A plugin that is only made has nothing to ask for.
struct NoHost;

impl HostCalls for NoHost {
    fn call(&self, _op: &str, _payload: &str) -> Result<String, String> {
        Err("nothing is carried out while settings are checked".to_owned())
    }
}
