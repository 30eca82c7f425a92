//! The crate that a new plugin begins as: its files, and writing them into a folder of their own.
//!
//! Not here: building it, and any plugin that does something.

use auh_protocol::PluginKind;
use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A plugin's name: lower-case letters, digits, and single dashes between them, a letter first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The package, after which the plugin's file is named.
    #[must_use]
    pub fn package(&self, kind: PluginKind) -> String {
        format!("auh_{kind}_{}", self.0.replace('-', "_"))
    }
}

impl FromStr for Name {
    type Err = NewPluginError;

    fn from_str(text: &str) -> Result<Self, NewPluginError> {
        let is_word = |word: &str| {
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            !word.is_empty() && word.chars().all(good)
        };
        let good = text.len() <= LONGEST
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.split('-').all(is_word);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NewPluginError::Name {
                name: text.to_owned(),
            })
        }
    }
}

/// The name becomes part of a file's name.
const LONGEST: usize = 60;

/// Where a new plugin lives, and so how it names the SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// In auh's own workspace.
    Workspace,
    /// By itself, with the SDK's sources at this absolute path.
    Alone {
        /// The SDK's folder.
        sdk: PathBuf,
    },
    /// By itself, with the SDK as it was published.
    Published {
        /// The SDK's version.
        version: String,
    },
}

/// A plugin to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlugin {
    /// A step or a scheduler.
    pub kind: PluginKind,
    /// Its name.
    pub name: Name,
    /// Where it lives.
    pub home: Home,
}

/// Why a plugin was not begun.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum NewPluginError {
    /// The name is none.
    #[error("{name:?} is no name for a plugin")]
    Name { name: String },
    /// The folder is there already.
    #[error("{} is there already", .folder.display())]
    Exists { folder: PathBuf },
    /// A file could not be written.
    #[error("cannot write {}", .file.display())]
    Write { file: PathBuf, source: io::Error },
}

impl NewPluginError {
    /// What to do about it, for a line of its own.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Name { .. } => Some(
                "use lower-case letters, digits and single dashes between them, a letter first, up to 60",
            ),
            Self::Exists { .. } => Some("choose another name, or another folder"),
            Self::Write { .. } => None,
        }
    }
}

/// Writes a plugin's files into a folder that is not there yet, and names them.
pub fn write(plugin: &NewPlugin, folder: &Path) -> Result<Vec<PathBuf>, NewPluginError> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(|error| cannot_write(parent, error))?;
    }
    fs::create_dir(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => NewPluginError::Exists {
            folder: folder.to_owned(),
        },
        _ => cannot_write(folder, error),
    })?;
    let files = files(plugin);
    for (name, text) in &files {
        let file = folder.join(name);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, text))
            .map_err(|error| cannot_write(&file, error))?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

fn cannot_write(file: &Path, source: io::Error) -> NewPluginError {
    NewPluginError::Write {
        file: file.to_owned(),
        source,
    }
}

/// The files of a new plugin, by their paths in its folder.
fn files(plugin: &NewPlugin) -> Vec<(PathBuf, String)> {
    let source = match plugin.kind {
        PluginKind::Scheduler => include_str!("templates/scheduler.txt"),
        PluginKind::Step | PluginKind::Unknown => include_str!("templates/step.txt"),
    };
    let manifest = match &plugin.home {
        Home::Workspace => include_str!("templates/cargo-inside.txt").to_owned(),
        Home::Alone { sdk } => alone(&format!("{{ path = {} }}", quoted(&sdk.to_string_lossy()))),
        Home::Published { version } => alone(&quoted(version)),
    };
    let filled = |text: &str| {
        text.replace("@NAME@", plugin.name.as_str())
            .replace("@PACKAGE@", &plugin.name.package(plugin.kind))
    };
    let mut files = vec![
        ("Cargo.toml".into(), filled(&manifest)),
        ("src/lib.rs".into(), filled(source)),
    ];
    if plugin.home != Home::Workspace {
        files.push((".gitignore".into(), "/target\n".to_owned()));
    }
    files
}

fn alone(sdk: &str) -> String {
    include_str!("templates/cargo-alone.txt").replace("@SDK@", sdk)
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(home: Home) -> NewPlugin {
        NewPlugin {
            kind: PluginKind::Step,
            name: "tell-the-chat".parse().unwrap(),
            home,
        }
    }

    #[test]
    fn names_become_files_and_only_such_are_names() {
        let name: Name = "rm-work2".parse().unwrap();
        assert_eq!(
            name.package(PluginKind::Scheduler),
            "auh_scheduler_rm_work2"
        );
        let long = "a".repeat(61);
        for bad in [
            "", "-a", "a-", "a--b", "a_b", "A", "2a", "../a", "a b", "ä", &long,
        ] {
            let error = bad.parse::<Name>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{bad:?} is no name for a plugin")
            );
        }
    }

    #[test]
    fn a_folder_that_is_there_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let plugin = step(Home::Workspace);
        let error = write(&plugin, folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("is there already"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let new = folder.path().join("above/new");
        let files = write(&plugin, &new).unwrap();
        assert_eq!(files, ["Cargo.toml", "src/lib.rs"].map(PathBuf::from));
        assert!(files.iter().all(|file| new.join(file).is_file()));
    }

    #[test]
    fn the_sdk_is_named_by_path_or_version_and_nothing_is_left_to_fill_in() {
        for (home, expect) in [
            (Home::Workspace, "auh-sdk.workspace = true"),
            (
                Home::Alone {
                    sdk: "/a \"b\"/sdk".into(),
                },
                "auh-sdk = { path = \"/a \\\"b\\\"/sdk\" }",
            ),
            (
                Home::Published {
                    version: "0.1.0".to_owned(),
                },
                "auh-sdk = \"0.1.0\"",
            ),
        ] {
            for kind in [PluginKind::Step, PluginKind::Scheduler] {
                let files = files(&NewPlugin {
                    kind,
                    ..step(home.clone())
                });
                assert!(
                    files[0].1.lines().any(|line| line == expect),
                    "{}",
                    files[0].1
                );
                for (name, text) in files {
                    assert!(!text.contains('@'), "{}: {text}", name.display());
                }
            }
        }
    }
}
