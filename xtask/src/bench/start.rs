//! How long the program takes to start, and a plugin to load. Loading is measured in processes of
//! their own, as a loaded plugin stays loaded.

use super::median;
use crate::{
    build::{Built, libraries},
    tool,
    workspace::cargo,
};
use anyhow::{Context, Result};
use auh_loader::Trust;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

const TIMES: usize = 50;

/// Options of the hidden command that loads one plugin.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadOptions {
    file: PathBuf,
}

/// Loads one plugin and prints the nanoseconds it took.
pub(crate) fn load_once(options: &LoadOptions) -> Result<()> {
    let start = Instant::now();
    auh_loader::load(&options.file, Trust::Strict)?;
    println!("{}", start.elapsed().as_nanos());
    Ok(())
}

/// Median wall time of `auh --version`, process start and end included.
pub(crate) fn of_program(program: &Path) -> Result<Duration> {
    let times = (0..TIMES).map(|_| {
        let start = Instant::now();
        tool::output(Command::new(program).arg("--version"))?;
        Ok(start.elapsed())
    });
    Ok(median(times.collect::<Result<_>>()?))
}

/// Median load time of each shipped plugin, by file name.
pub(crate) fn of_plugins(built: &Built) -> Result<Vec<(String, Duration)>> {
    let ourselves = optimised_self()?;
    let is_plugin = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // Beside the plugins lies the bridge into BitBake, which is none.
        name.starts_with("libauh_step_") || name.starts_with("libauh_scheduler_")
    };
    libraries(&built.plugins)?
        .into_iter()
        .filter(is_plugin)
        .map(|file| {
            let times = (0..TIMES).map(|_| load_time(&ourselves, &file));
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Ok((name, median(times.collect::<Result<_>>()?)))
        })
        .collect()
}

fn load_time(ourselves: &Path, file: &Path) -> Result<Duration> {
    let text = tool::output(Command::new(ourselves).arg("bench-load").arg(file))?;
    let nanoseconds = text
        .trim()
        .parse()
        .with_context(|| format!("bench-load printed {text:?}"))?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// An optimised build of this very program: its loader is what is measured.
fn optimised_self() -> Result<PathBuf> {
    let mut command = cargo();
    command
        .args([
            "build",
            "--release",
            "--package",
            "xtask",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    let messages = tool::output(&mut command)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo built no xtask")
}
