//! Bringing sources into `DL_DIR` before anybody asks for them: by BitBake's own fetcher, but without
//! a session, so that no build directory is in use meanwhile and no checkout is looked at.

use crate::{
    OeError, SessionResponse, Surroundings,
    session::{SCRIPT, write},
};
use auh_process::Command;
use auh_protocol::{Recipe, RecipeName};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// How the sources of recipes are named, and how they are fetched.
#[derive(Debug, Clone)]
pub struct Sources {
    named: BTreeMap<RecipeName, String>,
    variables: BTreeMap<String, String>,
    surroundings: Surroundings,
}

/// A fetch that is ready to go; what it needs is gone with it.
#[derive(Debug)]
pub struct Fetching {
    /// The command.
    pub command: Command,
    /// Its program and arguments.
    pub argv: Vec<String>,
    _folder: TempDir,
}

impl Sources {
    /// What a session said; `build_dir` only tells the tools their environment.
    #[must_use]
    pub fn new(response: &SessionResponse, build_dir: &Path) -> Self {
        let named = response.recipes.iter().filter_map(|record| {
            let name = RecipeName::new(&record.pn).ok()?;
            Some((name, record.source.clone()?))
        });
        Self {
            named: named.collect(),
            variables: response.fetch.clone(),
            surroundings: Surroundings::plain(build_dir),
        }
    }

    /// The fetch of the sources that an upgrade will ask for, run in `folder`; none where nothing is
    /// known of them. It leaves its room on the processors to others.
    ///
    /// # Errors
    /// The request cannot be written.
    pub fn fetching(&self, recipe: &Recipe, folder: &Path) -> Result<Option<Fetching>, OeError> {
        let Some(source) = self.named.get(&recipe.name) else {
            return Ok(None);
        };
        let request = json!({
            "source": source,
            "version": recipe.target.version,
            "revision": recipe.target.revision,
            "variables": self.variables,
        });
        let files = tempfile::tempdir().map_err(OeError::io("make", &std::env::temp_dir()))?;
        let [script, question]: [PathBuf; 2] =
            ["session.py", "request.json"].map(|name| files.path().join(name));
        write(&script, SCRIPT)?;
        write(&question, &request.to_string())?;
        let [script, question] = [script, question].map(|path| path.to_string_lossy().into_owned());
        let arguments = ["-n", "19", "python3", &script, "--fetch", &question];
        let mut command = self.surroundings.command("nice", &arguments);
        folder.clone_into(&mut command.cwd);
        let argv = std::iter::once("nice").chain(arguments).map(str::to_owned);
        Ok(Some(Fetching {
            argv: argv.collect(),
            command,
            _folder: files,
        }))
    }
}
