//! The `auh` program: command line in, exit status out. The only crate that prints.
//!
//! Not here: what a run is (`auh-engine`), what is reported of it (`auh-report`), and what a
//! setting means (`auh-config`).

mod args;
mod bridge;
mod commands;
mod compatibility;
mod exit;
mod failure;
mod jobs;
mod memory;
mod preparation;
mod prepared;
mod results;
mod runs;
mod screen;
mod signals;
mod terminal;
mod work;

use args::{Args, Command};
use clap::Parser;
use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let called = env::args_os().next().unwrap_or_default();
    if Path::new(&called).file_name() == Some(compatibility::NAME.as_ref()) {
        return compatibility::main();
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // clap prints help and version to stdout, errors to stderr.
            let _ = error.print();
            return if error.use_stderr() {
                exit::USAGE
            } else {
                exit::GOOD
            }
            .into();
        }
    };
    args.manner.apply();
    let result = match &args.command {
        Command::Upgrade(upgrade) => commands::upgrade::upgrade(upgrade, upgrade.dry_run),
        Command::Plan(upgrade) => commands::upgrade::upgrade(upgrade, true),
        Command::Check(check) => commands::check::check(check),
        Command::Doctor(doctor) => commands::doctor::doctor(doctor),
        Command::Resume(resume) => commands::resume::resume(resume),
        Command::Report(report) => commands::report::report(report),
        Command::Runs(runs) => commands::runs::runs(runs),
        Command::Show(show) => commands::show::show(show),
        Command::Failures(failures) => commands::failures::failures(failures),
        Command::Config(config) => commands::config::config(config),
        Command::Mail(mail) => commands::mail::mail(mail),
        Command::Plugin(plugin) => commands::plugin::plugin(plugin),
        Command::Schedule(command) => commands::schedule::schedule(command),
        Command::BitbakeLayer(layer) => commands::bitbake_layer::bitbake_layer(layer),
        Command::Completions(completions) => commands::completions::completions(completions),
        Command::Manual(manual) => commands::manual::manual(manual),
    };
    match result {
        Ok(status) => status.into(),
        Err(error) => failure::report(&error).into(),
    }
}
