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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::fs;

    fn recipe(name: &str) -> Recipe {
        let recipe = json!({"name": name, "file": "/l/x_1.0.bb", "layer": null, "version": "1.0",
                            "target": {"version": "2.0"}, "maintainer": null, "packages": []});
        serde_json::from_value(recipe).unwrap()
    }

    #[test]
    fn only_known_sources_are_fetched_and_in_the_folder_that_is_named() {
        let source = "https://x.example/{2.}/hello-{3.}.tar.gz";
        let records = json!([{"asked": "hello", "pn": "hello", "source": source},
                             {"asked": "other", "pn": "other", "source": null}]);
        let response = json!({"failure": null, "fetch": {"DL_DIR": "/dl"}, "recipes": records});
        let response = serde_json::from_value(response).unwrap();
        let sources = Sources::new(&response, Path::new("/b"));
        let folder = Path::new("/run");
        assert!(
            sources
                .fetching(&recipe("other"), folder)
                .unwrap()
                .is_none()
        );
        let fetching = sources.fetching(&recipe("hello"), folder).unwrap().unwrap();
        assert_eq!(fetching.command.cwd, folder);
        assert_eq!(fetching.command.program, "nice");
        let [nice, .., script, mode, request] = &fetching.argv[..] else {
            panic!("{:?}", fetching.argv);
        };
        assert_eq!((nice.as_str(), mode.as_str()), ("nice", "--fetch"));
        assert_eq!(fs::read_to_string(script).unwrap(), SCRIPT);
        let request: Value = serde_json::from_slice(&fs::read(request).unwrap()).unwrap();
        assert_eq!(
            request,
            json!({"source": source, "version": "2.0", "revision": null, "variables": {"DL_DIR": "/dl"}})
        );
    }
}
