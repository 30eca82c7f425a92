//! The difference that the upgrade made.

use crate::history::{History, Span};
use auh_sdk::{
    CommandResult, GroupState, GroupWork, Host, Machine, MachineBuild, Place, RecipeStatus,
    RunCommand, StepOutcome,
};
use std::{fs, io, path::Path};

/// Writes the differences into the group's folder, if the first machine has built the new versions.
pub(crate) fn compare(host: &Host, work: &GroupWork, first: &MachineBuild) -> StepOutcome {
    let outcome = StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded);
    let note = History::take_note(&work.folder, &first.build_dir);
    if host.stopping() || !was_built(work, &first.machine) {
        return outcome;
    }
    let comparing = match note {
        Some((history, since)) => Comparing {
            host,
            span: history.span(host, &since, &work.group, first),
            history,
        },
        None => Comparing {
            host,
            history: History::find(host, &first.build_dir),
            span: None,
        },
    };
    for (file, options) in [
        ("buildhistory-diff.txt", &[][..]),
        ("buildhistory-diff-full.txt", &["-a"]),
    ] {
        if let Err(reason) = comparing.write(&work.folder.join(file), options) {
            host.warn(&format!("the build history was not compared: {reason}"));
            break;
        }
    }
    outcome
}

/// Whether the group is upgraded and the machine got through with it. Other machines' failures do
/// not matter.
fn was_built(work: &GroupWork, first: &Machine) -> bool {
    let GroupState {
        failures,
        skipped,
        machine_skips,
        ..
    } = &work.state;
    let stands_in_the_way = |machines: &[Machine]| machines.is_empty() || machines.contains(first);
    let any_left = work.group.recipes.iter().any(|recipe| {
        let left_out =
            |skip: &&auh_sdk::MachineSkip| skip.recipe == recipe.name && skip.machine == *first;
        !skipped.iter().any(|skip| skip.recipe == recipe.name)
            && !machine_skips.iter().any(|skip| left_out(&skip))
    });
    any_left
        && !failures
            .iter()
            .any(|known| stands_in_the_way(&known.failure.machines))
}

struct Comparing<'a> {
    host: &'a Host,
    history: History,
    /// What to compare when it is not the last two builds.
    span: Option<Span>,
}

impl Comparing<'_> {
    /// Writes the tool's standard output to `file`; without any there is no file.
    fn write(&self, file: &Path, options: &[&str]) -> Result<(), String> {
        let command = RunCommand {
            log: Some(file.to_owned()),
            ..self.command(options)
        };
        let ended = self.host.run(&command).map_err(|error| error.to_string());
        let said = ended.and_then(|ended| match ended.succeeded() {
            true => Ok(ended),
            false => Err(reason(&command.label, &ended)),
        });
        let kept = said.as_ref().map_or("", |ended| &ended.stdout);
        keep(file, kept).map_err(|error| format!("{}: {error}", file.display()))?;
        said.map(drop)
    }

    fn command(&self, options: &[&str]) -> RunCommand {
        let mut argv = vec!["buildhistory-diff".to_owned()];
        argv.extend(options.iter().map(|&option| option.to_owned()));
        let label = argv.join(" ");
        if !self.history.is_usual {
            let folder = self.history.folder.display().to_string();
            argv.extend(["-p".to_owned(), folder]);
        }
        if let Some(span) = &self.span {
            argv.extend([span.from.clone(), span.to.clone()]);
        }
        RunCommand::new(Place::BuildDir, label, argv)
    }
}

/// The log that the host wrote has standard error among it, but also what the host left out of a very
/// long output.
fn keep(file: &Path, stdout: &str) -> io::Result<()> {
    match stdout {
        "" => match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        long if long.contains(" bytes left out]\n") => Ok(()),
        _ => fs::write(file, stdout),
    }
}

fn reason(label: &str, ended: &CommandResult) -> String {
    let said = ended.stderr.lines().find(|line| !line.trim().is_empty());
    let said = said.map_or(String::new(), |line| format!(": {}", line.trim()));
    format!("{label} {}{said}", ended.how())
}
