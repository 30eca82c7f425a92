//! `cargo xtask bench --oe FOLDER --auh CHECKOUT`: how long whole upgrades take in a real OpenEmbedded
//! environment, beside the Python helper and beside the calls typed by hand, from the same starting
//! point, one after the other.

mod case;
mod compare;
mod host;
mod measure;
mod parses;
mod phases;
mod starts;
mod table;

use crate::{
    build,
    e2e::{Environment, Program},
    helper_runs::{beside, put_back_after},
    tool,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use case::{Case, Side};
use compare::{Comparison, folder};
use measure::{Programs, is_recorded, measure};
use starts::Starts;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Options of this part of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure upgrades in this real environment instead, beside the Python helper and calls by hand
    #[arg(long, value_name = "FOLDER")]
    oe: Option<PathBuf>,
    /// The Python helper's checkout
    #[arg(long, value_name = "FOLDER", requires = "oe")]
    auh: Option<PathBuf>,
    /// Only these cases
    #[arg(long, value_enum, value_delimiter = ',')]
    case: Vec<Case>,
    /// How often each program runs in each case
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: usize,
    /// Where everything is kept [default: beside the environment]
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
    /// Keep runs that are recorded already, and start from the same starting points
    #[arg(long, requires = "oe")]
    resume: bool,
    /// Compare what an earlier call kept in this folder, without running anything
    #[arg(long, value_name = "FOLDER", conflicts_with = "oe")]
    recorded: Option<PathBuf>,
    /// Run as this user when called by root [default: the environment's owner]
    #[arg(long, requires = "oe")]
    user: Option<String>,
    /// Measure this program, with the plugins it finds by itself [default: build one]
    #[arg(long, value_name = "FILE", requires = "oe")]
    program: Option<PathBuf>,
}

impl Options {
    /// Whether this is wanted instead of the stand-ins.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.oe.is_some() || self.recorded.is_some()
    }

    fn cases(&self) -> &[Case] {
        match &self.case[..] {
            [] => &Case::ALL,
            cases => cases,
        }
    }
}

/// Measures what is asked for and prints the comparison. Fails when programs disagree about a recipe,
/// which makes their times incomparable, and when a figure is above its aim.
pub(crate) fn run(options: &Options) -> Result<()> {
    let results = match (&options.oe, &options.recorded) {
        (Some(folder), _) => measure_all(options, folder)?,
        (None, Some(results)) => results.clone(),
        (None, None) => bail!("neither an environment (--oe) nor results (--recorded) are given"),
    };
    let cases = options.cases().iter();
    let comparisons: Vec<_> = cases
        .map(|case| Comparison::read(*case, &results))
        .collect::<Result<_>>()?;
    report(&comparisons, &results)
}

/// Runs what is not recorded yet; where the results are. The environment is afterwards as it was.
fn measure_all(options: &Options, folder: &Path) -> Result<PathBuf> {
    let environment = Environment::open(folder, options.user.as_deref())?;
    let default = || beside(&environment, "bench-results");
    let results = options.results.clone().unwrap_or_else(default);
    let workspace = Workspace::load()?;
    let program = match &options.program {
        Some(file) => Program::installed(file)?,
        None => Program::put_up(&build::build(&workspace, true)?)?,
    };
    let python = options.auh.as_ref().map(|checkout| {
        let commit = commit_of(checkout)?;
        anyhow::Ok((checkout.clone(), commit))
    });
    let programs = Programs {
        auh: &program,
        auh_commit: match &options.program {
            Some(file) => version_of(file)?,
            None => commit_of(&workspace.root)?,
        },
        python: python.transpose()?,
    };
    put_back_after(&environment, &[], || {
        let _upstream = environment.serve()?;
        let mut starts = Starts::new(&environment, &programs, &results, options.resume);
        for case in options.cases() {
            measure_case(options, &mut starts, *case, &results)?;
        }
        Ok(())
    })?;
    Ok(results)
}

/// Runs one case's programs in turn.
fn measure_case(
    options: &Options,
    starts: &mut Starts<'_>,
    case: Case,
    results: &Path,
) -> Result<()> {
    let all = (1..=options.rounds).flat_map(|round| case.sides().map(|side| (round, side)));
    let missing: Vec<(usize, Side)> = all
        .filter(|(round, side)| {
            !options.resume || !is_recorded(&folder(results, case, *round, *side))
        })
        .collect();
    if missing.iter().any(|(_, side)| *side == Side::Python) {
        // Said now and not after an hour.
        starts.programs.python()?;
    }
    let recorded = results.join(case.name());
    if !options.resume && recorded.exists() {
        // Rounds of an earlier call would count as this one's.
        fs::remove_dir_all(&recorded)
            .with_context(|| format!("cannot remove {}", recorded.display()))?;
    }
    for (round, side) in missing {
        let folder = folder(results, case, round, side);
        let start = starts.go_to(case.start(side))?;
        let Starts {
            environment,
            programs,
            ..
        } = starts;
        measure(environment, programs, (case, side), &start, &folder)?;
    }
    Ok(())
}

/// Prints the table and keeps it; an error when there is something to complain about.
fn report(comparisons: &[Comparison], results: &Path) -> Result<()> {
    let table = table::markdown(comparisons);
    let document: Vec<_> = comparisons.iter().map(Comparison::document).collect();
    fs::write(results.join("table.md"), &table)
        .with_context(|| format!("cannot write to {}", results.display()))?;
    fs::write(
        results.join("results.json"),
        serde_json::to_string_pretty(&document)?,
    )?;
    print!("\n{table}\n");
    println!("everything is kept in {}", results.display());
    let obstacles: Vec<_> = comparisons.iter().flat_map(Comparison::obstacles).collect();
    if !obstacles.is_empty() {
        bail!("there is no ratio: {}", obstacles.join("; "));
    }
    let above = comparisons.iter().filter_map(Comparison::ratio);
    match above.filter(|ratio| ratio.is_above()).count() {
        0 => Ok(()),
        above => bail!("{above} figures are above their aims"),
    }
}

/// The version of a program whose commit is not known.
fn version_of(program: &Path) -> Result<String> {
    let text = tool::output(Command::new(program).arg("--version"))?;
    let version = text.trim();
    Ok(version.strip_prefix("auh ").unwrap_or(version).to_owned())
}

/// The commit of a checkout, which may belong to somebody else, and whether anything was changed.
fn commit_of(checkout: &Path) -> Result<String> {
    let mut git = Command::new("git");
    git.args(["-c", "safe.directory=*", "-C"])
        .arg(checkout)
        .args(["describe", "--always", "--dirty", "--exclude=*"]);
    Ok(tool::output(&mut git)?.trim().to_owned())
}
