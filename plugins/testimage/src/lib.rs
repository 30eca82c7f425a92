//! Step `testimage`: runs an image with the package tests of all recipes that were upgraded, and if it
//! fails, finds the upgrade that breaks it.
//!
//! A trial puts some of the run's upgrades into the layers' work trees and leaves the others out; the
//! image has the same packages in every one. The first trial has all upgrades. If it fails, the next
//! one has none: what fails then too is no upgrade's fault, and nobody fails for it. Otherwise
//! the smallest set of upgrades that breaks the image is searched by halving, left out, and what
//! remains is tried again. Suspected is every upgrade of the run that stands, since one without tests of
//! its own may break others'. A set is blamed only after two trials with it have failed.
//!
//! Not here: taking back what failed (step `git-commit` does, according to its policy). The work
//! trees are as before after each trial; asked again after a death of the host, the step puts them back
//! first. What the run directory holds afterwards, in `testimage-logs`:
//!
//! | file | |
//! |---|---|
//! | `devtool-test-image.log` or `devtool-test-image-failed.log` | output of the first trial, under the Python helper's names |
//! | `trial-N.log`, `trial-N/` | output of each trial, and the logs of its tests and its virtual machine |
//! | `trial.conf` | what is added to the build configuration where devtool has no `test-image` |

mod absent;
mod image;
mod outcome;
mod search;
mod suspects;
mod trials;

#[cfg(test)]
mod tests;

use auh_sdk::{
    FailureClass, Host, OptionKey, OptionKind, Options, PluginManifest, Scope, Step, StepError,
    StepOutcome, StepRequest,
};
use serde_json::Value;

struct TestImage {
    /// At most this many trials; as many as halving may need when absent.
    max_trials: Option<usize>,
}

impl Step for TestImage {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        match request.action.as_str() {
            "run" => Ok(trials::test(host, request, self.max_trials)),
            other => Err(StepError::new(
                FailureClass::Plugin,
                format!("testimage has no action {other:?}; it has run"),
            )),
        }
    }
}

const MAX_TRIALS: &str = "max-trials";

fn manifest() -> PluginManifest {
    let doc = "how often the image is run at most to find a culprit; unless set, as often as halving needs";
    let max_trials = OptionKey::new(MAX_TRIALS, OptionKind::Whole { least: 1 }, doc);
    PluginManifest {
        options: Some(vec![max_trials]),
        scope: Scope::Run,
        settings: vec![image::NAME_SETTING.to_owned()],
        ..auh_sdk::step_manifest(
            "testimage",
            env!("CARGO_PKG_VERSION"),
            "runs a test image, and finds the upgrade that breaks it",
        )
    }
}

fn create(options: &Options) -> Result<TestImage, StepError> {
    let max_trials = options.get(MAX_TRIALS).and_then(Value::as_u64);
    Ok(TestImage {
        max_trials: max_trials.and_then(|number| usize::try_from(number).ok()),
    })
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}
