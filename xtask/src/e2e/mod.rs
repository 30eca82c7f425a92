//! `cargo xtask e2e`: upgrades the six recipes of the tiny layer in a real OpenEmbedded
//! environment and checks everything that must have come of it; tries auh's schedulers inside
//! BitBake, when a BitBake checkout is given; and compares with the Python helper, when that is given.
//!
//! The environment is a folder with `run` (runs a command in the initialised environment), `serve`
//! (the upstream on loopback), `meta-tiny` (the layer) and `build` (the build directory).

mod checks;
mod environment;
mod parses;
mod schedulers;

use crate::{build, differential, workspace::Workspace};
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
// Those that are flattened into these have groups, which go by the type's name.
#[group(skip)]
pub(crate) struct Options {
    /// Folder of the environment
    #[arg(long, value_name = "FOLDER")]
    env: PathBuf,
    /// Run as this user when called by root [default: the environment's owner]
    #[arg(long)]
    user: Option<String>,
    /// Test this program, with the plugins it finds by itself [default: build one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    #[command(flatten)]
    schedulers: schedulers::Options,
    #[command(flatten)]
    differential: differential::Options,
}

/// Parts of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The upgrade of the six recipes
    Upgrade,
    /// Real builds under auh's schedulers, and with a BitBake checkout its own run-queue tests
    Schedulers,
    /// The comparison with the Python helper
    Differential,
}

/// Runs what is asked for, prints each check, fails when one failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.only == Some(Part::Differential) && !options.differential.is_asked_for() {
        bail!("--only differential needs the Python helper (--auh) or its results (--recorded)");
    }
    let wanted = |part| options.only.is_none_or(|only| only == part);
    let environment = Environment::open(&options.env, options.user.as_deref())?;
    let program = match &options.program {
        Some(file) => Program::installed(file)?,
        None => Program::put_up(&build::build(&Workspace::load()?, true)?)?,
    };
    let mut failed = 0;
    if wanted(Part::Upgrade) {
        failed += upgrade(&environment, &program)?;
    }
    let schedulers = match options.only {
        None => !options.schedulers.bitbake.is_empty(),
        Some(part) => part == Part::Schedulers,
    };
    if schedulers {
        failed += schedulers::check_all(&options.schedulers, &environment, &program)?;
    }
    if wanted(Part::Differential) && options.differential.is_asked_for() {
        failed += differential::check_all(&options.differential, &environment, &program)?;
    }
    match failed {
        0 => Ok(()),
        failed => bail!("{failed} checks failed"),
    }
}

/// Runs the scenario; the number of checks that failed.
fn upgrade(environment: &Environment, program: &Program) -> Result<usize> {
    environment.reset_layer()?;
    environment.expect_empty_workspace()?;
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
    all.extend(checks::of_layer(environment)?);
    all.extend(checks::of_rest(environment, &before)?);
    report(&all, &run, seconds);
    print!("{}", parses::table(&journal.records));
    Ok(all.iter().filter(|check| !check.holds()).count())
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
        let program = Self::nowhere()?;
        build::install(
            &build::libraries(&built.plugins)?,
            &program.folder.join("plugins"),
        )?;
        build::set_mode(&program.folder)?;
        build::replace(&built.program, &program.file)?;
        Ok(program)
    }

    /// A link to a program that is installed; it finds its plugins by the place of the real file.
    pub(crate) fn installed(file: &Path) -> Result<Self> {
        let file = fs::canonicalize(file)
            .with_context(|| format!("there is no program {}", file.display()))?;
        let program = Self::nowhere()?;
        build::set_mode(&program.folder)?;
        std::os::unix::fs::symlink(file, &program.file)?;
        Ok(program)
    }

    /// An empty folder for it.
    fn nowhere() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("auh-e2e-{}", std::process::id()));
        // Not `create_dir_all`: the folder must be ours and new.
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            file: folder.join("auh"),
            folder,
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("warning: cannot remove {}: {error}", self.folder.display());
        }
    }
}
