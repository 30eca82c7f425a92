//! What is going on in a run, as lines for a terminal of any width: one for each group under way and
//! machine that it builds for, and one about the run as a whole. Nothing here prints.

use super::shortened;
use crate::terminal::{
    harmless,
    width::{fitted, width},
};
use auh_engine::Live;
use auh_protocol::Machine;
use auh_report::{Experience, Planned, UnderWay, duration};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What earlier runs say about how long the rest takes.
#[derive(Debug, Clone)]
pub(crate) struct Forecast {
    /// What earlier runs took.
    pub experience: Experience,
    /// What this one is about.
    pub planned: Planned,
}

/// What is going on in a run.
#[derive(Debug)]
pub(super) struct Board {
    began: Instant,
    /// How many groups there are; 0 until that is known.
    pub total: usize,
    /// The groups that are done, by name.
    finished: Vec<String>,
    failed: usize,
    /// What is done now, by the groups it is done for.
    work: BTreeMap<String, Work>,
    /// The steps that each group under way has behind it.
    behind: BTreeMap<String, Vec<String>>,
    forecast: Option<Forecast>,
}

/// A step under way.
#[derive(Debug)]
struct Work {
    step: String,
    since: Instant,
    /// By number.
    commands: BTreeMap<u64, (String, Instant)>,
    machines: BTreeMap<Option<Machine>, Live>,
}

/// A line before it is known how wide its columns are.
struct Row {
    group: String,
    machine: String,
    counter: Option<(u64, u64)>,
    text: String,
    seconds: f64,
}

impl Board {
    pub(super) fn new(forecast: Option<Forecast>) -> Self {
        Self {
            began: Instant::now(),
            total: 0,
            finished: Vec::new(),
            failed: 0,
            work: BTreeMap::new(),
            behind: BTreeMap::new(),
            forecast,
        }
    }

    pub(super) fn step_started(&mut self, groups: &[String], step: String) {
        let work = Work {
            step,
            since: Instant::now(),
            commands: BTreeMap::new(),
            machines: BTreeMap::new(),
        };
        self.work.insert(groups.join(" "), work);
    }

    pub(super) fn step_ended(&mut self, groups: &[String]) {
        let Some(work) = self.work.remove(&groups.join(" ")) else {
            return;
        };
        for group in groups {
            let behind = self.behind.entry(group.clone()).or_default();
            behind.push(work.step.clone());
        }
    }

    pub(super) fn command_started(&mut self, id: u64, group: Option<&str>, label: &str) {
        if let Some(work) = self.work.get_mut(group.unwrap_or_default()) {
            work.commands.insert(id, (label.to_owned(), Instant::now()));
        }
    }

    pub(super) fn command_ended(&mut self, id: u64) {
        for work in self.work.values_mut() {
            work.commands.remove(&id);
            work.machines.retain(|_, live| live.command != Some(id));
        }
    }

    pub(super) fn live(&mut self, live: &Live) {
        if let Some(work) = self.work.get_mut(&live.group) {
            work.machines.insert(live.machine.clone(), live.clone());
        }
    }

    pub(super) fn group_finished(&mut self, group: &str, failed: bool) {
        self.behind.remove(group);
        self.finished.push(group.to_owned());
        self.failed += usize::from(failed);
    }

    /// Whether nothing is known yet that could be shown.
    pub(super) fn is_empty(&self) -> bool {
        self.total == 0 && self.work.is_empty()
    }

    /// The lines for a terminal of so many columns, at a moment.
    pub(super) fn lines(&self, columns: usize, now: Instant) -> Vec<String> {
        let rows: Vec<Row> = self.work.iter().flat_map(|work| rows(work, now)).collect();
        let columns = columns.saturating_sub(1);
        let widest = |cell: fn(&Row) -> &str, most: usize| {
            let widths = rows.iter().map(|row| width(cell(row)));
            widths.max().unwrap_or(0).min(most)
        };
        // At 40 columns there is room for the beginnings of names.
        let group = widest(|row| &row.group, (columns / 4).clamp(8, 32));
        let machine = widest(|row| &row.machine, (columns / 5).clamp(6, 24));
        let bar = if columns >= 100 { 20 } else { 0 };
        let mut lines: Vec<String> = rows
            .iter()
            .map(|row| row.line([group, machine, bar, columns]))
            .collect();
        lines.push(self.standing(now));
        lines
    }

    /// How far the run is as a whole: `3 of 12 groups done, 1 failed, 2 min 3 s so far, about 8 min left`.
    pub(super) fn standing(&self, now: Instant) -> String {
        let so_far = now.saturating_duration_since(self.began).as_secs_f64();
        let mut parts = Vec::new();
        if self.total > 0 {
            let word = if self.total == 1 { "group" } else { "groups" };
            let done = self.finished.len();
            parts.push(format!("{done} of {} {word} done", self.total));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        parts.extend(self.rest(now).map(|rest| format!("{} left", roughly(rest))));
        parts.push(format!("{} so far", duration(so_far)));
        parts.join(", ")
    }

    /// How many seconds the rest will take, as earlier runs say.
    fn rest(&self, now: Instant) -> Option<f64> {
        let Forecast {
            experience,
            planned,
        } = self.forecast.as_ref()?;
        let current = |group: &str| {
            let mut works = self.work.iter();
            let found = works.find(|(groups, _)| groups.split(' ').any(|name| name == group))?;
            let since = now.saturating_duration_since(found.1.since);
            Some((found.1.step.clone(), since.as_secs_f64()))
        };
        let names = planned.groups.iter();
        let open = names.filter(|group| !self.finished.contains(group));
        let (mut under_way, mut waiting) = (Vec::new(), Vec::new());
        for group in open {
            let behind = self.behind.get(group);
            let current = current(group);
            if behind.is_none() && current.is_none() {
                waiting.push(group.clone());
            } else {
                under_way.push(UnderWay {
                    group: group.clone(),
                    behind: behind.cloned().unwrap_or_default(),
                    current,
                });
            }
        }
        experience.rest(planned, &under_way, &waiting)
    }
}

/// The lines of a step under way.
fn rows((groups, work): (&String, &Work), now: Instant) -> Vec<Row> {
    let group = harmless(&shortened(groups));
    let seconds = |since: Instant| now.saturating_duration_since(since).as_secs_f64();
    let row = |machine: String, counter, text: &str, since| Row {
        group: group.clone(),
        machine,
        counter,
        text: harmless(text),
        seconds: seconds(since),
    };
    if work.machines.is_empty() {
        // The newest command says most.
        let (label, since) = match work.commands.values().next_back() {
            Some((label, since)) => (label.as_str(), *since),
            None => (work.step.as_str(), work.since),
        };
        return vec![row(String::new(), None, label, since)];
    }
    let machines = work.machines.iter().map(|(machine, live)| {
        let machine = machine
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        // The group stands in front of the line already.
        let own = format!("{}: ", live.group);
        let text = live.text.strip_prefix(&own).unwrap_or(&live.text);
        let since = live.command.and_then(|id| work.commands.get(&id));
        let since = since.map_or(work.since, |(_, since)| *since);
        let counter = (live.total > 0).then_some((live.current, live.total));
        row(machine, counter, text, since)
    });
    machines.collect()
}

impl Row {
    fn line(&self, [group, machine, bar, columns]: [usize; 4]) -> String {
        let mut start = fitted(&self.group, group) + "  ";
        if machine > 0 {
            start += &fitted(&self.machine, machine);
            start += "  ";
        }
        if let Some((current, total)) = self.counter {
            if bar > 0 {
                start += &drawn(current, total, bar);
                start += " ";
            }
            start += &format!("{current:>4}/{total:<4}  ");
        }
        let end = duration(self.seconds);
        let room = columns.saturating_sub(width(&start) + 2 + width(&end));
        // Where there is little room the task says more than the clock.
        if room < 10 {
            return start + &self.text;
        }
        format!("{start}{}  {end}", fitted(&self.text, room))
    }
}

/// A bar of so many columns.
fn drawn(current: u64, total: u64, columns: usize) -> String {
    let done = current.min(total) as usize * columns / total.max(1) as usize;
    format!("{}{}", "█".repeat(done), "░".repeat(columns - done))
}

/// A time that is only guessed, without a precision that it has not.
fn roughly(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    match seconds {
        ..60.0 => "less than a minute".to_owned(),
        ..5400.0 => format!("about {minutes} min"),
        _ => format!("about {:.1} h", seconds / 3600.0),
    }
}

/// How long a picture stands before the next one is drawn.
pub(super) const PICTURE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
