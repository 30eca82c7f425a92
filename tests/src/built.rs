//! What the tests run: the program and the plugins that somebody has built before.

use std::{
    env,
    io::Write,
    path::PathBuf,
    sync::{Once, OnceLock},
};

/// The built program and its plugins.
#[derive(Debug)]
pub struct Built {
    /// The program.
    pub program: PathBuf,
    /// Folder with the shipped plugins.
    pub plugins: PathBuf,
    /// Folder with the plugins that misbehave.
    pub hostile_plugins: PathBuf,
}

/// What was built, as the environment says. Without it says once that the tests are skipped, and
/// how they are run.
pub fn built() -> Option<&'static Built> {
    static BUILT: OnceLock<Option<Built>> = OnceLock::new();
    static TOLD: Once = Once::new();
    let built = BUILT.get_or_init(from_environment).as_ref();
    if built.is_none() {
        TOLD.call_once(tell);
    }
    built
}

fn from_environment() -> Option<Built> {
    let path = |name| env::var_os(name).map(PathBuf::from);
    Some(Built {
        program: path("AUH_TEST_BIN")?,
        plugins: path("AUH_TEST_PLUGINS")?,
        hostile_plugins: path("AUH_TEST_HOSTILE_PLUGINS")?,
    })
}

/// Straight to standard error: what tests print is only shown of those that fail.
fn tell() {
    let _ = writeln!(
        std::io::stderr(),
        "skipped: the end-to-end tests need the built program and its plugins; run them with `cargo xtask test`"
    );
}
