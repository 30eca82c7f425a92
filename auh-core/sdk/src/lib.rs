//! What a plugin author imports: the traits of steps and schedulers, the macros that export
//! them, the handle to the host, and a pretended host for tests.
//!
//! Not here: anything about one step or scheduler, and anything that only the host needs.
//!
//! ```
//! use auh_sdk::{Host, Options, Step, StepError, StepOutcome, StepRequest, RecipeStatus};
//!
//! struct Greet;
//!
//! impl Step for Greet {
//!     fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
//!         let group = &request.groups[0].group;
//!         host.info(&format!("{}: hello from a plugin", group.name()));
//!         Ok(StepOutcome::for_all(group, &RecipeStatus::Succeeded))
//!     }
//! }
//!
//! fn create(_options: &Options) -> Result<Greet, StepError> {
//!     Ok(Greet)
//! }
//!
//! auh_sdk::export_step! {
//!     manifest: auh_sdk::step_manifest("greet", env!("CARGO_PKG_VERSION"), "greets each group"),
//!     create: create,
//! }
//! # fn main() {}
//! ```

mod error;
mod export;
mod graph;
mod guard;
mod host;
mod note;
pub mod pretend;

pub use auh_abi::START_NONE;
pub use auh_protocol as protocol;
pub use auh_protocol::{
    Commit, Company, Failure, FailureClass, Group, GroupState, GroupWork, LicenceChange, Machine,
    MachineBuild, MachineSkip, OptionKey, OptionKind, PluginFault, PluginKind, PluginManifest,
    Recipe, RecipeName, RecipeOutcome, RecipeStatus, RepositoryChange, RunContext, Scope,
    StepOutcome, StepRequest,
    host::{CommandResult, Exit, Level, Place, RunCommand},
};
pub use error::StepError;
pub use graph::{GraphView, Moment};
pub use host::{Host, HostError};
pub use note::Note;
pub use serde_json;

/// A plugin's settings: `[plugins.NAME]` with the pipeline entry's own laid over them.
pub type Options = serde_json::Map<String, serde_json::Value>;

/// Does one step of an upgrade. An object is made for each call and ended after it.
///
/// A step whose end the host has recorded is never asked again. One that was under way when the host
/// died is: with [`StepRequest::again`] set and the same groups in the state that they had before it.
/// What the first attempt did may be there in part or in full, up to everything but the record. So a
/// step either does what can be done twice (as a build), or recognises what it did (as a commit), or
/// notes what it is about to do before it does it (with a [`Note`]) and clears that first. What cannot
/// be known, as whether a mail has gone out, is said and not done twice.
pub trait Step: Send + Sync + 'static {
    /// Does the step. What goes wrong with a recipe belongs into the outcome; an `Err` is for
    /// what keeps the step from judging at all, and fails every recipe of the request.
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError>;
}

/// Orders tasks. An object is made for each graph.
pub trait Scheduler: Send + Sync + 'static {
    /// All tasks, most important first.
    fn order(&self, graph: &GraphView<'_>, host: &Host) -> Result<Vec<u32>, StepError>;

    /// Which ready task to start next: `None` waits until another one has ended. The default is
    /// the first in order.
    fn pick(&self, moment: &Moment<'_>) -> Option<u32> {
        moment.ready.first().copied()
    }

    /// Whether `pick` says more than the order does. Where asking is dear, a host asks only
    /// schedulers that answer true; the others' tasks start in order.
    fn restricts(&self) -> bool {
        false
    }
}

/// A setting that is a text.
///
/// # Errors
/// When it is not there or no text; a host checks that against the manifest before.
pub fn text_option<'o>(options: &'o Options, key: &str) -> Result<&'o str, StepError> {
    let text = options.get(key).and_then(serde_json::Value::as_str);
    text.ok_or_else(|| StepError::infrastructure(format!("setting {key} is missing or no text")))
}

/// Manifest of a step that works on one group.
#[must_use]
pub fn step_manifest(name: &str, version: &str, summary: &str) -> PluginManifest {
    manifest(PluginKind::Step, name, version, summary)
}

/// Manifest of a scheduler.
#[must_use]
pub fn scheduler_manifest(name: &str, version: &str, summary: &str) -> PluginManifest {
    manifest(PluginKind::Scheduler, name, version, summary)
}

fn manifest(kind: PluginKind, name: &str, version: &str, summary: &str) -> PluginManifest {
    PluginManifest {
        name: name.to_owned(),
        version: version.to_owned(),
        kind,
        summary: summary.to_owned(),
        api: (auh_protocol::API, auh_protocol::API),
        aliases: Vec::new(),
        scope: Scope::Group,
        actions: Vec::new(),
        run_actions: Vec::new(),
        integrates: false,
        company: Company::Borne,
        saves_disk: false,
        settings: Vec::new(),
        commands: Vec::new(),
        requires: Vec::new(),
        options: None,
    }
}

#[doc(hidden)]
pub mod private {
    //! What the export macros expand to; no stable interface.
    pub use crate::export::{answer_manifest, create_scheduler, create_step};
    pub use auh_abi::abi_stable::std_types::{RResult, RStr, RString};
    pub use auh_abi::{Answer, HostObject, PluginObject, export_plugin};
}
