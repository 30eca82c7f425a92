//! Patches that a recipe no longer needs. devtool leaves a patch out whose change upstream has, and says
//! so only by naming the files that it removes, and not all of those.

use auh_sdk::{Recipe, protocol::step::DroppedPatch};
use auh_transcript::FinishReport;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Names of the patch files in a folder and those below.
pub(crate) fn below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let entries = fs::read_dir(&next).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else if is_patch(&path) {
                found.extend(name(&path));
            }
        }
    }
    found
}

/// The patches that `before` had and that are nowhere in the recipe's folder now, and those from
/// elsewhere that devtool has removed.
pub(crate) fn dropped(
    recipe: &Recipe,
    before: &BTreeSet<String>,
    report: &FinishReport,
) -> Vec<DroppedPatch> {
    let now = below(recipe.folder());
    let removed = report
        .removed
        .iter()
        .filter(|path| is_patch(path) && !path.exists());
    let mut gone: BTreeSet<String> = removed.filter_map(|path| name(path)).collect();
    gone.extend(before.iter().cloned());
    let patches = gone.into_iter().filter(|patch| !now.contains(patch));
    patches
        .map(|patch| DroppedPatch {
            recipe: recipe.name.clone(),
            patch,
        })
        .collect()
}

/// Whether BitBake takes a file of this name for a patch.
pub(crate) fn is_patch(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("patch" | "diff"))
}

fn name(path: &Path) -> Option<String> {
    Some(PathBuf::from(path.file_name()?).display().to_string())
}
