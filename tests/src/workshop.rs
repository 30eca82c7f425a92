//! A place to write plugins in, as somebody else would: the program in a checkout of the sources,
//! cargo without network, and the third-party libraries that the tests were built with.

use crate::{Environment, environment::link_or_copy};
use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// The workspace that this test program was built from.
///
/// # Panics
/// When it is no more.
#[must_use]
pub fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().canonicalize().unwrap()
}

/// Where cargo built this test program: `FOLDER/debug/deps/PROGRAM`.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

/// A checkout with the program in it, and settings for cargo that everything beside it has.
#[derive(Debug)]
pub struct Workshop<'e> {
    environment: &'e Environment,
    /// The checkout, with the program in `target/debug`.
    pub checkout: PathBuf,
}

impl<'e> Workshop<'e> {
    /// Puts one beside the environment.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(environment: &'e Environment) -> Self {
        let made = environment.beside("checkout");
        for folder in ["auh-core", "docs", "tests"] {
            symlink(checkout().join(folder), made.join(folder)).unwrap();
        }
        let programs = environment.beside("checkout/target/debug");
        link_or_copy(environment.program(), &programs.join("auh")).unwrap();
        let settings = environment.outside().join(".cargo/config.toml");
        environment.append(&settings, &cargo_settings(&target()));
        Self {
            environment,
            checkout: made,
        }
    }

    /// The third-party versions that the program was built with, for a crate that has chosen none.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn lock(&self, crate_folder: &Path) {
        fs::copy(
            checkout().join("Cargo.lock"),
            crate_folder.join("Cargo.lock"),
        )
        .unwrap();
    }

    /// A command that finds the program, and that is given nothing of this test's own cargo.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.environment.command(program.into());
        let own = env::var_os("PATH").unwrap_or_default();
        let programs = self.checkout.join("target/debug");
        let path = [programs].into_iter().chain(env::split_paths(&own));
        let home = env::home_dir().unwrap_or_default();
        command
            .env("PATH", env::join_paths(path).unwrap())
            .env("AUH", &self.checkout);
        for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            command.env(name, env::var_os(name).unwrap_or(home.join(usual).into()));
        }
        if let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        command.current_dir(self.environment.outside());
        command
    }

    /// Runs cargo in a crate's folder.
    ///
    /// # Panics
    /// When it fails.
    pub fn cargo(&self, crate_folder: &Path, words: &[&str]) {
        let mut command = self.command("cargo");
        let output = command
            .args(words)
            .current_dir(crate_folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let more = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "cargo {words:?}: {said}{more}");
    }

    /// A folder for crates that stay from test run to test run, so that they are built once.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn kept(&self, name: &str) -> PathBuf {
        let folder = target().join(name);
        let settings = folder.join(".cargo/config.toml");
        fs::create_dir_all(settings.parent().unwrap()).unwrap();
        write_new(&settings, cargo_settings(&target()).as_bytes());
        folder
    }
}

/// As the workspace is built, so that what it was built of is found there, and without network.
fn cargo_settings(build: &Path) -> String {
    format!(
        "[net]\noffline = true\n\
         [build]\nbuild-dir = {build:?}\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\
         [profile.dev.package.\"*\"]\ndebug = false\n"
    )
}

/// Copies a folder over another one; files that are the same keep their times.
///
/// # Panics
/// When it cannot be done.
pub fn mirror(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            mirror(&entry.path(), &target);
        } else {
            write_new(&target, &fs::read(entry.path()).unwrap());
        }
    }
}

fn write_new(file: &Path, bytes: &[u8]) {
    if fs::read(file).ok().as_deref() != Some(bytes) {
        fs::write(file, bytes).unwrap();
    }
}
