//! What a plugin says about itself, and how it says that it failed.

use crate::FailureClass;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a plugin is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// Does one step of an upgrade.
    Step,
    /// Orders tasks.
    Scheduler,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Step => "step",
            Self::Scheduler => "scheduler",
            Self::Unknown => "unknown",
        })
    }
}

/// What one call of a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One group, in the user's build directory.
    #[default]
    Group,
    /// One group, on all its machines at once.
    Machines,
    /// All groups of the run together.
    Run,
}

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginManifest {
    /// Its name, as pipelines and `--scheduler` use it.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// What it is good for.
    pub kind: PluginKind,
    /// One line for `auh plugin list`.
    #[serde(default)]
    pub summary: String,
    /// Lowest and highest number of [`crate::API`] that it speaks.
    pub api: (u32, u32),
    /// Further names it answers to.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What one call is for; steps only.
    #[serde(default)]
    pub scope: Scope,
    /// The actions that a pipeline may ask a step for, beside `run`.
    #[serde(default)]
    pub actions: Vec<String>,
}

impl PluginManifest {
    /// Whether the plugin goes by `name`.
    #[must_use]
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether it speaks the words of this crate.
    #[must_use]
    pub fn speaks(&self, api: u32) -> bool {
        self.api.0 <= api && api <= self.api.1
    }
}

/// Why a call into a plugin gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginFault {
    /// True when the plugin panicked, false when it returned an error.
    #[serde(default)]
    pub panicked: bool,
    /// What it said.
    pub message: String,
    /// `file:line` of a panic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What kind of failure it is, when the plugin knows; otherwise the plugin's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
}

impl PluginFault {
    /// An error that the plugin returned.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            panicked: false,
            message: message.into(),
            place: None,
            class: None,
        }
    }
}

impl fmt::Display for PluginFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.panicked, &self.place) {
            (true, Some(place)) => write!(f, "panicked at {place}: {}", self.message),
            (true, None) => write!(f, "panicked: {}", self.message),
            (false, _) => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for PluginFault {}
