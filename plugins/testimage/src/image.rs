//! The image and the command that runs its tests.

use auh_sdk::{
    CommandResult, Exit, FailureClass, Host, Place, RecipeName, RunCommand, StepRequest,
    protocol::host::PrepareBuildDir,
};
use auh_transcript::BuildTranscript;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The setting that names the image.
pub(crate) const NAME_SETTING: &str = "testimage-name";

const DEFAULT_NAME: &str = "core-image-sato";

/// OE's test cases to run.
const SUITES: &str = "ping ssh ptest";

/// The image with its tests.
pub(crate) struct Image {
    pub(crate) name: RecipeName,
    argv: Vec<String>,
    /// Where the tests leave their own logs.
    logs: PathBuf,
    /// devtool's settings, in which `devtool test-image` leaves the image's name.
    devtool_conf: PathBuf,
}

impl Image {
    /// The image of the settings with the tests of these recipes. `folder` is for what is written on
    /// the way.
    pub(crate) fn new(
        host: &Host,
        request: &StepRequest,
        recipes: &[String],
        folder: &Path,
    ) -> Result<Self, String> {
        let name = request.settings.get(NAME_SETTING);
        let name = name
            .and_then(|value| value.as_str())
            .unwrap_or(DEFAULT_NAME);
        let name = RecipeName::new(name).map_err(|error| error.to_string())?;
        let place = Place::BuildDir;
        host.prepare_build_dir(&PrepareBuildDir { place, share: 1 })
            .map_err(|error| format!("the build directory could not be made ready: {error}"))?;
        let run = &request.run;
        let (argv, logs) = if devtool_has_test_image(host)? {
            let logs = run.workspace.join("testimage-logs");
            (with_devtool(&name, recipes), logs)
        } else {
            let (conf, logs) = (folder.join("trial.conf"), folder.join(".target"));
            fs::write(&conf, lines(&name, recipes, &logs)).map_err(trouble(&conf))?;
            (with_bitbake(&name, &conf), logs)
        };
        Ok(Self {
            name,
            argv,
            logs,
            devtool_conf: run.build_dir.join("conf/devtool.conf"),
        })
    }

    /// Runs the tests once. `log` gets the output; a folder of the same name without its extension the
    /// logs of the tests.
    pub(crate) fn run(
        &self,
        host: &Host,
        label: &str,
        log: &Path,
    ) -> Result<CommandResult, String> {
        let command = RunCommand {
            log: Some(log.to_owned()),
            ..RunCommand::new(Place::BuildDir, label, &self.argv)
        };
        let conf_before = fs::read(&self.devtool_conf).ok();
        let has_others_logs = self.logs.exists();
        let ended = host.run(&command).map_err(|error| error.to_string());
        for left in [
            put_back(&self.devtool_conf, conf_before).map_err(trouble(&self.devtool_conf)),
            keep(&self.logs, &log.with_extension(""), has_others_logs).map_err(trouble(&self.logs)),
        ] {
            left.unwrap_or_else(|error| host.warn(&error));
        }
        ended
    }
}

/// What a run of the image's tests says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// The image could not be built, or a test failed; with the reason.
    Failed(String),
    /// The build environment failed, which says nothing about the upgrades.
    NotJudged(String),
}

/// Reads what BitBake said. OE's tests report their failures as errors and leave their task as one that
/// succeeded. An older version after a newer one is an error too where the build history is kept, and
/// just what a trial without the newer one makes.
pub(crate) fn ended(result: &CommandResult) -> Ended {
    match result.exit {
        Exit::Code(0) => return Ended::Passed,
        Exit::Signal(_) => return Ended::NotJudged(result.how()),
        Exit::Code(_) | Exit::TimedOut | Exit::Stopped => {}
    }
    let transcript = BuildTranscript::from_texts(&result.stdout, &result.stderr);
    let errors: Vec<_> = transcript.errors().filter_map(of_a_task).collect();
    let tests = failed_tests(&result.stdout);
    if !tests.is_empty() {
        return Ended::Failed(format!("{} failed", tests.join(", ")));
    }
    if let Some((_, error)) = errors.iter().find(|(task, _)| *task == "do_testimage") {
        let line = error.lines().next().unwrap_or_default();
        return Ended::Failed(format!("do_testimage: {line}"));
    }
    let only_back = errors.iter().all(|(_, error)| is_step_back(error));
    if only_back && !transcript.went_backwards().is_empty() {
        return match transcript.failed_tasks().is_empty() {
            true => Ended::Passed,
            // The second time it is no step back any more.
            false => not_judged(&transcript, result),
        };
    }
    match transcript.failure() {
        Some(failure) if failure.class == FailureClass::Infrastructure => {
            not_judged(&transcript, result)
        }
        Some(failure) => Ended::Failed(failure.message),
        None => Ended::Failed(result.how()),
    }
}

fn not_judged(transcript: &BuildTranscript, result: &CommandResult) -> Ended {
    let failure = transcript.failure();
    Ended::NotJudged(failure.map_or_else(|| result.how(), |failure| failure.message))
}

/// Task and text of an error that a task has reported: `PN-PV-PR do_task: text`.
fn of_a_task(error: &str) -> Option<(&str, &str)> {
    let (task, text) = error.split_once(' ')?.1.split_once(": ")?;
    task.starts_with("do_").then_some((task, text))
}

fn is_step_back(error: &str) -> bool {
    error.contains(" went backwards which would break package feeds ")
        || error.starts_with("Fatal QA errors were found")
        || error.starts_with("QA run found fatal errors")
}

/// The tests that did not pass: `RESULTS - ssh.SSHTest.test_ssh: FAILED (0.50s)`.
fn failed_tests(stdout: &str) -> Vec<&str> {
    let results = stdout.lines().filter_map(|line| {
        let (name, result) = line.split_once("RESULTS - ")?.1.rsplit_once(": ")?;
        let failed = ["FAILED", "ERROR"]
            .iter()
            .any(|bad| result.starts_with(bad));
        failed.then_some(name)
    });
    results.collect()
}

fn devtool_has_test_image(host: &Host) -> Result<bool, String> {
    let command = RunCommand::new(Place::BuildDir, "devtool --help", ["devtool", "--help"]);
    let ended = host.run(&command).map_err(|error| error.to_string())?;
    let mut words = ended
        .stdout
        .lines()
        .map(|line| line.split_whitespace().next());
    Ok(words.any(|first| first == Some("test-image")))
}

fn with_devtool(name: &RecipeName, recipes: &[String]) -> Vec<String> {
    let recipes = recipes.join(",");
    let words = ["devtool", "test-image", name.as_str(), "-p", &recipes];
    words
        .into_iter()
        .chain(["--test-suites", SUITES])
        .map(str::to_owned)
        .collect()
}

fn with_bitbake(name: &RecipeName, conf: &Path) -> Vec<String> {
    let conf = conf.display().to_string();
    ["bitbake", "-R", &conf, name.as_str(), "-c", "testimage"]
        .map(str::to_owned)
        .into()
}

/// What is added to the build configuration for the call alone. Asking for the task testimage does not
/// build the image, unless TESTIMAGE_AUTO makes the task wait for it. Nothing here differs from trial
/// to trial, so that all recipes are parsed only once more.
fn lines(name: &RecipeName, recipes: &[String], logs: &Path) -> String {
    let packages: Vec<String> = recipes
        .iter()
        .map(|recipe| format!("{recipe}-ptest"))
        .collect();
    format!(
        "IMAGE_CLASSES += \"testimage\"\n\
         TESTIMAGE_AUTO:pn-{name} = \"1\"\n\
         TEST_SUITES = \"{SUITES}\"\n\
         TEST_LOG_DIR = \"{}\"\n\
         IMAGE_INSTALL:append:pn-{name} = \" {}\"\n",
        logs.display(),
        packages.join(" ")
    )
}

/// Makes a file what it was; none before is none again.
fn put_back(file: &Path, before: Option<Vec<u8>>) -> io::Result<()> {
    let now = fs::read(file).ok();
    match before {
        before if before == now => Ok(()),
        Some(text) => fs::write(file, text),
        None => fs::remove_file(file),
    }
}

/// Moves a folder, if it is there, to where nothing is yet. What others have left in it stays there.
fn keep(from: &Path, to: &Path, has_others: bool) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    if has_others {
        return copy_folder(from, to);
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_folder(from, to)?;
            fs::remove_dir_all(from)
        }
        moved => moved,
    }
}

/// Copies files and folders; links are copied as what they lead to, and broken ones left out.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (source, target) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        match fs::metadata(&source) {
            Ok(metadata) if metadata.is_dir() => copy_folder(&source, &target)?,
            Ok(metadata) if metadata.is_file() => drop(fs::copy(&source, &target)?),
            _ => {}
        }
    }
    Ok(())
}

fn trouble(path: &Path) -> impl Fn(io::Error) -> String {
    let path = path.to_owned();
    move |error| format!("{}: {error}", path.display())
}
