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
mod layers;
mod server;
mod session;
mod worktrees;

pub use auh_transcript::parse_counts;
pub use build_dirs::{BuildDirs, Surroundings, Threads};
pub use environment::{Environment, HostTool};
pub use error::OeError;
pub use layers::{Unfit, is_committed, layer_repositories, put_back, remove_locks, unfit};
pub use session::{
    Base, Check, CheckError, CheckErrorKind, RecipeRecord, SessionRequest, SessionResponse, Wanted,
    ask,
};
pub use worktrees::{CheckOut, Concluded, LayerRepository, Worktrees};
