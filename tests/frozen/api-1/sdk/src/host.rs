//! The handle through which a plugin talks to its host.

use auh_abi::{
    HostObject,
    abi_stable::std_types::{RResult, RStr},
};
use auh_protocol::host::{
    CommandResult, Level, LogLine, PrepareBuildDir, Progress, RunCommand, op,
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// What the host answered instead of doing what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

/// The host: cheap to clone, usable from any thread of the plugin.
#[derive(Clone)]
pub struct Host {
    object: Arc<HostObject>,
}

impl Host {
    pub(crate) fn new(object: HostObject) -> Self {
        Self {
            object: Arc::new(object),
        }
    }

    /// Runs a command and waits for its end. An `Err` means that it did not start.
    pub fn run(&self, command: &RunCommand) -> Result<CommandResult, HostError> {
        self.call(op::RUN, command)
    }

    /// Makes a machine's build directory ready for a build.
    pub fn prepare_build_dir(&self, request: &PrepareBuildDir) -> Result<(), HostError> {
        self.call(op::PREPARE_BUILD_DIR, request)
    }

    /// A line for the log. Never fails: a host that cannot log is no reason to stop.
    pub fn log(&self, level: Level, message: &str) {
        let line = LogLine {
            level,
            message: message.to_owned(),
        };
        let _: Result<(), HostError> = self.call(op::LOG, &line);
    }

    /// A line for the log, of ordinary weight.
    pub fn info(&self, message: &str) {
        self.log(Level::Info, message);
    }

    /// A warning for the log.
    pub fn warn(&self, message: &str) {
        self.log(Level::Warning, message);
    }

    /// A line for the log that only a debugging person wants.
    pub fn debug(&self, message: &str) {
        self.log(Level::Debug, message);
    }

    /// Says how far a long work is.
    pub fn progress(&self, progress: &Progress) {
        let _: Result<(), HostError> = self.call(op::PROGRESS, progress);
    }

    /// Whether the run is being stopped, so that a long work should end.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.call(op::STOPPING, &()).unwrap_or(false)
    }

    /// Asks the host for any operation, also for those that this SDK does not know.
    pub fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        op: &str,
        request: &Q,
    ) -> Result<A, HostError> {
        let payload = serde_json::to_string(request).map_err(|e| HostError(e.to_string()))?;
        match self
            .object
            .call(RStr::from(op), RStr::from(payload.as_str()))
        {
            RResult::ROk(answer) => serde_json::from_str(&answer).map_err(|e| {
                HostError(format!(
                    "the host's answer to {op:?} is not understood: {e}"
                ))
            }),
            RResult::RErr(error) => Err(HostError(error.into_string())),
        }
    }
}
