//! What to run: a plain value, so that it can be shown, compared and recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// An external command: program, arguments, place, environment and limits. No shell ever sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A name to be looked up in the command's `PATH`, or a path (relative ones start at `cwd`).
    pub program: OsString,
    /// The arguments, without the program's name.
    pub args: Vec<OsString>,
    /// The working directory.
    pub cwd: PathBuf,
    /// Whether this process's environment is the base of the command's.
    pub inherit_env: bool,
    /// Variables to set on top of the base.
    pub env_set: BTreeMap<OsString, OsString>,
    /// Variables to leave out of the base.
    pub env_remove: BTreeSet<OsString>,
    /// What the command reads from its standard input; `None` is `/dev/null`.
    pub stdin: Option<Vec<u8>>,
    /// How long the command may run before it is stopped.
    pub time_limit: Option<Duration>,
    /// How long a command that is being stopped may take before it is killed.
    pub stop_grace: Duration,
    /// The signal that asks the command to stop.
    pub soft_signal: SoftSignal,
    /// How long to wait for the end of the output once the command itself has ended. Only a daemon
    /// that it left behind with its output open makes a run wait for this long.
    pub drain_grace: Duration,
    /// How much output to keep in memory.
    pub capture: CaptureLimits,
    /// A file for the complete output of both streams, in order of arrival, without what looks like a
    /// secret. It is created together with its folder, or emptied; a link is replaced by it.
    pub log: Option<PathBuf>,
}

/// The signal that asks a process group to stop, before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoftSignal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGINT`, for programs that clean up on Ctrl-C only.
    Interrupt,
}

/// How many bytes of each stream are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureLimits {
    /// Bytes kept from the beginning of a stream.
    pub head: usize,
    /// Bytes kept from the end of a stream.
    pub tail: usize,
    /// How many of the last lines, over both streams, are kept in order of arrival.
    pub last_lines: usize,
}

impl Default for CaptureLimits {
    fn default() -> Self {
        Self {
            head: 1 << 20,
            tail: 1 << 20,
            last_lines: 20,
        }
    }
}

impl Command {
    /// A command without arguments that inherits the environment, reads nothing, and has no time
    /// limit and no log. Ten seconds to stop, two to drain.
    pub fn new(program: impl Into<OsString>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            cwd: cwd.into(),
            inherit_env: true,
            env_set: BTreeMap::new(),
            env_remove: BTreeSet::new(),
            stdin: None,
            time_limit: None,
            stop_grace: Duration::from_secs(10),
            soft_signal: SoftSignal::Terminate,
            drain_grace: Duration::from_secs(2),
            capture: CaptureLimits::default(),
            log: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.env_remove.remove(&name);
        self.env_set.insert(name, value.into());
        self
    }

    /// Leaves a variable out.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        let name = name.into();
        self.env_set.remove(&name);
        self.env_remove.insert(name);
        self
    }

    /// Gives the command this environment and nothing else.
    #[must_use]
    pub fn clean_env(mut self, env: BTreeMap<OsString, OsString>) -> Self {
        self.inherit_env = false;
        self.env_remove.clear();
        self.env_set = env;
        self
    }

    /// Lets the command read these bytes.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Limits the running time.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Keeps the complete output in this file.
    #[must_use]
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// The value that the command will find in variable `name`.
    pub fn env_value(&self, name: impl AsRef<OsStr>) -> Option<OsString> {
        let name = name.as_ref();
        let inherited = self.inherit_env && !self.env_remove.contains(name);
        match self.env_set.get(name) {
            Some(value) => Some(value.clone()),
            None if inherited => std::env::var_os(name),
            None => None,
        }
    }
}

/// The command line as a person could type it: words are quoted where a shell would need it.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.program))?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_quotes_what_a_shell_would_split_or_expand() {
        let command = Command::new("git", "/").args(["commit", "-m", "it's $HOME", ""]);
        assert_eq!(command.to_string(), r"git commit -m 'it'\''s $HOME' ''");
    }

    #[test]
    fn the_last_word_on_a_variable_wins() {
        let command = Command::new("x", "/").env("A", "1").env_remove("A");
        assert_eq!(command.env_value("A"), None);
        assert_eq!(command.env("A", "2").env_value("A"), Some("2".into()));
    }

    #[test]
    fn a_clean_environment_inherits_nothing() {
        let command = Command::new("x", "/").clean_env(BTreeMap::new());
        assert_eq!(command.env_value("PATH"), None);
    }
}
