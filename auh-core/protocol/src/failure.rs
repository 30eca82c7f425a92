//! What can go wrong with a recipe, by class.

use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// The class of a failure: what a maintainer has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The upstream check found no usable release or did not get an answer.
    Upstream,
    /// The new sources could not be fetched.
    Fetch,
    /// devtool cannot upgrade from where the recipe gets its sources.
    UnsupportedProtocol,
    /// A patch of the recipe does not apply to the new sources.
    PatchConflict,
    /// The licence check does not hold for the new sources.
    Licence,
    /// do_configure failed.
    Configure,
    /// do_compile or do_install failed.
    Compile,
    /// Packaging or its quality checks failed.
    Package,
    /// The test image or a package test failed.
    Test,
    /// git did not take the change.
    Commit,
    /// A command or a step did not come back within its time limit.
    #[serde(alias = "timeout")]
    Hang,
    /// A plugin broke its contract: panic, wrong answer.
    Plugin,
    /// The build environment, not the recipe: disk, server, configuration.
    Infrastructure,
}

impl FailureClass {
    /// Every class, in the order in which a recipe meets them.
    pub const ALL: [Self; 13] = [
        Self::Upstream,
        Self::Fetch,
        Self::UnsupportedProtocol,
        Self::PatchConflict,
        Self::Licence,
        Self::Configure,
        Self::Compile,
        Self::Package,
        Self::Test,
        Self::Commit,
        Self::Hang,
        Self::Plugin,
        Self::Infrastructure,
    ];

    /// The class's name in journals, settings and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Fetch => "fetch",
            Self::UnsupportedProtocol => "unsupported-protocol",
            Self::PatchConflict => "patch-conflict",
            Self::Licence => "licence",
            Self::Configure => "configure",
            Self::Compile => "compile",
            Self::Package => "package",
            Self::Test => "test",
            Self::Commit => "commit",
            Self::Hang => "hang",
            Self::Plugin => "plugin",
            Self::Infrastructure => "infrastructure",
        }
    }

    /// The status that the Python helper prints for such a failure.
    #[must_use]
    pub fn auh_status(self) -> &'static str {
        match self {
            Self::Fetch | Self::PatchConflict => "Failed (devtool error)",
            Self::UnsupportedProtocol => "Failed(Unsupported protocol)",
            Self::Licence => "Failed(license issue)",
            Self::Configure | Self::Compile | Self::Package => "Failed(do_compile)",
            Self::Test => "Failed(test-image)",
            Self::Upstream | Self::Commit | Self::Hang | Self::Plugin | Self::Infrastructure => {
                "Failed(other errors)"
            }
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One failure: its class, a line for people, and where to read on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub class: FailureClass,
    /// One line: what happened, without the recipe's name.
    pub message: String,
    /// The log to read, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// The machines it happened on; empty when it is not about a machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<crate::Machine>,
}

impl Failure {
    /// A failure without log and machines.
    #[must_use]
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            log: None,
            machines: Vec::new(),
        }
    }

    /// The same with a log to read.
    #[must_use]
    pub fn with_log(mut self, log: impl Into<PathBuf>) -> Self {
        self.log = Some(log.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_json_are_the_displayed_ones() {
        for class in FailureClass::ALL {
            let json = serde_json::to_string(&class).unwrap();
            assert_eq!(json, format!("\"{class}\""));
        }
    }

    #[test]
    fn the_former_name_of_a_hang_is_read() {
        let class: FailureClass = serde_json::from_str("\"timeout\"").unwrap();
        assert_eq!(class, FailureClass::Hang);
    }
}
