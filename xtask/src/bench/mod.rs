//! `cargo xtask bench`: what auh itself costs, with stand-ins that return at once; and in a real
//! environment how long its upgrades take, beside the Python helper's. Always with optimised binaries.

mod engine;
mod spans;
mod start;
mod upgrades;

use crate::{bench_schedulers, build, test::oracle_python, workspace::Workspace};
use anyhow::{Result, bail};
pub(crate) use start::{LoadOptions, load_once};
use std::{path::PathBuf, time::Duration};

/// What is aimed at.
const START: Duration = Duration::from_millis(10);
const LOAD: Duration = Duration::from_millis(3);
const PER_GROUP: Duration = Duration::from_millis(5);
/// Of groups side by side, the tools' time included.
const PER_GROUP_OF_JOBS: Duration = Duration::from_millis(20);
const MEMORY_KIB: u64 = 100 << 10;

/// Options of the command.
#[derive(Debug, clap::Args)]
// Those that are flattened into these have groups, which go by the type's name.
#[group(skip)]
pub(crate) struct Options {
    /// Numbers of groups to run the engine with; 0 leaves the engine out
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1000])]
    groups: Vec<usize>,
    /// How many groups are upgraded side by side in the second measurement of the engine
    #[arg(long, default_value_t = 8)]
    jobs: usize,
    /// A large `task-depends.dot` (plain or zstd): measures the schedulers on it too, beside
    /// BitBake's own code and a plain Python reader
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    upgrades: upgrades::Options,
}

/// Measures, and prints each figure beside its aim.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.upgrades.is_asked_for() {
        return upgrades::run(&options.upgrades);
    }
    let workspace = Workspace::load()?;
    let built = build::build(&workspace, true)?;
    let mut missed = 0;
    println!("\n{:<44} {:>10} {:>10}", "", "measured", "aim");
    missed += row(
        "start of auh --version",
        start::of_program(&built.program)?,
        START,
    );
    for (name, time) in start::of_plugins(&built)? {
        missed += row(&format!("load {name}"), time, LOAD);
    }
    for groups in options.groups.iter().copied().filter(|groups| *groups > 0) {
        let figures = engine::run(&workspace, &built, groups, 1)?;
        let each = figures.own.div_f64(groups as f64);
        missed += row(&format!("engine, per group of {groups}"), each, PER_GROUP);
        missed += show(&figures);
    }
    for groups in options.groups.iter().copied().filter(|groups| *groups > 0) {
        let jobs = options.jobs;
        let figures = engine::run(&workspace, &built, groups, jobs)?;
        let each = figures.wall.div_f64(groups as f64);
        let what = format!("whole run, per group of {groups} in {jobs} jobs");
        missed += row(&what, each, PER_GROUP_OF_JOBS);
        missed += show(&figures);
    }
    if let Some(graph) = &options.graph {
        let graph = bench_schedulers::unpacked(&workspace, graph)?;
        bench_schedulers::run(&workspace, &graph, &oracle_python(&workspace)?)?;
    }
    if missed > 0 {
        bail!("{missed} figures are above their aims");
    }
    Ok(())
}

/// Prints what a run cost; 1 when it took too much memory.
fn show(figures: &engine::Figures) -> usize {
    let above = figures.peak_kib > MEMORY_KIB;
    let note = if above { "  above" } else { "" };
    println!("{:<44} {figures}{note}", "");
    usize::from(above)
}

/// Prints a figure; 1 when it is above its aim.
fn row(what: &str, measured: Duration, aim: Duration) -> usize {
    let above = measured > aim;
    let note = if above { "  above" } else { "" };
    println!(
        "{what:<44} {:>10} {:>10}{note}",
        milliseconds(measured),
        milliseconds(aim)
    );
    usize::from(above)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// The middle one of these times, the upper of two.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_ignores_the_odd_long_one() {
        let times = [3, 1, 900].map(Duration::from_millis).to_vec();
        assert_eq!(median(times), Duration::from_millis(3));
        assert_eq!(median(vec![]), Duration::ZERO);
    }
}
