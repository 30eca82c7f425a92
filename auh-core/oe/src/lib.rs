//! OpenEmbedded's tools over `auh-process`: the build environment, build directories and their
//! configuration, the session that reads recipes and asks upstreams, and the git repositories
//! that layers live in.
//!
//! Not here: when any of this happens (`auh-engine`), and what plugins do with it. What the
//! tools print is read in `auh-transcript`.

mod build_dirs;
mod conf;
mod environment;
mod error;
mod fetch_ahead;
mod layers;
mod server;
mod session;
mod worktrees;

pub use auh_transcript::parse_counts;
pub use build_dirs::{BuildDirs, Removed, Surroundings, Threads, WorkPlace};
pub use environment::{Environment, HostTool};
pub use error::OeError;
pub use fetch_ahead::{Fetching, Sources};
pub use layers::{Unfit, layer_repositories, unfit};
pub use session::{
    Base, Check, CheckError, CheckErrorKind, RecipeRecord, SessionRequest, SessionResponse, Wanted,
    ask,
};
pub use worktrees::{Concluded, LayerRepository, Worktrees};
