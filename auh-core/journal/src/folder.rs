//! The run directory: `<workdir>/<YYYYMMDDHHMMSS>/{all,succeed,failed}`, as the Python helper
//! lays it out.

use crate::JournalError;
use jiff::{Zoned, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// What became of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupVerdict {
    /// Every step did its work.
    Succeeded,
    /// A step failed.
    Failed,
    /// There was nothing that could be done.
    Skipped,
    /// The run was stopped in the middle of it.
    Stopped,
}

/// A run directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the run directory for a run that starts now. Two runs that start within one second
    /// get names one second apart.
    pub fn create(workdir: &Path) -> Result<Self, JournalError> {
        fs::create_dir_all(workdir).map_err(JournalError::io("make", workdir))?;
        let mut time = Zoned::now().with_time_zone(TimeZone::system());
        loop {
            let path = workdir.join(folder_name(&time));
            match fs::create_dir(&path) {
                Ok(()) => return Self::furnish(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    time = time.saturating_add(jiff::SignedDuration::from_secs(1));
                }
                Err(error) => return Err(JournalError::io("make", &path)(error)),
            }
        }
    }

    fn furnish(path: PathBuf) -> Result<Self, JournalError> {
        for name in ["all", "succeed", "failed"] {
            let folder = path.join(name);
            fs::create_dir(&folder).map_err(JournalError::io("make", &folder))?;
        }
        Ok(Self { path })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal's file.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// The log for people, under the Python helper's name.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("upgrade-helper.log")
    }

    /// A group's folder, `all/NAME`. Group names are checked recipe names joined with commas, so
    /// this is always inside; a name too long for the file system is cut.
    #[must_use]
    pub fn group(&self, name: &str) -> PathBuf {
        self.path.join("all").join(file_name(name))
    }

    /// Makes a group's folder.
    pub fn create_group(&self, name: &str) -> Result<PathBuf, JournalError> {
        let folder = self.group(name);
        fs::create_dir_all(&folder).map_err(JournalError::io("make", &folder))?;
        Ok(folder)
    }

    /// Links a finished group into `succeed` or `failed`; the other verdicts have no folder.
    pub fn link(&self, name: &str, verdict: GroupVerdict) -> Result<(), JournalError> {
        let folder = match verdict {
            GroupVerdict::Succeeded => "succeed",
            GroupVerdict::Failed => "failed",
            GroupVerdict::Skipped | GroupVerdict::Stopped => return Ok(()),
        };
        let name = file_name(name);
        let link = self.path.join(folder).join(&name);
        match symlink(Path::new("../all").join(&name), &link) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(JournalError::io("make", &link)(error))
            }
            _ => Ok(()),
        }
    }
}

/// `YYYYMMDDHHMMSS` of that moment, in its time zone.
#[must_use]
pub fn folder_name(time: &Zoned) -> String {
    time.strftime("%Y%m%d%H%M%S").to_string()
}

/// A group's name as a file name: file systems end at 255 bytes.
fn file_name(group: &str) -> String {
    const LONGEST: usize = 200;
    if group.len() <= LONGEST {
        return group.to_owned();
    }
    let cut: String = group.chars().take(LONGEST).collect();
    format!("{cut}…{}", group.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_within_a_second_get_two_folders() {
        let workdir = tempfile::tempdir().unwrap();
        let (a, b) = (
            RunFolder::create(workdir.path()).unwrap(),
            RunFolder::create(workdir.path()).unwrap(),
        );
        assert_ne!(a, b);
        assert!(b.path().join("succeed").is_dir());
    }

    #[test]
    fn a_finished_group_is_linked_once() {
        let workdir = tempfile::tempdir().unwrap();
        let run = RunFolder::create(workdir.path()).unwrap();
        run.create_group("a,b").unwrap();
        for _ in 0..2 {
            run.link("a,b", GroupVerdict::Failed).unwrap();
        }
        assert!(
            run.path()
                .join("failed/a,b")
                .canonicalize()
                .unwrap()
                .ends_with("all/a,b")
        );
        run.link("a,b", GroupVerdict::Skipped).unwrap();
    }

    #[test]
    fn a_name_too_long_for_a_file_system_is_cut() {
        assert!(file_name(&"x,".repeat(300)).len() < 255);
    }
}
