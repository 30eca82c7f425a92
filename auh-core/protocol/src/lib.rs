//! The words that the host and its plugins share: recipes, machines, step requests and
//! outcomes, host calls, manifests. Plain serde types and their rules.
//!
//! Not here: I/O, processes, the FFI (that is `auh-abi`), and anything only one side needs.
//!
//! Everything in this crate crosses the plugin boundary as JSON. Fields may be added in later
//! releases, so readers ignore what they do not know and new fields have defaults.

pub mod failure;
pub mod host;
pub mod machine;
pub mod name;
pub mod option;
pub mod plugin;
pub mod recipe;
pub mod size;
pub mod step;

pub use failure::{Failure, FailureClass};
pub use machine::{Libc, Machine};
pub use name::{InvalidName, RecipeName, Revision, Version};
pub use option::{OptionKey, OptionKind};
pub use plugin::{Company, Must, PluginFault, PluginKind, PluginManifest, Requirement, Scope};
pub use recipe::{Group, Layer, Recipe, Target};
pub use step::{
    Commit, GroupState, GroupWork, LicenceChange, MachineBuild, MachineSkip, RecipeOutcome,
    RecipeStatus, RepositoryChange, RunContext, StepOutcome, StepRequest,
};

/// Number of the JSON words in this crate. A plugin's manifest names the range it speaks
/// ([`PluginManifest::api`]); a host loads it when this number lies inside.
pub const API: u32 = 1;
