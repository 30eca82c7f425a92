//! A program that one talks with while it runs, line by line.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::command::Command;
use crate::error::RunError;
use crate::run::Exit;
use crate::run::group::{self, Group};
use crate::run::spawn;

/// How many of the last lines of standard error are kept, and how long each may be.
const LAST_LINES: usize = 5;
const MOST_BYTES_OF_A_LINE: usize = 1000;

/// How long to wait for the last of standard error when the program has ended.
const LAST_READ: Duration = Duration::from_millis(500);

/// A line may be this long; a program that goes on is taken for ended.
const LONGEST_LINE: u64 = 256 << 20;

/// A running program with its standard input and output. It has a process group of its own, so a
/// Ctrl-C on the terminal does not reach it. Whatever of the group is left is killed when this goes.
#[derive(Debug)]
pub struct Companion {
    group: Group,
    voice: Voice,
    output: Receiver<Vec<u8>>,
    last_words: Arc<Mutex<VecDeque<String>>>,
    /// Closed once everything of standard error was read.
    errors_read: Receiver<()>,
}

/// Says lines to a [`Companion`], from any thread.
#[derive(Debug, Clone)]
pub struct Voice(Arc<Mutex<ChildStdin>>);

impl Voice {
    /// Says one line.
    ///
    /// # Errors
    /// When it does not listen any more.
    pub fn say(&self, line: &str) -> io::Result<()> {
        let mut input = lock(&self.0);
        input.write_all(line.as_bytes())?;
        input.write_all(b"\n")?;
        input.flush()
    }
}

/// What was heard of a [`Companion`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its end.
    Line(Vec<u8>),
    /// Nothing so far.
    Nothing,
    /// It says nothing any more: it has ended, or closed its output.
    Silence,
}

impl Companion {
    /// Starts a command; its `stdin`, limits and log are not used.
    ///
    /// # Errors
    /// As [`run`](crate::run).
    pub fn start(command: &Command) -> Result<Self, RunError> {
        let program = spawn::resolve(command)?;
        let mut std_command = spawn::std_command(command, &program);
        std_command.stdin(Stdio::piped()).process_group(0);
        let mut child = std_command
            .spawn()
            .map_err(|source| RunError::Spawn { program, source })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            unreachable!("all three are piped");
        };
        let last_words = Arc::default();
        let received = lines(BufReader::new(output));
        let errors_read = keep_last(BufReader::new(errors), Arc::clone(&last_words));
        Ok(Self {
            group: Group::new(child),
            voice: Voice(Arc::new(Mutex::new(input))),
            output: received,
            last_words,
            errors_read,
        })
    }

    /// What one says lines to it with.
    #[must_use]
    pub fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// What it says next, at most for this long.
    pub fn hear(&self, limit: Duration) -> Heard {
        match self.output.recv_timeout(limit) {
            Ok(line) => Heard::Line(line),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::Silence,
        }
    }

    /// Waits for its end, and kills it when that does not come in time: how it ended. What it left
    /// behind in its group is killed in any case.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn end(&mut self, patience: Duration) -> io::Result<Exit> {
        let deadline = Instant::now() + patience;
        while !self.group.has_ended()? && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        self.group.signal(Signal::KILL);
        let status = self.group.reap()?;
        // Nobody holds the other end any more but a daemon with a group of its own.
        let _ = self.errors_read.recv_timeout(LAST_READ);
        Ok(group::exit(status))
    }

    /// The last lines that it wrote to its standard error.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        lock(&self.last_words).iter().cloned().collect()
    }
}

/// The lines of an output as they come, without their ends.
fn lines(mut output: impl BufRead + Send + 'static) -> Receiver<Vec<u8>> {
    let (lines, received) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let mut line = Vec::new();
            let mut limited = io::Read::take(&mut output, LONGEST_LINE);
            let read = limited.read_until(b'\n', &mut line);
            if read.is_err() || line.pop() != Some(b'\n') || lines.send(line).is_err() {
                return;
            }
        }
    });
    received
}

/// Reads to the end, whatever is written, and keeps the last lines.
fn keep_last(
    mut errors: impl BufRead + Send + 'static,
    last: Arc<Mutex<VecDeque<String>>>,
) -> Receiver<()> {
    let (ended, read) = mpsc::channel();
    thread::spawn(move || {
        let _ended = ended;
        let mut line = Vec::new();
        while let Ok(1..) = io::Read::take(&mut errors, 1 << 16).read_until(b'\n', &mut line) {
            let text = String::from_utf8_lossy(&line);
            let text: String = text.trim_end().chars().take(MOST_BYTES_OF_A_LINE).collect();
            line.clear();
            let mut last = lock(&last);
            if !text.is_empty() {
                last.push_back(text);
            }
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
    });
    read
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Companion {
        Companion::start(&Command::new("sh", "/").args(["-c", script])).unwrap()
    }

    #[test]
    fn one_talks_with_it_and_sees_its_end() {
        let mut echo = shell("read a; echo \"<$a>\"; read b; echo why >&2; exit 3");
        echo.voice().say("one").unwrap();
        assert_eq!(echo.hear(PATIENCE), Heard::Line(b"<one>".to_vec()));
        echo.voice().say("two").unwrap();
        assert_eq!(echo.hear(PATIENCE), Heard::Silence);
        assert_eq!(echo.end(PATIENCE).unwrap(), Exit::Code(3));
        assert_eq!(echo.last_words(), ["why"]);
    }

    #[test]
    fn one_that_does_not_end_is_killed() {
        let mut loops = shell("while :; do sleep 1; done");
        assert_eq!(loops.hear(Duration::from_millis(1)), Heard::Nothing);
        assert_eq!(loops.end(Duration::ZERO).unwrap(), Exit::Signal(9));
    }
}
