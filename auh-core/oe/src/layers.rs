//! The git repositories that layers live in, before a run touches them.

use crate::OeError;
use auh_process::{CancelToken, Command, run};
use auh_protocol::Recipe;
use auh_transcript::git::parse_status;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Checks that the layers of `recipes` can be upgraded in place: each in a git repository, and no
/// local change beside any recipe's file. Changes elsewhere, staged or not, are no hindrance.
pub fn check_layers(recipes: &[&Recipe], cancel: &CancelToken) -> Result<(), OeError> {
    for (repository, recipes) in by_repository(recipes, cancel)? {
        let status = git(
            &repository,
            &["status", "--porcelain=v1", "-z", "--untracked-files=all"],
            cancel,
        )?;
        let entries = parse_status(&status).map_err(|error| OeError::Tool {
            tool: "git status".into(),
            how: "was not understood".into(),
            said: error.to_string(),
        })?;
        let dirty = |recipe: &Recipe| {
            entries
                .iter()
                .find(|e| repository.join(&e.path).starts_with(recipe.folder()))
        };
        for recipe in recipes {
            if let Some(entry) = dirty(recipe) {
                return Err(OeError::DirtyRecipe {
                    recipe: recipe.name.to_string(),
                    file: repository.join(&entry.path),
                });
            }
        }
    }
    Ok(())
}

/// The recipes by the work tree that they belong to.
fn by_repository<'a>(
    recipes: &[&'a Recipe],
    cancel: &CancelToken,
) -> Result<BTreeMap<PathBuf, Vec<&'a Recipe>>, OeError> {
    let mut known: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    let mut found: BTreeMap<PathBuf, Vec<&Recipe>> = BTreeMap::new();
    for recipe in recipes {
        let layer = recipe
            .layer
            .as_ref()
            .map_or(recipe.folder(), |layer| &layer.path);
        let repository = match known.get(layer) {
            Some(repository) => repository.clone(),
            None => {
                let repository = top_level(recipe, layer, cancel)?;
                known.insert(layer.to_owned(), repository.clone());
                repository
            }
        };
        found.entry(repository).or_default().push(recipe);
    }
    Ok(found)
}

fn top_level(recipe: &Recipe, layer: &Path, cancel: &CancelToken) -> Result<PathBuf, OeError> {
    let answer =
        git(layer, &["rev-parse", "--show-toplevel"], cancel).map_err(|error| match error {
            OeError::Tool { .. } => OeError::NoRepository {
                recipe: recipe.name.to_string(),
                layer: layer.to_owned(),
            },
            other => other,
        })?;
    Ok(PathBuf::from(
        String::from_utf8_lossy(&answer).trim_end_matches('\n'),
    ))
}

fn git(folder: &Path, args: &[&str], cancel: &CancelToken) -> Result<Vec<u8>, OeError> {
    let mut command = Command::new("git", folder).args(args);
    // A status of a tree with very many local changes must come whole.
    command.capture.head = 64 << 20;
    let finished = run(&command, cancel, &mut |_| {})?;
    if !finished.exit.success() {
        return Err(OeError::tool(&format!("git {}", args.join(" ")), &finished));
    }
    finished.stdout.complete().ok_or_else(|| OeError::Tool {
        tool: format!("git {}", args.join(" ")),
        how: "said more than fits".to_owned(),
        said: format!("{} bytes", finished.stdout.total()),
    })
}
