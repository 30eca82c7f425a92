//! A run as the reports see it: events gathered into groups. Takes records one by one, so that it
//! serves a run that is still going on as well as a finished one.

use auh_journal::{Event, GroupVerdict, LeftOut, Record, Resumption, RunEnd, RunStart};
use auh_protocol::{Failure, Group, GroupState};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

/// A run.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// When it began.
    pub began: Option<Timestamp>,
    /// How it began.
    pub start: Option<RunStart>,
    /// Its groups, in the order of the plan.
    pub chapters: Vec<Chapter>,
    /// Recipes that were not attempted.
    pub left_out: Vec<LeftOut>,
    /// Full parses per build directory; a directory that was used without one stands here with 0.
    pub full_parses: BTreeMap<PathBuf, u64>,
    /// How much room there was, per file system, each by one of its folders.
    pub disk: BTreeMap<PathBuf, DiskUse>,
    /// What its closing steps say of the run as a whole.
    pub notes: Vec<String>,
    /// How often it was continued in a new process.
    pub resumed: usize,
    /// How it ended, once it has.
    pub end: Option<RunEnd>,
    /// Places of the chapters by the names of their groups.
    places: HashMap<String, usize>,
}

/// How much room a file system had during a run, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskUse {
    /// Free at the beginning.
    pub first: u64,
    /// Free when it was least.
    pub least: u64,
    /// Altogether.
    pub size: u64,
}

impl DiskUse {
    /// How much more was in use at the peak than at the beginning, whoever used it.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.first.saturating_sub(self.least)
    }
}

/// What happened to a group.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// The group.
    pub group: Group,
    /// What its steps did.
    pub state: GroupState,
    /// What became of it, once it is done.
    pub verdict: Option<GroupVerdict>,
    /// Wall time from its first step to its last, once it is done.
    pub seconds: f64,
}

impl Story {
    /// The story that these records tell.
    #[must_use]
    pub fn of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut story = Self::default();
        for record in records {
            story.absorb(record);
        }
        story
    }

    /// Adds what one more record says.
    pub fn absorb(&mut self, record: &Record) {
        match &record.event {
            Event::RunStarted(start) => {
                self.began = Some(record.time);
                self.start = Some(start.clone());
            }
            Event::Planned { groups, left_out } => {
                self.chapters = groups.iter().cloned().map(Chapter::new).collect();
                self.places = (0..)
                    .zip(groups)
                    .map(|(place, group)| (group.name(), place))
                    .collect();
                self.left_out.clone_from(left_out);
            }
            Event::StepFinished {
                groups, outcome, ..
            } => {
                if groups.is_empty() {
                    self.notes.extend_from_slice(&outcome.notes);
                }
                for group in groups {
                    if let Some(chapter) = self.chapter_mut(group) {
                        chapter.state.absorb(&outcome.part_of(&chapter.group));
                    }
                }
            }
            Event::Postponed { group, .. } => {
                if let Some(chapter) = self.chapter_mut(group) {
                    chapter.state = GroupState::default();
                }
            }
            Event::GroupFinished {
                group,
                verdict,
                seconds,
            } => {
                if let Some(chapter) = self.chapter_mut(group) {
                    chapter.verdict = Some(*verdict);
                    chapter.seconds = *seconds;
                }
            }
            Event::CommandFinished(end) if !end.parses.is_empty() => {
                let full = end.parses.iter().filter(|parse| parse.is_full()).count();
                *self.full_parses.entry(end.folder.clone()).or_default() += full as u64;
            }
            Event::DiskMeasured { folder, free, size } => {
                let known = self.disk.entry(folder.clone());
                known
                    .and_modify(|disk| disk.least = disk.least.min(*free))
                    .or_insert(DiskUse {
                        first: *free,
                        least: *free,
                        size: *size,
                    });
            }
            Event::RunFinished(end) => self.end = Some(end.clone()),
            Event::Resumed(resumption) => self.resume(resumption),
            Event::RecipesRead { .. }
            | Event::StepStarted { .. }
            | Event::CommandStarted { .. }
            | Event::CommandFinished(_)
            | Event::WorkRemoved { .. }
            | Event::Log { .. }
            | Event::Unknown => {}
        }
    }

    /// What happened to the group of this name.
    #[must_use]
    pub fn chapter(&self, group: &str) -> Option<&Chapter> {
        self.chapters.get(*self.places.get(group)?)
    }

    fn chapter_mut(&mut self, group: &str) -> Option<&mut Chapter> {
        self.chapters.get_mut(*self.places.get(group)?)
    }

    /// What a process did that is no more counts as far as the next one says.
    fn resume(&mut self, resumption: &Resumption) {
        self.resumed += 1;
        if self.end.take().is_some() {
            // What was told of a run that was stopped was not the last word.
            self.notes.clear();
        }
        for known in &resumption.groups {
            if let Some(chapter) = self.chapter_mut(&known.group) {
                chapter.state.clone_from(&known.state);
                chapter.verdict = None;
                chapter.seconds = 0.0;
            }
        }
    }

    /// `resumed once`, `resumed 3 times`; none for a run that one process carried out.
    #[must_use]
    pub fn resumed_text(&self) -> Option<String> {
        match self.resumed {
            0 => None,
            1 => Some("resumed once".to_owned()),
            times => Some(format!("resumed {times} times")),
        }
    }

    /// How many groups have this verdict.
    #[must_use]
    pub fn count(&self, verdict: GroupVerdict) -> usize {
        self.chapters
            .iter()
            .filter(|c| c.verdict == Some(verdict))
            .count()
    }
}

impl Chapter {
    fn new(group: Group) -> Self {
        Self {
            group,
            state: GroupState::default(),
            verdict: None,
            seconds: 0.0,
        }
    }

    /// The failure that names the group's status: the first one.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.state.failures.first().map(|known| &known.failure)
    }

    /// The status that the Python helper gives to each recipe of the group; none for what it does
    /// not count: groups in which nothing could be done, and those that did not come to their end.
    #[must_use]
    pub fn auh_status(&self) -> Option<&'static str> {
        match self.verdict? {
            GroupVerdict::Succeeded => Some("Succeeded"),
            GroupVerdict::Failed => self.failure().map(|failure| failure.class.auh_status()),
            GroupVerdict::Skipped | GroupVerdict::Stopped => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use auh_journal::Record;

    /// One record of each event that reports speak of.
    pub(crate) fn story() -> Story {
        let lines = include_str!("../tests/data/journal.jsonl");
        let records: Vec<Record> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        Story::of(&records)
    }
}
