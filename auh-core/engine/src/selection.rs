//! Which recipes a run attempts, and why not the others.

use crate::EngineError;
use auh_journal::LeftOut;
use auh_oe::{CheckErrorKind, RecipeRecord, SessionResponse};
use auh_protocol::{Group, Layer, Recipe, RecipeName, Revision, Target, Version};
use std::{
    collections::{BTreeMap, HashMap},
    mem::take,
    path::Path,
};

/// How OE marks a version that has no new number, only new commits.
const NEW_COMMITS: &str = "new-commits-available";

/// What the settings say about who is attempted.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// Recipes that are never attempted.
    pub blacklist: Vec<String>,
    /// When not empty: only recipes whose maintainer contains one of these.
    pub maintainers_whitelist: Vec<String>,
    /// Stands in for a missing maintainer.
    pub maintainer_override: Option<String>,
    /// The version to go to, instead of the newest.
    pub to_version: Option<Version>,
    /// True when the recipes were asked for by name, so that an unknown one is an error.
    pub by_name: bool,
}

/// What a run attempts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// The groups, in the order in which their first recipes were asked for.
    pub groups: Vec<Group>,
    /// The other recipes, with the reason.
    pub left_out: Vec<LeftOut>,
}

impl Selection {
    /// Takes out the groups that have a recipe among these, which cannot be upgraded for the reason
    /// given. A group's recipes move together or not at all.
    pub fn leave_out(&mut self, reasons: &BTreeMap<RecipeName, String>) {
        self.take_out(reasons, true, false);
    }

    /// Takes out the groups that have a recipe among these, which failed before and are not worth
    /// another try yet for the reason given.
    pub fn hold_back(&mut self, reasons: &BTreeMap<RecipeName, String>) {
        self.take_out(reasons, false, true);
    }

    fn take_out(&mut self, reasons: &BTreeMap<RecipeName, String>, failed: bool, held_back: bool) {
        for group in take(&mut self.groups) {
            let mut names = group.recipes.iter().map(|recipe| &recipe.name);
            let Some((cause, why)) = names.find_map(|name| reasons.get_key_value(name)) else {
                self.groups.push(group);
                continue;
            };
            let companions = format!("it moves together with {cause}: {why}");
            self.left_out
                .extend(group.recipes.iter().map(|recipe| LeftOut {
                    recipe: recipe.name.to_string(),
                    reason: reasons.get(&recipe.name).unwrap_or(&companions).clone(),
                    failed,
                    held_back,
                }));
        }
    }
}

/// Decides from the upstream check which groups to attempt.
pub fn select(response: &SessionResponse, filters: &Filters) -> Result<Selection, EngineError> {
    let mut selection = Selection::default();
    let mut chosen: HashMap<&str, Recipe> = HashMap::new();
    for record in &response.recipes {
        match attempt(record, &response.layers, filters)? {
            Ok(recipe) => {
                chosen.insert(&record.pn, recipe);
            }
            Err(left_out) => selection.left_out.push(left_out),
        }
    }
    let groups: HashMap<&str, &Vec<String>> = response
        .groups
        .iter()
        .flat_map(|group| group.iter().map(move |name| (name.as_str(), group)))
        .collect();
    for record in &response.recipes {
        let Some(recipe) = chosen.remove(record.pn.as_str()) else {
            continue;
        };
        let companions = groups
            .get(record.pn.as_str())
            .map_or(&[][..], |group| group.as_slice());
        let others = companions
            .iter()
            .filter_map(|name| chosen.remove(name.as_str()));
        selection.groups.push(Group {
            recipes: std::iter::once(recipe).chain(others).collect(),
        });
    }
    Ok(selection)
}

/// What is known before any upstream is asked: the recipes that may be attempted, each a group of its
/// own that goes to the version it has, and the others with the reason.
#[must_use]
pub fn before_any_check(response: &SessionResponse, filters: &Filters) -> Selection {
    let mut selection = Selection::default();
    for record in &response.recipes {
        let unreadable = record.error.as_ref();
        let unreadable = unreadable.map(|error| (error.message.clone(), true));
        let forbidden = || filtered(record, filters).map(|reason| (reason, false));
        let reason = unreadable.or_else(forbidden);
        let recipe = match reason {
            Some(reason) => Err(reason),
            None => recipe(record, &response.layers, filters, as_it_is),
        };
        match recipe {
            Ok(recipe) => selection.groups.push(Group {
                recipes: vec![recipe],
            }),
            Err((reason, failed)) => selection.left_out.push(LeftOut {
                recipe: record.pn.clone(),
                reason,
                failed,
                held_back: false,
            }),
        }
    }
    selection
}

fn as_it_is(pv: &str) -> Result<Target, (String, bool)> {
    let version = Version::new(pv).map_err(|error| (error.to_string(), true))?;
    Ok(Target {
        version,
        revision: None,
        new_commits: false,
    })
}

/// The recipe to attempt, or why it is not attempted.
fn attempt(
    record: &RecipeRecord,
    layers: &[Layer],
    filters: &Filters,
) -> Result<Result<Recipe, LeftOut>, EngineError> {
    let left_out = |reason: String, failed: bool| {
        Ok(Err(LeftOut {
            recipe: record.pn.clone(),
            reason,
            failed,
            held_back: false,
        }))
    };
    if let Some(error) = &record.error {
        let unknown = error.kind == CheckErrorKind::NoProvider;
        if unknown && filters.by_name {
            return Err(EngineError::UnknownRecipe {
                name: record.asked.clone(),
            });
        }
        // With a version given, a failed upstream check does not matter.
        let check_only = matches!(
            error.kind,
            CheckErrorKind::Unreliable
                | CheckErrorKind::NoSeries
                | CheckErrorKind::Check
                | CheckErrorKind::Crashed
                | CheckErrorKind::Timeout
        );
        if !(check_only && filters.to_version.is_some()) {
            let expected = matches!(
                error.kind,
                CheckErrorKind::Skipped | CheckErrorKind::Unreliable | CheckErrorKind::NoSeries
            );
            return left_out(error.message.clone(), !expected);
        }
    }
    if let Some(reason) = filtered(record, filters) {
        return left_out(reason, false);
    }
    match recipe(record, layers, filters, |pv| target(record, pv, filters)) {
        Ok(recipe) => Ok(Ok(recipe)),
        Err((reason, failed)) => left_out(reason, failed),
    }
}

/// Why the settings or the recipe itself forbid an attempt.
fn filtered(record: &RecipeRecord, filters: &Filters) -> Option<String> {
    if filters.blacklist.contains(&record.pn) {
        return Some("it is in the blacklist".to_owned());
    }
    if let Some(reason) = record
        .no_upgrade_reason
        .as_deref()
        .filter(|r| !r.is_empty())
    {
        return Some(format!("its recipe says why not: {reason}"));
    }
    let Some(maintainer) = record
        .maintainer
        .as_ref()
        .or(filters.maintainer_override.as_ref())
    else {
        return Some("it has no maintainer".to_owned());
    };
    let allowed = &filters.maintainers_whitelist;
    (!allowed.is_empty() && !allowed.iter().any(|part| maintainer.contains(part)))
        .then(|| format!("its maintainer {maintainer} is not in the whitelist"))
}

/// The recipe with its target. The error says why there is none, and whether that is a failure.
fn recipe(
    record: &RecipeRecord,
    layers: &[Layer],
    filters: &Filters,
    target: impl FnOnce(&str) -> Result<Target, (String, bool)>,
) -> Result<Recipe, (String, bool)> {
    let invalid = |error: auh_protocol::InvalidName| (error.to_string(), true);
    let name = RecipeName::new(&record.pn).map_err(invalid)?;
    let (file, pv) = record.file.clone().zip(record.pv.clone()).ok_or_else(|| {
        (
            "BitBake does not say where its recipe file is".to_owned(),
            true,
        )
    })?;
    Ok(Recipe {
        name,
        target: target(&pv)?,
        layer: layer_of(&file, layers).cloned(),
        version: Version::new(plain_version(record, pv)).map_err(invalid)?,
        file,
        maintainer: record
            .maintainer
            .clone()
            .or_else(|| filters.maintainer_override.clone()),
        packages: record.packages.clone(),
    })
}

fn target(record: &RecipeRecord, pv: &str, filters: &Filters) -> Result<Target, (String, bool)> {
    if let Some(version) = &filters.to_version {
        if version.as_str() == pv {
            return Err((format!("it is at {pv} already"), false));
        }
        // The upstream's revision belongs to the version that the check found, and to no other.
        let check = record
            .check
            .as_ref()
            .filter(|check| check.next_ver.as_deref() == Some(version.as_str()));
        let revision = check.and_then(|check| Revision::new(check.revision.clone()?).ok());
        return Ok(Target {
            version: version.clone(),
            revision,
            new_commits: false,
        });
    }
    let check = record
        .check
        .as_ref()
        .ok_or_else(|| ("its upstream was not checked".to_owned(), true))?;
    match check.status.as_str() {
        "UPDATE" => {}
        "MATCH" => return Err((format!("it is up to date ({})", check.cur_ver), false)),
        status => return Err((format!("the upstream check says {status}"), false)),
    }
    let invalid = |error: auh_protocol::InvalidName| {
        (format!("upstream's release is unusable: {error}"), true)
    };
    let revision = check
        .revision
        .clone()
        .map(Revision::new)
        .transpose()
        .map_err(invalid)?;
    let next = check.next_ver.as_deref().unwrap_or_default();
    let new_commits = next.ends_with(NEW_COMMITS);
    let version = if new_commits { pv } else { next };
    Ok(Target {
        version: Version::new(version).map_err(invalid)?,
        revision,
        new_commits,
    })
}

/// The version as OE compares it: `PV` without what only the recipe adds (`+git`).
fn plain_version(record: &RecipeRecord, pv: String) -> String {
    record
        .check
        .as_ref()
        .map(|check| check.cur_ver.clone())
        .filter(|version| !version.is_empty())
        .unwrap_or(pv)
}

/// The layer that a file belongs to: the longest `BBLAYERS` entry it lies in.
fn layer_of<'a>(file: &Path, layers: &'a [Layer]) -> Option<&'a Layer> {
    layers
        .iter()
        .filter(|layer| file.starts_with(&layer.path))
        .max_by_key(|layer| layer.path.as_os_str().len())
}

#[cfg(test)]
mod tests;
