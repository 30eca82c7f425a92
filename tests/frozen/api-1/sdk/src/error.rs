//! Why a step could not judge.

use crate::HostError;
use auh_protocol::{FailureClass, PluginFault};
use std::fmt;

/// Why a step could not judge its recipes: it fails them all, with this class and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    class: FailureClass,
    message: String,
}

impl StepError {
    /// An error of the given class.
    #[must_use]
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
        }
    }

    /// The build environment is at fault.
    #[must_use]
    pub fn infrastructure(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Infrastructure, message)
    }

    /// What kind of failure it makes of the step's recipes.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        self.class
    }

    pub(crate) fn fault(self) -> PluginFault {
        PluginFault {
            class: Some(self.class),
            ..PluginFault::error(self.message)
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StepError {}

impl From<HostError> for StepError {
    fn from(error: HostError) -> Self {
        Self::infrastructure(error.to_string())
    }
}

impl From<std::io::Error> for StepError {
    fn from(error: std::io::Error) -> Self {
        Self::infrastructure(error.to_string())
    }
}
