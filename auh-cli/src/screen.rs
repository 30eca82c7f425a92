//! What people see while a run goes on: on a terminal one moving line per group and machine at
//! work, otherwise plain lines, never silent for long. Goes to standard error; results go to standard output.

use crate::terminal;
use auh_engine::{Live, Watcher};
use auh_journal::{Event, Record};
use auh_protocol::{Machine, host::Level, step::label};
use auh_report::{Story, duration, log_line, outcome_line};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::Path,
    sync::mpsc::{Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Without a terminal: how long nothing may be said while something runs.
const QUIET: Duration = Duration::from_secs(5);

/// Shows a run and writes its log for people.
pub(crate) struct Screen {
    /// What has happened so far.
    pub story: Story,
    level: Level,
    log: Option<File>,
    show: Show,
}

enum Show {
    Moving(Moving),
    Plain(Plain),
}

impl Screen {
    /// A screen that also adds to the log file. `level` says how much both tell.
    pub(crate) fn new(log: &Path, level: Level) -> Self {
        let log = File::options()
            .append(true)
            .create(true)
            .open(log)
            .map_err(|error| terminal::warning(&format!("cannot write {}: {error}", log.display())))
            .ok();
        Self {
            story: Story::default(),
            level,
            log,
            show: if terminal::is_watched() {
                Show::Moving(Moving::new())
            } else {
                Show::Plain(Plain::new())
            },
        }
    }

    /// Clears what moves; the summary comes next.
    pub(crate) fn end(self) -> Story {
        self.story
    }

    /// A line of its own, above what moves.
    pub(crate) fn say(&self, text: &str) {
        match &self.show {
            Show::Moving(moving) => {
                let _ = moving.bars.println(terminal::harmless(text));
            }
            Show::Plain(_) => terminal::note(text),
        }
    }

    fn write_log(&mut self, record: &Record) {
        let wanted = match &record.event {
            Event::Log { level, .. } => *level <= self.level,
            Event::CommandStarted { .. } | Event::CommandFinished(_) => self.level >= Level::Debug,
            _ => true,
        };
        if let (true, Some(log), Some(line)) = (wanted, &mut self.log, log_line(record)) {
            // The journal has everything; a log that cannot be written stops nothing.
            let _ = writeln!(log, "{line}");
        }
    }
}

impl Watcher for Screen {
    fn record(&mut self, record: &Record) {
        self.story.absorb(record);
        self.write_log(record);
        match &record.event {
            Event::CommandStarted { label, .. } => self.show.command_started(label),
            Event::CommandFinished(end) => self.show.command_ended(end.id, &end.label),
            Event::StepStarted {
                groups,
                step,
                action,
                ..
            } => {
                // As the plan names it, so that two actions of one plugin differ.
                let step = label(step, action);
                self.show.step_started(&groups.join(" "), &step);
            }
            Event::StepFinished { groups, .. } => self.show.step_ended(&groups.join(" ")),
            Event::Log {
                level,
                group,
                message,
            } if *level <= self.level.min(Level::Warning) => {
                let group = group
                    .as_ref()
                    .map(|group| format!("{group}: "))
                    .unwrap_or_default();
                self.say(&format!("{group}{message}"));
            }
            Event::GroupFinished { group, .. } => {
                if let Some(chapter) = self.story.chapter(group) {
                    self.say(&outcome_line(chapter));
                }
            }
            _ => {}
        }
    }

    fn live(&mut self, live: &Live) {
        self.show.live(live);
    }

    fn idle(&mut self) {
        if let Show::Plain(plain) = &mut self.show {
            plain.idle();
        }
    }
}

impl Show {
    fn step_started(&mut self, group: &str, step: &str) {
        match self {
            Self::Moving(moving) => moving.head.set_message(format!("{group}: {step}")),
            Self::Plain(plain) => plain.now(format!("{group}: {step}")),
        }
    }

    fn command_started(&mut self, label: &str) {
        match self {
            Self::Moving(moving) => {
                moving.head.reset_elapsed();
                moving.head.set_message(terminal::harmless(label));
            }
            Self::Plain(plain) => plain.command_started(label),
        }
    }

    fn command_ended(&mut self, id: u64, label: &str) {
        if let Self::Plain(plain) = self {
            plain.command_ended(id, label);
        }
    }

    fn step_ended(&mut self, group: &str) {
        match self {
            Self::Moving(moving) => moving.forget(group),
            Self::Plain(plain) => plain.lines.retain(|at, _| at.group != group),
        }
    }

    fn live(&mut self, live: &Live) {
        match self {
            Self::Moving(moving) => moving.live(live),
            Self::Plain(plain) => plain.live(live),
        }
    }
}

/// What a line is about: groups are at work at the same time, and each on several machines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    group: String,
    machine: Option<Machine>,
}

impl At {
    fn of(live: &Live) -> Self {
        Self {
            group: live.group.clone(),
            machine: live.machine.clone(),
        }
    }
}

/// On a terminal.
struct Moving {
    bars: MultiProgress,
    head: ProgressBar,
    lines: BTreeMap<At, ProgressBar>,
}

impl Moving {
    fn new() -> Self {
        let bars = MultiProgress::new();
        let head = bars.add(ProgressBar::new_spinner().with_style(spinner()));
        head.enable_steady_tick(Duration::from_millis(200));
        Self {
            bars,
            head,
            lines: BTreeMap::new(),
        }
    }

    fn live(&mut self, live: &Live) {
        let new = || {
            let machine = live.machine.as_ref();
            let name = machine.map_or_else(String::new, ToString::to_string);
            self.bars.add(ProgressBar::new(0).with_prefix(name))
        };
        let bar = self.lines.entry(At::of(live)).or_insert_with(new);
        // A bar of nothing would look finished.
        bar.set_style(if live.total == 0 {
            counting()
        } else {
            counted()
        });
        bar.set_length(live.total);
        bar.set_position(live.current);
        bar.set_message(terminal::harmless(&said(live)));
    }

    fn forget(&mut self, group: &str) {
        for (_, bar) in self.lines.extract_if(.., |at, _| at.group == group) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

/// What is being done, with the group that it is done for unless it says so itself, or is about all.
fn said(live: &Live) -> String {
    let Live { group, text, .. } = live;
    match text.starts_with(group.as_str()) || group.contains(' ') {
        true => text.clone(),
        false => format!("{group}: {text}"),
    }
}

/// Whatever ends the run: what is printed next finds a clean line.
impl Drop for Moving {
    fn drop(&mut self) {
        self.head.finish_and_clear();
        let _ = self.bars.clear();
    }
}

/// Without a terminal.
struct Plain {
    commands: Vec<(String, Instant)>,
    /// What is said of each, and by which command.
    lines: BTreeMap<At, (Option<u64>, String)>,
    spoke: Instant,
}

impl Plain {
    fn new() -> Self {
        Self {
            commands: Vec::new(),
            lines: BTreeMap::new(),
            spoke: Instant::now(),
        }
    }

    fn now(&mut self, text: String) {
        terminal::note(&text);
        self.spoke = Instant::now();
    }

    fn command_started(&mut self, label: &str) {
        self.commands.push((label.to_owned(), Instant::now()));
    }

    fn command_ended(&mut self, id: u64, label: &str) {
        if let Some(place) = self
            .commands
            .iter()
            .position(|(running, _)| running == label)
        {
            self.commands.remove(place);
        }
        self.lines.retain(|_, (command, _)| *command != Some(id));
    }

    fn live(&mut self, live: &Live) {
        let name = live
            .machine
            .as_ref()
            .map_or_else(String::new, |machine| format!(" for {machine}"));
        let count = if live.total > 0 {
            format!("task {} of {}, ", live.current, live.total)
        } else {
            String::new()
        };
        let line = format!("{}{name}: {count}{}", live.group, live.text);
        self.lines.insert(At::of(live), (live.command, line));
        if self.spoke.elapsed() >= QUIET {
            self.speak();
        }
    }

    fn idle(&mut self) {
        if self.spoke.elapsed() >= QUIET {
            self.speak();
        }
    }

    /// What runs, and how far it is.
    fn speak(&mut self) {
        for (_, line) in self.lines.values() {
            terminal::note(&format!("  {line}"));
        }
        if self.lines.is_empty() {
            for (label, since) in &self.commands {
                terminal::note(&format!(
                    "  {label}, {} so far",
                    duration(since.elapsed().as_secs_f64())
                ));
            }
        }
        self.spoke = Instant::now();
    }
}

/// Something that takes a while and says nothing by itself.
pub(crate) struct Waiting {
    spinner: Option<ProgressBar>,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Waiting {
    /// Says what is being waited for, and that it goes on.
    pub(crate) fn begin(what: &'static str) -> Self {
        if terminal::is_watched() {
            let spinner = ProgressBar::new_spinner()
                .with_style(spinner())
                .with_message(what);
            spinner.enable_steady_tick(Duration::from_millis(200));
            return Self {
                spinner: Some(spinner),
                ticker: None,
            };
        }
        terminal::note(what);
        let (end, ended) = channel::<()>();
        let began = Instant::now();
        let ticker = std::thread::spawn(move || {
            while ended
                .recv_timeout(QUIET)
                .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                terminal::note(&format!(
                    "  {what}, {} so far",
                    duration(began.elapsed().as_secs_f64())
                ));
            }
        });
        Self {
            spinner: None,
            ticker: Some((end, ticker)),
        }
    }

    /// It is over.
    pub(crate) fn end(self) {}
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        if let Some((end, ticker)) = self.ticker.take() {
            drop(end);
            let _ = ticker.join();
        }
    }
}

fn spinner() -> ProgressStyle {
    style("{spinner} {wide_msg} {elapsed:>6}")
}

fn counted() -> ProgressStyle {
    style("  {prefix:16} {bar:20} {pos:>4}/{len:4} {wide_msg}")
}

fn counting() -> ProgressStyle {
    style("  {prefix:16} {wide_msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
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
        plain
            .lines
            .values()
            .map(|(_, line)| line.as_str())
            .collect()
    }

    #[test]
    fn groups_at_work_on_the_same_machine_have_a_line_each() {
        let mut plain = Plain::new();
        for (group, command) in [("hello", 1), ("ghello", 2)] {
            plain.command_started(group);
            plain.live(&live(group, command, "do_compile"));
        }
        let [other, one] = ["ghello", "hello"]
            .map(|group| format!("{group} for qemux86-64: task 1 of 2, do_compile"));
        assert_eq!(lines(&plain), [&other, &one]);
        plain.command_ended(1, "hello");
        assert_eq!(lines(&plain), [&other]);
        let mut show = Show::Plain(plain);
        show.step_ended("hello");
        let Show::Plain(plain) = &show else { return };
        assert_eq!(lines(plain), [&other]);
        show.step_ended("ghello");
        let Show::Plain(plain) = show else { return };
        assert!(plain.lines.is_empty());
    }

    #[test]
    fn a_moving_line_names_its_group_once() {
        assert_eq!(
            said(&live("hello", 1, "hello: do_compile")),
            "hello: do_compile"
        );
        assert_eq!(
            said(&live("hello", 1, "parsing recipes")),
            "hello: parsing recipes"
        );
        assert_eq!(
            said(&live("a b c", 1, "parsing recipes")),
            "parsing recipes"
        );
    }
}
