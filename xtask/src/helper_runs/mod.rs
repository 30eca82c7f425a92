//! Runs of the Python helper, and of auh under its name, in a real environment: always from the same
//! starting point, with everything kept that they leave behind.
//!
//! Not here: what of it is compared (`differential`) and what is measured (`bench`).

mod record;
mod results;
mod scenario;
mod sink;
mod stamped;
mod starting_point;

use crate::e2e::Environment;
use anyhow::{Context, Result};
pub(crate) use record::{Helper, make_anew, record, run};
pub(crate) use results::{About, Commit, Group, Mail, Results, groups, only_run};
pub(crate) use scenario::Scenario;
pub(crate) use stamped::{Line, read as read_stamped};
pub(crate) use starting_point::{StartingPoint, wait_for_servers};
use std::path::PathBuf;

/// A folder whose name is that of the environment and an addition.
pub(crate) fn beside(environment: &Environment, addition: &str) -> PathBuf {
    let mut name = environment.folder().as_os_str().to_owned();
    name.push("-");
    name.push(addition);
    PathBuf::from(name)
}

/// Does something to the environment, and to these repositories outside of it, and puts everything
/// back as it was. When a process died before it could, the next one does.
pub(crate) fn put_back_after<T>(
    environment: &Environment,
    repositories: &[PathBuf],
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let copy = beside(environment, "original");
    let original = match copy.exists() {
        // An earlier run was interrupted: what the user had is in the copy.
        true => StartingPoint::open(environment, &copy)?,
        false => StartingPoint::take(environment, &copy, repositories)?,
    };
    original.restore()?;
    let outcome = work();
    let put_back = original.restore().and_then(|_| original.remove());
    match (outcome, put_back) {
        (outcome, Ok(())) => outcome,
        (Ok(_), Err(error)) => Err(error),
        (Err(work), Err(error)) => {
            Err(work).with_context(|| format!("the environment is not as it was: {error:#}"))
        }
    }
}
