//! The host's side: starts the process, asks it, and answers what it asks.

use super::wire::{Answer, Asked, Graph, Said};
use crate::{HostCalls, LoadError};
use auh_graph::TaskGraph;
use auh_process::{Command, Companion, Exit, Heard, Voice};
use auh_protocol::{PluginFault, host::op};
use serde::de::Error as _;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How long a plugin may take to be loaded and to say who it is.
const UNTIL_MANIFEST: Duration = Duration::from_secs(30);
/// How long its process may take to end once it was asked to, or once it stopped listening.
const UNTIL_END: Duration = Duration::from_secs(2);
/// How often to look whether the host still waits.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// How plugins get a process of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// A program that, given these arguments and then the plugin's file, calls [`super::serve`].
    pub program: PathBuf,
    /// The arguments before the file.
    pub arguments: Vec<String>,
    /// Variables of this process's environment that are none of the plugin's business.
    pub without: Vec<OsString>,
}

impl Apart {
    /// The process, and the manifest as the plugin gives it.
    fn start(&self, file: &Path) -> Result<(Companion, String), PluginFault> {
        let command = Command::new(&self.program, "/")
            .args(&self.arguments)
            .arg(file);
        let command = self.without.iter().fold(command, Command::env_remove);
        let mut companion = Companion::start(&command).map_err(|error| {
            PluginFault::error(format!("its process could not be started: {error}"))
        })?;
        let line = match companion.hear(UNTIL_MANIFEST) {
            Heard::Line(line) => line,
            Heard::Nothing | Heard::Silence => return Err(ending(&mut companion)),
        };
        match said(line) {
            Ok(Said::Manifest(manifest)) => Ok((companion, manifest?)),
            Ok(_) => Err(PluginFault::error("its process did not say who it is")),
            Err(error) => Err(not_understood(&error)),
        }
    }
}

/// What a plugin file says about itself, as JSON.
pub(crate) fn manifest(apart: &Apart, file: &Path) -> Result<String, LoadError> {
    let (_, manifest) = apart.start(file).map_err(|fault| LoadError::Apart {
        file: file.to_owned(),
        reason: fault.to_string(),
    })?;
    Ok(manifest)
}

/// One plugin object in a process of its own.
pub(crate) struct Conversation {
    voice: Voice,
    /// None once the process has ended.
    companion: Mutex<Option<Companion>>,
    host: Arc<dyn HostCalls>,
}

impl Conversation {
    pub(crate) fn begin(
        apart: &Apart,
        file: &Path,
        host: Arc<dyn HostCalls>,
        options: &str,
    ) -> Result<Self, PluginFault> {
        let (companion, _) = apart.start(file)?;
        let this = Self {
            voice: companion.voice(),
            companion: Mutex::new(Some(companion)),
            host,
        };
        let options = options.into();
        this.ask(&Asked::Create { options })?;
        Ok(this)
    }

    pub(crate) fn call(&self, op: &str, payload: &str) -> Result<String, PluginFault> {
        let (op, payload) = (op.into(), payload.into());
        match self.ask(&Asked::Call { op, payload })? {
            Answer::Text(text) => Ok(text),
            other => Err(unfit(&other)),
        }
    }

    pub(crate) fn order(&self, graph: &TaskGraph) -> Result<Vec<u32>, PluginFault> {
        match self.ask(&Asked::Order(Box::new(Graph::of(graph))))? {
            Answer::Tasks(tasks) => Ok(tasks),
            other => Err(unfit(&other)),
        }
    }

    pub(crate) fn pick(
        &self,
        ready: &[u32],
        running: &[u32],
        ended: &[u32],
    ) -> Result<Option<u32>, PluginFault> {
        let asked = Asked::Pick {
            ready: ready.into(),
            running: running.into(),
            ended: ended.into(),
        };
        match self.ask(&asked)? {
            Answer::Task(task) => Ok(task),
            other => Err(unfit(&other)),
        }
    }

    pub(crate) fn finish(&self) -> Result<(), PluginFault> {
        let outcome = self.ask(&Asked::Finish);
        if let Some(mut companion) = self.lock().take() {
            // It has said that it is done; what it leaves behind is killed.
            let _ = companion.end(UNTIL_END);
        }
        outcome.map(drop)
    }

    fn ask(&self, asked: &Asked<'_>) -> Result<Answer, PluginFault> {
        let line = serde_json::to_string(asked)
            .map_err(|error| PluginFault::error(format!("it cannot be asked: {error}")))?;
        let mut present = self.lock();
        let Some(companion) = present.as_mut() else {
            return Err(PluginFault::error("its process has ended already"));
        };
        let answer = match self.voice.say(&line) {
            Ok(()) => self.until_done(companion),
            Err(_) => None,
        };
        match answer {
            Some(answer) => answer,
            None => {
                let fault = if self.host.given_up() {
                    let _ = companion.end(Duration::ZERO);
                    PluginFault::error("it did not come back in time, and its process was killed")
                } else {
                    ending(companion)
                };
                *present = None;
                Err(fault)
            }
        }
    }

    /// Answers what it asks until it is done; none when it has ended, or when the host does not wait
    /// any more.
    fn until_done(&self, companion: &Companion) -> Option<Result<Answer, PluginFault>> {
        while !self.host.given_up() {
            let line = match companion.hear(BETWEEN_LOOKS) {
                Heard::Line(line) => line,
                Heard::Nothing => continue,
                Heard::Silence => return None,
            };
            match said(line) {
                Ok(Said::Done(answer)) => return Some(answer),
                Ok(Said::Ask { id, op, payload }) => self.answer(id, op, payload),
                Ok(Said::Manifest(_)) => {}
                Err(error) => return Some(Err(not_understood(&error))),
            }
        }
        None
    }

    /// What takes long is carried out on a thread, so that the plugin's other threads get answers.
    fn answer(&self, id: u64, operation: String, payload: String) {
        let (voice, host) = (self.voice.clone(), Arc::clone(&self.host));
        let is_quick = operation == op::LOG;
        let carry_out = move || {
            let result = host.call(&operation, &payload);
            if let Ok(line) = serde_json::to_string(&Asked::Answer { id, result }) {
                // A process that has ended needs no answer.
                let _ = voice.say(&line);
            }
        };
        if is_quick {
            carry_out();
        } else {
            thread::spawn(carry_out);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Companion>> {
        self.companion
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn said(line: Vec<u8>) -> Result<Said, serde_json::Error> {
    let text = String::from_utf8(line).map_err(serde_json::Error::custom)?;
    serde_json::from_str(&text)
}

fn not_understood(error: &serde_json::Error) -> PluginFault {
    PluginFault::error(format!("what its process said is not understood: {error}"))
}

fn unfit(answer: &Answer) -> PluginFault {
    PluginFault::error(format!(
        "its process answered something else than what it was asked: {answer:?}"
    ))
}

/// How a process ended that should have gone on.
fn ending(companion: &mut Companion) -> PluginFault {
    let how = match companion.end(UNTIL_END) {
        Ok(Exit::Code(status)) => format!("its process exited with status {status}"),
        Ok(Exit::Signal(signal)) => format!("its process was ended by signal {signal}"),
        Ok(Exit::TimedOut | Exit::Cancelled) | Err(_) => "its process has ended".to_owned(),
    };
    let words = companion.last_words();
    // Rust's own advice is the same for everything.
    let own = |line: &&String| !line.starts_with("note: run with `RUST_BACKTRACE");
    match words.iter().rfind(own) {
        Some(words) => PluginFault::error(format!("{how}; it said last: {words}")),
        None => PluginFault::error(how),
    }
}
