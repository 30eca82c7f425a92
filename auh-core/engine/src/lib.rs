//! Decides what a run attempts, plans it as a task graph, and carries it out: ready tasks,
//! workers, the scheduler, the journal.
//!
//! Not here: the name of any step or scheduler, and printing. Workers only send messages to one
//! dispatcher, which orders them, writes the journal and then tells the watcher.

mod ahead;
mod company;
mod disk;
mod error;
mod host;
mod leash;
mod plan;
mod queue;
mod replay;
mod requirements;
mod run;
mod scheduling;
mod seat;
mod selection;
mod stop;
mod work;

pub use error::EngineError;
pub use plan::{Pipeline, Scheduler, Step};
pub use replay::{GroupSoFar, Replay};
pub use requirements::{check_requirements, required_variables, unmet_requirements};
pub use run::{Live, Run, Watcher, order_of_groups, run};
pub use seat::{Seat, Seats};
pub use selection::{Filters, Selection, before_any_check, select};
pub use stop::Stop;
