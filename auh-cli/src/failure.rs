//! The one printer of errors: what happened, then the remedy on a line of its own.

use crate::{exit, results::ResultError, terminal};
use auh_config::ConfigError;
use auh_engine::EngineError;
use auh_graph::{BuildstatsError, GraphError, ReadError};
use auh_journal::JournalError;
use auh_loader::LoadError;
use auh_new_plugin::NewPluginError;
use auh_oe::OeError;
use auh_process::RunError;
use auh_simulate::SimulateError;

/// A command line that clap accepts and that still makes no sense.
#[derive(Debug)]
pub(crate) struct Usage {
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Usage {}

/// Prints an error and tells the exit status that goes with it.
pub(crate) fn report(error: &anyhow::Error) -> exit::Status {
    let (hint, status) = classify(error);
    let told = told(error);
    let mut lines = told.lines();
    terminal::error(lines.next().unwrap_or_default());
    for line in lines {
        terminal::note(&format!("  {line}"));
    }
    if let Some(hint) = hint {
        terminal::hint(&hint);
    }
    status
}

/// An error with its causes in one line. Many say their cause themselves, which is not repeated.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let said = cause.to_string();
        if text.is_empty() {
            text = said;
        } else if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
    }
    text
}

/// What to do about an error, when that is known.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    classify(error).0
}

fn classify(error: &anyhow::Error) -> (Option<String>, exit::Status) {
    for cause in error.chain() {
        if let Some(usage) = cause.downcast_ref::<Usage>() {
            return (Some(usage.hint.clone()), exit::USAGE);
        }
        if let Some(error) = cause.downcast_ref::<ConfigError>() {
            return (error.hint(), exit::USAGE);
        }
        if let Some(error) = cause.downcast_ref::<LoadError>() {
            return (error.hint(), exit::USAGE);
        }
        if let Some(error) = cause.downcast_ref::<OeError>() {
            return (error.hint(), status_of_environment(error));
        }
        if let Some(error) = cause.downcast_ref::<JournalError>() {
            return (Some(error.hint().to_owned()), exit::ENVIRONMENT);
        }
        if let Some(error) = cause.downcast_ref::<EngineError>() {
            return (error.hint(), status_of_engine(error));
        }
        if let Some(error) = cause.downcast_ref::<RunError>() {
            return (Some(error.hint().to_owned()), exit::ENVIRONMENT);
        }
        if let Some(error) = cause.downcast_ref::<ResultError>() {
            return (Some(error.hint().to_owned()), exit::ENVIRONMENT);
        }
        if let Some(error) = cause.downcast_ref::<NewPluginError>()
            && let Some(hint) = error.hint()
        {
            return (Some(hint.to_owned()), exit::USAGE);
        }
        if let Some(hint) = hint_about_graph(cause) {
            return (Some(hint.to_owned()), exit::USAGE);
        }
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            let hint = auh_process::io_hint(error);
            return (Some(hint.to_owned()), exit::ENVIRONMENT);
        }
    }
    (None, exit::INTERNAL)
}

/// A malformed graph is the caller's affair, not ours.
fn hint_about_graph(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if let Some(error) = cause.downcast_ref::<GraphError>() {
        return Some(match error {
            GraphError::Cycle(_) => "take one dependency out of each loop",
            GraphError::TooLarge => "give the graph of a smaller target",
            _ => "give a graph as BitBake writes it: bitbake -g TARGET makes task-depends.dot",
        });
    }
    if cause.is::<ReadError>() {
        return Some(GRAPH_SOURCES);
    }
    if cause.is::<BuildstatsError>() {
        return Some(BUILDSTATS_SOURCES);
    }
    let error = cause.downcast_ref::<SimulateError>()?;
    Some(match error {
        SimulateError::NoSlots => "let at least one task run at a time",
        _ => OTHER_SCHEDULER,
    })
}

/// What a graph can be read from.
pub(crate) const GRAPH_SOURCES: &str =
    "give a task-depends.dot, a run queue as JSON, or the folder of an auh run";
/// What measured times can be read from.
pub(crate) const BUILDSTATS_SOURCES: &str =
    "give a folder such as tmp/buildstats, or one build in it";
/// What to do about a scheduler that fails.
pub(crate) const OTHER_SCHEDULER: &str = "choose another scheduler, or other options for this one";

fn status_of_engine(error: &EngineError) -> exit::Status {
    match error {
        EngineError::UnknownRecipe { .. }
        | EngineError::Scheduler { .. }
        | EngineError::Stalled { .. } => exit::USAGE,
        EngineError::Journal(_) | EngineError::Requirement { .. } | EngineError::Thread { .. } => {
            exit::ENVIRONMENT
        }
        EngineError::Environment(error) => status_of_environment(error),
    }
}

#[cfg(test)]
mod every_error;

fn status_of_environment(error: &OeError) -> exit::Status {
    match error {
        OeError::Stopped => exit::STOPPED,
        _ => exit::ENVIRONMENT,
    }
}
