//! What a plugin may ask of its host: one operation, a JSON payload, a JSON answer. An
//! operation that a host does not know is answered with an error, so plugins can ask.

use crate::Machine;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Names of the operations.
pub mod op {
    /// Runs a command: [`super::RunCommand`] to [`super::CommandResult`].
    pub const RUN: &str = "run";
    /// Makes a machine's build directory ready: [`super::PrepareBuildDir`] to `null`.
    pub const PREPARE_BUILD_DIR: &str = "prepare-build-dir";
    /// A line for the log: [`super::LogLine`] to `null`.
    pub const LOG: &str = "log";
    /// How far a long work is: [`super::Progress`] to `null`.
    pub const PROGRESS: &str = "progress";
    /// Whether the run is being stopped: `null` to `bool`.
    pub const STOPPING: &str = "stopping";
}

/// Where a command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the user's build directory, set up for the first machine.
    BuildDir,
    /// In a machine's own build directory.
    MachineBuildDir(Machine),
    /// In the user's build directory, switched to this machine (serial builds).
    SwitchedBuildDir(Machine),
    /// In any folder, with the user's environment.
    Folder(PathBuf),
}

/// A command to run. Never goes through a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCommand {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where.
    pub place: Place,
    /// What to call it in the journal and while it runs, e.g. `devtool upgrade hello`.
    pub label: String,
    /// File that gets all output as it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// Seconds after which it is stopped; the run's own limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_s: Option<u64>,
    /// Further environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// True for a command that cleans up: it runs although the run is being stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
    /// What it reads from its standard input; nothing when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
}

impl RunCommand {
    /// A command with neither log nor limit of its own.
    #[must_use]
    pub fn new(
        place: Place,
        label: impl Into<String>,
        argv: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            place,
            label: label.into(),
            log: None,
            time_limit_s: None,
            env: Vec::new(),
            cleanup: false,
            stdin: None,
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With this status.
    Code(i32),
    /// Through this signal.
    Signal(i32),
    /// Its time limit ran out.
    TimedOut,
    /// The run is being stopped.
    Stopped,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandResult {
    /// How it ended.
    pub exit: Exit,
    /// Standard output; of very long ones the beginning and the end.
    pub stdout: String,
    /// Standard error; of very long ones the beginning and the end.
    pub stderr: String,
    /// Wall time.
    pub seconds: f64,
    /// Of a command that its time limit ended: the last lines that it wrote, over both streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
}

impl CommandResult {
    /// Whether it ended with status 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Code(0)
    }

    /// How it ended, for people: `exited with status 1`.
    #[must_use]
    pub fn how(&self) -> String {
        match self.exit {
            Exit::Code(code) => format!("exited with status {code}"),
            Exit::Signal(signal) => format!("was ended by signal {signal}"),
            Exit::TimedOut => format!("was stopped by its time limit after {:.0} s", self.seconds),
            Exit::Stopped => "was stopped".to_owned(),
        }
    }

    /// The same with what a command that hung had said last. Not for commands that may print
    /// secrets.
    #[must_use]
    pub fn how_and_last_lines(&self) -> String {
        match self.last_lines.as_slice() {
            [] => self.how(),
            lines => format!("{}; its last lines: {}", self.how(), lines.join(" | ")),
        }
    }
}

/// Which build directory to make ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareBuildDir {
    /// Where: any place but a plain folder.
    pub place: Place,
    /// How many machines build at the same time from now on; they share the host.
    pub share: usize,
}

/// Weight of a log line, as the Python helper's `-d` counts: 1 critical … 5 debug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the usual five")]
pub enum Level {
    Critical = 1,
    Error = 2,
    Warning = 3,
    Info = 4,
    Debug = 5,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its weight.
    pub level: Level,
    /// Its text.
    pub message: String,
}

/// How far a long work is, for the person who watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The machine it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Done so far.
    pub current: u64,
    /// Of how many; 0 when unknown.
    pub total: u64,
    /// What is being done.
    #[serde(default)]
    pub text: String,
}
