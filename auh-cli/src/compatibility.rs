//! The Python helper's command line and exit statuses, for callers that know the program by the
//! helper's name: a link `upgrade-helper.py` to it.

use crate::{
    args::{SettingsFlags, Upgrade},
    commands, exit, failure, terminal,
};
use clap::Parser;
use std::{path::PathBuf, process::ExitCode};

/// The name under which all this holds.
pub(crate) const NAME: &str = "upgrade-helper.py";

/// The Python helper's exit status for whatever keeps it from working.
const REFUSED: u8 = 1;

/// Upgrades recipes of OpenEmbedded layers
#[derive(Debug, Parser)]
#[command(
    name = NAME,
    bin_name = NAME,
    max_term_width = 100,
    // As Python's argparse does.
    infer_long_args = true,
    disable_version_flag = true,
    after_help = "\
Examples:
  upgrade-helper.py xmodmap
  upgrade-helper.py all
Exit status: 0 the run came to its end, 1 refused, 2 wrong command line.
This is auh under the name of the program that it replaces; `auh --help` shows all it can do."
)]
struct Args {
    /// Recipes to upgrade by name, or `all`
    #[arg(required = true, value_name = "recipe")]
    recipes: Vec<String>,
    /// Version to upgrade the recipe to
    #[arg(short = 't', long = "to_version", value_name = "TO_VERSION")]
    to_version: Option<String>,
    /// How much the log says: CRITICAL=1, ERROR=2, WARNING=3, INFO=4, DEBUG=5
    #[arg(short = 'd', long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=5))]
    debug_level: u8,
    /// Send emails to recipe maintainers
    #[arg(short = 'e', long)]
    send_emails: bool,
    /// Upgrade and commit without building
    #[arg(short = 's', long)]
    skip_compilation: bool,
    /// Configuration file; $BUILDDIR/upgrade-helper/upgrade-helper.conf unless named
    #[arg(short = 'c', long, value_name = "CONFIG_FILE")]
    config_file: Option<PathBuf>,
    /// Layers whose recipes are upgraded
    #[arg(long, num_args = 0.., value_name = "LAYER_NAMES")]
    layer_names: Option<Vec<String>>,
    /// The layers' root directory
    #[arg(long, value_name = "LAYER_DIR")]
    layer_dir: Option<String>,
    /// Build the machines one after another in the original build directory
    #[arg(long)]
    serial_build: bool,
}

/// The program under the Python helper's name.
pub(crate) fn main() -> ExitCode {
    match Args::try_parse() {
        Ok(args) => run(args),
        Err(error) => {
            let _ = error.print();
            let wrong = error.use_stderr();
            ExitCode::from(if wrong { exit::USAGE } else { exit::GOOD })
        }
    }
}

fn run(args: Args) -> ExitCode {
    let has_dir = args.layer_dir.as_ref().is_some_and(|dir| !dir.is_empty());
    if args.layer_names.is_some() && !has_dir {
        terminal::error("--layer-names needs --layer-dir");
        return REFUSED.into();
    }
    if args.layer_names.as_ref().is_some_and(Vec::is_empty) {
        terminal::error("--layer-names names no layer");
        return REFUSED.into();
    }
    match commands::upgrade::upgrade(&upgrade(args), false) {
        // What became of the recipes is in the statistics, not in the status.
        Ok(exit::GOOD | exit::SOME_FAILED) => exit::GOOD.into(),
        Ok(status) => status.into(),
        Err(error) => match failure::report(&error) {
            exit::STOPPED => exit::STOPPED.into(),
            _ => REFUSED.into(),
        },
    }
}

fn upgrade(args: Args) -> Upgrade {
    // On its own the folder has no meaning.
    let layer_dir = args.layer_dir.filter(|_| args.layer_names.is_some());
    Upgrade {
        recipes: args.recipes,
        // The Python helper knows nothing of earlier runs.
        retry: Some(Vec::new()),
        to_version: args.to_version,
        skip_compilation: args.skip_compilation,
        serial_build: args.serial_build,
        send_emails: args.send_emails,
        stable: false,
        jobs: None,
        batch: None,
        integrate: None,
        dry_run: false,
        settings: SettingsFlags {
            config_file: args.config_file,
            layer_names: args.layer_names.unwrap_or_default(),
            layer_dir: layer_dir.map(PathBuf::from),
            debug_level: args.debug_level,
            ..SettingsFlags::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_failed_before_is_tried_each_time_as_the_python_helper_does() {
        let args = Args::try_parse_from(["x", "all"]).unwrap();
        assert_eq!(upgrade(args).retry, Some(Vec::new()));
    }

    #[test]
    fn the_python_helpers_ways_to_write_it_are_understood() {
        let parse = |words: &str| Args::try_parse_from(words.split(' ')).unwrap();
        let args = parse("x all --layer-names meta-a meta-b --layer-dir /d -d 5 -es -c f --serial");
        assert_eq!(args.layer_names.unwrap(), ["meta-a", "meta-b"]);
        assert!(args.send_emails && args.skip_compilation && args.serial_build);
        assert_eq!((args.debug_level, args.config_file), (5, Some("f".into())));
        let args = parse("x --to_version=1.2 --skip zlib");
        assert_eq!(args.to_version.as_deref(), Some("1.2"));
        assert!(Args::try_parse_from(["x", "zlib", "-d", "6"]).is_err());
        assert!(Args::try_parse_from(["x"]).is_err());
    }
}
