//! Support for the end-to-end tests: small build environments around the stand-in tools, the
//! built program run in them, and what it left there.
//!
//! Not here: the tests (`tests/end_to_end`), and the stand-ins themselves (`stand-ins`).

mod built;
mod call;
mod environment;
mod run_folder;
mod state;
mod text;

pub use built::{Built, built};
pub use call::{Call, Output, Started};
pub use environment::{Environment, tree_of};
pub use run_folder::Finished;
pub use state::State;
pub use text::{normal, progress};
