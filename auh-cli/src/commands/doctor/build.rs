//! What the build configuration says: machines, layers, variables that steps need, disk space.

use super::Examination;
use crate::{commands::plan::experience, preparation};
use anyhow::Result;
use auh_config::Settings;
use auh_engine::{Pipeline, required_variables, unmet_requirements};
use auh_oe::{
    Base, LayerCondition, SessionResponse, Space, Surroundings, Wanted, condition_of_layers,
    configuration, free_space, is_served, unknown_machines,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

const CONFIGURATION: &str = "configuration";

/// How long BitBake may take to read its configuration; usually it takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Below this much free space BitBake begins to warn and soon stops (`BB_DISKMON_DIRS`).
const LEAST: u64 = 1_000_000_000;
/// What a first run should find when nothing is known yet.
const SOME: u64 = 20_000_000_000;

impl Examination<'_> {
    /// Asks BitBake: the configuration alone, or with recipes also about these.
    pub(super) fn read_configuration(
        &mut self,
        surroundings: &Surroundings,
        pipeline: Option<&Pipeline>,
        wanted: Option<&Wanted>,
        settings: Option<&Settings>,
    ) -> Option<SessionResponse> {
        if is_served(&surroundings.folder) {
            self.findings.warning(
                CONFIGURATION,
                "a BitBake server serves the build directory: a build may be going on",
                "wait for the build to end, or end the server with bitbake -m".to_owned(),
            );
        }
        match self.ask(surroundings, pipeline, wanted, settings) {
            Ok(response) => {
                let base = &response.base;
                let or_none = |name| base.get(name).unwrap_or("none").to_owned();
                self.findings.good(
                    CONFIGURATION,
                    format!(
                        "BitBake reads it: DISTRO {}, {} layers",
                        or_none("DISTRO"),
                        base.layers.len()
                    ),
                );
                Some(response)
            }
            Err(error) => {
                self.findings.failed(CONFIGURATION, error);
                None
            }
        }
    }

    fn ask(
        &self,
        surroundings: &Surroundings,
        pipeline: Option<&Pipeline>,
        wanted: Option<&Wanted>,
        settings: Option<&Settings>,
    ) -> Result<SessionResponse> {
        let variables = pipeline.map(required_variables).unwrap_or_default();
        let cancel = self.stop.work();
        match wanted.zip(settings) {
            None => Ok(configuration(variables, surroundings, PATIENCE, cancel)?),
            Some((wanted, settings)) => {
                preparation::read(wanted, settings, variables, surroundings, cancel)
            }
        }
    }

    pub(super) fn machines(&mut self, settings: &Settings, base: &Base, build_dir: &Path) {
        const CHECK: &str = "machines";
        let unknown = unknown_machines(&settings.machines, base, build_dir);
        if unknown.is_empty() {
            let names: Vec<_> = settings.machines.iter().map(ToString::to_string).collect();
            self.findings.good(CHECK, names.join(", "));
        }
        for error in unknown {
            self.findings.failed(CHECK, error);
        }
    }

    /// The repositories of all layers but devtool's own.
    pub(super) fn layers(&mut self, base: &Base, build_dir: &Path) {
        const CHECK: &str = "layers";
        let own = |layer: &&PathBuf| !layer.starts_with(build_dir);
        let layers: Vec<PathBuf> = base.layers.iter().filter(own).cloned().collect();
        match condition_of_layers(&layers, self.stop.work()) {
            Ok(conditions) => {
                for condition in conditions {
                    self.layer(CHECK, &condition);
                }
            }
            Err(error) => self.findings.failed(CHECK, error),
        }
    }

    fn layer(&mut self, check: &'static str, condition: &LayerCondition) {
        let Some(repository) = &condition.repository else {
            return self.findings.warning(
                check,
                format!(
                    "{} is in no git repository, so none of its recipes can be upgraded",
                    condition.layers[0].display()
                ),
                "put the layer under git, with its recipes committed".to_owned(),
            );
        };
        let repository = repository.display();
        if let Some(command) = condition.amid {
            self.findings.problem(
                check,
                format!("{repository} is in the middle of a git {command}"),
                format!("bring it to its end, or give it up: git {command} --abort"),
            );
        }
        match condition.changed {
            0 if condition.amid.is_some() => {}
            0 => self.findings.good(check, format!("{repository} is clean")),
            changed => self.findings.warning(
                check,
                format!(
                    "{repository} has local changes in {changed} file{}; recipes with some beside \
                     them are left out",
                    if changed == 1 { "" } else { "s" }
                ),
                "commit, stash or undo them first".to_owned(),
            ),
        }
    }

    /// What steps such as those about the build history need.
    pub(super) fn requirements(&mut self, pipeline: &Pipeline, base: &Base) {
        const CHECK: &str = "variables";
        let unmet = unmet_requirements(pipeline, |name| base.get(name));
        let asked = required_variables(pipeline);
        if unmet.is_empty() && !asked.is_empty() {
            self.findings.good(
                CHECK,
                format!("{} as the steps need them", asked.join(", ")),
            );
        }
        for error in unmet {
            self.findings.failed(CHECK, error);
        }
    }

    /// Free space of each file system, against what earlier runs needed.
    pub(super) fn disk(&mut self, settings: Option<&Settings>, base: &Base) {
        const CHECK: &str = "disk space";
        let workdir = settings.map(|settings| &settings.workdir);
        let needed = workdir.and_then(|workdir| experience(workdir).disk());
        let folders = ["TMPDIR", "DL_DIR", "SSTATE_DIR"]
            .into_iter()
            .filter_map(|name| Some((name, PathBuf::from(base.get(name)?))))
            .chain(workdir.map(|workdir| ("run directories", workdir.clone())));
        let mut disks: BTreeMap<u64, (Space, Vec<&str>)> = BTreeMap::new();
        for (name, folder) in folders {
            match free_space(&folder) {
                Ok(space) => {
                    let disk = disks.entry(space.device).or_insert((space, Vec::new()));
                    disk.1.push(name);
                }
                Err(error) => self.findings.unknown(CHECK, error),
            }
        }
        for (space, names) in disks.into_values() {
            let holds = names.join(", ");
            let free = format!("{} free for {holds}", gigabytes(space.free));
            // What was measured is the disk of the builds.
            let needed = needed.filter(|_| names.contains(&"TMPDIR"));
            let hint = "make room, or move TMPDIR or DL_DIR to another disk".to_owned();
            match needed {
                _ if space.free < LEAST => self.findings.problem(CHECK, free, hint),
                Some(needed) if space.free < needed => self.findings.warning(
                    CHECK,
                    format!("{free}, and an earlier run needed {}", gigabytes(needed)),
                    hint,
                ),
                None if space.free < SOME && names.contains(&"TMPDIR") => self.findings.warning(
                    CHECK,
                    format!("{free}; builds of many recipes need more"),
                    hint,
                ),
                _ => self.findings.good(CHECK, free),
            }
        }
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
