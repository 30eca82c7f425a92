//! The logs of failed tasks that BitBake shows: `Log data follows:`, then lines behind bars, then
//! the note that the task failed.

use super::TaskId;
use crate::error_line::TELLING;
use crate::progress::{TaskChange, task_state};
use std::collections::VecDeque;

/// BitBake shows a whole log; its end tells why the task failed.
const MOST_LINES: usize = 400;

/// The logs that were shown, by the task that failed with them.
#[derive(Debug, Clone, Default)]
pub(super) struct TaskLogs {
    open: Option<VecDeque<String>>,
    logs: Vec<(String, String, VecDeque<String>)>,
}

impl TaskLogs {
    /// Reads the next line of standard output.
    pub(super) fn push(&mut self, line: &str) {
        if line.starts_with("Log data follows:") {
            self.open = Some(VecDeque::new());
        } else if let (Some(lines), Some(text)) = (&mut self.open, line.strip_prefix("| ")) {
            if lines.len() == MOST_LINES {
                lines.pop_front();
            }
            lines.push_back(text.trim_end().to_owned());
        } else if let Some(state) =
            task_state(line).filter(|state| state.change == TaskChange::Failed)
            && let Some(lines) = self.open.take()
        {
            self.logs.push((state.title, state.task, lines));
        }
    }

    /// The line of a task's log that tells most of why it failed.
    pub(super) fn telling_line(&self, id: &TaskId) -> Option<&str> {
        let (_, _, lines) = self
            .logs
            .iter()
            .find(|(title, task, _)| id.is_reported_by(title, task))?;
        let lines: Vec<&str> = lines
            .iter()
            .map(String::as_str)
            .filter(|line| !is_noise(line))
            .collect();
        let telling = TELLING
            .iter()
            .find_map(|sign| lines.iter().find(|line| line.contains(sign)));
        telling.or(lines.last()).copied()
    }
}

/// What BitBake itself writes around a script's output.
fn is_noise(line: &str) -> bool {
    line.trim().is_empty()
        || line.starts_with("DEBUG: ")
        || line.starts_with("NOTE: ")
        || line.starts_with("WARNING: ")
}
