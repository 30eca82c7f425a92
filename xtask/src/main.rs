//! `cargo xtask`: what is done to the workspace from a source checkout, one module per command.
//!
//! Not here: anything that `auh` needs when it is installed.

mod bench;
mod bench_schedulers;
mod build;
mod demo;
mod differential;
mod e2e;
mod fuzz;
mod helper_runs;
mod test;
mod tidy;
mod tool;
mod workspace;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Tasks for a source checkout
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the program and every plugin, and put the plugins beside the program
    Build(build::Options),
    /// Build, then run every test, those of the stand-ins included
    Test(test::Options),
    /// Run the main job on an embedded layer, with stand-ins for OpenEmbedded's tools
    Demo(demo::Options),
    /// Run the main job in a real OpenEmbedded environment, and check what it did; with a BitBake
    /// checkout also auh's schedulers inside BitBake
    E2e(Box<e2e::Options>),
    /// Measure start, loading of plugins, and the engine's own time; or, in a real OpenEmbedded
    /// environment, whole upgrades beside the Python helper's
    Bench(Box<bench::Options>),
    /// Search for inputs that break a parser, each fuzz target for a while (needs a nightly compiler
    /// and cargo-fuzz)
    Fuzz(fuzz::Options),
    /// Check the workspace's invariants
    Tidy,
    /// Load one plugin and print how long it took (bench runs this in fresh processes)
    #[command(hide = true)]
    BenchLoad(bench::LoadOptions),
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Option<Task>) -> Result<()> {
    match task {
        None => Ok(Arguments::command().print_help()?),
        Some(Task::Build(options)) => build::run(&options),
        Some(Task::Test(options)) => test::run(&options),
        Some(Task::Demo(options)) => demo::run(&options),
        Some(Task::E2e(options)) => e2e::run(&options),
        Some(Task::Bench(options)) => bench::run(&options),
        Some(Task::Fuzz(options)) => fuzz::run(&options),
        Some(Task::Tidy) => tidy::run(),
        Some(Task::BenchLoad(options)) => bench::load_once(&options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
