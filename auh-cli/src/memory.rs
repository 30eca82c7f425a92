//! What earlier runs say of recipes that failed: from run directories and recipe files to what a run
//! passes over.

use crate::{args::Upgrade, failure::Usage, preparation};
use auh_config::Settings;
use auh_engine::Selection;
use auh_journal::{RunFolder, read_only};
use auh_memory::{EVENTS, Memory, Rules};
use auh_oe::Wanted;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Which recipes are tried although it is not time yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Retry {
    All,
    Named(BTreeSet<String>),
}

impl Retry {
    /// Who asks for a recipe by name means it.
    pub(crate) fn of(args: &Upgrade, wanted: &Wanted) -> Result<Self, Usage> {
        let named = match (&args.retry, wanted) {
            (_, Wanted::Named(_)) => return Ok(Self::All),
            (None, Wanted::All) => return Ok(Self::Named(BTreeSet::new())),
            (Some(named), Wanted::All) if named.is_empty() => return Ok(Self::All),
            (Some(named), Wanted::All) => preparation::wanted(named)?,
        };
        Ok(match named {
            Wanted::All => Self::All,
            Wanted::Named(names) => Self::Named(names.into_iter().collect()),
        })
    }
}

/// What earlier runs say.
pub(crate) fn remembered(workdir: &Path) -> Memory {
    let mut memory = Memory::default();
    for folder in RunFolder::all(workdir) {
        // One that cannot be read says nothing.
        if let Ok(journal) = read_only(&folder.journal(), &EVENTS) {
            memory.absorb(&folder.name(), &journal.records);
        }
    }
    memory
}

/// When what failed is tried again, as the settings have it.
pub(crate) fn rules(settings: &Settings) -> Rules {
    Rules::new(settings.retry.clone())
}

/// What the selected recipes are made of, by recipe.
pub(crate) fn fingerprints(selection: &Selection) -> BTreeMap<String, String> {
    let recipes = selection.groups.iter().flat_map(|group| &group.recipes);
    recipes
        .filter_map(|recipe| Some((recipe.name.to_string(), auh_oe::fingerprint(&recipe.file)?)))
        .collect()
}

/// Takes the groups out that failed before and are not worth another try yet.
pub(crate) fn hold_back(
    selection: &mut Selection,
    retry: &Retry,
    fingerprints: &BTreeMap<String, String>,
    settings: &Settings,
) {
    let Retry::Named(retried) = retry else { return };
    let mut held = remembered(&settings.workdir).held_back(
        &selection.groups,
        fingerprints,
        &rules(settings),
        Timestamp::now(),
    );
    held.retain(|recipe, _| !retried.contains(recipe.as_str()));
    selection.hold_back(&held);
}
