//! Which upgrades may break the image, and which tests it shall run.

use auh_sdk::{GroupWork, Recipe, protocol::step::Commit};

/// An upgrade that stands.
pub(crate) struct Suspect<'r> {
    /// Its group's name.
    pub(crate) name: String,
    pub(crate) work: &'r GroupWork,
}

/// Groups that have not failed and that have commits.
pub(crate) fn suspects(groups: &[GroupWork]) -> Vec<Suspect<'_>> {
    let stands = |work: &&GroupWork| !work.state.failed() && !work.state.commits.is_empty();
    let standing = groups.iter().filter(stands);
    standing
        .map(|work| Suspect {
            name: work.group.name(),
            work,
        })
        .collect()
}

/// Names of the suspects' recipes that have a package with tests, sorted.
pub(crate) fn recipes_with_tests(suspects: &[Suspect<'_>]) -> Vec<String> {
    let recipes = suspects.iter().flat_map(|s| &s.work.group.recipes);
    let mut names: Vec<String> = recipes
        .filter(|recipe| has_tests(recipe))
        .map(|recipe| recipe.name.to_string())
        .collect();
    names.sort();
    names
}

fn has_tests(recipe: &Recipe) -> bool {
    recipe.packages.contains(&format!("{}-ptest", recipe.name))
}

impl Suspect<'_> {
    /// The commits to undo so that the upgrade is in the work tree or is not. With a policy by which
    /// every upgrade is taken back at once, that is undoing the revert.
    pub(crate) fn to_undo(&self, wanted: bool) -> impl Iterator<Item = (&Commit, &str)> {
        self.work.state.commits.iter().filter_map(move |commit| {
            let revision = match (&commit.reverted_by, wanted) {
                (None, false) => &commit.revision,
                (Some(revert), true) => revert,
                _ => return None,
            };
            Some((commit, revision.as_str()))
        })
    }
}
