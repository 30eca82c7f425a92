//! Reads what OpenEmbedded's tools print: BitBake, devtool, and git.
//!
//! What must not live here: I/O, starting tools, or deciding what to do next. Every function takes
//! text and returns what it says; text that it does not know is passed over, never an error, because
//! the tools' wordings change and their exit status has the last word.

pub mod bitbake;
pub mod devtool;
mod error_line;
pub mod git;
pub mod licence;
mod message;
mod plain;
pub mod progress;

pub use bitbake::{BuildTranscript, FailedTask, Skip, SkipKind};
pub use devtool::{FinishReport, UpgradeProblem, UpgradeReport};
pub use error_line::is_error_line;
pub use licence::{LicenceBlock, take_licence_block};
pub use message::Level;
pub use plain::plain;
pub use progress::{ParseCounts, TaskProgress, TaskState, parse_counts, task_progress, task_state};
