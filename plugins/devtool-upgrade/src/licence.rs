//! Taking the licence difference out of a finished recipe.

use crate::devtool::infrastructure;
use auh_sdk::{Failure, LicenceChange, Recipe};
use auh_transcript::take_licence_block;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Takes the block that devtool put into the recipe `file` out again and writes the difference into
/// the group's folder. `None` if there is no block.
pub(crate) fn take_out(
    recipe: &Recipe,
    file: &Path,
    folder: &Path,
    is_first: bool,
) -> Result<Option<LicenceChange>, Failure> {
    let text = fs::read(file).map_err(|error| trouble(file, &error))?;
    let Some(block) = take_licence_block(&text) else {
        return Ok(None);
    };
    let difference = folder.join(name(recipe, is_first));
    fs::write(&difference, block.diff).map_err(|error| trouble(&difference, &error))?;
    fs::write(file, block.recipe).map_err(|error| trouble(file, &error))?;
    Ok(Some(LicenceChange {
        recipe: recipe.name.clone(),
        file: difference,
    }))
}

/// The Python helper's name; it would be the same one for several recipes of one version.
fn name(recipe: &Recipe, is_first: bool) -> PathBuf {
    let version = &recipe.version;
    match is_first {
        true => format!("license-diff-{version}.txt").into(),
        false => format!("license-diff-{}-{version}.txt", recipe.name).into(),
    }
}

pub(crate) fn trouble(file: &Path, error: &io::Error) -> Failure {
    infrastructure(format!("{}: {error}", file.display()))
}
