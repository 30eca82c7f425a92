//! The state before the upgrade.

use crate::history::History;
use auh_compile::{MachineResult, Verdict, prepared_build};
use auh_sdk::{GroupWork, Host, MachineBuild, Place, RecipeStatus, StepOutcome};
use std::{fs, path::Path};

/// Builds the group as it is, so that the history has it, and notes where the history stands.
pub(crate) fn build(host: &Host, work: &GroupWork, first: &MachineBuild) -> StepOutcome {
    let usual = History::usual(&first.build_dir);
    let before = usual.head(host);
    let result = prepared_build(host, work, &first.machine, Place::BuildDir, 1);
    let mut outcome = StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded);
    if host.stopping() {
        return outcome;
    }
    keep_log(host, &work.folder, &result);
    outcome.notes = notes(&result);
    outcome.notes.iter().for_each(|note| host.warn(note));
    // The build has made a commit. If that is not where histories usually are, it is elsewhere.
    let history = match usual.head(host) {
        after if after.is_some() && after != before => usual,
        _ => History::find(host, &first.build_dir),
    };
    if let Some(head) = history.head(host)
        && let Err(error) = history.note(&work.folder, &head)
    {
        host.warn(&format!("{}: {error}", work.folder.display()));
    }
    outcome
}

/// The build of the new version writes its log under the same name.
fn keep_log(host: &Host, folder: &Path, result: &MachineResult) {
    let log = folder.join(format!("bitbake-output-{}.txt", result.machine));
    if !log.exists() {
        return;
    }
    if let Err(error) = fs::rename(&log, folder.join("buildhistory-baseline.txt")) {
        host.warn(&format!("{}: {error}", log.display()));
    }
}

fn notes(result: &MachineResult) -> Vec<String> {
    let failed = result.recipes.iter().filter_map(|(recipe, verdict)| {
        let Verdict::Failed(failure) = verdict else {
            return None;
        };
        Some(format!(
            "{recipe}: the old version could not be built, so the build history has nothing to \
             compare the new one with: {}",
            failure.message
        ))
    });
    failed.collect()
}
