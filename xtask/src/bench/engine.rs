//! The engine's own time and memory: whole runs over a generated layer, with tools that answer
//! nothing and succeed at once. Time in which, by the run's journal, no command was running is the
//! engine's. The pipeline only builds: tools that do nothing upgrade nothing, and a failed upgrade
//! would keep the builds for all machines out of the measurement.

use super::spans::{Span, covered, of_command};
use crate::{build::Built, demo::newest_run, tool, workspace::Workspace};
use anyhow::{Context, Result, bail};
use auh_journal::{Event, Record, RunEnd};
use std::{
    fmt, fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

const PIPELINE: &str =
    "pipeline = \"bench\"\n[pipelines.bench]\nsteps = [\"compile-parallel\", \"git-integrate\"]\n";
const MACHINES: &str = "qemux86-64 qemuarm64 qemuriscv64 qemuppc";
/// The kernel keeps the peak, so that only the last look before the end matters.
const LOOK: Duration = Duration::from_millis(2);

/// What one run cost.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Wall time in which no command was running.
    pub(crate) own: Duration,
    /// Wall time from the run's begin to its end.
    pub(crate) wall: Duration,
    /// Wall time in which at least one command was running.
    commands: Duration,
    /// Peak of the program's resident memory, KiB.
    pub(crate) peak_kib: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            own,
            commands,
            peak_kib,
            ..
        } = self;
        write!(
            f,
            "own {:.2} s, commands {:.2} s, peak memory {:.1} MiB",
            own.as_secs_f64(),
            commands.as_secs_f64(),
            *peak_kib as f64 / 1024.0
        )
    }
}

/// Upgrades this many generated recipes, each its own group, on four machines, so many at a time.
pub(crate) fn run(
    workspace: &Workspace,
    built: &Built,
    groups: usize,
    jobs: usize,
) -> Result<Figures> {
    let folder = workspace
        .target
        .join("bench")
        .join(format!("{groups}-{jobs}"));
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let environment = folder.join("environment");
    make_layer(workspace, &environment, groups)?;
    let home = folder.join("home");
    fs::create_dir_all(&home)?;
    fs::write(
        home.join(".gitconfig"),
        "[user]\n\tname = Bench\n\temail = bench@example.com\n",
    )?;
    let workdir = environment.join("build/upgrade-helper");
    fs::create_dir_all(&workdir)?;
    fs::write(workdir.join("auh.toml"), PIPELINE)?;
    let peak_kib = upgrade(&environment, &home, built, groups, jobs)?;
    let journal = newest_run(&workdir)?.join("journal.jsonl");
    let records = auh_journal::read(&journal)?.records;
    let end = run_end(&records)
        .with_context(|| format!("{} does not say how the run ended", journal.display()))?;
    if end.exit_code != 0 {
        bail!(
            "a run that was to build only ended with exit code {}: see {}",
            end.exit_code,
            journal.display()
        );
    }
    let commands = covered(records.iter().filter_map(command_span).collect());
    let wall = Duration::from_secs_f64(end.seconds);
    Ok(Figures {
        own: wall.saturating_sub(commands),
        wall,
        commands,
        peak_kib,
    })
}

fn make_layer(workspace: &Workspace, environment: &Path, recipes: usize) -> Result<()> {
    let script = workspace.root.join("tests/stand-ins/make-layer");
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg(environment)
        .args(["--recipes", &recipes.to_string()]);
    tool::output(&mut command)?;
    Ok(())
}

/// Runs the program to its end; the peak of its resident memory in KiB.
fn upgrade(
    environment: &Path,
    home: &Path,
    built: &Built,
    groups: usize,
    jobs: usize,
) -> Result<u64> {
    let mut command = Command::new(environment.join("run"));
    command
        .arg(&built.program)
        .arg("upgrade")
        .args((1..=groups).map(|number| format!("r{number:04}")))
        .args(["--machines", MACHINES, "--jobs", &jobs.to_string()])
        .env("STANDIN_INSTANT", "1")
        .env("HOME", home)
        .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
        .env("AUH_PLUGIN_PATH", &built.plugins)
        .env_remove("AUH_BUILDDIR")
        .env_remove("XDG_DATA_HOME")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().context("cannot run auh")?;
    let peak = watch(&mut child)?;
    if peak == 0 {
        bail!("auh ended before its memory could be looked at");
    }
    Ok(peak)
}

/// `run` replaces itself with the program, so the child's number becomes the program's.
fn watch(child: &mut Child) -> Result<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        // Not the largest of all looks: the shell before the program has a peak of its own.
        if let Some(kib) = fs::read_to_string(&status)
            .ok()
            .and_then(|text| peak_of(&text))
        {
            peak = kib;
        }
        thread::sleep(LOOK);
    }
    Ok(peak)
}

/// `VmHWM` of a `/proc/PID/status` (proc_pid_status(5)), KiB.
fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn run_end(records: &[Record]) -> Option<&RunEnd> {
    records.iter().find_map(|record| match &record.event {
        Event::RunFinished(end) => Some(end),
        _ => None,
    })
}

fn command_span(record: &Record) -> Option<Span> {
    let Event::CommandFinished(end) = &record.event else {
        return None;
    };
    Some(of_command(record, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_kernels_words() {
        assert_eq!(
            peak_of("Name:\tauh\nVmPeak:\t  9 kB\nVmHWM:\t   20480 kB\nVmRSS:\t 1 kB\n"),
            Some(20480)
        );
        assert_eq!(peak_of("Name:\tauh\nState:\tZ (zombie)\n"), None);
    }
}
