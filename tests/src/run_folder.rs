//! A run directory, read after the run.

use auh_journal::{Event, GroupVerdict, Journal, read};
use auh_protocol::{FailureClass, GroupState};
use auh_report::{Chapter, Story};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A run that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The run directory.
    pub path: PathBuf,
    /// Its journal.
    pub journal: Journal,
    /// What the journal says, gathered.
    pub story: Story,
}

impl Finished {
    /// Reads a run directory.
    ///
    /// # Panics
    /// When it has no whole journal.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let journal = read(&path.join("journal.jsonl")).unwrap();
        assert!(!journal.torn, "the journal's last line is torn");
        Self {
            path: path.to_owned(),
            story: Story::of(&journal.records),
            journal,
        }
    }

    /// Each group with its verdict, in the order of the plan.
    #[must_use]
    pub fn verdicts(&self) -> Vec<(String, Option<GroupVerdict>)> {
        let chapters = self.story.chapters.iter();
        chapters.map(|c| (c.group.name(), c.verdict)).collect()
    }

    /// Names of the groups with this verdict, in the order of the plan.
    #[must_use]
    pub fn with(&self, verdict: GroupVerdict) -> Vec<String> {
        let verdicts = self.verdicts().into_iter();
        verdicts
            .filter(|(_, v)| *v == Some(verdict))
            .map(|(name, _)| name)
            .collect()
    }

    /// What happened to a group.
    ///
    /// # Panics
    /// When there is no such group.
    #[must_use]
    pub fn state(&self, group: &str) -> &GroupState {
        let mut chapters = self.story.chapters.iter();
        let is_it = |chapter: &&Chapter| chapter.group.name() == group;
        &chapters.find(is_it).expect("there is no such group").state
    }

    /// Class and message of each failure of a group.
    #[must_use]
    pub fn failures(&self, group: &str) -> Vec<(FailureClass, String)> {
        let failures = self.state(group).failures.iter();
        failures
            .map(|f| (f.failure.class, f.failure.message.clone()))
            .collect()
    }

    /// How often all recipes were parsed anew, per build directory in which any parse happened.
    #[must_use]
    pub fn full_parses(&self) -> BTreeMap<PathBuf, usize> {
        let mut counts = BTreeMap::new();
        for record in &self.journal.records {
            if let Event::CommandFinished(end) = &record.event {
                for parse in &end.parses {
                    *counts.entry(end.folder.clone()).or_default() +=
                        usize::from(parse.cached == 0 && parse.parsed > 0);
                }
            }
        }
        counts
    }

    /// Names of what lies in a folder of the run directory, sorted.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path.join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// Removes the run directory and its tarball.
    ///
    /// # Panics
    /// When it cannot be removed.
    pub fn remove(self) {
        fs::remove_dir_all(&self.path).unwrap();
        let _ = fs::remove_file(self.path.with_extension("tar.gz"));
    }

    /// A file of the run directory.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path.join(file)).unwrap()
    }
}
