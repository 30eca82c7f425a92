//! Running one command to its end: one thread that waits for whatever happens first.

pub(crate) mod group;
mod output;
pub(crate) mod spawn;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal};

use crate::cancel::{CancelStage, CancelToken};
use crate::capture::Captured;
use crate::command::{Command, SoftSignal};
use crate::error::{LogError, RunError};
use crate::lines::{OutputLine, Stream};
use crate::proc_stat;
use group::Group;
use output::Output;
use spawn::{Feed, Spawned};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status.
    Code(i32),
    /// This signal ended it, and it was not us who sent it.
    Signal(i32),
    /// It was stopped because its time was up.
    TimedOut,
    /// It was stopped, or never started, because its token was cancelled.
    Cancelled,
}

impl Exit {
    /// Whether the command exited with status 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

/// What became of a command.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// How long the run took, waiting for the last output included.
    pub wall: Duration,
    /// User and system time of the command and of the children it waited for, to 10 ms; `None` if
    /// unknown.
    pub cpu: Option<Duration>,
    /// What was kept of its standard output.
    pub stdout: Captured,
    /// What was kept of its standard error.
    pub stderr: Captured,
    /// The last lines that were not empty, over both streams in order of arrival, each shortened and
    /// without secrets: they are shown to people.
    pub last_lines: Vec<String>,
    /// Of a command that was asked to stop: the same when it was asked.
    pub lines_before_stop: Vec<String>,
    /// Why the log file is missing or incomplete.
    pub log_error: Option<LogError>,
    /// Whether something that the command left behind still had its output open.
    pub lingering: bool,
}

impl Finished {
    /// Whether it was begun and did not come to an end of its own.
    #[must_use]
    pub fn broke_off(&self) -> bool {
        !matches!(self.exit, Exit::Code(_)) && !self.wall.is_zero()
    }
}

/// Runs a command to its end and hands its output line by line to `on_line`, on this thread.
///
/// The command gets a process group of its own. When its time is up or `cancel` says so, the whole
/// group is asked to stop and then killed; when it ends by itself, daemons that it left behind are
/// left alone. While `on_line` works, nothing else happens: it should be quick.
///
/// A command that ran and failed is a [`Finished`] too.
///
/// # Errors
/// The program or its working directory does not exist, or the system did not let it start.
pub fn run(
    command: &Command,
    cancel: &CancelToken,
    on_line: &mut dyn FnMut(OutputLine<'_>),
) -> Result<Finished, RunError> {
    let program = spawn::resolve(command)?;
    let mut output = Output::new(command, on_line);
    if cancel.is_cancelled() {
        return Ok(output.finish(End::never_started()));
    }
    let lost = |source: io::Error| RunError::Watch {
        program: program.clone(),
        source,
    };
    let waker = cancel.waker().map_err(|error| lost(error.into()))?;
    let spawned = spawn::spawn(command, &program)?;
    let mut watch = Watch::new(command, cancel, waker, spawned).map_err(lost)?;
    watch.until_over(&mut output).map_err(lost)?;
    let end = watch.finish().map_err(lost)?;
    Ok(output.finish(end))
}

/// The part of a [`Finished`] that is not about output.
#[derive(Debug, Clone, Copy)]
struct End {
    exit: Exit,
    wall: Duration,
    cpu: Option<Duration>,
    lingering: bool,
}

impl End {
    fn never_started() -> Self {
        Self {
            exit: Exit::Cancelled,
            wall: Duration::ZERO,
            cpu: None,
            lingering: false,
        }
    }
}

/// How far the stopping of a command has gone.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    Asked { why: Exit, kill_at: Option<Instant> },
    Killed { why: Exit },
}

/// How often to look whether the rest of a group has stopped, once its leader has. Nothing reports
/// the end of processes that are not our children.
const GROUP_CHECK: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Watch<'a> {
    command: &'a Command,
    cancel: &'a CancelToken,
    waker: Arc<OwnedFd>,
    started: Instant,
    group: Group,
    pidfd: OwnedFd,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    feed: Option<Feed>,
    phase: Phase,
    /// Set once the group's leader has ended.
    drain_until: Option<Instant>,
}

/// What the poll waits for.
#[derive(Debug, Clone, Copy)]
enum Source {
    Leader,
    Cancel,
    Output(Stream),
    Stdin,
}

impl<'a> Watch<'a> {
    fn new(
        command: &'a Command,
        cancel: &'a CancelToken,
        waker: Arc<OwnedFd>,
        spawned: Spawned,
    ) -> io::Result<Self> {
        // The group is not reaped before the end, so its number cannot mean another process.
        let pidfd = rustix::process::pidfd_open(spawned.group.pid(), PidfdFlags::empty())?;
        Ok(Self {
            command,
            cancel,
            waker,
            started: spawned.started,
            group: spawned.group,
            pidfd,
            stdout: Some(spawned.stdout),
            stderr: Some(spawned.stderr),
            feed: spawned.feed,
            phase: Phase::Running,
            drain_until: None,
        })
    }

    fn until_over(&mut self, output: &mut Output<'_>) -> io::Result<()> {
        loop {
            let now = Instant::now();
            let was_running = matches!(self.phase, Phase::Running);
            self.stop_if_due(now);
            if was_running && !matches!(self.phase, Phase::Running) {
                output.asked_to_stop();
            }
            if self.is_over(now) {
                return Ok(());
            }
            for source in self.wait(self.deadline(now), now)? {
                self.serve(source, output);
            }
        }
    }

    /// Collects the exit status and lets go of everything.
    fn finish(mut self) -> io::Result<End> {
        let lingering = [self.stdout.take(), self.stderr.take()];
        let lingering: Vec<OwnedFd> = lingering.into_iter().flatten().collect();
        let cpu = proc_stat::cpu_time(self.group.pid());
        let status = self.group.reap()?;
        Ok(End {
            exit: match self.phase {
                Phase::Running => group::exit(status),
                Phase::Asked { why, .. } | Phase::Killed { why } => why,
            },
            wall: self.started.elapsed(),
            cpu,
            lingering: output::discard(lingering),
        })
    }

    fn stop_if_due(&mut self, now: Instant) {
        let stage = self.cancel.stage();
        match self.phase {
            Phase::Running if self.drain_until.is_some() => {}
            Phase::Running if stage == Some(CancelStage::Hard) => self.kill(Exit::Cancelled, now),
            Phase::Running if stage.is_some() => self.ask(Exit::Cancelled, now),
            Phase::Running if is_past(self.time_is_up(), now) => self.ask(Exit::TimedOut, now),
            Phase::Asked { why, .. } if stage == Some(CancelStage::Hard) => self.kill(why, now),
            Phase::Asked { why, kill_at } if is_past(kill_at, now) => self.kill(why, now),
            _ => {}
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let Some(drain_until) = self.drain_until else {
            return false;
        };
        let silent = self.stdout.is_none() && self.stderr.is_none();
        let drained = silent || now >= drain_until;
        match self.phase {
            // Somebody in a hurry does not wait for daemons.
            Phase::Running => drained || self.cancel.is_cancelled(),
            Phase::Asked { .. } => drained && !proc_stat::group_is_alive(self.group.pid()),
            Phase::Killed { .. } => drained,
        }
    }

    fn deadline(&self, now: Instant) -> Option<Instant> {
        match (self.phase, self.drain_until) {
            (Phase::Running, None) => self.time_is_up(),
            (Phase::Asked { kill_at, .. }, None) => kill_at,
            (Phase::Asked { .. }, Some(_)) => now.checked_add(GROUP_CHECK),
            (Phase::Killed { .. }, None) => None,
            (Phase::Running | Phase::Killed { .. }, drain_until) => drain_until,
        }
    }

    fn time_is_up(&self) -> Option<Instant> {
        self.started.checked_add(self.command.time_limit?)
    }

    fn ask(&mut self, why: Exit, now: Instant) {
        self.group.signal(match self.command.soft_signal {
            SoftSignal::Terminate => Signal::TERM,
            SoftSignal::Interrupt => Signal::INT,
        });
        let kill_at = now.checked_add(self.command.stop_grace);
        self.phase = Phase::Asked { why, kill_at };
    }

    fn kill(&mut self, why: Exit, now: Instant) {
        self.group.signal(Signal::KILL);
        self.phase = Phase::Killed { why };
        if self.drain_until.is_some() {
            self.drain_until = Some(self.drain_end(now));
        }
    }

    fn drain_end(&self, now: Instant) -> Instant {
        now.checked_add(self.command.drain_grace).unwrap_or(now)
    }

    /// Waits until something happens or the deadline has come, and tells what happened.
    fn wait(&self, deadline: Option<Instant>, now: Instant) -> io::Result<Vec<Source>> {
        let sources = self.sources();
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags))
            .collect();
        let timeout = deadline.map(|at| at.saturating_duration_since(now));
        let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Err(Errno::INTR) => return Ok(Vec::new()),
            result => result?,
        };
        let happened = fds.iter().map(|fd| !fd.revents().is_empty());
        let happened = sources.iter().zip(happened).filter(|(_, ready)| *ready);
        Ok(happened.map(|((source, ..), _)| *source).collect())
    }

    fn sources(&self) -> Vec<(Source, BorrowedFd<'_>, PollFlags)> {
        let leader = self.drain_until.is_none().then_some(&self.pidfd);
        let all = [
            (Source::Output(Stream::Stdout), self.stdout.as_ref()),
            (Source::Output(Stream::Stderr), self.stderr.as_ref()),
            (Source::Leader, leader),
            (Source::Cancel, Some(&*self.waker)),
        ];
        let readable = all
            .into_iter()
            .filter_map(|(source, fd)| Some((source, fd?.as_fd(), PollFlags::IN)));
        let feed = self.feed.as_ref();
        let writable = feed.map(|feed| (Source::Stdin, feed.as_fd(), PollFlags::OUT));
        readable.chain(writable).collect()
    }

    fn serve(&mut self, source: Source, output: &mut Output<'_>) {
        match source {
            Source::Leader => {
                self.drain_until = Some(self.drain_end(Instant::now()));
                self.feed = None;
            }
            // Only resets the counter; what to do is the token's to say.
            Source::Cancel => {
                let _ = rustix::io::read(&*self.waker, &mut [0; 8]);
            }
            Source::Output(stream) => {
                let pipe = match stream {
                    Stream::Stdout => &mut self.stdout,
                    Stream::Stderr => &mut self.stderr,
                };
                output.read(stream, pipe);
            }
            Source::Stdin => {
                if self.feed.as_mut().is_some_and(|feed| !feed.write()) {
                    self.feed = None;
                }
            }
        }
    }
}

fn is_past(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| now >= at)
}

#[cfg(test)]
mod tests;
