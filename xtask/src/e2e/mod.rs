//! `cargo xtask e2e`: upgrades the six recipes of the tiny layer in a real OpenEmbedded
//! environment and checks everything that must have come of it.
//!
//! The environment is a folder with `run` (runs a command in the initialised environment), `serve`
//! (the upstream on loopback), `meta-tiny` (the layer) and `build` (the build directory).

mod checks;
mod environment;
mod parses;

use crate::{build, workspace::Workspace};
use anyhow::{Context, Result, bail};
use checks::Check;
pub(crate) use environment::Environment;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Every recipe of the scenario, in the order in which they are asked for.
pub(crate) const RECIPES: [&str; 6] = ["hello", "ghello", "phello", "mhello", "chello", "bhello"];
/// The recipes that are upgraded for good.
pub(crate) const UPGRADED: [&str; 4] = ["hello", "ghello", "phello", "mhello"];
/// First machine first.
pub(crate) const MACHINES: [&str; 2] = ["qemux86-64", "qemuarm64"];

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Folder of the environment
    #[arg(long, value_name = "FOLDER")]
    env: PathBuf,
    /// Run as this user when called by root [default: the environment's owner]
    #[arg(long)]
    user: Option<String>,
}

/// Runs the scenario, prints each check, fails when one failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let environment = Environment::open(&options.env, options.user.as_deref())?;
    environment.reset_layer()?;
    environment.expect_empty_workspace()?;
    let built = build::build(&Workspace::load()?, true)?;
    let program = Program::put_up(&built)?;
    let _upstream = environment.serve()?;
    let before = environment.snapshot()?;

    println!(
        "running auh upgrade {} --machines \"{}\"\n",
        RECIPES.join(" "),
        MACHINES.join(" ")
    );
    let start = Instant::now();
    let status = environment.upgrade(&program.file)?;
    let seconds = start.elapsed().as_secs_f64();

    let run = environment.new_run(&before)?;
    let journal = auh_journal::read(&run.join("journal.jsonl"))?;
    let mut all = checks::of_exit(status);
    all.extend(checks::of_journal(&journal.records));
    all.extend(checks::of_run_folder(&run));
    all.extend(checks::of_layer(&environment)?);
    all.extend(checks::of_rest(&environment, &before)?);
    report(&all, &run, seconds);
    print!("{}", parses::table(&journal.records));
    match all.iter().filter(|check| !check.holds()).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} checks failed", all.len()),
    }
}

fn report(checks: &[Check], run: &Path, seconds: f64) {
    println!();
    for check in checks {
        println!("{check}");
    }
    println!(
        "\nrun directory {}\nwall time     {seconds:.0} s",
        run.display()
    );
}

/// The program and its plugins where the environment's user can read them; removed at the end.
pub(crate) struct Program {
    folder: PathBuf,
    pub(crate) file: PathBuf,
}

impl Program {
    pub(crate) fn put_up(built: &build::Built) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("auh-e2e-{}", std::process::id()));
        // Not `create_dir_all`: the folder must be ours and new.
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let program = Self {
            file: folder.join("auh"),
            folder,
        };
        build::install(
            &build::libraries(&built.plugins)?,
            &program.folder.join("plugins"),
        )?;
        build::set_mode(&program.folder)?;
        build::replace(&built.program, &program.file)?;
        Ok(program)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("warning: cannot remove {}: {error}", self.folder.display());
        }
    }
}
