//! What the two processes say to each other, one JSON object a line.

use crate::object::known;
use auh_graph::TaskGraph;
use auh_protocol::PluginFault;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What the host says. At any time at most one of its requests waits for [`Said::Done`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Asked<'a> {
    /// Makes the object, with the plugin's settings as JSON.
    Create { options: Cow<'a, str> },
    /// Carries out an operation of the object.
    Call {
        op: Cow<'a, str>,
        payload: Cow<'a, str>,
    },
    /// Orders a graph.
    Order(Box<Graph<'a>>),
    /// Picks a task.
    Pick {
        ready: Cow<'a, [u32]>,
        running: Cow<'a, [u32]>,
        ended: Cow<'a, [u32]>,
    },
    /// Ends the object.
    Finish,
    /// Answers [`Said::Ask`].
    Answer {
        id: u64,
        result: Result<String, String>,
    },
}

/// What the plugin's process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// First of all: its manifest as the plugin gives it.
    Manifest(Result<String, PluginFault>),
    /// Asks the host for an operation, from any of the plugin's threads.
    Ask {
        id: u64,
        op: String,
        payload: String,
    },
    /// What came of the request.
    Done(Result<Answer, PluginFault>),
}

/// The answers to requests.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// To `Create` and `Finish`.
    Nothing,
    /// To `Call`.
    Text(String),
    /// To `Order`.
    Tasks(Vec<u32>),
    /// To `Pick`.
    Task(Option<u32>),
}

/// A task graph, as it crosses the plugin boundary.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Graph<'a> {
    pub(super) dependency_offsets: Cow<'a, [u32]>,
    pub(super) dependencies: Cow<'a, [u32]>,
    pub(super) recipe_of: Cow<'a, [u32]>,
    pub(super) name_of: Cow<'a, [u32]>,
    pub(super) recipes: Vec<Cow<'a, str>>,
    pub(super) names: Vec<Cow<'a, str>>,
    pub(super) duration_us: Cow<'a, [u64]>,
    pub(super) work_bytes: Cow<'a, [u64]>,
}

impl<'a> Graph<'a> {
    pub(super) fn of(graph: &'a TaskGraph) -> Self {
        Self {
            dependency_offsets: graph.dependencies().offsets().into(),
            dependencies: graph.dependencies().targets().into(),
            recipe_of: graph.recipe_indices().into(),
            name_of: graph.task_name_indices().into(),
            recipes: graph.recipes().iter().map(Cow::Borrowed).collect(),
            names: graph.task_names().iter().map(Cow::Borrowed).collect(),
            duration_us: known(graph.durations()).into(),
            work_bytes: known(graph.work_sizes()).into(),
        }
    }
}
