//! Runs external commands: argument vectors, process groups, time limits, captured output.
//!
//! What must not live here: knowledge of any particular tool, a shell, or printing. This is the only
//! crate that starts processes. Linux only: it watches its children through process file descriptors.
//!
//! ```no_run
//! use auh_process::{CancelToken, Command, run};
//! # fn main() -> Result<(), auh_process::RunError> {
//! let command = Command::new("git", "/some/layer").args(["status", "--porcelain=v1", "-z"]);
//! let finished = run(&command, &CancelToken::new(), &mut |_line| {})?;
//! assert!(finished.exit.success());
//! # Ok(())
//! # }
//! ```

mod cancel;
mod capture;
mod command;
mod companion;
mod error;
mod leftovers;
mod lines;
mod log;
mod proc_stat;
mod run;
mod which;

pub use cancel::{CancelStage, CancelToken};
pub use capture::Captured;
pub use command::{CaptureLimits, Command, SoftSignal};
pub use companion::{Companion, Heard, Voice};
pub use error::{LogError, RunError, io_hint};
pub use leftovers::{end_leftovers, identity};
pub use lines::{OutputLine, Stream};
pub use run::{Exit, Finished, run};
pub use which::which;
