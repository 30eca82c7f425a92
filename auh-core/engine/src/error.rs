//! What keeps a run from going on.

use auh_protocol::PluginFault;

/// What keeps a run from starting or going on; what goes wrong with a recipe is no such error.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum EngineError {
    /// A recipe that was asked for by name does not exist.
    #[error("there is no recipe {name:?} in the layers of this build directory")]
    UnknownRecipe { name: String },
    /// The journal or the run directory failed.
    #[error(transparent)]
    Journal(#[from] auh_journal::JournalError),
    /// The build environment failed.
    #[error(transparent)]
    Environment(#[from] auh_oe::OeError),
    /// A step of the pipeline needs what the build configuration does not have.
    #[error(
        "step {step} cannot work in this build directory: {variable} must {must}, and is {is:?}"
    )]
    Requirement {
        step: String,
        variable: String,
        must: String,
        is: String,
        remedy: String,
    },
    /// The scheduler gave no usable answer.
    #[error("scheduler {name}: {fault}")]
    Scheduler { name: String, fault: PluginFault },
    /// The system gives no more threads.
    #[error("no thread can be started for a step: {source}")]
    Thread { source: std::io::Error },
    /// A scheduler that starts nothing while nothing runs would wait for ever.
    #[error(
        "scheduler {name}: it starts nothing although nothing runs and {ready} tasks are ready"
    )]
    Stalled { name: String, ready: usize },
}

impl EngineError {
    /// What to do about it, for a line of its own.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownRecipe { .. } => {
                Some("bitbake-layers show-recipes lists the recipes that there are".to_owned())
            }
            Self::Requirement {
                remedy, variable, ..
            } => Some(match remedy.as_str() {
                "" => format!(
                    "set {variable} in conf/local.conf, or choose a pipeline without the step"
                ),
                remedy => remedy.to_owned(),
            }),
            Self::Journal(error) => Some(error.hint().to_owned()),
            Self::Environment(error) => error.hint(),
            Self::Thread { .. } => Some("let the user have more processes (ulimit -u)".to_owned()),
            Self::Scheduler { .. } | Self::Stalled { .. } => {
                Some("choose another one with --scheduler".to_owned())
            }
        }
    }
}
