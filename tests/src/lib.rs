//! Support for the end-to-end tests: small build environments around the stand-in tools, the
//! built program run in them, and what it left there; a browser to look at its pages, and
//! a mail server.
//!
//! Not here: the tests (`tests/end_to_end`), and the stand-ins themselves (`stand-ins`).

mod axe;
mod browser;
mod built;
mod call;
mod environment;
mod made_up_run;
mod run_folder;
mod smtp;
mod state;
mod text;
mod workshop;

pub use axe::axe;
pub use browser::Browser;
pub use built::{Built, built};
pub use call::{Call, Output, Started};
pub use environment::{Environment, tree_of};
pub use made_up_run::make_up_run;
pub use run_folder::Finished;
pub use smtp::{Received, SmtpServer};
pub use state::State;
pub use text::{normal, progress};
pub use workshop::{Workshop, checkout, mirror};
