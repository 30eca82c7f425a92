//! Step `devtool-upgrade`: moves the recipes of a group to their targets with `devtool upgrade` and
//! `devtool finish`, takes the licence difference out of the new recipes, and says which files of
//! which repositories changed. A group moves as a whole or not at all: after a failure the layer
//! and devtool's workspace are as they were.
//!
//! Not here: builds and commits. What a group's folder holds afterwards:
//!
//! | file | |
//! |---|---|
//! | `devtool-upgrade-PN.log`, `devtool-finish-PN.log`, `devtool-reset-PN.log` | output of the tools |
//! | `license-diff-PV.txt` | difference of the licence texts, PV being the old version; for any further recipe of the group `license-diff-PN-PV.txt` |
//! | `changelog-PN.txt` | what upstream says has changed |
//! | `bitbake_error_log.txt` | output of the devtool command that failed |
//!
//! Asked again after a death of the host, it first clears what its earlier attempt left in devtool's
//! workspace and in the recipes' folders; what somebody edited there since goes with it.

mod attempt;
mod cleanup;
mod devtool;
mod group;
mod licence;
mod patches;
mod workspace;

#[cfg(test)]
mod tests;

use auh_sdk::{FailureClass, Host, Options, Step, StepError, StepOutcome, StepRequest};

struct DevtoolUpgrade;

impl Step for DevtoolUpgrade {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let work = request
            .groups
            .first()
            .ok_or_else(|| StepError::new(FailureClass::Plugin, "the request names no group"))?;
        Ok(group::upgrade(host, request, work))
    }
}

fn create(_options: &Options) -> Result<DevtoolUpgrade, StepError> {
    Ok(DevtoolUpgrade)
}

auh_sdk::export_step! {
    manifest: auh_sdk::step_manifest(
        "devtool-upgrade",
        env!("CARGO_PKG_VERSION"),
        "upgrades a group with devtool upgrade and devtool finish",
    )
    .with_options(Vec::new()),
    create: create,
}
