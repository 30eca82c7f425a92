//! One call of the program, and what came of it.

use crate::{Environment, normal};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::OsStr,
    fmt::Write,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long something may take that hangs when it goes wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// A call that is being put together.
#[derive(Debug)]
pub struct Call<'e> {
    environment: &'e Environment,
    command: Command,
}

impl<'e> Call<'e> {
    pub(crate) fn new(environment: &'e Environment, command: Command) -> Self {
        Self {
            environment,
            command,
        }
    }

    /// With further arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// With a variable set.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(mut self) -> Output {
        let output = self.command.stdin(Stdio::null()).output().unwrap();
        self.environment.output(&output)
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut self) -> Started<'e> {
        let command = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Started {
            environment: self.environment,
            child: Some(command.spawn().unwrap()),
        }
    }
}

/// A call under way. Ends with the test, whatever becomes of it.
#[derive(Debug)]
pub struct Started<'e> {
    environment: &'e Environment,
    child: Option<Child>,
}

impl Started<'_> {
    /// Waits until something can be seen from outside.
    ///
    /// # Panics
    /// When it is never to be seen.
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            let ended = self.child.as_mut().and_then(|c| c.try_wait().unwrap());
            assert!(ended.is_none(), "it ended ({ended:?}) before: {what}");
            assert!(began.elapsed() < PATIENCE, "never seen: {what}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Interrupts it, as Ctrl-C does, but it alone.
    ///
    /// # Panics
    /// When it has gone.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends it alone a signal.
    ///
    /// # Panics
    /// When it has gone.
    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().unwrap();
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When its output cannot be read.
    #[must_use]
    pub fn end(mut self) -> Output {
        let child = self.child.take().unwrap();
        self.environment.output(&child.wait_with_output().unwrap())
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output as it was.
    pub stdout: String,
    /// Standard error as it was.
    pub stderr: String,
    pub(crate) replacements: Vec<(String, &'static str)>,
}

impl Output {
    /// Exit status and both streams for a snapshot.
    ///
    /// # Panics
    /// Never: a string can always be written to.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut text = match self.code {
            Some(code) => format!("exit status {code}\n"),
            None => "ended by a signal\n".to_owned(),
        };
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                let stream = normal(stream, &self.replacements);
                write!(text, "--- {name}\n{stream}").unwrap();
            }
        }
        text
    }

    /// Standard output for a snapshot.
    #[must_use]
    pub fn normal_stdout(&self) -> String {
        normal(&self.stdout, &self.replacements)
    }

    /// Standard error for a snapshot.
    #[must_use]
    pub fn normal_stderr(&self) -> String {
        normal(&self.stderr, &self.replacements)
    }

    /// Checks the exit status, and shows everything when it is another one.
    ///
    /// # Panics
    /// When it is another one.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.shown());
        self
    }
}
