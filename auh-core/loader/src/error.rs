//! Why a plugin was not loaded, one line each; what is long stands in [`LoadError::detail`].

use auh_protocol::PluginKind;
use std::path::PathBuf;

/// Why a plugin was not loaded.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum LoadError {
    /// No file of that name in any folder of the search path.
    #[error("there is no {kind} plugin {name:?}")]
    NotFound {
        kind: PluginKind,
        name: String,
        known: Vec<String>,
        folders: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("plugin {}: {reason}", .file.display())]
    Unreadable { file: PathBuf, reason: String },
    /// The file could have been changed by somebody else; `culprit` is the file or its folder.
    #[error("plugin {}: refused, because {reason}", .file.display())]
    Untrusted {
        file: PathBuf,
        culprit: PathBuf,
        reason: String,
    },
    /// The file is no shared library, or only a part of one.
    #[error("plugin {}: {reason}", .file.display())]
    NoLibrary { file: PathBuf, reason: String },
    /// A shared library, but no plugin of auh.
    #[error("plugin {}: this is a shared library, but no auh plugin (it lacks the symbol {symbol})", .file.display())]
    NoPlugin { file: PathBuf, symbol: &'static str },
    /// Built for another boundary.
    #[error("plugin {}: built for plugin ABI {found}, and this auh needs {wanted}", .file.display())]
    WrongAbi {
        file: PathBuf,
        found: u32,
        wanted: u32,
    },
    /// The boundary's number fits, its layouts do not.
    #[error("plugin {}: its layouts differ from those of this auh, although both say plugin ABI {abi}", .file.display())]
    WrongLayout {
        file: PathBuf,
        abi: u32,
        detail: String,
    },
    /// Speaks other words.
    #[error("plugin {}: {name} {version} speaks plugin API {low} to {high}, and this auh speaks {wanted}", .file.display())]
    WrongApi {
        file: PathBuf,
        name: String,
        version: String,
        low: u32,
        high: u32,
        wanted: u32,
    },
    /// Its manifest cannot be had or says something else than its file name.
    #[error("plugin {}: {reason}", .file.display())]
    BadManifest { file: PathBuf, reason: String },
    /// The process that was to load it says why it did not, or died.
    #[error("plugin {}: {reason}", .file.display())]
    Apart { file: PathBuf, reason: String },
}

impl LoadError {
    /// What to do about it, for a line of its own.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { known, folders, .. } if known.is_empty() => format!(
                "looked in {}; set AUH_PLUGIN_PATH to the folder that holds the plugins",
                list(folders.iter().map(|f| f.display().to_string()))
            ),
            Self::NotFound { known, .. } => format!("there are: {}", known.join(", ")),
            Self::Untrusted { culprit, .. } => format!(
                "chmod go-w {} and own it, or allow such files with --allow-untrusted-plugins",
                culprit.display()
            ),
            Self::NoLibrary { .. } => "copy or build it again".to_owned(),
            Self::WrongAbi { .. } | Self::WrongLayout { .. } => {
                "rebuild it with the auh-sdk of this release".to_owned()
            }
            Self::WrongApi { high, wanted, .. } if high < wanted => {
                "rebuild it with the auh-sdk of this release".to_owned()
            }
            Self::WrongApi { .. } => "use a newer auh".to_owned(),
            Self::Unreadable { .. } => "check its path and who may read it".to_owned(),
            Self::NoPlugin { .. } => {
                "export a step or a scheduler with the macros of auh-sdk, or take the file away"
                    .to_owned()
            }
            Self::BadManifest { .. } => "its author has to correct that; leave it out until then".to_owned(),
            Self::Apart { .. } => {
                "`auh plugin check` on the file may say more; without isolation it is loaded directly"
                    .to_owned()
            }
        })
    }

    /// The line without the plugin's file, which another process names.
    pub(crate) fn reason(&self) -> String {
        let line = self.to_string();
        match line.split_once(": ") {
            Some((start, reason)) if start.starts_with("plugin ") => reason.to_owned(),
            _ => line,
        }
    }

    /// The long text behind the line, for debugging.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::WrongLayout { detail, .. } => Some(detail),
            _ => None,
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        "no folder".to_owned()
    } else {
        items.join(", ")
    }
}
