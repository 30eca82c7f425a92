//! `cargo xtask fuzz`: each fuzz target for a while, one after another, with a line about each.
//!
//! What a search finds stays outside of the tree, in the target folder; corpora in the tree are small
//! and chosen by hand.

use crate::{tool, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Targets, as `tests/fuzz/README.md` names them [default: all]
    targets: Vec<String>,
    /// How long each target is run
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    minutes: u64,
}

/// The memory in MiB that a target may have, and the longest input that is tried.
const LIMITS: [&str; 2] = ["-rss_limit_mb=2048", "-max_len=65536"];

/// Runs the targets; the first line of what went wrong with each that found something.
pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::load()?;
    let folder = workspace.root.join("tests/fuzz");
    let known = targets(&folder)?;
    if let Some(unknown) = options.targets.iter().find(|name| !known.contains(name)) {
        bail!(
            "there is no fuzz target {unknown:?}; there are {}",
            known.join(", ")
        );
    }
    let chosen = match options.targets.is_empty() {
        true => &known,
        false => &options.targets,
    };
    let search = Search {
        found: workspace.target.join("fuzz"),
        folder,
        seconds: options.minutes * 60,
    };
    let bad: Vec<&str> = chosen
        .iter()
        .map(|name| Ok((name.as_str(), search.run(name)?)))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .filter_map(|(name, good)| (!good).then_some(name))
        .collect();
    if !bad.is_empty() {
        bail!("something was found by {}", bad.join(", "));
    }
    Ok(())
}

/// The targets that there are, sorted.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let sources = folder.join("fuzz_targets");
    let entries =
        fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))?;
    let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| stem(entry.path()))
        .collect();
    names.sort();
    Ok(names)
}

struct Search {
    /// The fuzz crate.
    folder: PathBuf,
    /// Where compiled targets, what they found, and their logs go.
    found: PathBuf,
    seconds: u64,
}

impl Search {
    /// Runs one target and says how often it was tried; false when it found something.
    fn run(&self, name: &str) -> Result<bool> {
        let corpus = self.found.join("corpus").join(name);
        fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        let log = self.found.join(format!("{name}.log"));
        let written =
            fs::File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        // rustup's, since what runs this is the cargo of one toolchain.
        let mut command = Command::new("cargo");
        command
            .env_remove("RUSTUP_TOOLCHAIN")
            .args(["+nightly", "fuzz", "run", "--fuzz-dir"])
            .arg(&self.folder)
            .arg("--target-dir")
            .arg(&self.found)
            .arg(name)
            .args([&corpus, &self.folder.join("corpus").join(name)])
            .arg("--")
            .arg(format!("-max_total_time={}", self.seconds))
            .arg("-print_final_stats=1")
            .args(LIMITS)
            .stdout(Stdio::null())
            .stderr(written);
        let status = tool::status(&mut command)?;
        let text = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let text = String::from_utf8_lossy(&text);
        match executions(&text) {
            Some(count) if status.success() => {
                println!("{name}: {count} executions, nothing found");
            }
            Some(count) => println!(
                "{name}: found something after {count} executions, see {}",
                log.display()
            ),
            None => bail!("{name} did not run, see {}", log.display()),
        }
        remove_scratch();
        Ok(status.success())
    }
}

/// How often libFuzzer says that it has called a target.
fn executions(log: &str) -> Option<u64> {
    let line = log
        .lines()
        .rfind(|line| line.starts_with("stat::number_of_executed_units:"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// Targets whose parsers take a path leave their files in memory.
fn remove_scratch() {
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix("auh-fuzz-"));
        let has_ended = |process: &str| !Path::new("/proc").join(process).exists();
        if process.is_some_and(has_ended) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libfuzzers_count_is_read() {
        let log = "#2 INITED\nstat::number_of_executed_units: 1234\nstat::peak_rss_mb: 5\n";
        assert_eq!(executions(log), Some(1234));
        assert_eq!(executions("error: no such target\n"), None);
    }

    #[test]
    fn each_target_is_in_the_manifest_and_has_a_corpus() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let names = targets(&folder).unwrap();
        assert!(names.len() > 10);
        for name in names {
            assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
            let corpus = fs::read_dir(folder.join("corpus").join(&name));
            assert!(
                corpus.is_ok_and(|files| files.count() > 0),
                "{name} has no corpus"
            );
        }
    }
}
