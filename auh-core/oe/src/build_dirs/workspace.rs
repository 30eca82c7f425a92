//! devtool's workspace layer: made when a run needs it, taken away again when it was the run's.

use super::{Surroundings, before::only_has_workspace};
use crate::OeError;
use auh_process::{CancelToken, run};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

#[derive(Debug)]
pub(super) struct Workspace {
    path: PathBuf,
    bblayers: PathBuf,
    /// Whether it stays for the next run.
    kept: bool,
    /// `bblayers.conf` before and after this run made the workspace.
    made: Mutex<Option<(Vec<u8>, Vec<u8>)>>,
}

/// The recipes that devtool's workspace of a build directory has, sorted: it has an append file of
/// each, `NAME_VERSION.bbappend`.
#[must_use]
pub fn workspace_recipes(build_dir: &Path) -> Vec<String> {
    let appends = location(build_dir).join("appends");
    let entries = fs::read_dir(appends).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let stem = file.strip_suffix(".bbappend")?;
            let name = stem.split('_').next()?;
            (!name.is_empty()).then(|| name.to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

impl Workspace {
    /// The workspace that devtool uses in a build directory, existing or not.
    pub(super) fn find(build_dir: &Path) -> Result<Self, OeError> {
        let bblayers = build_dir.join("conf/bblayers.conf");
        fs::metadata(&bblayers).map_err(OeError::io("read", &bblayers))?;
        Ok(Self {
            path: location(build_dir),
            bblayers,
            kept: false,
            made: Mutex::new(None),
        })
    }

    /// Lets it stay where it is when the run ends.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a workspace that a run which died had made for this run's own: `before` is what
    /// `bblayers.conf` was before that. What somebody has edited since stays.
    pub(super) fn take_over(&self, before: Vec<u8>) -> Result<bool, OeError> {
        let now = self.read_bblayers()?;
        let is_ours = only_has_workspace(&before, &now, &self.path);
        if is_ours {
            *self.lock() = Some((before, now));
        }
        Ok(is_ours)
    }

    /// Makes the workspace unless the configuration names it already. `note` is called with
    /// `bblayers.conf` as it is before that.
    pub(super) fn ensure(
        &self,
        surroundings: &Surroundings,
        cancel: &CancelToken,
        note: impl FnOnce(&[u8]) -> Result<(), OeError>,
    ) -> Result<(), OeError> {
        let before = self.read_bblayers()?;
        let named = String::from_utf8_lossy(&before).contains(&*self.path.to_string_lossy());
        if named && self.path.join("conf/layer.conf").exists() {
            return Ok(());
        }
        note(&before)?;
        let command = surroundings.command("devtool", &["create-workspace"]);
        let finished = run(&command, cancel, &mut |_| {})?;
        if !finished.exit.success() {
            return Err(OeError::tool("devtool create-workspace", &finished));
        }
        let after = self.read_bblayers()?;
        // A run that died had made it in part.
        let before = match self.lock().take() {
            Some((first, _)) => first,
            None => before,
        };
        *self.lock() = Some((before, after));
        Ok(())
    }

    /// Takes a workspace that this run made away again, unless somebody works in it.
    pub(super) fn remove_if_ours(&self) -> Result<(), OeError> {
        let Some((before, after)) = self.lock().take() else {
            return Ok(());
        };
        if self.kept || self.in_use() || self.read_bblayers()? != after {
            return Ok(());
        }
        super::copy::write_if_different(&self.bblayers, &before)?;
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(OeError::io("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }

    fn in_use(&self) -> bool {
        ["recipes", "appends", "sources", "attic"]
            .iter()
            .any(|name| {
                fs::read_dir(self.path.join(name)).is_ok_and(|mut entries| entries.next().is_some())
            })
    }

    fn read_bblayers(&self) -> Result<Vec<u8>, OeError> {
        fs::read(&self.bblayers).map_err(OeError::io("read", &self.bblayers))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Vec<u8>, Vec<u8>)>> {
        self.made
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where devtool's workspace of a build directory is, made or not.
fn location(build_dir: &Path) -> PathBuf {
    let settings = fs::read_to_string(build_dir.join("conf/devtool.conf")).unwrap_or_default();
    configured(&settings).unwrap_or_else(|| build_dir.join("workspace"))
}

/// `workspace_path` of a `devtool.conf`.
fn configured(settings: &str) -> Option<PathBuf> {
    settings.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "workspace_path" && !value.trim().is_empty()).then(|| value.trim().into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devtools_settings_may_name_another_folder() {
        let text = "[General]\nworkspace_path = /elsewhere/ws\n";
        assert_eq!(configured(text), Some("/elsewhere/ws".into()));
        assert_eq!(configured("[General]\n"), None);
    }

    #[test]
    fn a_recipe_of_the_workspace_is_known_by_its_append_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(workspace_recipes(folder.path()).is_empty());
        let appends = folder.path().join("workspace/appends");
        fs::create_dir_all(&appends).unwrap();
        for file in ["zlib_1.3.bbappend", "gtk+3_%.bbappend", "notes.txt"] {
            fs::write(appends.join(file), "").unwrap();
        }
        assert_eq!(workspace_recipes(folder.path()), ["gtk+3", "zlib"]);
    }
}
