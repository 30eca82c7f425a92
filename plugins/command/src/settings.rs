//! The step's own settings.

use auh_sdk::{FailureClass, OptionKey, OptionKind, Options, StepError, serde_json::Value};
use std::path::Path;

/// Where the program starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// In the build directory, with the environment of OE's tools.
    BuildDir,
    /// In the group's folder of the run directory, with the user's environment.
    GroupFolder,
}

/// The settings, as `[plugins.command]` or a pipeline's entry has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it starts.
    pub start: Start,
    /// Seconds it may take; the run's own limit when absent.
    pub time_limit: Option<u64>,
    /// What the recipes' failure is called when it ends with another status than 0.
    pub class: FailureClass,
}

const BUILD_DIR: &str = "build-dir";
const GROUP_FOLDER: &str = "group-folder";

/// The keys that there are.
pub(crate) fn keys() -> Vec<OptionKey> {
    let classes = FailureClass::ALL.map(FailureClass::as_str);
    vec![
        OptionKey::new(
            "argv",
            OptionKind::Texts,
            "the program, by name or absolute path, and its arguments; no shell reads them",
        )
        .required(),
        OptionKey::new(
            "start-in",
            OptionKind::one_of(&[BUILD_DIR, GROUP_FOLDER]),
            "where it starts",
        )
        .with_default(BUILD_DIR),
        OptionKey::new(
            "time-limit",
            OptionKind::Whole { least: 1 },
            "seconds it may take; unless set, as long as any command",
        ),
        OptionKey::new(
            "failure-class",
            OptionKind::one_of(&classes),
            "the class of a failure when it ends with another status than 0",
        )
        .with_default(FailureClass::Test.as_str()),
    ]
}

impl Settings {
    /// Reads them; the host has checked their types.
    pub(crate) fn new(options: &Options) -> Result<Self, StepError> {
        let text = |key: &str| options.get(key).and_then(Value::as_str);
        let words = options.get("argv").and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        let class = |name| FailureClass::ALL.into_iter().find(|c| c.as_str() == name);
        let settings = Self {
            argv: words.map(str::to_owned).collect(),
            start: match text("start-in") {
                Some(GROUP_FOLDER) => Start::GroupFolder,
                _ => Start::BuildDir,
            },
            time_limit: options.get("time-limit").and_then(Value::as_u64),
            class: text("failure-class")
                .and_then(class)
                .unwrap_or(FailureClass::Test),
        };
        check_program(settings.argv.first())?;
        Ok(settings)
    }

    /// The program's name without its folder.
    pub(crate) fn program(&self) -> String {
        let program = self.argv.first().map(Path::new);
        let name = program.and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// With several jobs the build directory is another one for each, so that a path from there would
/// lead elsewhere each time.
fn check_program(program: Option<&String>) -> Result<(), StepError> {
    let wrong = match program.map(String::as_str) {
        None | Some("") => "argv names no program".to_owned(),
        Some(path) if path.contains('/') && !path.starts_with('/') => {
            format!("argv starts with {path:?}; write a name or an absolute path")
        }
        Some(_) => return Ok(()),
    };
    Err(StepError::infrastructure(wrong))
}
