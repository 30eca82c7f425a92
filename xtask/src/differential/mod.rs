//! The differential test: upgrade-helper.py, and auh under its name, from the same starting point;
//! and what differs in what they leave behind.
//!
//! Not here: whether what auh leaves behind is right by itself (`e2e::checks`), and times.

mod aspects;
mod explanations;
mod judge;
mod misjudged;
mod normal;
mod packages;
mod statistics;

use crate::{
    e2e::{Environment, Program},
    helper_runs::{Helper, Results, Scenario, StartingPoint, beside, put_back_after, record},
};
use anyhow::{Context, Result, bail};
use aspects::Aspect;
use explanations::EXPLANATIONS;
use judge::Verdict;
pub(crate) use misjudged::MISJUDGED;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Options of the test.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Compare with the Python helper in this checkout
    #[arg(long, value_name = "FOLDER")]
    auh: Option<PathBuf>,
    /// Compare with results of the Python helper that an earlier run kept
    #[arg(long, value_name = "FOLDER")]
    recorded: Option<PathBuf>,
    /// Compare these results of auh instead of running it
    #[arg(long, value_name = "FOLDER")]
    recorded_auh: Option<PathBuf>,
    /// Compare with buildhistory, on two recipes
    #[arg(long)]
    buildhistory: bool,
    /// Compare on recipes of OE-core, without building; their sources are downloaded by pip
    #[arg(long, conflicts_with = "buildhistory")]
    real_recipes: bool,
    /// Where both programs' results are kept [default: beside the environment]
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
}

impl Options {
    /// Whether the test is wanted.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.auh.is_some() || self.recorded.is_some()
    }
}

/// Runs what is not recorded yet and compares; the number of differences that nothing explains. The
/// environment is afterwards as it was.
pub(crate) fn check_all(
    options: &Options,
    environment: &Environment,
    program: &Program,
) -> Result<usize> {
    let packages = match options.real_recipes {
        true => Some(packages::fill(&beside(environment, "packages"))?),
        false => None,
    };
    let scenario = match &packages {
        Some(packages) => {
            let configuration = packages.configuration();
            Scenario::real(environment, packages.recipes(), &configuration)?
        }
        None => Scenario::tiny(environment, options.buildhistory),
    };
    let default = || beside(environment, "results");
    let results = options.results.clone().unwrap_or_else(default);
    let results = results.join(scenario.name);
    let python = options.recorded.clone();
    let auh = options.recorded_auh.clone();
    let [python, auh] = match (python, auh) {
        (Some(python), Some(auh)) => [python, auh],
        (python, auh) => {
            let test = Test {
                options,
                environment,
                scenario: &scenario,
                results,
            };
            test.both(program, python, auh)?
        }
    };
    compare(scenario.name, &python, &auh)
}

struct Test<'a> {
    options: &'a Options,
    environment: &'a Environment,
    scenario: &'a Scenario,
    results: PathBuf,
}

impl Test<'_> {
    /// Where the results of both are, after running what is not recorded.
    fn both(
        &self,
        program: &Program,
        python: Option<PathBuf>,
        auh: Option<PathBuf>,
    ) -> Result<[PathBuf; 2]> {
        let repositories = self.scenario.repositories(self.environment);
        put_back_after(self.environment, &repositories, || {
            self.record_missing(program, python, auh)
        })
    }

    fn record_missing(
        &self,
        program: &Program,
        python: Option<PathBuf>,
        auh: Option<PathBuf>,
    ) -> Result<[PathBuf; 2]> {
        let environment = self.environment;
        let _upstream = environment.serve()?;
        println!("preparing the scenario {}", self.scenario.name);
        self.scenario.prepare(environment)?;
        let copy = beside(environment, "start");
        let repositories = self.scenario.repositories(environment);
        let start = StartingPoint::take(environment, &copy, &repositories)?;
        let python = match (python, &self.options.auh) {
            (Some(folder), _) => folder,
            (None, Some(checkout)) => self.record(&start, Helper::Python(checkout))?,
            (None, None) => bail!("the Python helper's checkout is not given (--auh)"),
        };
        let auh = match auh {
            Some(folder) => folder,
            None => self.record(&start, Helper::Auh(program))?,
        };
        start.remove()?;
        Ok([python, auh])
    }

    fn record(&self, start: &StartingPoint<'_>, helper: Helper<'_>) -> Result<PathBuf> {
        let seconds = start.restore()?.as_secs_f64();
        println!(
            "back at the start in {seconds:.1} s; running {}",
            helper.name()
        );
        let folder = self.results.join(helper.name());
        record(self.environment, self.scenario, helper, &folder)?;
        println!("results in {}", folder.display());
        Ok(folder)
    }
}

/// Compares two recorded results and prints what came of it; the number of differences that nothing
/// explains.
fn compare(name: &str, python: &Path, auh: &Path) -> Result<usize> {
    let read = |folder: &Path| {
        Results::read(folder)
            .with_context(|| format!("the results in {} cannot be read", folder.display()))
    };
    let (python, auh) = (read(python)?, read(auh)?);
    let verdicts = judge::judge(&aspects::aspects(&python), &aspects::aspects(&auh));
    println!("\ndifferential test {name}");
    print_run("upgrade-helper.py", &python);
    print_run("auh", &auh);
    print_explained(&verdicts);
    Ok(print_rest(&verdicts))
}

fn print_run(name: &str, results: &Results) {
    let about = &results.about;
    let exit = about
        .exit
        .map_or("a signal".to_owned(), |exit| exit.to_string());
    println!(
        "  {name:<18}{:>7.0} s, exit {exit}, load {} -> {}",
        about.seconds, about.load[0], about.load[1]
    );
}

fn print_explained(verdicts: &BTreeMap<Aspect, Verdict>) {
    let differences = EXPLANATIONS.iter().map(|e| (e.name, e.reason));
    let recipes = MISJUDGED.iter().map(|m| (m.recipe, m.reason));
    for (name, reason) in differences.chain(recipes) {
        let explained = verdicts.iter().filter(
            |(_, verdict)| matches!(verdict, Verdict::Explained(names) if names.contains(&name)),
        );
        let aspects: Vec<_> = explained.map(|(aspect, _)| aspect.shown()).collect();
        if !aspects.is_empty() {
            println!("\nwanted: {name}: {reason}");
            println!("  in {}", aspects.join("; "));
        }
    }
}

fn print_rest(verdicts: &BTreeMap<Aspect, Verdict>) -> usize {
    let (mut same, mut explained, mut different) = (0, 0, 0);
    println!();
    for (aspect, verdict) in verdicts {
        match verdict {
            Verdict::Same => same += 1,
            Verdict::Explained(_) => explained += 1,
            Verdict::Different(lines) => {
                different += 1;
                println!("DIFFERENT {}", aspect.shown());
                for line in lines {
                    println!("    {line}");
                }
            }
        }
    }
    println!("{same} the same, {explained} explained, {different} different");
    different
}
