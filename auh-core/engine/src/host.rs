//! The host as a step sees it: runs commands in build directories, logs, tells of progress.

use crate::{Live, Stop, leash::Leash, run::Message};
use auh_journal::{CommandEnd, Event, ParseEvent};
use auh_loader::HostCalls;
use auh_oe::{BuildDirs, WorkPlace};
use auh_process::{Command, Finished, OutputLine};
use auh_protocol::{
    Machine,
    host::{CommandResult, Exit, Level, LogLine, Place, PrepareBuildDir, Progress, RunCommand, op},
};
use auh_transcript::progress;
use serde_json::Value;
use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::Sender,
    },
    time::{Duration, Instant, SystemTime},
};

/// What all steps of a run share.
pub(crate) struct Shared {
    pub stop: Stop,
    /// How long a command may take that names no limit of its own.
    pub command_limit: Option<Duration>,
    /// How long a command that is being stopped may take before it is killed.
    pub stop_grace: Duration,
    /// The number of the next command.
    pub commands: AtomicU64,
}

/// The host of one call of one step.
pub(crate) struct StepHost {
    pub shared: Arc<Shared>,
    /// The build directories of the seat in which the step works.
    pub dirs: Arc<BuildDirs>,
    pub messages: Sender<Message>,
    /// The group, or the groups joined: for the log; none for the run as a whole.
    pub group: Option<String>,
    /// True for a step that cleans up after the run was asked to stop: its commands still run.
    pub cleanup: bool,
    /// How long the step may take.
    pub leash: Arc<Leash>,
    /// How much the step has said so far.
    pub said: Said,
}

/// How many lines a call of a step may log, and how long each may be; a plugin that says more has
/// lost its way, and must not fill the disk.
const MOST_LINES: u64 = 10_000;
const LONGEST_LINE: usize = 16 << 10;
/// How often it may say how far it is: nobody sees more.
const BETWEEN_PROGRESS: Duration = Duration::from_millis(20);

/// What a call of a step has said so far.
#[derive(Debug, Default)]
pub(crate) struct Said {
    lines: AtomicU64,
    progress: Mutex<Option<Instant>>,
}

impl Said {
    /// What is logged of the step's next line.
    fn line(&self, line: LogLine) -> Option<LogLine> {
        match self.lines.fetch_add(1, Ordering::Relaxed).cmp(&MOST_LINES) {
            std::cmp::Ordering::Less => Some(LogLine {
                message: cut(line.message),
                ..line
            }),
            std::cmp::Ordering::Equal => Some(LogLine {
                level: Level::Warning,
                message: format!(
                    "{MOST_LINES} lines were logged in one call of a step; the others are left out"
                ),
            }),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// Whether to tell how far the step is.
    fn progress_is_due(&self) -> bool {
        let mut last = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|at| at.elapsed() >= BETWEEN_PROGRESS);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

fn cut(mut message: String) -> String {
    if message.len() > LONGEST_LINE {
        let end = message.floor_char_boundary(LONGEST_LINE);
        message.replace_range(end.., "…");
    }
    message
}

/// The answer to a step that was given up and that still asks for something.
const GIVEN_UP: &str = "this step was given up, since it did not come back in time";

impl HostCalls for StepHost {
    fn call(&self, op: &str, payload: &str) -> Result<String, String> {
        if self.leash.given_up() {
            return match op {
                op::STOPPING => Ok("true".to_owned()),
                _ => Err(GIVEN_UP.to_owned()),
            };
        }
        let answer = match op {
            op::RUN => json(&self.run(&parse(payload)?)?),
            op::PREPARE_BUILD_DIR => {
                let request: PrepareBuildDir = parse(payload)?;
                self.dirs
                    .prepare(&request.place, request.share)
                    .map_err(|e| e.to_string())?;
                json(&())
            }
            op::LOG => {
                if let Some(LogLine { level, message }) = self.said.line(parse(payload)?) {
                    self.tell(Message::Event(Event::Log {
                        level,
                        group: self.group.clone(),
                        message,
                    }));
                }
                json(&())
            }
            op::PROGRESS => {
                let Progress {
                    machine,
                    current,
                    total,
                    text,
                } = parse(payload)?;
                if self.said.progress_is_due() {
                    self.tell(Message::Live(Live {
                        group: self.group.clone().unwrap_or_default(),
                        machine,
                        current,
                        total,
                        text: cut(text),
                        command: None,
                    }));
                }
                json(&())
            }
            op::STOPPING => json(&self.shared.stop.requested()),
            _ => return Err(format!("this auh does not know the operation {op:?}")),
        };
        Ok(answer.to_string())
    }

    fn given_up(&self) -> bool {
        self.leash.given_up()
    }
}

impl StepHost {
    /// Removes the work of recipes that are done, in the build directories of the seat. What stays
    /// is told and is no failure.
    pub(crate) fn remove_work(&self, places: &[WorkPlace]) {
        if places.is_empty() || self.shared.stop.requested() {
            return;
        }
        let removed = self.dirs.remove_work(places);
        if !removed.folders.is_empty() {
            self.tell(Message::Event(Event::WorkRemoved {
                group: self.group.clone().unwrap_or_default(),
                folders: removed.folders,
                bytes: removed.bytes,
            }));
        }
        for message in removed.troubles {
            self.tell(Message::Event(Event::Log {
                level: Level::Warning,
                group: self.group.clone(),
                message,
            }));
        }
    }

    fn run(&self, request: &RunCommand) -> Result<CommandResult, String> {
        let _held = self.leash.hold().ok_or(GIVEN_UP)?;
        let command = self.command(request)?;
        if command.time_limit == Some(Duration::ZERO) {
            return Ok(not_started());
        }
        let id = self.shared.commands.fetch_add(1, Ordering::Relaxed);
        let mut ear = Ear::new(self, &request.place, id);
        self.tell(Message::CommandStarted(
            Instant::now(),
            Event::CommandStarted {
                id,
                label: request.label.clone(),
                argv: request.argv.clone(),
                folder: command.cwd.clone(),
                group: self.group.clone(),
                machine: ear.machine.clone(),
            },
        ));
        let stop = &self.shared.stop;
        let token = if request.cleanup || self.cleanup {
            stop.cleanup()
        } else {
            stop.work()
        };
        let started = SystemTime::now();
        let result = auh_process::run(&command, token, &mut |line| ear.hear(&line));
        if let Ok(finished) = &result
            && request.argv[0] == "git"
            && finished.broke_off()
        {
            // The layer is the user's, who would find it locked.
            auh_oe::remove_locks(&command.cwd, started);
        }
        let parses = std::mem::take(&mut ear.parses);
        let end = |exit, seconds| CommandEnd {
            id,
            label: request.label.clone(),
            folder: command.cwd.clone(),
            exit,
            seconds,
            parses,
        };
        match result {
            Ok(finished) => {
                let result = command_result(&finished);
                self.finished(end(result.exit, result.seconds));
                self.warn_of_log(&finished);
                Ok(result)
            }
            Err(error) => {
                // 127 is what a shell says of a program that it cannot start.
                self.finished(end(Exit::Code(127), 0.0));
                Err(error.to_string())
            }
        }
    }

    fn command(&self, request: &RunCommand) -> Result<Command, String> {
        let (program, args) = request
            .argv
            .split_first()
            .ok_or("a command without a program")?;
        let surroundings = self
            .dirs
            .surroundings(&request.place)
            .map_err(|e| e.to_string())?;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = surroundings.command(program, &args);
        for (name, value) in &request.env {
            command = command.env(name, value);
        }
        let own = request.time_limit_s.map(Duration::from_secs);
        let own = own.or(self.shared.command_limit);
        let cleanup = request.cleanup || self.cleanup;
        command.time_limit = self.leash.time_for(own, cleanup);
        command.stop_grace = self.shared.stop_grace;
        command.log.clone_from(&request.log);
        command.stdin = request.stdin.as_ref().map(|text| text.clone().into_bytes());
        Ok(command)
    }

    fn finished(&self, end: CommandEnd) {
        self.tell(Message::CommandFinished(
            Instant::now(),
            Event::CommandFinished(end),
        ));
    }

    /// A log that could not be written whole is no reason to fail a build, but one to say so.
    fn warn_of_log(&self, finished: &Finished) {
        if let Some(error) = &finished.log_error {
            self.tell(Message::Event(Event::Log {
                level: Level::Warning,
                group: self.group.clone(),
                message: error.to_string(),
            }));
        }
    }

    /// The dispatcher outlives every step, unless it panicked; then nobody listens.
    fn tell(&self, message: Message) {
        let _ = self.messages.send(message);
    }
}

/// Listens to a command's output for what is worth telling while it runs.
struct Ear<'h> {
    host: &'h StepHost,
    machine: Option<Machine>,
    command: u64,
    parses: Vec<ParseEvent>,
}

impl<'h> Ear<'h> {
    fn new(host: &'h StepHost, place: &Place, command: u64) -> Self {
        let machine = match place {
            Place::MachineBuildDir(machine) | Place::SwitchedBuildDir(machine) => {
                Some(machine.clone())
            }
            Place::BuildDir => host.dirs.machines().first().cloned(),
            Place::Folder(_) => None,
        };
        Self {
            host,
            machine,
            command,
            parses: Vec::new(),
        }
    }

    fn hear(&mut self, line: &OutputLine<'_>) {
        if let Some(task) = progress::task_progress(&line.text) {
            let recipe = recipe_of(Path::new(&task.recipe_file));
            let text = format!("{recipe}: {}", task.task);
            self.tell(task.current.into(), task.total.into(), text);
        } else if let Some(counts) = progress::parse_counts(&line.text) {
            self.parses.push(ParseEvent {
                cached: counts.cached.into(),
                parsed: counts.parsed.into(),
            });
        } else if line.text.starts_with("Parsing recipes") {
            self.tell(0, 0, "parsing recipes".to_owned());
        }
    }

    fn tell(&self, current: u64, total: u64, text: String) {
        self.host.tell(Message::Live(Live {
            group: self.host.group.clone().unwrap_or_default(),
            machine: self.machine.clone(),
            current,
            total,
            text,
            command: Some(self.command),
        }));
    }
}

/// `PN` as a recipe file's name has it.
fn recipe_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    stem.split('_').next().unwrap_or_default().to_owned()
}

/// How a command ended, in the words of the protocol.
pub(crate) fn exit(exit: auh_process::Exit) -> Exit {
    match exit {
        auh_process::Exit::Code(code) => Exit::Code(code),
        auh_process::Exit::Signal(signal) => Exit::Signal(signal),
        auh_process::Exit::TimedOut => Exit::TimedOut,
        auh_process::Exit::Cancelled => Exit::Stopped,
    }
}

fn command_result(finished: &Finished) -> CommandResult {
    CommandResult {
        exit: exit(finished.exit),
        stdout: finished.stdout.text(),
        stderr: finished.stderr.text(),
        seconds: finished.wall.as_secs_f64(),
        last_lines: match finished.exit {
            auh_process::Exit::TimedOut => last_lines(finished),
            _ => Vec::new(),
        },
    }
}

/// A command for which nothing is left of its step's time.
fn not_started() -> CommandResult {
    CommandResult {
        exit: Exit::TimedOut,
        stdout: String::new(),
        stderr: String::new(),
        seconds: 0.0,
        last_lines: vec!["it was not started: the time limit of its step was reached".to_owned()],
    }
}

/// What a command that hung had said last, as far as a message has room for it.
fn last_lines(finished: &Finished) -> Vec<String> {
    const LINES: usize = 3;
    let lines = &finished.lines_before_stop;
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

fn parse<T: serde::de::DeserializeOwned>(payload: &str) -> Result<T, String> {
    serde_json::from_str(payload).map_err(|error| format!("the request is not understood: {error}"))
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> LogLine {
        LogLine {
            level: Level::Info,
            message: message.to_owned(),
        }
    }

    #[test]
    fn of_a_flood_of_lines_the_first_are_logged_and_the_rest_is_said_once() {
        let said = Said::default();
        let logged: Vec<_> = (0..3 * MOST_LINES)
            .filter_map(|_| said.line(line("x")))
            .collect();
        assert_eq!(logged.len() as u64, MOST_LINES + 1);
        let last = logged.last().unwrap();
        assert!(last.level == Level::Warning && last.message.ends_with("are left out"));
    }

    #[test]
    fn of_an_endless_line_the_beginning_is_logged() {
        let logged = Said::default()
            .line(line(&"ä".repeat(LONGEST_LINE)))
            .unwrap();
        assert!(logged.message.len() <= LONGEST_LINE + 3 && logged.message.ends_with("ä…"));
    }
}
