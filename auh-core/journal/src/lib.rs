//! The run directory, the log of events in it, and the lock that keeps runs apart. The journal
//! is the truth about a run: whatever is reported is derived from it.
//!
//! Not here: what events mean to people (`auh-report`), and when they happen (`auh-engine`).

mod error;
mod event;
mod fault;
mod folder;
mod lock;
mod read;
mod write;

pub use error::JournalError;
pub use event::{
    Basis, CommandEnd, Continued, Event, LeftOut, ParseEvent, Record, Resumption, RunEnd, RunStart,
};
pub use folder::{GroupVerdict, RunFolder, folder_name};
pub use lock::{Holder, RunLock};
pub use read::{Journal, read, read_only};
pub use write::{JournalLock, Writer};

/// Version of the journal's format: raised when an old reader would misunderstand a new journal.
///
/// | format | |
/// |---|---|
/// | 1 | a run is one process from its first line to its last |
/// | 2 | a run may be resumed, and what its last process did may count no more |
pub const FORMAT: u32 = 2;
