//! `cargo xtask upgrade`, `schedule` and `doctor`: builds what is needed and becomes the program, for
//! people who keep a checkout of auh next to their layers.
//!
//! The build is one with optimisation: it takes longer once, and from then on a schedule of a whole
//! image is simulated in a fraction of the time.

use crate::{build, workspace::Workspace};
use anyhow::{Result, anyhow};
use std::{
    convert::Infallible,
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
};

/// All that stands behind the subcommand, for the program to understand.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What auh's command of the same name takes; --help shows it
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENT"
    )]
    arguments: Vec<OsString>,
}

/// Builds, then runs the program's `command` in place of this process, so that signals and the exit
/// status are the program's own. Returns only when that fails.
pub(crate) fn become_it(command: &str, arguments: &Arguments) -> Result<Infallible> {
    let program = build::program(&Workspace::load()?)?;
    let mut call = call(&program, command, &arguments.arguments);
    Err(anyhow!("cannot run {}: {}", program.display(), call.exec()))
}

fn call(program: &Path, command: &str, arguments: &[OsString]) -> Command {
    let mut call = Command::new(program);
    call.arg(OsStr::new(command)).args(arguments);
    call
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Parsed {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn every_word_is_handed_on_as_it_is() {
        let words = ["zlib", "-t", "1.3.1", "--help", "--", "-x"];
        let parsed = Parsed::parse_from(["x"].iter().chain(&words));
        let call = call(Path::new("/auh"), "upgrade", &parsed.arguments.arguments);
        let handed: Vec<_> = call.get_args().skip(1).collect();
        assert_eq!(handed, words);
    }
}
