//! Runs that have been: which one a word of the command line means, and what its journal tells.

use crate::{
    args::{RunsPlace, SettingsFlags},
    failure::Usage,
    preparation, terminal,
};
use anyhow::Result;
use auh_config::Flags;
use auh_journal::{Journal, JournalError, JournalLock, RunFolder, RunLock, read};
use auh_report::{RunState, Story};
use auh_report_page::{Evidence, Page};
use std::path::{Path, PathBuf};

/// The name of a run's page in its folder.
pub(crate) const PAGE: &str = "report.html";

/// The folder with the runs of the build directory.
pub(crate) fn workdir(place: &RunsPlace) -> Result<PathBuf> {
    let flags = SettingsFlags {
        config_file: place.config_file.clone(),
        ..SettingsFlags::default()
    };
    let build_dir = preparation::build_dir()?;
    Ok(preparation::settings(&build_dir, &flags, Flags::default())?.workdir)
}

/// The run that a word means. One that is named by its path needs no build directory.
pub(crate) fn find(word: &str, place: &RunsPlace) -> Result<RunFolder> {
    if word != "last" && word.contains('/') {
        return Ok(RunFolder::open(&preparation::absolute(word.as_ref())?)?);
    }
    named(word, &workdir(place)?)
}

/// The run that a word means, where the runs are known to be.
pub(crate) fn named(word: &str, workdir: &Path) -> Result<RunFolder> {
    if word == "last" {
        return Ok(RunFolder::latest(workdir).ok_or_else(|| {
            Usage::new(
                format!("there is no run in {}", workdir.display()),
                "name the run's folder, or the settings whose workdir it is in with -c",
            )
        })?);
    }
    let by_name = workdir.join(word);
    let path = if by_name.is_dir() {
        by_name
    } else {
        preparation::absolute(word.as_ref())?
    };
    Ok(RunFolder::open(&path)?)
}

/// The newest run in a folder that came to no end and is a build directory's; none that is going on.
pub(crate) fn unfinished(workdir: &Path, build_dir: &Path) -> Option<RunFolder> {
    let runs = RunFolder::all(workdir).into_iter().rev();
    let mut told = runs.filter_map(|folder| Told::read(folder).ok());
    let told = told.find(|told| {
        let start = told.story.start.as_ref();
        told.is_unfinished() && start.is_some_and(|start| start.build_dir == build_dir)
    });
    told.map(|told| told.folder)
}

/// The name of the latest run in a folder, if it came to no end.
pub(crate) fn latest_unfinished(workdir: &Path) -> Option<String> {
    let told = Told::read(RunFolder::latest(workdir)?).ok()?;
    told.is_unfinished().then(|| told.folder.name())
}

/// A run and what its journal tells.
pub(crate) struct Told {
    pub folder: RunFolder,
    pub journal: Journal,
    pub story: Story,
    pub state: RunState,
}

impl Told {
    /// Reads the journal of a run.
    pub(crate) fn read(folder: RunFolder) -> Result<Self, JournalError> {
        let journal = read(&folder.journal())?;
        let story = Story::of(&journal.records);
        let busy = matches!(JournalLock::take(&folder), Err(JournalError::Busy { .. }));
        Ok(Self {
            state: RunState::of(&story, busy),
            folder,
            journal,
            story,
        })
    }

    /// Whether it can be gone on with: it broke off or was stopped.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self.state, RunState::BrokenOff | RunState::Stopped)
    }

    /// The run as a page. `beside_files` says that the page is to lie in the run directory.
    pub(crate) fn page(&self, beside_files: bool) -> String {
        // A run before it that cannot be read is none to compare with.
        let before = self.folder.before();
        let before = before.and_then(|folder| Self::read(folder).ok());
        let before_name = before.as_ref().map(|before| before.folder.name());
        let evidence = Evidence::gather(&self.folder, &self.story);
        auh_report_page::html(&Page {
            name: &self.folder.name(),
            records: &self.journal.records,
            story: &self.story,
            state: self.state,
            evidence: &evidence,
            previous: before_name
                .as_deref()
                .zip(before.as_ref().map(|before| &before.story)),
            beside_files,
        })
    }
}

/// Says so when whoever held the lock before had died.
pub(crate) fn tell_of_takeover(lock: &RunLock) {
    if let Some(holder) = lock.taken_over() {
        terminal::note(&format!(
            "took over the lock of {holder}, which ended without letting go of it"
        ));
    }
}
