//! What a run has changed in the user's build directory, noted on disk before it changes anything, so
//! that the next run can put it back when this one dies. The note is there exactly as long as a run
//! is, or has died.

use super::copy;
use crate::OeError;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// A note, and where it lies.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
}

/// The build directory before the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// The process that runs, as its commands are marked with it.
    pub(super) process: String,
    /// Whether a BitBake server was there already.
    pub(super) served: bool,
    /// The tools' configuration file; none when there was none.
    pub(super) tool_conf: Option<Vec<u8>>,
    /// `bblayers.conf`, once devtool's workspace is made for the run.
    pub(super) bblayers: Option<Vec<u8>>,
}

impl Note {
    pub(super) fn of(build_dir: &Path) -> Self {
        Self {
            path: build_dir.join("upgrade-helper/.before-run.json"),
        }
    }

    /// What a run that died has noted. A note that cannot be understood was cut off: then nothing had
    /// been changed yet.
    pub(super) fn read(&self) -> Result<Option<Before>, OeError> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(OeError::io("read", &self.path)(error)),
        }
    }

    /// Notes it; when this returns it is on the disk.
    pub(super) fn write(&self, before: &Before) -> Result<(), OeError> {
        let fresh = self.path.with_extension("new");
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let text = serde_json::to_vec(before).unwrap_or_default();
        fs::create_dir_all(folder)
            .and_then(|()| File::create(&fresh))
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&fresh, &self.path))
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(OeError::io("write", &self.path))
    }

    /// There is nothing to put back any more.
    pub(super) fn remove(&self) -> Result<(), OeError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(OeError::io("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Removes what a write that was cut short left beside a file.
pub(super) fn remove_unfinished(path: &Path) {
    let _ = fs::remove_file(copy::unfinished(path));
}

/// Whether `now` is `before` with a workspace added to it and nothing else: devtool writes it as a
/// word of its own.
pub(super) fn only_has_workspace(before: &[u8], now: &[u8], workspace: &Path) -> bool {
    let words = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).replace(['"', '\\'], " ");
        let added = workspace.to_string_lossy();
        let words = text.split_whitespace().filter(|word| *word != added);
        words.map(str::to_owned).collect()
    };
    words(before) == words(now)
}

/// Empties the workspace of a build directory that is auh's own.
pub(super) fn empty_workspace(workspace: &Path) -> Result<(), OeError> {
    let folders: BTreeSet<&str> = ["appends", "attic", "changelogs", "recipes", "sources"].into();
    for path in folders.into_iter().map(|name| workspace.join(name)) {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(OeError::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    let _ = fs::remove_file(workspace.join(".devtool_md5"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_one_that_was_cut_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let note = Note::of(folder.path());
        assert_eq!(note.read().unwrap(), None);
        let before = Before {
            process: "1.2".into(),
            served: true,
            tool_conf: Some(vec![0xff]),
            bblayers: None,
        };
        note.write(&before).unwrap();
        assert_eq!(note.read().unwrap(), Some(before));
        let text = fs::read(&note.path).unwrap();
        fs::write(&note.path, &text[..text.len() - 1]).unwrap();
        assert_eq!(note.read().unwrap(), None);
        note.remove().unwrap();
        note.remove().unwrap();
    }

    #[test]
    fn an_edit_beside_the_workspace_is_seen() {
        let before = b"BBLAYERS ?= \" \\\n  /l/a \\\n  \"\n";
        let ours = b"BBLAYERS ?= \" \\\n  /l/a \\\n  /b/workspace \\\n  \"\n";
        let edited = b"BBLAYERS ?= \" \\\n  /l/a /l/b \\\n  /b/workspace \\\n  \"\n";
        let workspace = Path::new("/b/workspace");
        assert!(only_has_workspace(before, ours, workspace));
        assert!(!only_has_workspace(before, edited, workspace));
    }
}
