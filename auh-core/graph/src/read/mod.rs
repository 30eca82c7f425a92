//! Readers for the graphs that BitBake writes. They take bytes; opening and decompressing is the
//! caller's.

mod lines;
#[cfg(test)]
mod malformed;
mod run_queue;
mod task_depends;

pub(crate) use lines::each_line;
pub use run_queue::{RunQueue, read_run_queue};
pub use task_depends::read_task_depends;

use crate::builder::GraphError;

/// Why something cannot be read as a task graph.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes did not come.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A line is not what it should be.
    #[error("line {line}: {problem}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// Every line is right, and still it is no task graph.
    #[error("{0}")]
    Graph(#[from] GraphError),
}

pub(crate) fn at(line: u64, problem: impl Into<String>) -> ReadError {
    ReadError::Line {
        line,
        problem: problem.into(),
    }
}

/// A text for an error message: quoted, and cut if long.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}

fn shown_bytes(bytes: &[u8]) -> String {
    shown(&String::from_utf8_lossy(bytes))
}
