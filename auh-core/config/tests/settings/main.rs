//! Settings from files and flags, through the crate's public face.

mod configparser;
mod errors;
mod ini_keys;
mod layers;
mod plugin_options;
mod toml_keys;

use auh_config::{ConfigError, Flags, LEGACY_FILE, Load, NATIVE_FILE, Settings};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A build directory to load settings from.
struct BuildDir {
    folder: TempDir,
}

impl BuildDir {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("upgrade-helper")).expect("its folder");
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path().join(name), text).expect("a settings file");
        self
    }

    fn load(&self, flags: Flags) -> Result<Settings, ConfigError> {
        Settings::load(&Load {
            build_dir: self.path().to_owned(),
            config_file: None,
            flags,
        })
    }

    fn load_file(&self, name: &str) -> Result<Settings, ConfigError> {
        Settings::load(&Load {
            build_dir: self.path().to_owned(),
            config_file: Some(self.path().join(name)),
            flags: Flags::default(),
        })
    }
}

fn from_toml(text: &str) -> Result<Settings, ConfigError> {
    BuildDir::new()
        .with(NATIVE_FILE, text)
        .load(Flags::default())
}

fn from_ini(text: &str) -> Result<Settings, ConfigError> {
    BuildDir::new()
        .with(LEGACY_FILE, text)
        .load(Flags::default())
}

/// The settings without files and flags.
fn shipped() -> Settings {
    from_toml("").expect("the shipped defaults")
}

/// One test per key: what the file says, and what the settings must then be. The check must
/// not hold for the shipped defaults, so a key that is ignored fails its test.
macro_rules! key_tests {
    ($read:ident; $($name:ident: $text:expr => $check:expr;)+) => {
        const TESTED: &[&str] = &[$(stringify!($name)),+];

        $(
            #[test]
            fn $name() {
                let check: fn(&auh_config::Settings) -> bool = $check;
                assert!(!check(&crate::shipped()), "the defaults already pass");
                let settings = crate::$read($text).unwrap_or_else(|e| panic!("{e}"));
                assert!(check(&settings), "{settings:#?}");
            }
        )+
    };
}
pub(crate) use key_tests;
