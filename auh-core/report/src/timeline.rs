//! Who did what when: the steps and commands of a run with their times, and what groups and
//! machines waited for.

use auh_journal::{CommandEnd, Event, Record, RunStart};
use auh_protocol::{Machine, StepOutcome, host::Exit};
use jiff::Timestamp;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// A shorter pause is no waiting.
const PAUSE: f64 = 1.0;

/// The course of a run. All times are in seconds since [`Timeline::began`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// When the first thing began that the journal knows of; none without any record.
    pub began: Option<Timestamp>,
    /// How long it took until the last record.
    pub seconds: f64,
    /// The steps, in the order in which they began.
    pub steps: Vec<StepTime>,
    /// The commands, in the order in which they began.
    pub commands: Vec<CommandTime>,
    /// How many workers it took: as many as steps ran at the same time.
    pub workers: usize,
    /// The steps about each group, and the commands of each step, by their indexes.
    of_group: HashMap<String, Vec<usize>>,
    of_step: Vec<Vec<usize>>,
}

/// A step about one group, about several, or (without any) about the run as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTime {
    /// The groups, by name.
    pub groups: Vec<String>,
    /// The plugin.
    pub step: String,
    /// What it was asked to do.
    pub action: String,
    /// When it began.
    pub from: f64,
    /// When it ended, or when the journal ends.
    pub to: f64,
    /// What became of it.
    pub end: StepEnd,
    /// Who did it: 0 for the first worker. A journal that names no seats tells workers apart by what
    /// ran at the same time.
    pub worker: usize,
    /// How long its group had been ready for it, and what was done meanwhile.
    pub waited: Option<Wait>,
    /// Machines that had nothing to do while it went on, as another machine was slower.
    pub idle: Vec<Idle>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// It did its work.
    Good,
    /// It failed for a recipe.
    Failed,
    /// The journal does not tell.
    Unknown,
}

/// A pause before a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// How long, in seconds.
    pub seconds: f64,
    /// How many other groups were worked on meanwhile.
    pub behind: usize,
    /// The last one of them.
    pub last: Option<String>,
}

/// A machine that waited for another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Idle {
    /// Which one.
    pub machine: Machine,
    /// The slower one.
    pub for_machine: Machine,
    /// Since when.
    pub from: f64,
    /// How long, in seconds.
    pub seconds: f64,
}

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandTime {
    /// Its number within the run.
    pub id: u64,
    /// What it is called.
    pub label: String,
    /// Index of the step that asked for it, if that is known.
    pub step: Option<usize>,
    /// The machine in whose build directory it ran, if it ran in one.
    pub machine: Option<Machine>,
    /// When it began.
    pub from: f64,
    /// When it ended, or when the journal ends.
    pub to: f64,
    /// How it ended; none when the journal does not tell.
    pub exit: Option<Exit>,
}

impl Timeline {
    /// The course that these records tell.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let (Some(began), Some((last, _))) = (began(records), steady(records).last()) else {
            return Self::default();
        };
        let mut reader = Reader::new(began, seconds_between(began, last));
        for (time, record) in steady(records) {
            reader.read(time, record);
        }
        reader.finish()
    }

    /// The steps about a group, with their indexes.
    pub fn steps_of<'t>(&'t self, group: &'t str) -> impl Iterator<Item = (usize, &'t StepTime)> {
        let steps = self.of_group.get(group).into_iter().flatten();
        steps.map(|index| (*index, &self.steps[*index]))
    }

    /// The commands of a step.
    pub fn commands_of(&self, step: usize) -> impl Iterator<Item = &CommandTime> {
        let commands = self.of_step.get(step).into_iter().flatten();
        commands.map(|index| &self.commands[*index])
    }

    /// How long commands ran in a machine's build directory.
    #[must_use]
    pub fn busy(&self, machine: &Machine) -> f64 {
        let commands = self.commands.iter();
        let own = commands.filter(|command| command.machine.as_ref() == Some(machine));
        // An empty sum of floating-point numbers is minus nought.
        own.map(|command| command.to - command.from)
            .fold(0.0, |sum, seconds| sum + seconds)
    }

    /// How long a machine waited for slower ones.
    #[must_use]
    pub fn idle(&self, machine: &Machine) -> f64 {
        let idle = self.steps.iter().flat_map(|step| &step.idle);
        let own = idle.filter(|idle| idle.machine == *machine);
        own.map(|idle| idle.seconds)
            .fold(0.0, |sum, seconds| sum + seconds)
    }
}

/// The records with their times on a clock that never went back: where the computer's was put back,
/// what follows goes on from there.
pub fn steady(records: &[Record]) -> impl Iterator<Item = (Timestamp, &Record)> {
    let mut before: Option<(Timestamp, Timestamp)> = None;
    records.iter().map(move |record| {
        let told = before.map_or(record.time, |(written, told)| {
            let passed = record.time.duration_since(written);
            told.checked_add(passed.max(jiff::SignedDuration::ZERO))
                .unwrap_or(told)
        });
        before = Some((record.time, told));
        (told, record)
    })
}

/// The run's journal begins after the upstream check, which it tells of with its length.
fn began(records: &[Record]) -> Option<Timestamp> {
    let starts = steady(records).filter_map(|(time, record)| match &record.event {
        Event::CommandFinished(end) => {
            let length = jiff::SignedDuration::try_from_secs_f64(end.seconds).ok()?;
            time.checked_sub(length).ok()
        }
        _ => Some(time),
    });
    starts.min()
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

struct Reader<'r> {
    began: Timestamp,
    seconds: f64,
    start: Option<&'r RunStart>,
    planned: f64,
    steps: Vec<StepTime>,
    /// Those of the steps that have not ended.
    open: Vec<usize>,
    /// Those that have, in the order in which they ended.
    done: Vec<usize>,
    /// When the latest record was written.
    latest: f64,
    /// When each group's last step ended.
    ended: HashMap<String, f64>,
    /// Which worker each group was with last.
    worker_of: HashMap<String, usize>,
    commands: Vec<CommandTime>,
}

impl<'r> Reader<'r> {
    fn new(began: Timestamp, seconds: f64) -> Self {
        Self {
            began,
            seconds,
            start: None,
            planned: 0.0,
            steps: Vec::new(),
            open: Vec::new(),
            done: Vec::new(),
            latest: 0.0,
            ended: HashMap::new(),
            worker_of: HashMap::new(),
            commands: Vec::new(),
        }
    }

    fn read(&mut self, time: Timestamp, record: &'r Record) {
        let at = seconds_between(self.began, time);
        let before = std::mem::replace(&mut self.latest, at);
        match &record.event {
            Event::Resumed(_) => self.broke_off(before),
            Event::RunStarted(start) => self.start = Some(start),
            Event::Planned { .. } => self.planned = at,
            Event::StepStarted {
                groups,
                step,
                action,
                seat,
            } => self.step_started(at, groups, (step, action), *seat),
            Event::StepFinished {
                groups,
                step,
                action,
                outcome,
                ..
            } => self.step_finished(at, groups, step, action, outcome),
            Event::CommandStarted {
                id,
                label,
                folder,
                group,
                machine,
                ..
            } => {
                let step = self.step_of_command(group.as_deref());
                let machine = machine.clone().or_else(|| self.machine_of(folder));
                self.commands.push(CommandTime {
                    id: *id,
                    label: label.clone(),
                    step,
                    machine,
                    from: at,
                    to: self.seconds,
                    exit: None,
                });
            }
            Event::CommandFinished(end) => self.command_finished(at, end),
            Event::RecipesRead { .. }
            | Event::Postponed { .. }
            | Event::GroupFinished { .. }
            | Event::WorkRemoved { .. }
            | Event::DiskMeasured { .. }
            | Event::Log { .. }
            | Event::RunFinished(_)
            | Event::Unknown => {}
        }
    }

    fn step_started(
        &mut self,
        at: f64,
        groups: &[String],
        (step, action): (&str, &str),
        seat: Option<usize>,
    ) {
        let worker = seat.unwrap_or_else(|| self.worker_for(groups));
        let waited = self.wait_of(groups, at);
        self.open.push(self.steps.len());
        let workers = groups.iter().map(|name| (name.clone(), worker));
        self.worker_of.extend(workers);
        self.steps.push(StepTime {
            groups: groups.to_vec(),
            step: step.to_owned(),
            action: action.to_owned(),
            from: at,
            to: self.seconds,
            end: StepEnd::Unknown,
            worker,
            waited,
            idle: Vec::new(),
        });
    }

    /// What was going on when the process died ended by then.
    fn broke_off(&mut self, at: f64) {
        for step in self.open.drain(..) {
            self.steps[step].to = at;
            self.done.push(step);
        }
        for command in self.commands.iter_mut().filter(|c| c.exit.is_none()) {
            command.to = command.to.min(at);
        }
    }

    /// The worker that had the group before, if that one is free, else the first that is.
    fn worker_for(&self, groups: &[String]) -> usize {
        let busy = |worker: &usize| {
            let mut open = self.open.iter();
            open.any(|step| self.steps[*step].worker == *worker)
        };
        let before = groups.first().and_then(|name| self.worker_of.get(name));
        let before = before.copied();
        let free = || (0..).find(|worker| !busy(worker)).unwrap_or(0);
        before.filter(|worker| !busy(worker)).unwrap_or_else(free)
    }

    /// How long groups had been ready for their next step.
    fn wait_of(&self, groups: &[String], at: f64) -> Option<Wait> {
        let ends = groups.iter().filter_map(|name| self.ended.get(name));
        let ready = ends.copied().fold(self.planned, f64::max);
        let seconds = at - ready;
        if groups.is_empty() || seconds < PAUSE {
            return None;
        }
        let is_other = |name: &&String| !groups.contains(name);
        let (behind, last) = if ready <= self.planned {
            // Whatever was begun at all, without looking at each of it for each group.
            let begun = groups
                .iter()
                .filter(|name| self.worker_of.contains_key(*name));
            let steps = self.steps.iter().rev();
            let mut names = steps.flat_map(|step| step.groups.iter().rev());
            (
                self.worker_of.len() - begun.count(),
                names.find(is_other).cloned(),
            )
        } else {
            let others = self.since(ready).into_iter();
            let others = others.flat_map(|step| &self.steps[step].groups);
            let others: Vec<&String> = others.filter(is_other).collect();
            (
                others.iter().collect::<HashSet<_>>().len(),
                others.last().map(|name| (*name).clone()),
            )
        };
        Some(Wait {
            seconds,
            behind,
            last,
        })
    }

    /// The steps that were under way after a time, in the order in which they began.
    fn since(&self, second: f64) -> Vec<usize> {
        let ended = self.done.iter().rev().copied();
        let ended = ended.take_while(|step| self.steps[*step].to > second);
        let mut steps: Vec<usize> = ended.chain(self.open.iter().copied()).collect();
        steps.sort_unstable();
        steps
    }

    fn step_finished(
        &mut self,
        at: f64,
        groups: &[String],
        step: &str,
        action: &str,
        outcome: &StepOutcome,
    ) {
        let is_it = |place: &usize| {
            let open = &self.steps[*place];
            open.groups == groups && open.step == step && open.action == action
        };
        let Some(place) = self.open.iter().position(is_it) else {
            return;
        };
        let index = self.open.remove(place);
        self.done.push(index);
        let idle = self.idle_in(index);
        self.ended
            .extend(groups.iter().map(|name| (name.clone(), at)));
        let known = &mut self.steps[index];
        known.to = at;
        known.idle = idle;
        known.end = match outcome.failed() {
            true => StepEnd::Failed,
            false => StepEnd::Good,
        };
    }

    /// Machines whose last command in a step ended well before another machine's.
    fn idle_in(&self, step: usize) -> Vec<Idle> {
        let mut ends: Vec<(&Machine, f64)> = Vec::new();
        let from = self.steps[step].from;
        let recent = self.commands.iter().rev().take_while(|c| c.from >= from);
        for command in recent.filter(|c| c.step == Some(step)) {
            let Some(machine) = &command.machine else {
                continue;
            };
            match ends.iter_mut().find(|(known, _)| *known == machine) {
                Some((_, end)) => *end = end.max(command.to),
                None => ends.push((machine, command.to)),
            }
        }
        let Some((slowest, last)) = ends.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return Vec::new();
        };
        let waiting = ends.into_iter().filter(|(_, end)| last - end >= PAUSE);
        let idle = waiting.map(|(machine, end)| Idle {
            machine: machine.clone(),
            for_machine: slowest.clone(),
            from: end,
            seconds: last - end,
        });
        idle.collect()
    }

    /// The step about the group that a command names; without a name, the only step under way.
    fn step_of_command(&self, group: Option<&str>) -> Option<usize> {
        match (group, self.open.as_slice()) {
            (None, [only]) => Some(*only),
            (None, _) => None,
            (Some(name), open) => {
                let is_it = |step: &&usize| self.steps[**step].groups.join(" ") == name;
                open.iter().find(is_it).copied()
            }
        }
    }

    /// The machine that builds in a folder, as build directories are named.
    fn machine_of(&self, folder: &Path) -> Option<Machine> {
        let start = self.start?;
        if folder == start.build_dir {
            return start.machines.first().cloned();
        }
        let name = folder.to_str()?;
        let suffix = name.strip_prefix(start.build_dir.to_str()?)?;
        let machine = suffix.strip_prefix('-')?;
        let is_it = |known: &&Machine| known.to_string() == machine;
        start.machines.iter().find(is_it).cloned()
    }

    fn command_finished(&mut self, at: f64, end: &CommandEnd) {
        let known = self.commands.iter_mut().rev().find(|c| c.id == end.id);
        if let Some(command) = known {
            command.to = at;
            command.exit = Some(end.exit);
            return;
        }
        // It ran before there was a journal.
        self.commands.push(CommandTime {
            id: end.id,
            label: end.label.clone(),
            step: None,
            machine: self.machine_of(&end.folder),
            from: (at - end.seconds).max(0.0),
            to: at,
            exit: Some(end.exit),
        });
    }

    fn finish(mut self) -> Timeline {
        for index in std::mem::take(&mut self.open) {
            self.steps[index].idle = self.idle_in(index);
        }
        self.commands.sort_by(|a, b| a.from.total_cmp(&b.from));
        let workers = self.steps.iter().map(|step| step.worker + 1).max();
        let mut of_step = vec![Vec::new(); self.steps.len()];
        for (index, command) in self.commands.iter().enumerate() {
            if let Some(step) = command.step {
                of_step[step].push(index);
            }
        }
        let mut of_group: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            for name in &step.groups {
                of_group.entry(name.clone()).or_default().push(index);
            }
        }
        Timeline {
            of_group,
            of_step,
            began: Some(self.began),
            seconds: self.seconds,
            workers: workers.unwrap_or(0),
            steps: self.steps,
            commands: self.commands,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_journal::Record;
    use serde_json::{Value, json};

    const NAMES: [&str; 2] = ["m1", "m2"];

    /// Records at these seconds.
    fn records(events: &[(u32, Value)]) -> Vec<Record> {
        let records = events.iter().map(|(second, event)| {
            let mut event = event.clone();
            event["time"] = json!(format!(
                "2026-01-01T00:{:02}:{:02}Z",
                second / 60,
                second % 60
            ));
            serde_json::from_value(event).unwrap()
        });
        records.collect()
    }

    #[test]
    fn a_clock_that_is_put_back_makes_no_time_negative() {
        let log = |message: &str| json!({"event": "log", "level": "info", "group": null, "message": message});
        let records = records(&[(50, log("a")), (60, log("b")), (3, log("c")), (8, log("d"))]);
        let told: Vec<f64> = steady(&records)
            .map(|(time, _)| seconds_between(records[0].time, time))
            .collect();
        assert_eq!(told, [0.0, 10.0, 10.0, 15.0]);
        assert_eq!(Timeline::of(&records).seconds, 15.0);
    }

    fn run_started() -> Value {
        json!({"event": "run-started", "format": 1, "auh": "0", "build_dir": "/b", "machines": NAMES,
               "pipeline": "p", "scheduler": "s", "recipes": []})
    }

    fn began(group: &str, step: &str) -> Value {
        json!({"event": "step-started", "groups": [group], "step": step, "action": "run"})
    }

    fn ended(group: &str, step: &str) -> Value {
        json!({"event": "step-finished", "groups": [group], "step": step, "action": "run",
               "outcome": {}, "seconds": 1.0})
    }

    fn command(id: u64, group: &str, machine: Option<&str>) -> Value {
        json!({"event": "command-started", "id": id, "label": "c", "argv": ["c"], "folder": "/x",
               "group": group, "machine": machine})
    }

    fn command_end(id: u64, folder: &str, seconds: f64) -> Value {
        json!({"event": "command-finished", "id": id, "label": "c", "folder": folder,
               "exit": {"code": 0}, "seconds": seconds})
    }

    fn plan() -> Value {
        json!({"event": "planned", "groups": []})
    }

    #[test]
    fn a_machine_waits_for_the_slower_one() {
        let timeline = Timeline::of(&records(&[
            (10, run_started()),
            (10, command_end(0, "/b", 10.0)),
            (10, plan()),
            (10, began("a", "build")),
            (11, command(1, "a", Some("m1"))),
            (11, command(2, "a", Some("m2"))),
            (20, command_end(1, "/x", 9.0)),
            (50, command_end(2, "/x", 39.0)),
            (50, ended("a", "build")),
        ]));
        assert_eq!(
            timeline.seconds, 50.0,
            "the check before the journal counts"
        );
        assert_eq!(timeline.commands[0].from, 0.0);
        let idle = &timeline.steps[0].idle;
        assert_eq!((idle.len(), idle[0].seconds), (1, 30.0));
        assert_eq!(idle[0].machine.to_string(), "m1");
        assert_eq!(idle[0].for_machine.to_string(), "m2");
        assert_eq!(timeline.busy(&idle[0].machine), 10.0 + 9.0);
        assert_eq!(timeline.idle(&idle[0].machine), 30.0);
    }

    #[test]
    fn groups_side_by_side_have_workers_of_their_own_and_wait_in_turn() {
        let timeline = Timeline::of(&records(&[
            (0, run_started()),
            (0, plan()),
            (0, began("a", "one")),
            (0, began("b", "one")),
            (5, command(1, "b", None)),
            (10, ended("a", "one")),
            (12, began("c", "one")),
            (20, ended("b", "one")),
            (20, ended("c", "one")),
            (20, began("b", "two")),
            (30, began("a", "two")),
        ]));
        let workers: Vec<_> = timeline.steps.iter().map(|step| step.worker).collect();
        assert_eq!((workers, timeline.workers), (vec![0, 1, 0, 1, 0], 2));
        assert_eq!(timeline.commands[0].step, Some(1));
        let waits: Vec<_> = timeline
            .steps
            .iter()
            .map(|step| step.waited.clone())
            .collect();
        let wait = |seconds, behind, last: &str| {
            Some(Wait {
                seconds,
                behind,
                last: Some(last.to_owned()),
            })
        };
        assert_eq!(waits[..2], [None, None]);
        assert_eq!(waits[2], wait(12.0, 2, "b"));
        assert_eq!(waits[3], None);
        assert_eq!(waits[4], wait(20.0, 2, "b"));
        assert_eq!(
            timeline.steps[4].end,
            StepEnd::Unknown,
            "the journal was cut"
        );
        assert_eq!(timeline.steps_of("a").count(), 2);
    }

    #[test]
    fn seats_are_workers_whatever_ran_at_the_same_time() {
        let on = |seat: u32, mut event: Value| {
            event["seat"] = json!(seat);
            event
        };
        let timeline = Timeline::of(&records(&[
            (0, run_started()),
            (0, plan()),
            (0, on(1, began("a", "one"))),
            (5, ended("a", "one")),
            (6, on(2, began("a", "two"))),
            (7, on(0, began("b", "one"))),
        ]));
        let workers: Vec<_> = timeline.steps.iter().map(|step| step.worker).collect();
        assert_eq!((workers, timeline.workers), (vec![1, 2, 0], 3));
    }

    #[test]
    fn a_folder_tells_the_machine_of_an_older_journal() {
        let mut old = command(7, "a", None);
        old["folder"] = json!("/b-m2");
        let timeline = Timeline::of(&records(&[(0, run_started()), (3, old)]));
        assert_eq!(
            timeline.commands[0].machine.as_ref().unwrap().to_string(),
            "m2"
        );
        assert_eq!(timeline.commands[0].exit, None);
        assert_eq!(Timeline::of(&[]), Timeline::default());
        let unused = "m1".parse().unwrap();
        assert_eq!(format!("{:.0}", timeline.busy(&unused)), "0");
    }
}
