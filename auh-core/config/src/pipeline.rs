//! Pipelines: named lists of steps, as the settings hold them.

use crate::{
    Source,
    error::did_you_mean,
    nearest::nearest,
    tree::{Item, Node, Value},
    value::{FromNode, Limit, Name, Wrong},
};
use serde_json::Map;
use std::time::Duration;

/// The action of a step for which the settings name none.
const RUN: &str = "run";

/// The keys of a step.
const KEYS: [&str; 6] = ["step", "action", "always", "when", "limit", "with"];

/// A named list of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Its steps in the order in which they run, at least one.
    pub steps: Vec<PipelineEntry>,
    /// What is done about the run as a whole once its results are written; may be empty.
    pub closing: Vec<PipelineEntry>,
}

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineEntry {
    /// Name of the step plugin.
    pub step: String,
    /// What it is asked to do, `run` unless the settings say otherwise.
    pub action: String,
    /// Whether it runs after a failure too.
    pub always: bool,
    /// Key of the switch without which the step is left out.
    pub when: Option<String>,
    /// How long it may take, with none inside for no limit; `limits.step` where the entry says nothing.
    pub limit: Option<Option<Duration>>,
    /// Further settings for the plugin; see [`crate::Settings::plugin_options`].
    pub with: Map<String, serde_json::Value>,
    /// Where the settings have it.
    pub at: Source,
}

impl FromNode for PipelineEntry {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let mut entry = Self {
            step: String::new(),
            action: RUN.to_owned(),
            always: false,
            when: None,
            limit: None,
            with: Map::new(),
            at: node.at.clone(),
        };
        match &node.value {
            Value::Text(_) => entry.step = Name::from_node(node)?.0,
            Value::Table(items) => {
                for item in items {
                    entry.set(item)?;
                }
            }
            _ => return Err(Wrong::expected(node, "a step's name or a table")),
        }
        if entry.step.is_empty() {
            return Err(Wrong::value(node, "the table names no step"));
        }
        Ok(entry)
    }
}

impl PipelineEntry {
    fn set(&mut self, item: &Item) -> Result<(), Wrong> {
        match item.key.as_str() {
            "step" => self.step = Name::from_node(&item.node)?.0,
            "action" => self.action = Name::from_node(&item.node)?.0,
            "always" => self.always = bool::from_node(&item.node)?,
            "when" => self.when = Some(Name::from_node(&item.node)?.0),
            "limit" => self.limit = Some(Limit::from_node(&item.node)?.0),
            "with" => match item.node.value.to_json() {
                serde_json::Value::Object(map) => self.with = map,
                _ => return Err(Wrong::expected(&item.node, "a table")),
            },
            unknown => {
                return Err(Wrong::Value {
                    at: item.at.clone(),
                    reason: format!("unknown key {unknown} in a step"),
                    hint: Some(match nearest(unknown, KEYS) {
                        Some(name) => did_you_mean(Some(name)),
                        None => format!("a step has the keys {}", KEYS.join(", ")),
                    }),
                });
            }
        }
        Ok(())
    }
}
