//! What a run has to say, derived from the events of its journal and from nothing else.
//!
//! Not here: printing (that is the program's), and reading files.

mod document;
mod junit;
mod log;
mod statistics;
mod story;
mod text;

pub use document::{DOCUMENT_FORMAT, document};
pub use junit::junit;
pub use log::log_line;
pub use statistics::{Published, statistics};
pub use story::{Chapter, Story};
pub use text::{duration, outcome_line, summary};
