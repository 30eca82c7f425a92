//! Runs one of the two programs in the environment and keeps everything that is compared.

use super::{
    results::{About, COMMIT_FORMAT},
    scenario::Scenario,
    sink::Sink,
    stamped::stamp,
    starting_point::wait_for_servers,
};
use crate::{
    e2e::{Environment, Program},
    tool,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Instant,
};

/// One of the two programs.
#[derive(Clone, Copy)]
pub(crate) enum Helper<'a> {
    /// The checkout of the Python helper.
    Python(&'a Path),
    Auh(&'a Program),
    /// auh under its own name, with so many jobs.
    AuhWithJobs(&'a Program, usize),
}

impl Helper<'_> {
    /// Name for people and of the folder with its results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python(_) => "python",
            Self::Auh(_) => "auh",
            Self::AuhWithJobs(..) => "auh-with-jobs",
        }
    }

    /// The words that start it, for auh by itself under the name `upgrade-helper.py`.
    fn command(self) -> Result<Vec<String>> {
        const NAME: &str = "upgrade-helper.py";
        match self {
            Self::Python(checkout) => {
                let script = fs::canonicalize(checkout.join(NAME))
                    .with_context(|| format!("{} has no {NAME}", checkout.display()))?;
                Ok(vec!["python3".to_owned(), script.display().to_string()])
            }
            Self::Auh(program) => {
                let link = program.file.with_file_name(NAME);
                if !link.exists() {
                    std::os::unix::fs::symlink(&program.file, &link)?;
                }
                Ok(vec![link.display().to_string()])
            }
            Self::AuhWithJobs(program, jobs) => {
                let file = program.file.display().to_string();
                let jobs = jobs.to_string();
                let words = ["upgrade", "--integrate", "fast-forward", "--jobs", &jobs];
                Ok([vec![file], words.map(str::to_owned).to_vec()].concat())
            }
        }
    }
}

/// Runs a program over the scenario, in the state in which the environment is; its results go into
/// `folder`, which is made anew.
pub(crate) fn record(
    environment: &Environment,
    scenario: &Scenario,
    helper: Helper<'_>,
    folder: &Path,
) -> Result<()> {
    make_anew(folder)?;
    let base = environment.git_in(&scenario.repository, &["rev-parse", "HEAD"])?;
    let before = runs(environment)?;
    let sink = Sink::open(&folder.join("mails"))?;
    write_settings(environment, &scenario.settings(sink.address()))?;
    let words = [helper.command()?, scenario.arguments()].concat();
    let about = run(command(environment, &words), words, folder)?;
    drop(sink);
    fs::write(
        folder.join("about.json"),
        serde_json::to_string_pretty(&about)?,
    )?;
    wait_for_servers(environment)?;
    keep_run(environment, &before, folder)?;
    keep_rest(environment, scenario, base.trim(), folder)
}

/// An empty folder, whatever it held.
pub(crate) fn make_anew(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// The program's command in the environment, over the scenario.
fn command(environment: &Environment, words: &[String]) -> Command {
    let mut command = environment.command(&environment.folder().join("run"));
    command
        .args(words)
        .env_remove("AUH_BUILDDIR")
        .env_remove("AUH_PLUGIN_PATH");
    command
}

/// Runs a command; what it prints goes into the file `output` in `folder`, each line with the time.
/// `words` is what the record calls the command.
pub(crate) fn run(mut command: Command, words: Vec<String>, folder: &Path) -> Result<About> {
    let output = File::create(folder.join("output"))?;
    let (reader, writer) = std::io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let load = load()?;
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", tool::shown(&command)))?;
    // Our own ends of the pipe would keep it open.
    drop(command);
    let (status, time) = thread::scope(|scope| {
        let stamping = scope.spawn(|| stamp(reader, start, output));
        let status = child.wait()?;
        let time = start.elapsed();
        match stamping.join() {
            Ok(stamped) => stamped.context("the output cannot be kept")?,
            Err(_) => bail!("reading the output ended with a panic"),
        }
        anyhow::Ok((status, time))
    })?;
    Ok(About {
        command: words,
        exit: status.code(),
        seconds: time.as_secs_f64(),
        load: [load, self::load()?],
    })
}

fn load() -> Result<String> {
    Ok(fs::read_to_string("/proc/loadavg")?.trim().to_owned())
}

/// The file that both programs read, written by the environment's user.
fn write_settings(environment: &Environment, settings: &str) -> Result<()> {
    let folder = helper_folder(environment);
    tool::succeed(
        environment
            .command(Path::new("mkdir"))
            .arg("--parents")
            .arg(&folder),
    )?;
    environment.write(&folder.join("upgrade-helper.conf"), settings)
}

fn helper_folder(environment: &Environment) -> PathBuf {
    environment.build_dir().join("upgrade-helper")
}

/// Names of the run directories.
fn runs(environment: &Environment) -> Result<BTreeSet<String>> {
    let folder = helper_folder(environment);
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let names = fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    let names: BTreeSet<String> = names.collect::<std::io::Result<_>>()?;
    Ok(names
        .into_iter()
        .filter(|name| name.chars().all(|c| c.is_ascii_digit()))
        .collect())
}

fn keep_run(environment: &Environment, before: &BTreeSet<String>, folder: &Path) -> Result<()> {
    let after = runs(environment)?;
    let new: Vec<_> = after.difference(before).collect();
    let [run] = new[..] else {
        bail!(
            "there are {} new run directories; the program's output is in {}",
            new.len(),
            folder.join("output").display()
        );
    };
    let path = helper_folder(environment).join(run);
    fs::create_dir(folder.join("run"))?;
    copy(&path, &folder.join("run"))?;
    let tarball = path.with_extension("tar.gz");
    if tarball.exists() {
        let mut list = Command::new("tar");
        let names = tool::output(list.args(["--list", "--gzip", "--file"]).arg(&tarball))?;
        fs::write(folder.join("tarball"), names)?;
    }
    Ok(())
}

fn keep_rest(
    environment: &Environment,
    scenario: &Scenario,
    base: &str,
    folder: &Path,
) -> Result<()> {
    let since = format!("{base}..HEAD");
    let log = [
        "log",
        "--reverse",
        "--patch",
        "--no-renames",
        "--no-color",
        COMMIT_FORMAT,
        &since,
    ];
    let commits = environment.git_in(&scenario.repository, &log)?;
    fs::write(folder.join("commits"), commits)?;
    copy(&environment.build_dir().join("conf"), folder)?;
    let mut workspace = File::create(folder.join("workspace"))?;
    for file in environment.workspace_files() {
        writeln!(workspace, "{file}")?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new("cp");
    tool::succeed(command.arg("--archive").arg(from).arg(to))
}
