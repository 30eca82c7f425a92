//! `cargo xtask`: what is done to the workspace from a source checkout, one module per command.
//!
//! Not here: anything that `auh` needs when it is installed.

mod bench;
mod bench_schedulers;
mod build;
mod demo;
mod differential;
mod dist;
mod docs;
mod e2e;
mod fuzz;
mod helper_runs;
mod plugin;
mod program;
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
    /// Build the program with every plugin, and upgrade recipes: auh upgrade
    #[command(disable_help_flag = true)]
    Upgrade(program::Arguments),
    /// Build, and look at task graphs and schedulers: auh schedule
    #[command(disable_help_flag = true)]
    Schedule(program::Arguments),
    /// Build, and check everything that a run needs: auh doctor
    #[command(disable_help_flag = true)]
    Doctor(program::Arguments),
    /// Build the program and every plugin, and put the plugins beside the program
    Build(build::Options),
    /// Build, then run every test, those of the stand-ins included
    Test(test::Options),
    /// Run the main job on an embedded layer, with stand-ins for OpenEmbedded's tools
    Demo(demo::Options),
    /// Run the main job in a real OpenEmbedded environment, and check what it did
    ///
    /// With a BitBake checkout also auh's schedulers inside BitBake.
    E2e(Box<e2e::Options>),
    /// Measure start, loading of plugins, and the engine's own time
    ///
    /// Or, in a real OpenEmbedded environment, whole upgrades beside the Python helper's.
    Bench(Box<bench::Options>),
    /// Begin a plugin inside this workspace
    #[command(subcommand)]
    Plugin(plugin::Task),
    /// Search for inputs that break a parser, each fuzz target for a while
    ///
    /// Needs a nightly compiler and cargo-fuzz.
    Fuzz(fuzz::Options),
    /// Check the workspace's invariants
    Tidy,
    /// Write the pages of the documentation that follow from the code
    Docs(docs::Options),
    /// Build, and pack program, plugins, manual and documentation into an archive
    Dist(dist::Options),
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
        Some(Task::Upgrade(arguments)) => match program::become_it("upgrade", &arguments)? {},
        Some(Task::Schedule(arguments)) => match program::become_it("schedule", &arguments)? {},
        Some(Task::Doctor(arguments)) => match program::become_it("doctor", &arguments)? {},
        Some(Task::Build(options)) => build::run(&options),
        Some(Task::Test(options)) => test::run(&options),
        Some(Task::Demo(options)) => demo::run(&options),
        Some(Task::E2e(options)) => e2e::run(&options),
        Some(Task::Bench(options)) => bench::run(&options),
        Some(Task::Plugin(task)) => plugin::run(&task),
        Some(Task::Fuzz(options)) => fuzz::run(&options),
        Some(Task::Tidy) => tidy::run(),
        Some(Task::Docs(options)) => docs::run(&options),
        Some(Task::Dist(options)) => dist::run(&options),
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

    #[test]
    fn each_task_is_listed_in_a_line() {
        let help = Arguments::command().render_help().to_string();
        let (_, tasks) = help.split_once("Commands:\n").expect("a list of tasks");
        let listed: Vec<&str> = tasks.lines().take_while(|line| !line.is_empty()).collect();
        let command = Arguments::command();
        let shown = command.get_subcommands().filter(|task| !task.is_hide_set());
        let names: Vec<&str> = shown.map(clap::Command::get_name).collect();
        // clap adds `help`.
        assert_eq!(listed.len(), names.len() + 1, "{help}");
        for (line, name) in listed.iter().zip(names) {
            assert!(
                line.trim_start().starts_with(name) && line.len() <= 100,
                "{line}"
            );
        }
    }
}
