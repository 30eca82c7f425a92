//! A pretended host and pretended work, so that a step or a scheduler can be tested without
//! running anything.

use crate::{
    CommandResult, Exit, GraphView, Group, GroupState, GroupWork, Host, MachineBuild, Options,
    PluginManifest, Recipe, RecipeName, RunCommand, RunContext, Scheduler, StepError, StepRequest,
};
use auh_abi::{
    FlatGraph, Host_TO,
    abi_stable::{
        std_types::{RResult, RSlice, RStr, RString},
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

/// Settings as a host gives them: these texts, and the manifest's defaults for all other keys.
#[must_use]
pub fn options(manifest: &PluginManifest, texts: &[(&str, &str)]) -> Options {
    let texts = texts
        .iter()
        .map(|&(key, text)| (key.to_owned(), text.into()));
    manifest.with_defaults(texts.collect())
}

/// A task of a pretended graph: its recipe, its name, and the numbers of the tasks it waits for.
pub type Task<'t> = (&'t str, &'t str, &'t [u32]);

/// The order that a scheduler gives these tasks, which are numbered from 0.
///
/// # Errors
/// What the scheduler says.
///
/// # Panics
/// There are more tasks than a graph can have.
pub fn order(scheduler: &impl Scheduler, tasks: &[Task<'_>]) -> Result<Vec<u32>, StepError> {
    let number = |count: usize| u32::try_from(count).expect("a small graph");
    let numbers: Vec<u32> = (0..number(tasks.len())).collect();
    let dependencies: Vec<u32> = tasks.iter().flat_map(|task| task.2).copied().collect();
    let mut offsets = vec![0];
    for task in tasks {
        offsets.push(offsets[offsets.len() - 1] + number(task.2.len()));
    }
    let mut recipes: Vec<RStr<'_>> = Vec::new();
    let mut recipe_of = Vec::new();
    for (recipe, _, _) in tasks {
        let known = recipes.iter().position(|known| known.as_str() == *recipe);
        recipe_of.push(number(known.unwrap_or(recipes.len())));
        if known.is_none() {
            recipes.push(RStr::from(*recipe));
        }
    }
    // A name may stand in the list several times, so every task brings its own.
    let names: Vec<RStr<'_>> = tasks.iter().map(|task| RStr::from(task.1)).collect();
    let flat = FlatGraph {
        dependency_offsets: RSlice::from(offsets.as_slice()),
        dependencies: RSlice::from(dependencies.as_slice()),
        recipe_of: RSlice::from(recipe_of.as_slice()),
        name_of: RSlice::from(numbers.as_slice()),
        recipes: RSlice::from(recipes.as_slice()),
        names: RSlice::from(names.as_slice()),
        duration_us: RSlice::from(&[][..]),
        work_bytes: RSlice::from(&[][..]),
    };
    let host = PretendHost::new(|_| ended(0, "", ""));
    scheduler.order(&GraphView::new(&flat), &host.host())
}

/// A command's end with this status and these outputs.
#[must_use]
pub fn ended(code: i32, stdout: &str, stderr: &str) -> CommandResult {
    CommandResult {
        exit: Exit::Code(code),
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        seconds: 0.0,
        last_lines: Vec::new(),
    }
}
