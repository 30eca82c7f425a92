//! The run directory, the log of events in it, and the lock that keeps runs apart. The journal
//! is the truth about a run: whatever is reported is derived from it.
//!
//! Not here: what events mean to people (`auh-report`), and when they happen (`auh-engine`).

mod error;
mod event;
mod folder;
mod lock;
mod read;
mod write;

pub use error::JournalError;
pub use event::{CommandEnd, Event, LeftOut, ParseEvent, Record, RunEnd, RunStart};
pub use folder::{GroupVerdict, RunFolder, folder_name};
pub use lock::{Holder, RunLock};
pub use read::{Journal, read, read_only};
pub use write::{JournalLock, Writer};

/// Version of the journal's format: raised when an old reader would misunderstand a new journal.
pub const FORMAT: u32 = 1;
