//! What a run has to say, derived from the events of its journal and from nothing else.
//!
//! Not here: printing (that is the program's), and reading files.

mod comparison;
mod document;
mod estimate;
mod junit;
mod log;
mod standing;
mod statistics;
mod story;
mod text;
mod timeline;
mod trend;

pub use comparison::{Change, Comparison};
pub use document::{DOCUMENT_FORMAT, document};
pub use estimate::{Estimate, Experience, GroupEstimate, Planned, PlannedStep, UnderWay};
pub use junit::junit;
pub use log::log_line;
pub use standing::{Counts, Standing};
pub use statistics::{Published, statistics};
pub use story::{Chapter, DiskUse, Story};
pub use text::{chapter_text, duration, gigabytes, outcome_line, summary};
pub use timeline::{CommandTime, Idle, StepEnd, StepTime, Timeline, Wait, steady};
pub use trend::{Overview, RunState, Streak, streaks};
