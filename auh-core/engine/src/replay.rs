//! What the journal of a run that goes on in a new process says of the run so far: which groups are
//! done, and from which step the others go on.
//!
//! A step whose end is recorded is not done again, and a group goes on with the step behind it. It
//! begins afresh in two cases: when it was worked on in work trees of the run's own and had not left
//! them, and when the run was stopped while the group had uncommitted files, since stopping puts those
//! back.

use crate::plan::{Pipeline, is_among_groups};
use auh_journal::{Continued, Event, GroupVerdict, Record};
use auh_protocol::{Group, GroupState, RepositoryChange, StepOutcome, step};
use std::{collections::BTreeMap, time::Duration};

/// What is known of a run that goes on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    /// Each group in the order of the plan.
    pub groups: Vec<GroupSoFar>,
    /// How many closing steps are done.
    pub closed: usize,
    /// Whether the next closing step was begun.
    pub closing_begun: bool,
    /// The highest number of a command.
    pub commands: u64,
    /// How long the run's processes have been at it.
    pub took: Duration,
    /// How long commands were running.
    pub commands_took: Duration,
}

/// What is known of a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupSoFar {
    /// What its steps did.
    pub state: GroupState,
    /// How many steps of the pipeline are behind it.
    pub steps: usize,
    /// What became of it, once it is done.
    pub verdict: Option<GroupVerdict>,
    /// How many steps of the pipeline were begun: those from `steps` on may have been begun before.
    pub begun: usize,
    /// Whether it begins afresh although it was begun: what its first attempt left has to go.
    pub afresh: bool,
    /// Files that an attempt which counts no more changed in the user's repositories.
    pub leftovers: Vec<RepositoryChange>,
    /// What is known instead if these files turn out to be committed: a second request to stop may
    /// come between a commit and its record.
    pub if_committed: Option<Box<Self>>,
}

impl GroupSoFar {
    /// What the journal says of it when the run goes on.
    fn continued(&self, group: &Group) -> Continued {
        Continued {
            group: group.name(),
            steps: self.steps,
            state: self.state.clone(),
        }
    }
}

impl Replay {
    /// What these records say. `apart` says that groups have work trees of the run's own.
    #[must_use]
    pub fn of(records: &[Record], pipeline: &Pipeline, groups: &[Group], apart: bool) -> Self {
        let labels: Vec<String> = pipeline.steps.iter().map(crate::Step::label).collect();
        let groups = groups
            .iter()
            .map(|group| follow(records, &labels, group).settled(pipeline, apart))
            .collect();
        let mut replay = Self {
            groups,
            took: took(records),
            commands_took: commands_took(records),
            ..Self::default()
        };
        records
            .iter()
            .for_each(|record| replay.absorb(&record.event));
        replay
    }

    fn absorb(&mut self, event: &Event) {
        match event {
            Event::CommandStarted { id, .. } => self.commands = self.commands.max(*id),
            Event::StepStarted { groups, .. } if groups.is_empty() => self.closing_begun = true,
            Event::StepFinished { groups, .. } if groups.is_empty() => {
                self.closed += 1;
                self.closing_begun = false;
            }
            // What was told of a run that was stopped was not the last word.
            Event::RunFinished(end) if end.stopped => {
                (self.closed, self.closing_begun) = (0, false);
            }
            _ => {}
        }
    }

    /// What the journal is to say of the groups that have not come to their end.
    #[must_use]
    pub fn continued(&self, groups: &[Group]) -> Vec<Continued> {
        let both = groups.iter().zip(&self.groups);
        let open = both.filter(|(_, so_far)| so_far.verdict.is_none());
        open.map(|(group, so_far)| so_far.continued(group))
            .collect()
    }
}

/// A group while its records are read.
#[derive(Default)]
struct Reading {
    so_far: GroupSoFar,
    /// True when what comes next was done by a run that was being stopped, to put things in order.
    stopped: bool,
    changed: Vec<RepositoryChange>,
}

fn follow(records: &[Record], labels: &[String], group: &Group) -> Reading {
    let name = group.name();
    let mut reading = Reading::default();
    for record in records {
        match &record.event {
            Event::StepStarted {
                groups,
                step,
                action,
                ..
            } if groups.contains(&name) => {
                let begun = reading
                    .index(labels, step, action)
                    .map_or(0, |index| index + 1);
                reading.so_far.begun = reading.so_far.begun.max(begun);
            }
            Event::StepFinished {
                groups,
                step,
                action,
                outcome,
                stopping,
                ..
            } if groups.contains(&name) => {
                let index = reading.index(labels, step, action);
                reading.finished(index, &outcome.part_of(group), *stopping);
            }
            Event::Postponed { group, .. } if *group == name => {
                reading.so_far.state = GroupState::default();
                (reading.so_far.steps, reading.so_far.begun) = (0, 0);
            }
            Event::GroupFinished { group, verdict, .. } if *group == name => {
                let done = Some(*verdict).filter(|verdict| *verdict != GroupVerdict::Stopped);
                reading.so_far.verdict = done;
            }
            Event::Resumed(resumption) => {
                if let Some(known) = resumption.groups.iter().find(|known| known.group == name) {
                    reading.resumed(known);
                }
            }
            _ => {}
        }
    }
    reading
}

impl Reading {
    /// The place of a step in the pipeline: the next one of this name.
    fn index(&self, labels: &[String], step: &str, action: &str) -> Option<usize> {
        let label = step::label(step, action);
        let from = self.so_far.steps;
        let later = labels.iter().skip(from).position(|known| *known == label)?;
        Some(from + later)
    }

    fn finished(&mut self, index: Option<usize>, part: &StepOutcome, stopping: bool) {
        self.changed.extend(part.changes.iter().flatten().cloned());
        let Some(index) = index else { return };
        let so_far = &mut self.so_far;
        so_far.begun = so_far.begun.max(index + 1);
        let passed_over = index > so_far.steps && !so_far.state.failed();
        self.stopped |= stopping && (part.failed() || passed_over);
        if !self.stopped {
            so_far.state.absorb(part);
            so_far.steps = index + 1;
        }
    }

    fn resumed(&mut self, known: &Continued) {
        let begun = self.so_far.begun.max(known.steps);
        self.so_far = GroupSoFar {
            state: known.state.clone(),
            steps: known.steps,
            begun: if known.steps == 0 { 0 } else { begun },
            ..GroupSoFar::default()
        };
        self.stopped = false;
    }

    /// What is left of it when the run goes on.
    fn settled(self, pipeline: &Pipeline, apart: bool) -> GroupSoFar {
        let so_far = self.so_far;
        if so_far.verdict.is_some() {
            let steps = pipeline.steps.len();
            return GroupSoFar { steps, ..so_far };
        }
        let put_back = self.stopped && !so_far.state.changes.is_empty();
        let in_the_middle = apart && so_far.begun > 0 && is_among_groups(pipeline, so_far.steps);
        if !(put_back || in_the_middle) {
            return so_far;
        }
        GroupSoFar {
            afresh: true,
            leftovers: self.changed,
            if_committed: (!apart).then(|| Box::new(so_far)),
            ..GroupSoFar::default()
        }
    }
}

/// The time that the processes of a run had, without the pauses between them.
fn took(records: &[Record]) -> Duration {
    let mut total = Duration::ZERO;
    let mut before: Option<&Record> = None;
    for record in records {
        if let (Some(before), false) = (before, matches!(record.event, Event::Resumed(_))) {
            total += between(before, record);
        }
        before = Some(record);
    }
    // What came before the journal.
    total + checked(records)
}

fn checked(records: &[Record]) -> Duration {
    let seconds = records.iter().find_map(|record| match &record.event {
        Event::CommandFinished(end) if end.id == 0 => Some(end.seconds),
        _ => None,
    });
    Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default()
}

/// The time in which at least one command was running. One whose end is not recorded does not count.
fn commands_took(records: &[Record]) -> Duration {
    let mut ends: BTreeMap<u64, &Record> = BTreeMap::new();
    for record in records {
        if let Event::CommandFinished(end) = &record.event {
            ends.insert(end.id, record);
        }
    }
    let mut total = checked(records);
    let mut until = None;
    for record in records {
        let Event::CommandStarted { id, .. } = &record.event else {
            continue;
        };
        let Some(end) = ends.get(id) else { continue };
        let from = until.filter(|until: &&Record| until.time > record.time);
        if from.is_none_or(|from| from.time < end.time) {
            total += between(from.unwrap_or(record), end);
            until = Some(*end);
        }
    }
    total
}

fn between(from: &Record, to: &Record) -> Duration {
    Duration::try_from(to.time.duration_since(from.time)).unwrap_or_default()
}
