//! What a plugin says about itself, and how it says that it failed.

use crate::{FailureClass, OptionKey};
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

/// How a step bears that several groups are built together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Company {
    /// It is asked about one group, and does not mind that others are upgraded beside it.
    #[default]
    Borne,
    /// It can be asked about the recipes of several groups as if they were one group's.
    Welcome,
    /// What it sees must be one group's alone.
    Never,
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
    /// Those of its actions that are about all groups of the run together, whatever its scope.
    #[serde(default)]
    pub run_actions: Vec<String>,
    /// True for a step that brings a group's commits to where those of all groups come together: it
    /// is asked for one group after another, in the order of the plan.
    #[serde(default)]
    pub integrates: bool,
    /// How it bears that groups are built in company.
    #[serde(default)]
    pub company: Company,
    /// True for a scheduler that is chosen to get by with little disk space: the host then removes the
    /// work folders of a group's recipes as soon as its upgrade has been built well.
    #[serde(default)]
    pub saves_disk: bool,
    /// The settings outside of its own table that it wants to see: [`crate::StepRequest::settings`].
    #[serde(default)]
    pub settings: Vec<String>,
    /// The settings of its own table that are commands, as lists of words whose first one is the
    /// program: `auh doctor` looks for that.
    #[serde(default)]
    pub commands: Vec<String>,
    /// What the build configuration must have for it.
    #[serde(default)]
    pub requires: Vec<Requirement>,
    /// The keys that its own table `[plugins.NAME]` may have; a plugin that says nothing of them is
    /// given its table unchecked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<OptionKey>>,
}

/// What a step needs of the build configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// A variable of the build configuration.
    pub variable: String,
    /// What it must have.
    pub must: Must,
    /// What to do about it, one line.
    #[serde(default)]
    pub hint: String,
}

/// What a variable must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Must {
    /// Just this value.
    Be(String),
    /// This word among others.
    Contain(String),
}

impl Requirement {
    /// Whether a value of the variable will do.
    #[must_use]
    pub fn holds(&self, value: Option<&str>) -> bool {
        let value = value.unwrap_or_default();
        match &self.must {
            Must::Be(text) => value.trim() == text,
            Must::Contain(word) => value.split_whitespace().any(|known| known == word),
        }
    }
}

impl PluginManifest {
    /// Whether the plugin goes by `name`.
    #[must_use]
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// What a call for `action` is about.
    #[must_use]
    pub fn scope_of(&self, action: &str) -> Scope {
        if self.run_actions.iter().any(|known| known == action) {
            Scope::Run
        } else {
            self.scope
        }
    }

    /// The same with these keys for its own table.
    #[must_use]
    pub fn with_options(mut self, keys: Vec<OptionKey>) -> Self {
        self.options = Some(keys);
        self
    }

    /// Settings with the defaults of those keys that they do not have.
    #[must_use]
    pub fn with_defaults(
        &self,
        mut options: serde_json::Map<String, serde_json::Value>,
    ) -> serde_json::Map<String, serde_json::Value> {
        for key in self.options.iter().flatten() {
            if let (false, Some(default)) = (options.contains_key(&key.key), &key.default) {
                options.insert(key.key.clone(), default.clone());
            }
        }
        options
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
