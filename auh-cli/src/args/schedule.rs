//! The command line of `auh schedule`.

use super::{Format, PluginFlags};
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// Order a task graph, and run it on paper
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  bitbake -g core-image-sato
  auh schedule order --graph task-depends.dot --scheduler NAME --limit 20
  auh schedule simulate --graph task-depends.dot --scheduler NAME --threads 16 --rm-work
  auh schedule compare --graph task-depends.dot --schedulers A,B --threads 4,8,16 --html page.html")]
pub(crate) enum Schedule {
    Order(Order),
    Explain(Explain),
    Simulate(Simulate),
    Compare(Compare),
}

/// List the tasks in a scheduler's order, most important first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh schedule order --graph task-depends.dot --scheduler NAME --limit 20
  zstd -dc runqueue.json.zst | auh schedule order --graph - --scheduler NAME --format json")]
pub(crate) struct Order {
    #[command(flatten)]
    pub input: InputFlags,
    /// Scheduler plugin
    #[arg(long, value_name = "NAME")]
    pub scheduler: String,
    /// Only this many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to show them
    #[arg(long, value_enum, default_value_t = OrderFormat::Text)]
    pub format: OrderFormat,
    #[command(flatten)]
    pub schedulers: SchedulerFlags,
}

/// Say where a task stands in a scheduler's order, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  auh schedule explain zlib.do_compile --graph task-depends.dot --scheduler NAME")]
pub(crate) struct Explain {
    /// The task: its id, or as much of its end as no other task has
    pub task: String,
    #[command(flatten)]
    pub input: InputFlags,
    /// Scheduler plugin
    #[arg(long, value_name = "NAME")]
    pub scheduler: String,
    #[command(flatten)]
    pub schedulers: SchedulerFlags,
}

/// Run the tasks on paper, as BitBake would
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh schedule simulate --graph task-depends.dot --scheduler NAME --threads 16
  auh schedule simulate --graph task-depends.dot --scheduler NAME --threads 16 --rm-work \\
      --buildstats tmp/buildstats/20260101120000 --disk-budget 40G")]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub input: InputFlags,
    /// Scheduler plugin
    #[arg(long, value_name = "NAME")]
    pub scheduler: String,
    /// How many tasks may run at the same time (BB_NUMBER_THREADS)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: u32,
    #[command(flatten)]
    pub queue: QueueFlags,
    /// How to show the result; json has the start and end of each task, too
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    #[command(flatten)]
    pub schedulers: SchedulerFlags,
}

/// Run the tasks on paper under several schedulers and numbers of threads
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  auh schedule compare --graph task-depends.dot --schedulers A,B --threads 4,8,16 --html page.html")]
pub(crate) struct Compare {
    #[command(flatten)]
    pub input: InputFlags,
    /// Scheduler plugins
    #[arg(long, value_name = "A,B", required = true, value_delimiter = ',')]
    pub schedulers: Vec<String>,
    /// How many tasks may run at the same time
    #[arg(long, value_name = "N,M", required = true, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Vec<u32>,
    #[command(flatten)]
    pub queue: QueueFlags,
    /// Also write a page with charts
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How to show the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    #[command(flatten)]
    pub flags: SchedulerFlags,
}

/// The graph, and what is known of its tasks.
#[derive(Debug, clap::Args)]
pub(crate) struct InputFlags {
    /// task-depends.dot, a dump of a run queue (JSON) or the folder of a finished auh run; may be
    /// compressed with zstd; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub graph: PathBuf,
    /// Durations from a folder that OE's buildstats class wrote
    #[arg(long, value_name = "DIR")]
    pub buildstats: Option<PathBuf>,
    /// Sizes of work folders: lines of `PN<TAB>bytes`
    #[arg(long, value_name = "FILE")]
    pub work_sizes: Option<PathBuf>,
    /// Add the do_rm_work that recipes would have with OE's rm_work class
    #[arg(long)]
    pub rm_work: bool,
}

/// How the run queue goes.
#[derive(Debug, clap::Args)]
pub(crate) struct QueueFlags {
    /// At most so many tasks of this name at the same time, as number_threads of a task; can be given
    /// again
    #[arg(long = "limit", value_name = "TASK=N", value_parser = limit)]
    pub limits: Vec<(String, u32)>,
    /// Seconds for which a task has its slot before its own time begins, as BitBake forks and parses
    /// [default: as in the buildstats, else 0]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub start_cost: Option<u64>,
}

/// What schedulers are given.
#[derive(Debug, clap::Args)]
pub(crate) struct SchedulerFlags {
    /// Budget for the work folders, such as 20G or 512Mi: for schedulers that know one
    #[arg(long, value_name = "SIZE")]
    pub disk_budget: Option<String>,
    /// Seed of the model for durations and sizes that were not measured
    #[arg(long, value_name = "N", default_value_t = auh_graph::model::DEFAULT_SEED)]
    pub seed: u64,
    /// How much schedulers may say: 1 critical, 2 errors, 3 warnings, 4 info, 5 debug
    #[arg(short = 'd', long, value_name = "LEVEL", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub debug_level: u8,
    #[command(flatten)]
    pub plugins: PluginFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrderFormat {
    /// Numbered lines
    Text,
    /// An array of ids
    Json,
}

fn limit(text: &str) -> Result<(String, u32), String> {
    let parts = text.split_once('=');
    let parsed = parts.and_then(|(task, count)| Some((task, count.parse().ok()?)));
    match parsed {
        Some((task, count)) if !task.is_empty() && count > 0 => Ok((task.to_owned(), count)),
        _ => Err("expected a task's name and a number above 0, such as do_fetch=4".to_owned()),
    }
}

/// In microseconds.
fn seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|s| (0.0..1e6).contains(s));
    let microseconds = seconds.map(|seconds: f64| (seconds * 1e6).round() as u64);
    microseconds.ok_or_else(|| "expected a number of seconds, such as 0.15".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_costs_seconds() {
        assert_eq!(seconds("0.15"), Ok(150_000));
        for wrong in ["", "-1", "NaN", "inf", "1s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_are_task_and_number() {
        assert_eq!(limit("do_fetch=4"), Ok(("do_fetch".to_owned(), 4)));
        for wrong in ["do_fetch", "=4", "do_fetch=0", "do_fetch=x"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }
}
