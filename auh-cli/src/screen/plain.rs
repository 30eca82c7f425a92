//! A run in lines that stay: for files, pipes and terminals that cannot move their cursor. Never
//! silent for long.

use super::{SILENCE, shortened};
use crate::terminal;
use auh_engine::Live;
use auh_protocol::Machine;
use auh_report::duration;
use std::{collections::BTreeMap, time::Instant};

/// What a line is about: groups are at work at the same time, and each on several machines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    group: String,
    machine: Option<Machine>,
}

/// What was said, and what would be said now.
#[derive(Debug)]
pub(super) struct Plain {
    /// Steps that were begun and not said yet: many have nothing to do, and end at once.
    unsaid: BTreeMap<String, String>,
    commands: Vec<(String, Instant)>,
    /// What is said of each, and by which command.
    lines: BTreeMap<At, (Option<u64>, String)>,
    spoke: Instant,
}

impl Plain {
    pub(super) fn new() -> Self {
        Self {
            unsaid: BTreeMap::new(),
            commands: Vec::new(),
            lines: BTreeMap::new(),
            spoke: Instant::now(),
        }
    }

    /// A step has begun. It is said as soon as it is seen to do something.
    pub(super) fn step_started(&mut self, groups: &str, step: &str) {
        let name = shortened(groups);
        let line = match name.is_empty() {
            true => step.to_owned(),
            false => format!("{name}: {step}"),
        };
        self.unsaid.insert(groups.to_owned(), line);
    }

    pub(super) fn step_ended(&mut self, groups: &str) {
        self.unsaid.remove(groups);
        self.lines.retain(|at, _| at.group != groups);
    }

    pub(super) fn command_started(&mut self, group: &str, label: &str) {
        self.commands.push((label.to_owned(), Instant::now()));
        self.announce(group);
    }

    pub(super) fn command_ended(&mut self, id: u64, label: &str) {
        let ended = |(running, _): &(String, Instant)| running == label;
        if let Some(place) = self.commands.iter().position(ended) {
            self.commands.remove(place);
        }
        self.lines.retain(|_, (command, _)| *command != Some(id));
    }

    pub(super) fn live(&mut self, live: &Live) {
        self.announce(&live.group);
        let machine = live.machine.as_ref();
        let machine = machine.map_or_else(String::new, |machine| format!(" for {machine}"));
        let count = match live.total {
            0 => String::new(),
            total => format!("task {} of {total}, ", live.current),
        };
        let line = format!("{}{machine}: {count}{}", shortened(&live.group), live.text);
        let at = At {
            group: live.group.clone(),
            machine: live.machine.clone(),
        };
        self.lines.insert(at, (live.command, line));
    }

    /// Says what is going on if nothing was said for a while; `standing` is how far the run is.
    pub(super) fn after_silence(&mut self, standing: &str) {
        if self.spoke.elapsed() < SILENCE {
            return;
        }
        let slow: Vec<String> = self.unsaid.keys().cloned().collect();
        for groups in slow {
            self.announce(&groups);
        }
        for (_, line) in self.lines.values() {
            terminal::progress(&format!("  {line}"));
        }
        if self.lines.is_empty() {
            for (label, since) in &self.commands {
                let so_far = duration(since.elapsed().as_secs_f64());
                terminal::progress(&format!("  {label}, {so_far} so far"));
            }
        }
        terminal::progress(&format!("  {standing}"));
        self.spoke = Instant::now();
    }

    fn announce(&mut self, groups: &str) {
        if let Some(line) = self.unsaid.remove(groups) {
            terminal::progress(&line);
            self.spoke = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(group: &str, command: u64, text: &str) -> Live {
        Live {
            group: group.to_owned(),
            machine: Some("qemux86-64".parse().unwrap()),
            current: 1,
            total: 2,
            text: text.to_owned(),
            command: Some(command),
        }
    }

    fn lines(plain: &Plain) -> Vec<&str> {
        let lines = plain.lines.values();
        lines.map(|(_, line)| line.as_str()).collect()
    }

    #[test]
    fn groups_at_work_on_the_same_machine_have_a_line_each() {
        let mut plain = Plain::new();
        for (group, command) in [("hello", 1), ("ghello", 2)] {
            plain.command_started(group, group);
            plain.live(&live(group, command, "do_compile"));
        }
        let [other, one] = ["ghello", "hello"]
            .map(|group| format!("{group} for qemux86-64: task 1 of 2, do_compile"));
        assert_eq!(lines(&plain), [&other, &one]);
        plain.command_ended(1, "hello");
        assert_eq!(lines(&plain), [&other]);
        plain.step_ended("hello");
        assert_eq!(lines(&plain), [&other]);
        plain.step_ended("ghello");
        assert!(plain.lines.is_empty());
    }

    #[test]
    fn a_step_that_does_nothing_is_not_said() {
        let mut plain = Plain::new();
        plain.step_started("hello", "revert");
        plain.step_ended("hello");
        assert!(plain.unsaid.is_empty());
        plain.step_started("hello", "build");
        plain.command_started("other", "x");
        assert_eq!(plain.unsaid.len(), 1);
        plain.command_started("hello", "x");
        assert!(plain.unsaid.is_empty());
    }
}
