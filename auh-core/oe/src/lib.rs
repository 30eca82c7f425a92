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
mod host;
mod layers;
mod passage;
mod recipe_files;
mod server;
mod session;
mod worktrees;

pub use auh_transcript::parse_counts;
pub use build_dirs::{
    BuildDirs, Removed, Surroundings, Threads, WorkPlace, unknown_machines, workspace_recipes,
};
pub use environment::{
    Environment, IDENTITY, identity, leaves_machines_open, missing_tools, usable_build_dir,
};
pub use error::OeError;
pub use fetch_ahead::{Fetching, Sources};
pub use host::{Space, ToolVersion, free_space, tool_versions};
pub use layers::{
    LayerCondition, Unfit, condition_of_layers, is_committed, layer_repositories, on_no_branch,
    put_back, remove_locks, unfit,
};
pub use recipe_files::fingerprint;
pub use server::is_running as is_served;
pub use session::{
    Base, Check, CheckError, CheckErrorKind, RecipeRecord, SessionRequest, SessionResponse, Wanted,
    ask, configuration,
};
pub use worktrees::{CheckOut, Concluded, LayerRepository, Worktrees};
