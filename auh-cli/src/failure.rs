//! The one printer of errors: what happened, then the remedy on a line of its own.

use crate::{exit, terminal};
use auh_config::ConfigError;
use auh_engine::EngineError;
use auh_journal::JournalError;
use auh_loader::LoadError;
use auh_oe::OeError;

/// A command line that clap accepts and that still makes no sense.
#[derive(Debug)]
pub(crate) struct Usage {
    pub message: String,
    pub hint: Option<String>,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.into()),
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
    terminal::error(&format!("{error:#}"));
    if let Some(hint) = hint {
        terminal::hint(&hint);
    }
    status
}

fn classify(error: &anyhow::Error) -> (Option<String>, exit::Status) {
    for cause in error.chain() {
        if let Some(usage) = cause.downcast_ref::<Usage>() {
            return (usage.hint.clone(), exit::USAGE);
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
            return (error.hint().map(str::to_owned), exit::ENVIRONMENT);
        }
        if let Some(error) = cause.downcast_ref::<EngineError>() {
            return (error.hint(), status_of_engine(error));
        }
    }
    (None, exit::INTERNAL)
}

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

fn status_of_environment(error: &OeError) -> exit::Status {
    match error {
        OeError::Stopped => exit::STOPPED,
        _ => exit::ENVIRONMENT,
    }
}
