//! The run directory: `<workdir>/<YYYYMMDDHHMMSS>/{all,succeed,failed}`, as the Python helper
//! lays it out.

use crate::{JournalError, fault};
use jiff::{Zoned, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write},
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

    /// A run directory that is there already.
    ///
    /// # Errors
    /// The folder has no journal.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let folder = Self {
            path: path.to_owned(),
        };
        if folder.journal().is_file() {
            Ok(folder)
        } else {
            Err(JournalError::NoRun {
                path: path.to_owned(),
            })
        }
    }

    /// The run directories in `workdir`, oldest first, by name; none when there is no such folder.
    #[must_use]
    pub fn all(workdir: &Path) -> Vec<Self> {
        let entries = fs::read_dir(workdir).into_iter().flatten().flatten();
        let runs = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_run = name.len() == 14 && name.bytes().all(|b| b.is_ascii_digit());
            is_run.then(|| entry.path())
        });
        let mut found: Vec<Self> = runs.filter_map(|path| Self::open(&path).ok()).collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// The latest run directory in `workdir`, by name; none when there is none.
    #[must_use]
    pub fn latest(workdir: &Path) -> Option<Self> {
        Self::all(workdir).pop()
    }

    /// The run before this one, in the same folder; none when this is the first.
    #[must_use]
    pub fn before(&self) -> Option<Self> {
        let runs = Self::all(self.path.parent()?);
        let earlier = |run: &&Self| run.path.file_name() < self.path.file_name();
        runs.iter().rfind(earlier).cloned()
    }

    /// The name of the folder.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
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

    /// A file for the journal of what is done with the run after its end: the first of
    /// `journal-2.jsonl`, `journal-3.jsonl` … that is not there yet.
    #[must_use]
    pub fn next_journal(&self) -> PathBuf {
        let mut number = 2u32;
        loop {
            let path = self.path.join(format!("journal-{number}.jsonl"));
            if !path.exists() {
                return path;
            }
            number += 1;
        }
    }

    /// Where the tarball of the run directory goes: beside it.
    #[must_use]
    pub fn tarball(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".tar.gz");
        name.into()
    }

    /// Writes a file of the run directory in one step: a reader sees the old content or the new. A
    /// link that somebody has put there is replaced, not followed.
    pub fn write(&self, name: &str, content: &str) -> Result<(), JournalError> {
        let path = self.path.join(name);
        let fresh = self.path.join(format!(".{name}.new"));
        // What is left of a run that was killed in the middle of this, or a link.
        let _ = fs::remove_file(&fresh);
        let file = fault::check_room().and_then(|()| File::create_new(&fresh));
        file.and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(JournalError::io("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(JournalError::io("write", &path))
    }

    /// Names of the files in a group's folder, sorted, without those that begin with a dot, which are
    /// steps' own notes; empty without the folder.
    #[must_use]
    pub fn files_of(&self, group: &str) -> Vec<String> {
        let entries = fs::read_dir(self.group(group)).into_iter().flatten();
        let files = entries.flatten().filter(|entry| entry.path().is_file());
        let mut names: Vec<String> = files
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    /// Everything in the run directory, relative to the folder that it lies in, folders before what
    /// is in them. Links are followed as long as they lead to something within the run directory;
    /// others are left out.
    pub fn contents(&self) -> Result<Vec<PathBuf>, JournalError> {
        let top = self
            .path
            .canonicalize()
            .map_err(JournalError::io("read", &self.path))?;
        let parent = self.path.parent().unwrap_or(Path::new("/"));
        let mut found = Vec::new();
        // Each with the folders that it was reached through, so that no link leads round in circles.
        let mut open = vec![(self.path.clone(), Vec::new())];
        while let Some((path, above)) = open.pop() {
            let Ok(real) = path.canonicalize() else {
                continue;
            };
            if !real.starts_with(&top) || above.contains(&real) {
                continue;
            }
            found.push(path.strip_prefix(parent).unwrap_or(&path).to_owned());
            if real.is_dir() {
                let entries = fs::read_dir(&path).map_err(JournalError::io("read", &path))?;
                let within: Vec<_> = above.into_iter().chain([real]).collect();
                open.extend(
                    entries
                        .flatten()
                        .map(|entry| (entry.path(), within.clone())),
                );
            }
        }
        found.sort();
        Ok(found)
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

    /// Makes a group's folder, in place of a link that leads elsewhere.
    pub fn create_group(&self, name: &str) -> Result<PathBuf, JournalError> {
        let folder = self.group(name);
        if folder.is_symlink() {
            fs::remove_file(&folder).map_err(JournalError::io("replace", &folder))?;
        }
        fault::check_room()
            .and_then(|()| fs::create_dir_all(&folder))
            .map_err(JournalError::io("make", &folder))?;
        Ok(folder)
    }

    /// Empties a group's folder of what an earlier attempt of this run left there. What begins with a
    /// dot is a step's own note for its next attempt; without `notes` these go, too.
    pub fn empty_group(&self, name: &str, notes: bool) -> Result<(), JournalError> {
        let folder = self.group(name);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if notes && entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = match is_folder {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.map_err(JournalError::io("remove", &path))?;
        }
        Ok(())
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
        let linked = fault::check_room();
        match linked.and_then(|()| symlink(Path::new("../all").join(&name), &link)) {
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
    fn a_run_is_opened_again_and_the_latest_one_found() {
        let workdir = tempfile::tempdir().unwrap();
        assert!(RunFolder::latest(workdir.path()).is_none());
        let runs = [(); 2].map(|()| RunFolder::create(workdir.path()).unwrap());
        assert!(
            RunFolder::open(runs[0].path()).is_err(),
            "it has no journal"
        );
        for run in &runs {
            fs::write(run.journal(), "").unwrap();
        }
        fs::create_dir(workdir.path().join("99999999999999")).unwrap();
        assert_eq!(RunFolder::latest(workdir.path()), Some(runs[1].clone()));
        assert_eq!(RunFolder::all(workdir.path()), runs);
        assert_eq!(runs[1].before(), Some(runs[0].clone()));
        assert_eq!(runs[0].before(), None);
        assert_eq!(RunFolder::open(runs[0].path()).unwrap(), runs[0]);
        assert!(runs[0].next_journal().ends_with("journal-2.jsonl"));
        fs::write(runs[0].next_journal(), "").unwrap();
        assert!(runs[0].next_journal().ends_with("journal-3.jsonl"));
    }

    #[test]
    fn contents_follow_links_within_the_run_and_no_others() {
        let workdir = tempfile::tempdir().unwrap();
        fs::write(workdir.path().join("secret"), "x").unwrap();
        let run = RunFolder::create(workdir.path()).unwrap();
        let group = run.create_group("a").unwrap();
        fs::write(group.join("log"), "x").unwrap();
        run.link("a", GroupVerdict::Succeeded).unwrap();
        for (target, link) in [
            ("../../../secret", "all/a/out"),
            ("/", "all/a/root"),
            ("nowhere", "all/a/dangling"),
            ("..", "all/a/round"),
        ] {
            symlink(target, run.path().join(link)).unwrap();
        }
        let name = run.path().file_name().unwrap();
        let expected = [
            "",
            "all",
            "all/a",
            "all/a/log",
            "failed",
            "succeed",
            "succeed/a",
            "succeed/a/log",
            "succeed/a/round",
        ];
        let contents = run.contents().unwrap();
        let relative = contents
            .iter()
            .map(|path| path.strip_prefix(name).unwrap().to_str().unwrap());
        assert_eq!(relative.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_file_is_replaced_in_one_step() {
        let workdir = tempfile::tempdir().unwrap();
        let run = RunFolder::create(workdir.path()).unwrap();
        for content in ["long text", "short"] {
            run.write("summary.json", content).unwrap();
        }
        assert_eq!(
            fs::read_to_string(run.path().join("summary.json")).unwrap(),
            "short"
        );
        let names: Vec<_> = fs::read_dir(run.path())
            .unwrap()
            .flatten()
            .map(|e| e.file_name())
            .collect();
        assert_eq!(names.len(), 4, "{names:?}");
    }

    #[test]
    fn links_that_somebody_planted_are_replaced() {
        let workdir = tempfile::tempdir().unwrap();
        let victim = workdir.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        let run = RunFolder::create(workdir.path()).unwrap();
        for link in ["summary.json", ".summary.json.new", "all/a"] {
            symlink(&victim, run.path().join(link)).unwrap();
        }
        run.write("summary.json", "ours").unwrap();
        assert!(
            fs::symlink_metadata(run.create_group("a").unwrap())
                .unwrap()
                .is_dir()
        );
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert_eq!(
            fs::read_to_string(run.path().join("summary.json")).unwrap(),
            "ours"
        );
    }

    #[test]
    fn a_name_too_long_for_a_file_system_is_cut() {
        assert!(file_name(&"x,".repeat(300)).len() < 255);
    }
}
