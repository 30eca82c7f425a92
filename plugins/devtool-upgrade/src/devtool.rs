//! The devtool commands: their arguments, their logs, and what became of them.

use auh_sdk::{CommandResult, Exit, Failure, FailureClass, Host, Place, Recipe, RunCommand};
use auh_transcript::{
    FinishReport, UpgradeReport,
    devtool::{UpgradeProblem, finish_report, upgrade_report},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// devtool in the user's build directory, with its output in `folder`.
pub(crate) struct Devtool<'a> {
    pub(crate) host: &'a Host,
    pub(crate) folder: &'a Path,
}

impl Devtool<'_> {
    /// `devtool upgrade` to the recipe's target; nothing if the recipe is there already. A conflict is
    /// a failure, although devtool exits with 0.
    pub(crate) fn upgrade(&self, recipe: &Recipe) -> Result<Option<UpgradeReport>, Failure> {
        let command = self.command("upgrade", recipe, upgrade_arguments(recipe)?);
        let ended = self.run(&command)?;
        let report = upgrade_report(code(&ended), &ended.stdout, &ended.stderr);
        match &report.problem {
            Some(UpgradeProblem::UpToDate { .. }) => Ok(None),
            Some(problem) => Err(self.failed(&command, &ended, problem.failure())),
            None => Ok(Some(report)),
        }
    }

    /// `devtool finish` into the recipe's own folder. The source tree goes.
    pub(crate) fn finish(&self, recipe: &Recipe) -> Result<FinishReport, Failure> {
        let folder = recipe.folder().display().to_string();
        let pn = recipe.name.to_string();
        let arguments = vec!["-r".to_owned(), "-f".to_owned(), pn, folder];
        let command = self.command("finish", recipe, arguments);
        let ended = self.run(&command)?;
        let report = finish_report(code(&ended), &ended.stdout, &ended.stderr);
        match &report.failure {
            Some(failure) => Err(self.failed(&command, &ended, failure.clone())),
            None => Ok(report),
        }
    }

    /// `devtool reset` of this one recipe: neither a build to clean its sysroot nor a source tree
    /// to keep. Runs while the run is being stopped, too.
    pub(crate) fn reset(&self, recipe: &Recipe) -> Result<(), Failure> {
        let pn = recipe.name.to_string();
        let arguments = vec!["-r".to_owned(), "-n".to_owned(), pn];
        let command = RunCommand {
            cleanup: true,
            ..self.command("reset", recipe, arguments)
        };
        let ended = self.run(&command)?;
        let said = ended.stderr.trim();
        match ended.succeeded() {
            true => Ok(()),
            false => Err(infrastructure(format!("{}: {said}", ended.how()))),
        }
    }

    /// Removes the logs of resets: those of an attempt that does not count.
    pub(crate) fn forget_resets(&self, recipes: &[Recipe]) {
        for recipe in recipes {
            let _ = fs::remove_file(self.log("reset", recipe));
        }
    }

    fn command(&self, verb: &str, recipe: &Recipe, arguments: Vec<String>) -> RunCommand {
        let pn = &recipe.name;
        let argv = ["devtool".to_owned(), verb.to_owned()].into_iter();
        RunCommand {
            log: Some(self.log(verb, recipe)),
            ..RunCommand::new(
                Place::BuildDir,
                format!("devtool {verb} {pn}"),
                argv.chain(arguments),
            )
        }
    }

    fn log(&self, verb: &str, recipe: &Recipe) -> PathBuf {
        self.folder
            .join(format!("devtool-{verb}-{}.log", recipe.name))
    }

    /// A command that came to its own end, well or badly.
    fn run(&self, command: &RunCommand) -> Result<CommandResult, Failure> {
        let label = &command.label;
        let ended = self
            .host
            .run(command)
            .map_err(|error| infrastructure(format!("{label}: {error}")))?;
        let failure = match ended.exit {
            Exit::Code(_) => return Ok(ended),
            Exit::Stopped => return Err(infrastructure("stopped")),
            Exit::TimedOut => {
                let how = ended.how_and_last_lines();
                Failure::new(FailureClass::Hang, format!("{label} {how}"))
            }
            Exit::Signal(_) => infrastructure(format!("{label} {}", ended.how())),
        };
        Err(self.failed(command, &ended, failure))
    }

    /// The failure with its log; the output is kept under the Python helper's name as well.
    fn failed(&self, command: &RunCommand, ended: &CommandResult, failure: Failure) -> Failure {
        let file = self.folder.join("bitbake_error_log.txt");
        let said = format!("{}\n{}", ended.stdout, ended.stderr);
        if let Err(error) = fs::write(&file, &*auh_foreign::hidden(&said)) {
            self.host.warn(&format!("{}: {error}", file.display()));
        }
        Failure {
            log: command.log.clone(),
            ..failure
        }
    }
}

/// What devtool is told about the target. Where there are only new commits, the version stays.
fn upgrade_arguments(recipe: &Recipe) -> Result<Vec<String>, Failure> {
    let target = &recipe.target;
    let mut arguments = vec![recipe.name.to_string()];
    if !target.new_commits {
        arguments.extend(["-V".to_owned(), target.version.to_string()]);
    }
    match &target.revision {
        Some(revision) => arguments.extend(["-S".to_owned(), revision.to_string()]),
        None if target.new_commits => {
            let message = "upstream has new commits, but the check named no revision";
            return Err(Failure::new(FailureClass::Upstream, message));
        }
        None => {}
    }
    Ok(arguments)
}

pub(crate) fn infrastructure(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Infrastructure, message)
}

fn code(ended: &CommandResult) -> Option<i32> {
    match ended.exit {
        Exit::Code(code) => Some(code),
        _ => None,
    }
}
