//! The command line.

pub(crate) mod schedule;

use crate::terminal::{
    self, Loudness,
    colour::{self, When},
};
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Upgrades the recipes of OpenEmbedded layers, unattended.
#[derive(Debug, Parser)]
#[command(
    name = "auh",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  auh upgrade zlib
  auh upgrade all --jobs 4 --batch 8
  auh report --open
Exit status: 0 all good, 1 some recipes failed, 2 usage or configuration,
3 environment, 4 internal, 130 stopped (also by the run's time limit)."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub manner: Manner,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Upgrade(Upgrade),
    /// Show what an upgrade would do, in which order, and what it would take
    #[command(after_help = "\
Examples:
  auh plan all --jobs 4 --batch 8
  auh plan zlib --machines \"qemux86-64 qemuarm64\"")]
    Plan(Upgrade),
    Resume(Resume),
    Check(Check),
    Doctor(Doctor),
    Report(Report),
    Runs(Runs),
    Show(Show),
    Failures(Failures),
    #[command(subcommand)]
    Config(Config),
    Mail(Mail),
    #[command(subcommand)]
    Plugin(Plugin),
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    BitbakeLayer(BitbakeLayer),
    Completions(Completions),
    #[command(subcommand, hide = true)]
    Manual(Manual),
}

/// Upgrade recipes: devtool, builds for all machines, commit, patch
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh upgrade zlib
  auh upgrade zlib -t 1.3.1 --machines \"qemux86-64 qemuarm_musl\"
  auh upgrade all --dry-run
  auh upgrade all --retry zlib")]
pub(crate) struct Upgrade {
    /// Recipes by name, or `all`; with --retry and without any, those that it names, or all
    #[arg(required_unless_present = "retry", value_name = "RECIPE")]
    pub recipes: Vec<String>,
    /// Try these recipes although they failed before and it is not time yet to try them again (see
    /// `auh failures`); all of them unless named. What is asked for by name is always tried
    #[arg(long, num_args = 0.., value_name = "RECIPE")]
    pub retry: Option<Vec<String>>,
    /// Version to go to instead of the newest (one recipe only)
    #[arg(short = 't', long, alias = "to_version", value_name = "VERSION")]
    pub to_version: Option<String>,
    /// Upgrade and commit without building
    #[arg(short = 's', long)]
    pub skip_compilation: bool,
    /// Build for one machine after another, in the original build directory
    #[arg(long)]
    pub serial_build: bool,
    /// Mail the maintainers, and those who want to know about the run
    #[arg(short = 'e', long)]
    pub send_emails: bool,
    /// Only take releases of the series that a recipe is in, as its
    /// UPSTREAM_STABLE_RELEASE_REGEX describes them
    #[arg(long)]
    pub stable: bool,
    /// Groups to upgrade side by side, each in work trees and build directories of its own
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Groups to build together, in one call of BitBake per machine; what fails is tried alone
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Where the commits go: in-place (one job's default), branch, or fast-forward
    #[arg(long, value_name = "PLACE")]
    pub integrate: Option<String>,
    /// Show what would be done and stop there
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub settings: SettingsFlags,
}

/// Go on with a run that broke off or was stopped: what was finished is not done again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The run goes on with the settings, pipeline and recipes that it began with. Of a run that has
come to its end, and when there is none that has not, auh says so and exits with 0.
Examples:
  auh resume
  auh resume 20260101120000")]
pub(crate) struct Resume {
    /// The run: its folder, the folder's name, or `last`; without it, the newest run of the build
    /// directory that did not come to its end
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// How much the log says: 1 critical, 2 errors, 3 warnings, 4 info, 5 debug
    #[arg(short = 'd', long, value_name = "LEVEL", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub debug_level: u8,
    #[command(flatten)]
    pub place: RunsPlace,
}

/// Ask the upstreams for new releases and show what an upgrade would attempt
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh check zlib bash
  auh check all --stable
  auh check all --format json")]
pub(crate) struct Check {
    /// Recipes by name, or `all`
    #[arg(required = true, value_name = "RECIPE")]
    pub recipes: Vec<String>,
    /// Only releases of the series that a recipe is in, as its UPSTREAM_STABLE_RELEASE_REGEX
    /// describes them
    #[arg(long)]
    pub stable: bool,
    /// How to show the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    #[command(flatten)]
    pub settings: SettingsFlags,
}

/// Check everything that a run needs, without changing anything
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh doctor
  auh doctor zlib -e --machines \"qemux86-64 qemuarm64\"
Exit status: 0 without problems (warnings or not), 3 with some.")]
pub(crate) struct Doctor {
    /// Recipes to look at too, by name, or `all`: BitBake then has to parse
    #[arg(value_name = "RECIPE")]
    pub recipes: Vec<String>,
    /// Check the way of the mails as if the run were to send some
    #[arg(short = 'e', long)]
    pub send_emails: bool,
    /// The findings as JSON, for programs
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: SettingsFlags,
}

/// Write a run as a page to look at, or all runs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh report --open
  auh report 20260101120000 --output upgrades.html
  auh report --trend")]
pub(crate) struct Report {
    /// The run: its folder, the folder's name, or `last`
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    /// All runs of the build directory instead: a table, and a page with a chart
    #[arg(long, conflicts_with = "run")]
    pub trend: bool,
    /// Show the page in a browser
    #[arg(long)]
    pub open: bool,
    /// Where to write the page instead of beside the run's files
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub place: RunsPlace,
}

/// List the runs of the build directory
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh runs
  auh runs --format json")]
pub(crate) struct Runs {
    /// How to show the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    #[command(flatten)]
    pub place: RunsPlace,
}

/// Show what came of a run, or of one group of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh show last
  auh show 20260101120000 zlib")]
pub(crate) struct Show {
    /// The run: its folder, the folder's name, or `last`
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    /// A group of the run, or a recipe of it
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// How to show the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    #[command(flatten)]
    pub place: RunsPlace,
}

/// List the recipes that failed and were not upgraded since, and when they are tried again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh failures
  auh failures --json")]
pub(crate) struct Failures {
    /// How to show the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    #[command(flatten)]
    pub place: RunsPlace,
}

/// Where runs are.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct RunsPlace {
    /// Settings file whose workdir has the runs: auh.toml, or upgrade-helper.conf
    #[arg(short = 'c', long = "config-file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
}

/// Show, check and take over settings
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  auh config show
  auh config check
  auh config import upgrade-helper.conf --output auh.toml")]
pub(crate) enum Config {
    /// Show every setting with its value and where that came from
    #[command(after_help = "\
Examples:
  auh config show
  auh config show --config-file auh.toml --format json")]
    Show {
        /// How to show the result
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        settings: SettingsFlags,
    },
    /// Write the settings of an upgrade-helper.conf as those of an auh.toml
    #[command(after_help = "\
Examples:
  auh config import upgrade-helper.conf
  auh config import upgrade-helper.conf --output auh.toml")]
    Import {
        /// The upgrade-helper.conf
        file: PathBuf,
        /// Where to write it to instead of the terminal
        #[arg(short = 'o', long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write over a file that is there
        #[arg(long, requires = "output")]
        force: bool,
    },
    /// Find what is wrong with settings, all of it
    #[command(after_help = "\
Examples:
  auh config check
  auh config check auh.toml")]
    Check {
        /// The file to check instead of those of the build directory
        file: Option<PathBuf>,
        #[command(flatten)]
        plugins: PluginFlags,
    },
}

/// Send what could not be sent when its run ended
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  auh mail --resend last")]
pub(crate) struct Mail {
    /// The run: its folder, the folder's name, or `last`
    #[arg(long, required = true, value_name = "RUN")]
    pub resend: String,
    #[command(flatten)]
    pub settings: SettingsFlags,
}

/// List and check plugins, and begin new ones
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  auh plugin list
  auh plugin check target/release/libauh_step_tell_the_chat.so")]
pub(crate) enum Plugin {
    /// List every plugin of the search path
    #[command(after_help = "\
Examples:
  auh plugin list
  auh plugin list --plugin-path ~/my-plugins --format json")]
    List {
        /// How to show the result
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        plugins: PluginFlags,
    },
    /// Check that a file is a plugin which this auh can load
    #[command(after_help = "\
Example:
  auh plugin check target/release/libauh_step_tell_the_chat.so")]
    Check {
        /// The plugin file
        file: PathBuf,
        /// Also show the long text behind a mismatch of layouts
        #[arg(long)]
        detail: bool,
        /// Load plugin files that others can write to, too
        #[arg(long)]
        allow_untrusted_plugins: bool,
    },
    /// Show what a plugin is for, and the settings that it takes
    #[command(after_help = "\
Example:
  auh plugin show mail")]
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        plugins: PluginFlags,
    },
    /// Write a crate for a plugin of your own, which builds, tests itself, and loads
    #[command(after_help = "\
Example:
  auh plugin new step tell-the-chat
  cd tell-the-chat && cargo test && cargo build
  auh plugin check target/debug/libauh_step_tell_the_chat.so")]
    New {
        /// What it is to be
        #[arg(value_enum)]
        kind: NewKind,
        /// Its name: lower-case letters, digits, and dashes between them
        name: String,
        /// The crate's folder, a new one; one of the plugin's name unless given
        #[arg(long, value_name = "DIR")]
        path: Option<PathBuf>,
        /// Folder of the SDK's sources; found by itself when auh runs from its source checkout,
        /// else the SDK is named by its version
        #[arg(long, value_name = "DIR")]
        sdk: Option<PathBuf>,
    },
    /// Run a plugin for another auh, which talks with it over standard input and output
    #[command(hide = true)]
    Serve {
        /// The plugin file
        file: PathBuf,
        /// Most bytes of memory
        #[arg(long)]
        memory: Option<u64>,
    },
}

/// The kinds of plugins that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NewKind {
    /// Does something with each group of recipes
    Step,
    /// Says which task is the most important one
    Scheduler,
}

/// Write a layer with which BitBake orders its tasks by auh's schedulers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  auh bitbake-layer ../meta-auh-schedulers
  bitbake-layers add-layer ../meta-auh-schedulers
  echo 'BB_SCHEDULER = \"auh-speed\"' >> conf/local.conf")]
pub(crate) struct BitbakeLayer {
    /// The layer's folder: a new one, or one that was written before
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub plugins: PluginFlags,
}

/// Write what lets a shell complete auh's command line
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auh completions bash > ~/.local/share/bash-completion/completions/auh
  auh completions zsh > ~/.zfunc/_auh
  auh completions fish > ~/.config/fish/completions/auh.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Write the manual from the command line's own description: for packages and the documentation
#[derive(Debug, Subcommand)]
pub(crate) enum Manual {
    /// Write a man page for each command
    Man {
        /// The folder; it is made
        folder: PathBuf,
    },
    /// Print the reference of the command line as Markdown
    Markdown,
}

/// Which settings apply.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct SettingsFlags {
    /// Settings file: auh.toml, or the Python helper's upgrade-helper.conf
    #[arg(short = 'c', long = "config-file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Machines to build for, NAME or NAME_LIBC, the most important one first
    #[arg(long, value_name = "\"A B_musl\"")]
    pub machines: Option<String>,
    /// Scheduler plugin that chooses which task starts next
    #[arg(long, value_name = "NAME")]
    pub scheduler: Option<String>,
    /// Pipeline of the settings to run
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
    /// Layers to work on, by name
    #[arg(long, num_args = 1.., value_name = "LAYER")]
    pub layer_names: Vec<String>,
    /// The layers' root folder
    #[arg(long, value_name = "DIR")]
    pub layer_dir: Option<PathBuf>,
    /// How much the log says: 1 critical, 2 errors, 3 warnings, 4 info, 5 debug
    #[arg(short = 'd', long, value_name = "LEVEL", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub debug_level: u8,
    #[command(flatten)]
    pub plugins: PluginFlags,
}

/// How everything is said.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Manner {
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also show the commands that are called
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Whether words are coloured; NO_COLOR and CLICOLOR_FORCE in the environment are heeded
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub color: When,
}

impl Manner {
    /// Makes it apply from now on.
    pub(crate) fn apply(&self) {
        colour::set(self.color);
        terminal::set_loudness(match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (false, true) => Loudness::Verbose,
            (false, false) => Loudness::Usual,
        });
    }
}

/// Where plugins come from.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PluginFlags {
    /// Further folder with plugins, searched first; can be given again
    #[arg(long, value_name = "DIR")]
    pub plugin_path: Vec<PathBuf>,
    /// Load plugin files that others can write to, too
    #[arg(long)]
    pub allow_untrusted_plugins: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
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
    fn every_command_has_examples() {
        fn check(command: &clap::Command) {
            let after = command.get_after_help().map(ToString::to_string);
            let name = command.get_name();
            assert!(
                after.is_some_and(|text| text.contains("Example")),
                "{name} has no example"
            );
            let commands = command.get_subcommands();
            commands.filter(|c| !c.is_hide_set()).for_each(check);
        }
        check(&Args::command());
    }

    #[test]
    fn who_is_tried_again_may_stand_alone_or_behind_others() {
        let parse = |words: &str| match Args::try_parse_from(words.split(' ')).unwrap().command {
            Command::Upgrade(upgrade) => (upgrade.recipes, upgrade.retry),
            other => panic!("{other:?}"),
        };
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(parse("auh upgrade all"), (words(&["all"]), None));
        assert_eq!(parse("auh upgrade --retry"), (vec![], Some(vec![])));
        assert_eq!(
            parse("auh upgrade all --retry"),
            (words(&["all"]), Some(vec![]))
        );
        let named = Some(words(&["a", "b"]));
        assert_eq!(parse("auh upgrade --retry a b"), (vec![], named.clone()));
        assert_eq!(
            parse("auh upgrade all --retry a b -s"),
            (words(&["all"]), named)
        );
        assert!(Args::try_parse_from(["auh", "upgrade"]).is_err());
    }
}
