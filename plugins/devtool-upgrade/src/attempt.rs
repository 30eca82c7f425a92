//! What this step notes before it changes anything: after a death of the host it says what is the step's
//! own in devtool's workspace and in the layer, and what was there before.

use auh_sdk::{GroupWork, Note, RecipeName};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// An attempt at upgrading a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// The recipes that are given to devtool, and what of the workspace was theirs before that.
    pub(crate) recipes: BTreeMap<RecipeName, BTreeSet<PathBuf>>,
    /// Whether any change may have got into the layer.
    pub(crate) finishing: bool,
}

/// Where it is noted.
pub(crate) fn note(work: &GroupWork) -> Note {
    Note::of(&work.folder, "devtool-upgrade", "run")
}
