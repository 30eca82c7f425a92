//! What a build says: failed tasks, recipes that cannot be built here, errors, and why.

use std::path::{Path, PathBuf};

use auh_protocol::{Failure, FailureClass};

use crate::message::{Level, Message, MessageReader, split_level};
use crate::progress::{ParseCounts, parse_counts};

mod classify;
mod skip;
mod task_log;

pub use skip::{NoProvider, Skip, SkipKind};
use task_log::TaskLogs;

/// Everything that a BitBake run printed and that matters afterwards. Feed it both streams line by
/// line in order of arrival, or build it from the whole texts.
#[derive(Debug, Clone)]
pub struct BuildTranscript {
    stdout: MessageReader,
    stderr: MessageReader,
    parses: Vec<ParseCounts>,
    summary: Vec<(TaskId, Option<PathBuf>)>,
    in_summary: bool,
    trouble: Option<String>,
    task_logs: TaskLogs,
}

/// A task of a recipe as BitBake names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskId {
    /// The recipe file without prefixes.
    pub recipe_file: PathBuf,
    /// The recipe's name: the file's, with what `virtual:native:` and the like make of it.
    pub recipe: String,
    /// The task, `do_…`.
    pub task: String,
}

/// A task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTask {
    /// Which one.
    pub id: TaskId,
    /// Its log.
    pub log: Option<PathBuf>,
    /// What kind of failure that is.
    pub class: FailureClass,
    /// The line that tells most of what the task reported or logged.
    pub message: Option<String>,
}

/// A quality check's complaint that a package's version is lower than in the last build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WentBackwards {
    /// The recipe, if the message names it.
    pub recipe: Option<String>,
    /// The package.
    pub package: String,
    /// Epoch, version and revision before and after.
    pub versions: String,
    /// Whether it is an error and not a warning.
    pub is_error: bool,
}

impl Default for BuildTranscript {
    fn default() -> Self {
        Self {
            // A world build has tens of thousands of notes.
            stdout: MessageReader::new(Level::Warning),
            stderr: MessageReader::new(Level::Warning),
            parses: Vec::new(),
            summary: Vec::new(),
            in_summary: false,
            trouble: None,
            task_logs: TaskLogs::default(),
        }
    }
}

impl BuildTranscript {
    /// Reads a complete run.
    pub fn from_texts(stdout: &str, stderr: &str) -> Self {
        let mut transcript = Self::default();
        stdout.lines().for_each(|line| transcript.push_stdout(line));
        stderr.lines().for_each(|line| transcript.push_stderr(line));
        transcript
    }

    /// Reads the next line of standard output.
    pub fn push_stdout(&mut self, line: &str) {
        self.parses.extend(parse_counts(line));
        self.read_summary(line);
        self.task_logs.push(line);
        if self.trouble.is_none() && is_log_data(line) {
            self.trouble = classify::trouble_in_log(line).map(str::to_owned);
        }
        self.stdout.push(line);
    }

    /// Reads the next line of standard error.
    pub fn push_stderr(&mut self, line: &str) {
        self.stderr.push(line);
    }

    /// The parses that the run took, in order.
    pub fn parses(&self) -> &[ParseCounts] {
        &self.parses
    }

    /// The error messages, each with its first line only.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.messages(Level::Error).map(Message::first)
    }

    /// The tasks that failed, each once.
    pub fn failed_tasks(&self) -> Vec<FailedTask> {
        let mut failures = self.reported_failures();
        // A run can have two summaries: that of the build and that of what came before it.
        for (id, log) in &self.summary {
            match failures.iter_mut().find(|(other, _)| other == id) {
                Some((_, known)) => *known = log.clone().or(known.take()),
                None => failures.push((id.clone(), log.clone())),
            }
        }
        let tasks = failures.into_iter();
        tasks.map(|(id, log)| self.failed_task(id, log)).collect()
    }

    /// What BitBake found nobody to provide, in order.
    pub fn no_providers(&self) -> Vec<NoProvider> {
        self.messages(Level::Warning)
            .filter_map(skip::no_provider)
            .collect()
    }

    /// Why `recipe` itself, asked for by name, cannot be built here; `None` if it can, or if it is but
    /// one of its dependencies that cannot.
    pub fn skip_of(&self, recipe: &str) -> Option<Skip> {
        let asked = self
            .no_providers()
            .into_iter()
            .filter(|missing| missing.item == recipe && missing.needed_by.is_empty());
        asked
            .flat_map(|missing| missing.skips)
            .find(|skip| skip.recipe == recipe)
    }

    /// Packages whose version went backwards, which breaks package feeds.
    pub fn went_backwards(&self) -> Vec<WentBackwards> {
        self.messages(Level::Warning)
            .filter_map(went_backwards)
            .collect()
    }

    /// Why the run failed as a whole; `None` if it says of nothing that failed.
    pub fn failure(&self) -> Option<Failure> {
        let missing = || self.no_providers().into_iter().next();
        let error = || self.messages(Level::Error).next();
        self.trouble_failure()
            .or_else(|| Some(self.failed_tasks().first()?.failure()))
            .or_else(|| Some(missing()?.failure()))
            .or_else(|| error().map(classify::of_error))
    }

    /// Why the run failed for `recipe`; `None` if nothing of it failed. A failed build environment
    /// is every recipe's failure. Ask [`Self::skip_of`] first: a recipe that does not suit the machine
    /// is not built either.
    pub fn failure_of(&self, recipe: &str) -> Option<Failure> {
        let concerns =
            |missing: &NoProvider| missing.item == recipe || missing.is_needed_by(recipe);
        let own = |task: &FailedTask| task.id.recipe == recipe;
        self.trouble_failure()
            .or_else(|| Some(self.failed_tasks().iter().find(|task| own(task))?.failure()))
            .or_else(|| Some(self.no_providers().iter().find(|m| concerns(m))?.failure()))
    }

    pub(crate) fn messages(&self, level: Level) -> impl Iterator<Item = &Message> {
        let stderr = self.stderr.at_least(level);
        stderr.chain(self.stdout.at_least(level))
    }

    /// The failure of the build environment, if there are signs of one.
    pub(crate) fn trouble_failure(&self) -> Option<Failure> {
        let in_messages = || {
            self.messages(Level::Error)
                .find_map(classify::trouble_in_message)
        };
        let trouble = self.trouble.as_deref().or_else(in_messages)?;
        Some(Failure::new(
            FailureClass::Infrastructure,
            shortened(trouble),
        ))
    }

    /// Failures as they were reported, each with the log that was named last before it.
    fn reported_failures(&self) -> Vec<(TaskId, Option<PathBuf>)> {
        let mut logs: Vec<&Path> = Vec::new();
        let mut failures: Vec<(TaskId, Option<PathBuf>)> = Vec::new();
        for message in self.messages(Level::Error) {
            let text = message.first();
            if let Some(log) = text.strip_prefix("Logfile of failure stored in: ") {
                logs.push(Path::new(log));
            }
            if let Some(id) = failed_task_id(text)
                && !failures.iter().any(|(other, _)| *other == id)
            {
                let log = logs.iter().rev().find(|log| id.may_have_written(log));
                failures.push((id, log.map(|log| (*log).to_owned())));
            }
        }
        failures
    }

    fn failed_task(&self, id: TaskId, log: Option<PathBuf>) -> FailedTask {
        let is_own = |message: &&Message| {
            let task = message.of_task();
            task.is_some_and(|message| id.is_reported_by(message.title, message.task))
        };
        let mut about = self.messages(Level::Error);
        let pseudo = about.find_map(|message| {
            let is_own = failed_task_id(message.first()).as_ref() == Some(&id);
            is_own.then(|| classify::ended_by_pseudo(message))?
        });
        if let Some(line) = pseudo {
            return FailedTask {
                class: FailureClass::Infrastructure,
                message: Some(shortened(line)),
                id,
                log,
            };
        }
        let own: Vec<&Message> = self.messages(Level::Error).filter(is_own).collect();
        let reported = own.first().map(|message| message.telling());
        let logged = self.task_logs.telling_line(&id);
        FailedTask {
            class: classify::of_task(&id.task, &own),
            message: match reported {
                // That a script failed is no news; its log says why.
                Some(text) if text.starts_with("Execution of '") => logged.or(Some(text)),
                text => text.or(logged),
            }
            .map(shortened),
            id,
            log,
        }
    }

    /// `Summary: 1 task failed:`, then for each `  FILE:TASK` and `    log: LOG`.
    fn read_summary(&mut self, line: &str) {
        if line.starts_with("Summary: ") {
            self.in_summary = line.ends_with("failed:");
        } else if !line.starts_with("  ") {
            self.in_summary = false;
        } else if self.in_summary {
            match line.strip_prefix("    log: ") {
                Some(log) => {
                    if let Some(last) = self.summary.last_mut() {
                        last.1 = Some(log.into());
                    }
                }
                None => self
                    .summary
                    .extend(TaskId::parse(line.trim()).map(|id| (id, None))),
            }
        }
    }
}

impl TaskId {
    /// Reads `[mc:NAME:][virtual:KIND:]FILE:do_task`.
    pub fn parse(text: &str) -> Option<Self> {
        let (file, task) = text.rsplit_once(':')?;
        let file = match file.strip_prefix("mc:") {
            Some(rest) => rest.split_once(':')?.1,
            None => file,
        };
        let (variant, path) = match file.strip_prefix("virtual:") {
            Some(rest) => rest.rsplit_once(':')?,
            None => ("", file),
        };
        let stem = Path::new(path).file_stem()?.to_str()?;
        let name = stem.split_once('_').map_or(stem, |(name, _)| name);
        Some(Self {
            recipe_file: path.into(),
            recipe: variant.split(':').fold(name.to_owned(), variant_name),
            task: task.to_owned(),
        })
    }

    /// Whether a message of `PN-PV-PR do_task` is this task's.
    fn is_reported_by(&self, title: &str, task: &str) -> bool {
        task == self.task && recipe_of_title(title) == Some(&*self.recipe)
    }

    /// Logs are `…/PN/PV/temp/log.do_task.PID`.
    fn may_have_written(&self, log: &Path) -> bool {
        let name = log.file_name().and_then(|name| name.to_str());
        let written = name.is_some_and(|name| {
            name.strip_prefix("log.")
                .and_then(|name| name.strip_prefix(&*self.task))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        written && log.iter().any(|part| part == &*self.recipe)
    }
}

impl FailedTask {
    /// The same in the words of reports.
    pub fn failure(&self) -> Failure {
        let task = &self.id.task;
        let message = match &self.message {
            Some(message) => format!("{task} failed: {message}"),
            None => format!("{task} failed"),
        };
        let failure = Failure::new(self.class, message);
        match &self.log {
            Some(log) => failure.with_log(log),
            None => failure,
        }
    }
}

/// The recipe in `PN-PV-PR`; neither PV nor PR holds a dash.
pub fn recipe_of_title(title: &str) -> Option<&str> {
    title.rsplitn(3, '-').nth(2)
}

/// One line that fits into a report.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// BitBake shows the log of a failed task with a bar before each line.
fn is_log_data(line: &str) -> bool {
    line.trim_start().starts_with("| ") || matches!(split_level(line), Some((Level::Error, _)))
}

/// What BBCLASSEXTEND makes of a name: `native` appends, others come before it.
fn variant_name(name: String, part: &str) -> String {
    match part {
        "" | "multilib" => name,
        "native" => format!("{name}-native"),
        _ => format!("{part}-{name}"),
    }
}

fn failed_task_id(text: &str) -> Option<TaskId> {
    let rest = text.strip_prefix("Task (")?;
    let (id, _) = rest.split_once(") failed with exit code")?;
    TaskId::parse(id)
}

fn went_backwards(message: &Message) -> Option<WentBackwards> {
    let text = message.first();
    let (before, after) = text.split_once(" went backwards which would break package feeds (")?;
    let (_, package) = before.rsplit_once("for package ")?;
    let (versions, _) = after.split_once(')')?;
    let title = message.of_task().map(|message| message.title);
    Some(WentBackwards {
        recipe: title.and_then(recipe_of_title).map(str::to_owned),
        package: package.to_owned(),
        versions: versions.to_owned(),
        is_error: message.level == Level::Error,
    })
}

#[cfg(test)]
mod tests;
