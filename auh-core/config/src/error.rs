//! Errors and warnings about settings. Each says where: `file:line:column`, or which flag.

use crate::{Place, Source, ini::IniProblem};
use std::{fmt, io, path::PathBuf};
use thiserror::Error;

/// Why the settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A settings file cannot be read.
    #[error("cannot read the settings file {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A settings file holds bytes that are no UTF-8.
    #[error("{at}: the file is no UTF-8 text")]
    NotText {
        /// The first such byte.
        at: Place,
    },
    /// A TOML file breaks TOML's rules.
    #[error("{at}: {message}")]
    Toml {
        /// Where.
        at: Place,
        /// What the reader says.
        message: String,
    },
    /// An INI file breaks the rules of Python's configparser.
    #[error("{at}: {problem}")]
    Ini {
        /// Where.
        at: Place,
        /// What is wrong.
        problem: IniProblem,
    },
    /// A TOML file sets a key that does not exist.
    #[error("{at}: unknown key {key}")]
    UnknownKey {
        /// Where.
        at: Source,
        /// The key with its tables.
        key: String,
        /// The valid key that is most like it.
        nearest: Option<String>,
    },
    /// A value has the wrong type.
    #[error("{at}: {key} must be {expected}, not {found}")]
    WrongType {
        /// Where.
        at: Source,
        /// The key with its tables.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value of the right type cannot be used.
    #[error("{at}: {}{reason}", key_beside(at, key))]
    Invalid {
        /// Where.
        at: Source,
        /// The key with its tables.
        key: String,
        /// Why.
        reason: String,
        /// The remedy.
        hint: Option<String>,
    },
}

impl ConfigError {
    /// The place in a settings file that it is about, if any.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::NotText { at } | Self::Toml { at, .. } | Self::Ini { at, .. } => Some(at),
            Self::UnknownKey { at, .. } | Self::WrongType { at, .. } | Self::Invalid { at, .. } => {
                match at {
                    Source::File(place) => Some(place),
                    Source::Shipped | Source::Flag(_) => None,
                }
            }
            Self::Read { .. } => None,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("check the path given with -c, or leave -c out to use the defaults".into())
            }
            Self::Read { .. } => Some("make the file readable for this user".into()),
            Self::NotText { .. } => Some("store the file as UTF-8".into()),
            Self::Toml { .. } => Some(
                "text stands in quotes, a list in [ ], a table's name in [ ] on a line of its own"
                    .into(),
            ),
            // What it must be is the remedy.
            Self::WrongType { .. } => None,
            Self::Ini { problem, .. } => Some(problem.remedy().to_owned()),
            Self::UnknownKey { nearest, .. } => Some(did_you_mean(nearest.as_deref())),
            Self::Invalid { hint, .. } => hint.clone(),
        }
    }
}

/// The key, unless its place is the flag of the same name.
fn key_beside(at: &Source, key: &str) -> String {
    match at {
        Source::Flag(flag) if flag.trim_start_matches('-') == key => String::new(),
        Source::Flag(_) | Source::Shipped | Source::File(_) => format!("{key}: "),
    }
}

/// Something in a settings file that has no effect, or another one than it seems to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub at: Source,
    /// What it is.
    pub message: String,
    /// The remedy.
    pub hint: Option<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// The hint about an unknown name.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean {name}?"),
        None => "`auh config show` lists every key".to_owned(),
    }
}
