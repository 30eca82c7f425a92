//! A pretended host and pretended work, so that a step can be tested without running anything.

use crate::{
    CommandResult, Exit, Group, GroupState, GroupWork, Host, MachineBuild, Options, Recipe,
    RecipeName, RunCommand, RunContext, StepRequest,
};
use auh_abi::{
    Host_TO,
    abi_stable::{
        std_types::{RResult, RStr, RString},
        type_level::downcasting::TD_Opaque,
    },
};
use auh_protocol::{
    Target, Version,
    host::{LogLine, op},
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

type Answering = dyn Fn(&RunCommand) -> CommandResult + Send + Sync;

/// A host that answers commands from a function and remembers what it was asked.
#[derive(Clone)]
pub struct PretendHost {
    seen: Arc<Mutex<Seen>>,
    answer: Arc<Answering>,
}

#[derive(Default)]
struct Seen {
    commands: Vec<RunCommand>,
    log: Vec<LogLine>,
    other: Vec<(String, String)>,
}

impl PretendHost {
    /// A host whose commands end as `answer` says.
    pub fn new(answer: impl Fn(&RunCommand) -> CommandResult + Send + Sync + 'static) -> Self {
        Self {
            seen: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    /// The handle to give to the step.
    #[must_use]
    pub fn host(&self) -> Host {
        Host::new(Host_TO::from_value(self.clone(), TD_Opaque))
    }

    /// Every command so far, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<RunCommand> {
        self.lock().commands.clone()
    }

    /// The commands so far as lines: arguments joined with blanks.
    #[must_use]
    pub fn command_lines(&self) -> Vec<String> {
        self.lock()
            .commands
            .iter()
            .map(|c| c.argv.join(" "))
            .collect()
    }

    /// Every log line so far.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        self.lock().log.clone()
    }

    /// Every other request so far: operation and JSON.
    #[must_use]
    pub fn other(&self) -> Vec<(String, String)> {
        self.lock().other.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn answer(&self, op: &str, payload: &str) -> Result<String, serde_json::Error> {
        Ok(match op {
            op::RUN => {
                let command: RunCommand = serde_json::from_str(payload)?;
                let result = (self.answer)(&command);
                self.lock().commands.push(command);
                serde_json::to_string(&result)?
            }
            op::LOG => {
                let line = serde_json::from_str(payload)?;
                self.lock().log.push(line);
                "null".to_owned()
            }
            op::STOPPING => "false".to_owned(),
            _ => {
                self.lock().other.push((op.to_owned(), payload.to_owned()));
                "null".to_owned()
            }
        })
    }
}

impl auh_abi::Host for PretendHost {
    fn call(&self, op: RStr<'_>, payload: RStr<'_>) -> RResult<RString, RString> {
        match self.answer(op.as_str(), payload.as_str()) {
            Ok(answer) => RResult::ROk(answer.into()),
            Err(error) => RResult::RErr(error.to_string().into()),
        }
    }
}

/// A recipe at version 1.0 that shall go to 2.0; its file is `NAME/NAME_1.0.bb` in `layer`.
///
/// # Panics
/// `name` is no recipe name.
#[must_use]
pub fn recipe(layer: &Path, name: &str) -> Recipe {
    let version = |text| Version::new(text).expect("this is a version");
    Recipe {
        name: RecipeName::new(name).expect("a recipe's name"),
        file: layer.join(format!("{name}/{name}_1.0.bb")),
        layer: None,
        version: version("1.0"),
        target: Target {
            version: version("2.0"),
            revision: None,
            new_commits: false,
        },
        maintainer: None,
        packages: Vec::new(),
    }
}

/// A request to do `action` with one group of `recipes` for `machines`. `folder` is the run's
/// directory and the group's; the build directory is `build` in it, each machine's `build-NAME`.
///
/// # Panics
/// One of `machines` is no machine.
#[must_use]
pub fn request(
    folder: &Path,
    action: &str,
    recipes: Vec<Recipe>,
    machines: &[&str],
) -> StepRequest {
    let machine = |name: &&str| MachineBuild {
        machine: name.parse().expect("a machine"),
        build_dir: folder.join(format!("build-{name}")),
    };
    StepRequest {
        action: action.to_owned(),
        run: RunContext {
            folder: folder.to_owned(),
            build_dir: folder.join("build"),
            workspace: folder.join("build/workspace"),
            author: "Upgrade Helper <uh@not.set>".to_owned(),
            branch: None,
        },
        groups: vec![GroupWork {
            group: Group { recipes },
            folder: folder.to_owned(),
            state: GroupState::default(),
        }],
        machines: machines.iter().map(machine).collect(),
        options: Options::new(),
        settings: Options::new(),
        again: false,
    }
}

/// A command's end with this status and these outputs.
#[must_use]
pub fn ended(code: i32, stdout: &str, stderr: &str) -> CommandResult {
    CommandResult {
        exit: Exit::Code(code),
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        seconds: 0.0,
    }
}
