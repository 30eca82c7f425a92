//! What a run has to say, derived from the events of its journal and from nothing else.
//!
//! Not here: printing (that is the program's), and reading files.

mod log;
mod story;
mod text;

pub use log::log_line;
pub use story::{Chapter, Story};
pub use text::{duration, outcome_line, summary};
