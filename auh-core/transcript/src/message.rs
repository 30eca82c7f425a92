//! The log messages in a tool's output: `LEVEL: text`, then lines that belong to it.
//!
//! BitBake and devtool both log through Python's logging with this format. BitBake sends errors to
//! standard error and everything else to standard output.

/// How serious a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `DEBUG`.
    Debug,
    /// `NOTE` (BitBake) or `INFO` (devtool).
    Note,
    /// `WARNING`.
    Warning,
    /// `ERROR`, `CRITICAL` or `FATAL`.
    Error,
}

/// One message with the lines that followed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) level: Level,
    pub(crate) lines: Vec<String>,
}

/// A message can hold a whole server log; more lines than this say nothing new.
const MOST_LINES: usize = 200;

impl Message {
    pub(crate) fn first(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    /// What a task reported, if it was one: `PF do_task: text`.
    pub(crate) fn of_task(&self) -> Option<TaskMessage<'_>> {
        let (head, text) = self.first().split_once(": ")?;
        let (title, task) = head.split_once(' ')?;
        let known = task.starts_with("do_") && !task.contains(' ');
        known.then_some(TaskMessage { title, task, text })
    }

    /// The text that tells most: the exception of a Python function that failed, else the first.
    pub(crate) fn telling(&self) -> &str {
        let text = self
            .of_task()
            .map_or_else(|| self.first(), |message| message.text);
        if !text.starts_with("Error executing a python function") {
            return text;
        }
        let exception = self
            .lines
            .iter()
            .find_map(|line| line.strip_prefix("Exception: "));
        exception.unwrap_or(text)
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }
}

/// The first line of a message that a task reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskMessage<'a> {
    /// `PN-PV-PR`.
    pub(crate) title: &'a str,
    pub(crate) task: &'a str,
    pub(crate) text: &'a str,
}

/// Collects the messages of one stream. Feed each stream to a reader of its own: a line of one
/// stream may arrive in the middle of a message on the other.
#[derive(Debug, Clone)]
pub(crate) struct MessageReader {
    pub(crate) messages: Vec<Message>,
    least: Level,
    open: bool,
}

impl MessageReader {
    /// A reader that keeps the messages of this level and above.
    pub(crate) fn new(least: Level) -> Self {
        Self {
            messages: Vec::new(),
            least,
            open: false,
        }
    }

    pub(crate) fn push(&mut self, line: &str) {
        let line = without_progress(line);
        if let Some((level, text)) = split_level(line) {
            self.open = level >= self.least;
            if self.open {
                let lines = vec![text.to_owned()];
                self.messages.push(Message { level, lines });
            }
            return;
        }
        self.open &= !ends_message(line);
        if let Some(message) = self.messages.last_mut().filter(|_| self.open)
            && message.lines.len() < MOST_LINES
        {
            message.lines.push(line.to_owned());
        }
    }

    pub(crate) fn at_least(&self, level: Level) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |m| m.level >= level)
    }
}

/// The line without the progress texts that BitBake leaves open in front of it.
pub(crate) fn without_progress(line: &str) -> &str {
    const OPEN: [&str; 3] = [
        "Parsing recipes...",
        "Loading cache...",
        "Initialising tasks...",
    ];
    OPEN.iter()
        .find_map(|open| line.strip_prefix(open))
        .unwrap_or(line)
}

/// The level of a line and the text after it.
pub(crate) fn split_level(line: &str) -> Option<(Level, &str)> {
    let (level, text) = line.split_once(':')?;
    let level = match level {
        "DEBUG" => Level::Debug,
        "NOTE" | "INFO" => Level::Note,
        "WARNING" => Level::Warning,
        "ERROR" | "CRITICAL" | "FATAL" => Level::Error,
        _ => return None,
    };
    Some((level, text.trim_start()))
}

/// Lines on standard output that no message continues with.
fn ends_message(line: &str) -> bool {
    const STARTS: [&str; 5] = [
        "Summary:",
        "Log data follows:",
        "Build Configuration:",
        "| ",
        "done.",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_a_level_belong_to_the_message_before() {
        let mut reader = MessageReader::new(Level::Warning);
        for line in [
            "lost",
            "ERROR: a: b",
            "more",
            "Parsing recipes...WARNING: c",
            "Summary: d",
            "e",
        ] {
            reader.push(line);
        }
        let lines: Vec<_> = reader
            .messages
            .iter()
            .map(|m| (m.level, m.lines.join("|")))
            .collect();
        assert_eq!(
            lines,
            [
                (Level::Error, "a: b|more".into()),
                (Level::Warning, "c".into())
            ]
        );
    }

    #[test]
    fn a_tasks_message_names_recipe_and_task() {
        let lines = vec!["a-b-1.0-r0 do_compile: x: y".to_owned()];
        let level = Level::Error;
        let message = Message { level, lines };
        let expect = TaskMessage {
            title: "a-b-1.0-r0",
            task: "do_compile",
            text: "x: y",
        };
        assert_eq!(message.of_task(), Some(expect));
    }
}
