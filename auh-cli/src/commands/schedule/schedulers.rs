//! Loads scheduler plugins and makes their objects.

use crate::{
    args::schedule::SchedulerFlags,
    failure::{OTHER_SCHEDULER, Usage},
    preparation, terminal,
};
use anyhow::Result;
use auh_graph::{Order, TaskGraph};
use auh_loader::{HostCalls, LoadError, Object, Plugin};
use auh_protocol::{
    PluginKind,
    host::{Level, LogLine, op},
};
use auh_simulate::{Fault, order_of};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A scheduler plugin, and what its objects are given.
pub(crate) struct SchedulerPlugin {
    plugin: Plugin,
    options: Map<String, Value>,
    host: Arc<dyn HostCalls>,
}

impl SchedulerPlugin {
    pub(crate) fn load(name: &str, flags: &SchedulerFlags) -> Result<Self> {
        let search = preparation::search_of_flags(&flags.plugins)?;
        let plugin = search.load(PluginKind::Scheduler, name);
        let plugin: Plugin = plugin.map_err(|error: LoadError| anyhow::Error::from(error))?;
        Ok(Self {
            plugin,
            options: options(flags),
            host: Arc::new(Talking {
                most: flags.debug_level,
            }),
        })
    }

    /// The name it has itself, which may be another one than it was asked for by.
    pub(crate) fn name(&self) -> &str {
        &self.plugin.manifest().name
    }

    /// An object, for one graph; and, where that is known, for so many tasks at the same time.
    pub(crate) fn create(&self, threads: Option<u32>) -> Result<Object, Fault> {
        let mut options = self.options.clone();
        options.extend(threads.map(|threads| ("threads".to_owned(), threads.into())));
        let options = Value::Object(options).to_string();
        let object = self.plugin.create(Arc::clone(&self.host), &options);
        object.map_err(|fault| Fault(fault.to_string()))
    }

    /// The order that it gives the graph's tasks.
    pub(crate) fn order(&self, graph: &TaskGraph) -> Result<Order> {
        let order = self
            .create(None)
            .and_then(|object| order_of(&object, graph))
            .map_err(|fault| self.failure(&fault))?;
        Ok(Order::from_sequence(order, graph.len())?)
    }

    /// What went wrong in it, for people.
    pub(crate) fn failure(&self, error: &dyn std::fmt::Display) -> Usage {
        let message = format!("scheduler {}: {error}", self.name());
        Usage::new(message, OTHER_SCHEDULER)
    }
}

/// The options that every scheduler is given here; each takes what it knows.
fn options(flags: &SchedulerFlags) -> Map<String, Value> {
    let mut options = Map::new();
    options.insert("seed".to_owned(), flags.seed.into());
    if let Some(budget) = &flags.disk_budget {
        options.insert("budget".to_owned(), budget.as_str().into());
    }
    options
}

/// A host that shows what schedulers log, up to a level.
struct Talking {
    most: u8,
}

impl HostCalls for Talking {
    fn call(&self, op: &str, payload: &str) -> Result<String, String> {
        if op != op::LOG {
            return Err(format!("a scheduler has no operation {op:?}"));
        }
        // Long listings at a level that nobody sees are not even read.
        if self.most >= Level::Info as u8 {
            let line: LogLine = serde_json::from_str(payload).map_err(|e| e.to_string())?;
            if line.level as u8 <= self.most {
                line.message.lines().for_each(terminal::note);
            }
        }
        Ok("null".to_owned())
    }
}
