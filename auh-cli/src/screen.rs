//! What people see while a run goes on: on a terminal a line for each group and machine at work that
//! moves, otherwise plain lines, never silent for long; and one for each finished group that stays.
//! Goes to standard error; results go to standard output.

mod board;
mod plain;
mod waiting;

pub(crate) use board::Forecast;
pub(crate) use waiting::Waiting;

use crate::terminal::{self, Loudness, colour::Colour, panel};
use auh_engine::{Live, Watcher};
use auh_journal::{Event, GroupVerdict, Record};
use auh_protocol::{host::Level, step::label};
use auh_report::{Chapter, Story, duration, log_line, outcome_line};
use board::{Board, PICTURE};
use plain::Plain;
use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

/// Without a terminal: how long nothing may be said while something runs.
const SILENCE: Duration = Duration::from_secs(5);

/// Shows a run and writes its log for people.
pub(crate) struct Screen {
    /// What has happened so far.
    pub story: Story,
    level: Level,
    log: Option<File>,
    board: Board,
    show: Show,
}

enum Show {
    /// On a terminal, with the time of the last picture.
    Moving(Option<Instant>),
    Plain(Plain),
    /// Warnings and errors only.
    Quiet,
}

impl Screen {
    /// A screen that also adds to the log file. `level` says how much both tell; `forecast` is what
    /// earlier runs say about this one.
    pub(crate) fn new(log: &Path, level: Level, forecast: Option<Forecast>) -> Self {
        let log = File::options()
            .append(true)
            .create(true)
            .open(log)
            .map_err(|error| terminal::warning(&format!("cannot write {}: {error}", log.display())))
            .ok();
        let show = match (terminal::loudness(), terminal::is_watched()) {
            (Loudness::Quiet, _) => Show::Quiet,
            (_, true) => Show::Moving(None),
            (_, false) => Show::Plain(Plain::new()),
        };
        Self {
            story: Story::default(),
            level,
            log,
            board: Board::new(forecast),
            show,
        }
    }

    /// Clears what moves; the summary comes next.
    pub(crate) fn end(mut self) -> Story {
        std::mem::take(&mut self.story)
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

    /// Keeps in mind what is going on.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::Planned { groups, .. } => self.board.total = groups.len(),
            Event::CommandStarted {
                id, group, label, ..
            } => {
                self.board.command_started(*id, group.as_deref(), label);
                if let Show::Plain(plain) = &mut self.show {
                    plain.command_started(group.as_deref().unwrap_or_default(), label);
                }
            }
            Event::CommandFinished(end) => {
                self.board.command_ended(end.id);
                if let Show::Plain(plain) = &mut self.show {
                    plain.command_ended(end.id, &end.label);
                }
            }
            Event::StepStarted {
                groups,
                step,
                action,
                ..
            } => {
                // As the plan names it, so that two actions of one plugin differ.
                let step = label(step, action);
                if let Show::Plain(plain) = &mut self.show {
                    plain.step_started(&groups.join(" "), &step);
                }
                self.board.step_started(groups, step);
            }
            Event::StepFinished { groups, .. } => {
                self.board.step_ended(groups);
                if let Show::Plain(plain) = &mut self.show {
                    plain.step_ended(&groups.join(" "));
                }
            }
            Event::GroupFinished { group, verdict, .. } => {
                self.board
                    .group_finished(group, *verdict == GroupVerdict::Failed);
            }
            _ => {}
        }
    }

    /// Says what stays.
    fn say(&self, event: &Event) {
        let verbose = terminal::loudness() == Loudness::Verbose;
        match event {
            Event::Log {
                level,
                group,
                message,
            } if *level <= self.loudest(verbose) => {
                let group = group.as_ref().map(|group| format!("{group}: "));
                terminal::note(&format!("{}{message}", group.unwrap_or_default()));
            }
            Event::CommandStarted { argv, group, .. } if verbose => {
                let group = group.as_ref().map(|group| format!("{group}: "));
                let words = argv.join(" ");
                terminal::note(&format!("{}$ {words}", group.unwrap_or_default()));
            }
            Event::CommandFinished(end) if verbose => {
                let seconds = duration(end.seconds);
                terminal::note(&format!("{} took {seconds}", end.label));
            }
            Event::GroupFinished { group, .. } => {
                if let Some(chapter) = self.story.chapter(group) {
                    self.say_outcome(chapter);
                }
            }
            _ => {}
        }
    }

    /// What of the log is said.
    fn loudest(&self, verbose: bool) -> Level {
        match verbose {
            true => self.level.max(Level::Info),
            false => self.level.min(Level::Warning),
        }
    }

    fn say_outcome(&self, chapter: &Chapter) {
        if matches!(self.show, Show::Quiet) {
            return;
        }
        let colour = match chapter.verdict {
            Some(GroupVerdict::Succeeded) => Colour::Green,
            Some(GroupVerdict::Failed) => Colour::Red,
            Some(GroupVerdict::Stopped) => Colour::Yellow,
            Some(GroupVerdict::Skipped) | None => Colour::Faint,
        };
        terminal::marked(&outcome_line(chapter), colour);
    }

    fn clear(&self) {
        if matches!(self.show, Show::Moving(_)) {
            panel::show(&[]);
        }
    }

    /// A new picture of what moves, unless the last one is too fresh.
    fn draw(&mut self, at_once: bool) {
        let Show::Moving(drawn) = &mut self.show else {
            return;
        };
        let fresh = drawn.is_some_and(|drawn| drawn.elapsed() < PICTURE);
        if !self.board.is_empty() && (at_once || !fresh) {
            let now = Instant::now();
            *drawn = Some(now);
            panel::show(&self.board.lines(panel::Size::now().columns, now));
        }
    }
}

impl Watcher for Screen {
    fn record(&mut self, record: &Record) {
        self.story.absorb(record);
        self.write_log(record);
        self.follow(&record.event);
        // What is said of a finished group stands above lines that know of it.
        self.draw(matches!(record.event, Event::GroupFinished { .. }));
        self.say(&record.event);
        if matches!(record.event, Event::RunFinished(_)) {
            self.clear();
        }
    }

    fn live(&mut self, live: &Live) {
        self.board.live(live);
        self.draw(false);
        if let Show::Plain(plain) = &mut self.show {
            plain.live(live);
            plain.after_silence(&self.board.standing(Instant::now()));
        }
    }

    fn idle(&mut self) {
        self.draw(true);
        if let Show::Plain(plain) = &mut self.show {
            plain.after_silence(&self.board.standing(Instant::now()));
        }
    }
}

/// Whatever ends the run: what is printed next finds a clean line.
impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Groups at work together, by the first of them; their names have blanks between them.
fn shortened(groups: &str) -> String {
    match groups.split_once(' ') {
        Some((first, others)) => format!("{first} and {} more", others.split(' ').count()),
        None => groups.to_owned(),
    }
}
