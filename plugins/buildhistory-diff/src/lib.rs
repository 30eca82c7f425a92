//! Step `buildhistory-diff`: has the first machine build a group's old versions (action `baseline`), and
//! writes down what the new versions changed in OE's build history (action `run`).
//!
//! Neither fails an upgrade: an old version that does not build any more is a reason to upgrade, and
//! a difference that cannot be shown is said in the log.
//!
//! Not here: building the new versions, and judging differences. What a group's folder holds
//! afterwards:
//!
//! | file | |
//! |---|---|
//! | `buildhistory-diff.txt` | output of `buildhistory-diff`, if there is any |
//! | `buildhistory-diff-full.txt` | output of `buildhistory-diff -a`, if there is any |
//! | `buildhistory-baseline.txt` | BitBake's output, if an old version could not be built |

mod baseline;
mod compare;
mod history;

#[cfg(test)]
mod tests;

use auh_compile::group_of;
use auh_sdk::{
    Company, FailureClass, Host, Options, PluginManifest, Step, StepError, StepOutcome,
    StepRequest,
    protocol::{Must, Requirement},
};

struct BuildHistory;

impl Step for BuildHistory {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let work = group_of(request)?;
        let first = request.machines.first().ok_or_else(|| {
            StepError::new(FailureClass::Plugin, "there is no machine to build for")
        })?;
        match request.action.as_str() {
            "run" => Ok(compare::compare(host, work, first)),
            "baseline" => Ok(baseline::build(host, work, first)),
            other => Err(StepError::new(
                FailureClass::Plugin,
                format!("buildhistory has no action {other:?}; it has run and baseline"),
            )),
        }
    }
}

fn manifest() -> PluginManifest {
    let needs = |variable: &str, must, hint: &str| Requirement {
        variable: variable.to_owned(),
        must,
        hint: hint.to_owned(),
    };
    PluginManifest {
        actions: vec!["baseline".to_owned()],
        company: Company::Never,
        requires: vec![
            needs(
                "INHERIT",
                Must::Contain("buildhistory".to_owned()),
                "put INHERIT += \"buildhistory\" into conf/local.conf, or switch buildhistory off",
            ),
            needs(
                "BUILDHISTORY_COMMIT",
                Must::Be("1".to_owned()),
                "put BUILDHISTORY_COMMIT = \"1\" into conf/local.conf, or switch buildhistory off",
            ),
        ],
        options: Some(Vec::new()),
        ..auh_sdk::step_manifest(
            "buildhistory-diff",
            env!("CARGO_PKG_VERSION"),
            "shows what an upgrade changes in the build history",
        )
    }
}

fn create(_options: &Options) -> Result<BuildHistory, StepError> {
    Ok(BuildHistory)
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}
