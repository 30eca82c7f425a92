//! What earlier and other runs left: the lock, a run that did not end, devtool's workspace.

use super::Examination;
use crate::runs::Told;
use auh_config::Settings;
use auh_journal::{RunFolder, RunLock};
use auh_oe::{Wanted, workspace_recipes};
use auh_report::RunState;
use std::path::Path;

impl Examination<'_> {
    /// Whether another run is going on.
    pub(super) fn lock(&mut self, build_dir: &Path) -> bool {
        const CHECK: &str = "lock";
        let holder = RunLock::holder(&build_dir.join("upgrade-helper"));
        match &holder {
            None => self.findings.good(CHECK, "no other run is going on"),
            Some(holder) => self.findings.problem(
                CHECK,
                format!("another run is going on: {holder}; what BitBake knows is not asked"),
                "wait for it to end, or stop it".to_owned(),
            ),
        }
        holder.is_some()
    }

    /// How the last run ended.
    pub(super) fn last_run(&mut self, settings: &Settings) {
        const CHECK: &str = "last run";
        let Some(folder) = RunFolder::latest(&settings.workdir) else {
            return;
        };
        let name = folder.name();
        let hint = format!("`auh resume {name}` goes on with it, `auh show {name}` tells of it");
        match Told::read(folder) {
            Ok(told) => match told.state {
                RunState::Finished => self.findings.good(CHECK, format!("{name} came to its end")),
                // The lock says so.
                RunState::GoingOn => {}
                RunState::Stopped => {
                    let text = format!("{name} was stopped before its end");
                    self.findings.warning(CHECK, text, hint);
                }
                RunState::BrokenOff => {
                    self.findings
                        .warning(CHECK, format!("{name} broke off"), hint);
                }
            },
            Err(error) => self.findings.unknown(CHECK, error),
        }
    }

    /// Recipes that somebody works on, or that a run which broke off left.
    pub(super) fn workspace(&mut self, build_dir: &Path, wanted: Option<&Wanted>) {
        const CHECK: &str = "workspace";
        let recipes = workspace_recipes(build_dir);
        if recipes.is_empty() {
            self.findings.good(CHECK, "devtool works on no recipe");
            return;
        }
        let named = |recipe: &&String| matches!(wanted, Some(Wanted::Named(names)) if names.contains(recipe));
        let hint = format!(
            "finish them with devtool, or give them up: devtool reset {}",
            recipes.join(" ")
        );
        match recipes.iter().find(named) {
            Some(recipe) => self.findings.problem(
                CHECK,
                format!("{recipe} is in devtool's workspace, which an upgrade needs for itself"),
                hint,
            ),
            None => self.findings.warning(
                CHECK,
                format!(
                    "devtool works on {}, so these cannot be upgraded",
                    recipes.join(", ")
                ),
                hint,
            ),
        }
    }
}
