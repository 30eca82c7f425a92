//! `auh completions`: what lets a shell complete the command line.

use crate::{
    args::{Args, Completions},
    exit, terminal,
};
use anyhow::Result;
use clap::CommandFactory;

pub(crate) fn completions(args: &Completions) -> Result<exit::Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "auh", &mut script);
    terminal::output(&String::from_utf8(script)?);
    Ok(exit::GOOD)
}
