//! Finds the settings files and lays what they say over one another.

use crate::{
    ConfigError, Flags, Place, Settings, Warning, legacy,
    native::{self, Origin},
    tree::Tree,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The native settings file, in the build directory.
pub const NATIVE_FILE: &str = "upgrade-helper/auh.toml";

/// The Python helper's settings file, in the build directory.
pub const LEGACY_FILE: &str = "upgrade-helper/upgrade-helper.conf";

/// What settings are made from.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// The user's build directory, `$BUILDDIR`.
    pub build_dir: PathBuf,
    /// The file that `-c` names: native when it ends in `.toml`, else INI. It is then the only
    /// one that is read; without it, both files of the build directory are, if they exist.
    pub config_file: Option<PathBuf>,
    /// The command line.
    pub flags: Flags,
}

impl Settings {
    /// Reads and checks the settings: flags over `auh.toml` over `upgrade-helper.conf` over
    /// the shipped defaults. The error is the first one found.
    pub fn load(load: &Load) -> Result<Self, ConfigError> {
        Self::load_or_all_errors(load).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Like [`Self::load`]; the errors, at least one, are all that could be found. What breaks the
    /// rules of a file's form hides what comes after it, and what goes wrong between several
    /// settings is only looked for when each of them is right.
    pub fn load_or_all_errors(load: &Load) -> Result<Self, Vec<ConfigError>> {
        let one = |error| vec![error];
        let (mut warnings, mut errors) = (Vec::new(), Vec::new());
        let mut tree = shipped().map_err(one)?;
        for (file, text) in texts(load).map_err(one)? {
            let mut found = Vec::new();
            match layer(&file, &text, &mut warnings, &mut found) {
                Ok(layer) => tree.absorb(layer),
                Err(error) => found.push(error),
            }
            found.sort_by_key(|error| error.place().map(|at| (at.line, at.column)));
            errors.append(&mut found);
        }
        match load.flags.layer(&tree) {
            Ok(flags) => tree.absorb(flags),
            Err(error) => errors.push(error),
        }
        if errors.is_empty() {
            Self::from_tree(&load.build_dir, tree, warnings).map_err(one)
        } else {
            Err(errors)
        }
    }
}

fn layer(
    file: &Path,
    text: &str,
    warnings: &mut Vec<Warning>,
    errors: &mut Vec<ConfigError>,
) -> Result<Tree, ConfigError> {
    if is_native(file) {
        let origin = Origin {
            file: Some(file),
            text,
        };
        native::read(origin, errors)
    } else {
        legacy::read(file, text, warnings, errors)
    }
}

/// The shipped defaults.
fn shipped() -> Result<Tree, ConfigError> {
    let origin = Origin {
        file: None,
        text: include_str!("defaults.toml"),
    };
    let mut errors = Vec::new();
    let tree = native::read(origin, &mut errors)?;
    errors.pop().map_or(Ok(tree), Err)
}

fn is_native(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "toml")
}

/// The files to read and what they hold, the most important one last.
fn texts(load: &Load) -> Result<Vec<(PathBuf, String)>, ConfigError> {
    if let Some(file) = &load.config_file {
        let bytes = fs::read(file).map_err(|source| unreadable(file, source))?;
        return Ok(vec![(file.clone(), text(file, bytes)?)]);
    }
    let mut texts = Vec::new();
    for name in [LEGACY_FILE, NATIVE_FILE] {
        let file = load.build_dir.join(name);
        match fs::read(&file) {
            Ok(bytes) => {
                let text = text(&file, bytes)?;
                texts.push((file, text));
            }
            Err(error) if is_missing(&error) => {}
            Err(source) => return Err(unreadable(&file, source)),
        }
    }
    Ok(texts)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn unreadable(file: &Path, source: io::Error) -> ConfigError {
    ConfigError::Read {
        file: file.to_owned(),
        source,
    }
}

fn text(file: &Path, bytes: Vec<u8>) -> Result<String, ConfigError> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        ConfigError::NotText {
            at: Place::of_offset(file, &before, valid),
        }
    })
}
