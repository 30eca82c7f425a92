//! The events of a run, one JSON object per line of the journal.

use auh_protocol::{
    Group, GroupState, Machine, StepOutcome,
    host::{Exit, Level},
    step::RecipeFailure,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// First line of every journal.
    RunStarted(RunStart),
    /// The upstream check is done: what will be tried, and what not.
    Planned {
        /// Groups in the order of the plan.
        groups: Vec<Group>,
        /// Recipes that are not attempted.
        #[serde(default)]
        left_out: Vec<LeftOut>,
    },
    /// What the recipes that will be tried are made of, before anything was changed: a number for
    /// their files each, which is another one when a file has changed.
    RecipesRead {
        /// By recipe.
        fingerprints: BTreeMap<String, String>,
    },
    /// A step was given to a worker.
    StepStarted {
        /// The groups it is about, by name.
        groups: Vec<String>,
        /// The plugin.
        step: String,
        /// What it was asked to do.
        action: String,
        /// Where it is carried out: seats of groups count from 0, behind them comes the one where the
        /// commits of all come together, if it is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seat: Option<usize>,
    },
    /// A command was started.
    CommandStarted {
        /// Number of the command within the run.
        id: u64,
        /// What it is called.
        label: String,
        /// Program and arguments.
        argv: Vec<String>,
        /// Folder it runs in.
        folder: PathBuf,
        /// The group that it is about, or several joined with blanks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// The machine in whose build directory it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        machine: Option<Machine>,
    },
    /// A command ended.
    CommandFinished(CommandEnd),
    /// A step ended. From this line on its outcome counts.
    StepFinished {
        /// The groups it was about, by name.
        groups: Vec<String>,
        /// The plugin.
        step: String,
        /// What it was asked to do.
        action: String,
        /// What came of it.
        outcome: StepOutcome,
        /// Wall time.
        seconds: f64,
        /// Whether the run was being stopped when it ended.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stopping: bool,
    },
    /// A group failed in company; what came of it so far does not count, and it is attempted alone.
    Postponed {
        /// The group's name.
        group: String,
        /// The groups that were built with it.
        company: Vec<String>,
        /// How it failed.
        failures: Vec<RecipeFailure>,
    },
    /// All steps of a group are done.
    GroupFinished {
        /// The group's name.
        group: String,
        /// What became of it.
        verdict: crate::GroupVerdict,
        /// Wall time from its first step to its last.
        seconds: f64,
    },
    /// The work folders of a group that is done were removed, for the room that they took.
    WorkRemoved {
        /// The group's name.
        group: String,
        /// The folders that are gone.
        folders: Vec<PathBuf>,
        /// Bytes on disk that they took.
        bytes: u64,
    },
    /// How much room a file system had: at the beginning, at each new low, and from time to time.
    /// The run goes on in a new process, after whatever ended the one before.
    Resumed(Resumption),
    /// How much room there was, from time to time.
    DiskMeasured {
        /// A folder of the file system that was looked at.
        folder: PathBuf,
        /// Bytes that its users may still write.
        free: u64,
        /// Bytes that it has altogether.
        size: u64,
    },
    /// A line of the log.
    Log {
        /// Its weight.
        level: Level,
        /// The group it is about, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// Its text.
        message: String,
    },
    /// Last line of a run that came to its end.
    RunFinished(RunEnd),
    /// An event of a later release.
    #[serde(other)]
    Unknown,
}

/// How a run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
    /// [`crate::FORMAT`] of the journal.
    pub format: u32,
    /// Version of auh.
    pub auh: String,
    /// The user's build directory.
    pub build_dir: PathBuf,
    /// The machines, most important first.
    pub machines: Vec<Machine>,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Name of the scheduler.
    pub scheduler: String,
    /// The recipes that were asked for.
    pub recipes: Vec<String>,
    /// What another process needs to go on with the run; absent where nobody can (format 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Box<Basis>>,
}

/// What a run rests on, so that it can be continued as it was begun.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Basis {
    /// Every setting, without secrets.
    pub settings: Value,
    /// Plugins by kind and name, and their versions.
    pub plugins: BTreeMap<String, String>,
    /// The build configuration as it was expanded.
    pub configuration: Value,
    /// The repositories that layers live in, where groups have work trees of their own, and the commit
    /// that the run started from in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<(PathBuf, String)>,
}

/// How a run was continued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resumption {
    /// Version of auh.
    pub auh: String,
    /// Whether the journal's last line was cut off and left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub torn: bool,
    /// The groups that had not come to their end, and what of them counts from now on.
    pub groups: Vec<Continued>,
}

/// A group that had not come to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Continued {
    /// Its name.
    pub group: String,
    /// How many steps of the pipeline, counted from the first, are behind it; 0 begins afresh.
    pub steps: usize,
    /// What these steps did.
    pub state: GroupState,
}

/// A recipe that is not attempted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The recipe.
    pub recipe: String,
    /// Why, one line.
    pub reason: String,
    /// True when it could not be checked, false when there is nothing to do.
    pub failed: bool,
    /// True when it failed before and is not worth another try yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_back: bool,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandEnd {
    /// Number of the command within the run.
    pub id: u64,
    /// What it is called.
    pub label: String,
    /// The folder it ran in.
    pub folder: PathBuf,
    /// How it ended.
    pub exit: Exit,
    /// Wall time.
    pub seconds: f64,
    /// What BitBake said about parsing, each time it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parses: Vec<ParseEvent>,
}

/// One parse of the recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseEvent {
    /// Recipe files taken from the cache.
    pub cached: u64,
    /// Recipe files parsed.
    pub parsed: u64,
}

impl ParseEvent {
    /// Whether everything was parsed anew.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.cached == 0 && self.parsed > 0
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEnd {
    /// Exit status of the program.
    pub exit_code: u8,
    /// True when the run was stopped before its end.
    pub stopped: bool,
    /// Wall time of the run.
    pub seconds: f64,
    /// Wall time in which at least one command was running.
    pub command_seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_a_later_release_is_read_as_unknown() {
        let line = r#"{"time":"2026-01-01T00:00:00Z","event":"coffee-brewed","cups":3}"#;
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!(record.event, Event::Unknown);
    }

    #[test]
    fn a_record_is_one_flat_object() {
        let record = Record {
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            event: Event::Log {
                level: Level::Info,
                group: None,
                message: "x".into(),
            },
        };
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(
            line,
            r#"{"time":"2026-01-01T00:00:00Z","event":"log","level":"info","message":"x"}"#
        );
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}
