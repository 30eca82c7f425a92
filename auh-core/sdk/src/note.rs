//! A step's note to itself, for when it is asked a second time after a death of the host.

use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file in which a step notes what it is about to do, so that another attempt at the same step can
/// tell what is its own. The host takes it away once the step's end is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    path: PathBuf,
}

impl Note {
    /// The note of a step about a group, in the group's folder, or about the run, in the run directory.
    #[must_use]
    pub fn of(folder: &Path, step: &str, action: &str) -> Self {
        let name = auh_protocol::step::note_name(step, action);
        Self {
            path: folder.join(name),
        }
    }

    /// What an attempt noted that did not come to its end. One that was cut off counts as none: nothing
    /// was done after it.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&fs::read(&self.path).ok()?).ok()
    }

    /// Notes something instead of what was noted before; when this returns it is on the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write<T: Serialize>(&self, what: &T) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(what)?)?;
        file.sync_all()?;
        fs::rename(fresh, &self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        File::open(folder)?.sync_all()
    }

    /// Takes the note away: what it was about is in order.
    pub fn forget(&self) {
        // What is left is only read when the step is asked again, and tells of nothing then.
        let _ = fs::remove_file(&self.path);
    }
}
