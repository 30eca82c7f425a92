//! What `devtool upgrade`, `devtool finish` and `devtool status` say.
//!
//! devtool's exit status alone is not enough: an upgrade whose patches conflict exits with 0. Of
//! patches that upstream has taken in it says nothing at all on upgrade; they show in
//! [`FinishReport::removed`].

use std::path::PathBuf;

use auh_protocol::{Failure, FailureClass};

use crate::bitbake::{BuildTranscript, Skip, shortened};
use crate::message::{Level, Message, MessageReader};

/// What became of `devtool upgrade`.
#[derive(Debug, Clone, Default)]
pub struct UpgradeReport {
    /// The upgraded recipe in the workspace.
    pub recipe_file: Option<PathBuf>,
    /// The new version's sources.
    pub source_tree: Option<PathBuf>,
    /// What upstream says has changed.
    pub changelog: Option<PathBuf>,
    /// Whether a licence text changed: then the recipe carries a comment block about it.
    pub licence_changed: bool,
    /// What git could not merge while it moved the patches onto the new version.
    pub conflicts: Vec<Conflict>,
    /// devtool's warnings, first lines only, without the one about conflicts.
    pub warnings: Vec<String>,
    /// What went wrong; `None` if the upgrade is good to go on with.
    pub problem: Option<UpgradeProblem>,
    /// What BitBake said during the upgrade.
    pub build: BuildTranscript,
}

/// A file that a patch and the new version both changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// git's word for it: `content`, `modify/delete`, …
    pub kind: String,
    /// The file, if git names one.
    pub file: Option<String>,
    /// The `devtool-override-…` branch's name if it is not the main one that conflicts.
    pub override_branch: Option<String>,
}

/// Why an upgrade cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeProblem {
    /// Patches do not apply to the new version.
    Conflict {
        /// One line that names the files.
        message: String,
    },
    /// The new sources could not be fetched.
    Fetch {
        /// devtool's words.
        message: String,
    },
    /// No fetcher knows the protocol of the recipe's `SRC_URI`.
    UnsupportedProtocol {
        /// devtool's words.
        message: String,
    },
    /// There is no such recipe.
    UnknownRecipe {
        /// devtool's words.
        message: String,
    },
    /// The recipe is left out of this configuration.
    Skipped(Skip),
    /// The recipe is in the workspace from before.
    AlreadyInWorkspace {
        /// devtool's words.
        message: String,
    },
    /// The recipe is at this version already.
    UpToDate {
        /// devtool's words.
        message: String,
    },
    /// devtool found out no version to go to.
    NoVersion {
        /// devtool's words.
        message: String,
    },
    /// devtool does not do recipes of this kind.
    UnsupportedRecipe {
        /// devtool's words.
        message: String,
    },
    /// Anything else: a failed task, or devtool's first error.
    Other(Failure),
}

impl UpgradeProblem {
    /// The problem in the words of reports.
    pub fn failure(&self) -> Failure {
        let (class, message) = match self {
            Self::Conflict { message } => (FailureClass::PatchConflict, message),
            Self::Fetch { message } => (FailureClass::Fetch, message),
            Self::UnsupportedProtocol { message } => (FailureClass::UnsupportedProtocol, message),
            Self::UpToDate { message } | Self::NoVersion { message } => {
                (FailureClass::Upstream, message)
            }
            Self::UnknownRecipe { message }
            | Self::AlreadyInWorkspace { message }
            | Self::UnsupportedRecipe { message } => (FailureClass::Infrastructure, message),
            Self::Skipped(skip) => return skip.failure(),
            Self::Other(failure) => return failure.clone(),
        };
        Failure::new(class, message)
    }
}

/// What became of `devtool finish`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FinishReport {
    /// Patches and files that were brought up to date, by name.
    pub updated: Vec<String>,
    /// Patches and files that are new, by name.
    pub added: Vec<String>,
    /// Files that were removed: the old recipe, and patches that the new version made superfluous.
    pub removed: Vec<PathBuf>,
    /// Where the recipe was moved to.
    pub recipe_folder: Option<PathBuf>,
    /// Where devtool left the source tree, if it kept it.
    pub kept_sources: Option<PathBuf>,
    /// Why it failed; `None` if it did not.
    pub failure: Option<Failure>,
}

/// A recipe in devtool's workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceEntry {
    /// The recipe.
    pub recipe: String,
    /// Its source tree.
    pub source_tree: PathBuf,
    /// Its recipe file, if that is in the workspace too.
    pub recipe_file: Option<PathBuf>,
}

impl UpgradeReport {
    /// Whether the upgrade is good to go on with.
    pub fn is_success(&self) -> bool {
        self.problem.is_none()
    }
}

/// Reads a finished `devtool upgrade`. `exit_code` is `None` if a signal ended it.
pub fn upgrade_report(exit_code: Option<i32>, stdout: &str, stderr: &str) -> UpgradeReport {
    let mut report = UpgradeReport {
        build: BuildTranscript::from_texts(stdout, stderr),
        ..UpgradeReport::default()
    };
    let messages = messages(stderr);
    for message in &messages {
        read_upgrade_message(&mut report, message);
    }
    report.conflicts = conflicts(&messages);
    report.problem = upgrade_problem(&report, exit_code, stderr);
    report
}

/// Reads a finished `devtool finish`. `exit_code` is `None` if a signal ended it.
pub fn finish_report(exit_code: Option<i32>, stdout: &str, stderr: &str) -> FinishReport {
    let mut report = FinishReport::default();
    for message in messages(stderr) {
        read_finish_message(&mut report, message.first());
    }
    if exit_code != Some(0) {
        let build = BuildTranscript::from_texts(stdout, stderr);
        report.failure = Some(finish_failure(&build, stderr));
    }
    report
}

/// Reads the standard output of `devtool status`.
pub fn workspace_entries(stdout: &str) -> Vec<WorkspaceEntry> {
    stdout.lines().filter_map(workspace_entry).collect()
}

fn workspace_entry(line: &str) -> Option<WorkspaceEntry> {
    let (recipe, rest) = line.split_once(": ")?;
    if recipe.is_empty() || recipe.contains(char::is_whitespace) || !rest.starts_with('/') {
        return None;
    }
    let (tree, file) = match rest
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(" ("))
    {
        Some((tree, file)) => (tree, Some(file)),
        None => (rest, None),
    };
    Some(WorkspaceEntry {
        recipe: recipe.to_owned(),
        source_tree: tree.into(),
        recipe_file: file.map(PathBuf::from),
    })
}

fn messages(stderr: &str) -> Vec<Message> {
    let mut reader = MessageReader::new(Level::Note);
    stderr.lines().for_each(|line| reader.push(line));
    reader.messages
}

fn read_upgrade_message(report: &mut UpgradeReport, message: &Message) {
    let text = message.first();
    let path = |start: &str| text.strip_prefix(start).map(PathBuf::from);
    match message.level {
        Level::Note => {
            report.recipe_file = path("New recipe is ").or(report.recipe_file.take());
            report.source_tree =
                path("Upgraded source extracted to ").or(report.source_tree.take());
            report.changelog = path("Changelog extracted to ").or(report.changelog.take());
            report.licence_changed |= text.starts_with("License checksums have been updated");
        }
        Level::Warning if !is_failed_rebase(message) => report.warnings.push(text.to_owned()),
        Level::Debug | Level::Warning | Level::Error => {}
    }
}

/// devtool only warns when it cannot move the patches of a branch, and leaves them out.
fn is_failed_rebase(message: &Message) -> bool {
    message.level == Level::Warning && message.first().starts_with("Command 'git rebase ")
}

/// The conflicts of each branch: `Rebasing BRANCH onto REV`, then a warning if that failed.
fn conflicts(messages: &[Message]) -> Vec<Conflict> {
    let mut branch = None;
    let mut conflicts = Vec::new();
    for message in messages {
        let rebasing = message.first().strip_prefix("Rebasing ");
        branch = rebasing
            .and_then(|rest| rest.split_once(" onto "))
            .map(|(name, _)| name)
            .or(branch);
        if is_failed_rebase(message) {
            conflicts.extend(conflicts_of(message, branch));
        }
    }
    conflicts
}

fn conflicts_of(message: &Message, branch: Option<&str>) -> Vec<Conflict> {
    let override_branch = branch.filter(|name| name.starts_with("devtool-override-"));
    let of = |(kind, file): (&str, Option<&str>)| Conflict {
        kind: kind.to_owned(),
        file: file.map(str::to_owned),
        override_branch: override_branch.map(str::to_owned),
    };
    let named: Vec<Conflict> = message
        .lines
        .iter()
        .filter_map(|line| conflict(line))
        .map(of)
        .collect();
    match named.is_empty() {
        true => vec![of(("rebase", None))],
        false => named,
    }
}

/// `CONFLICT (content): Merge conflict in FILE`, `CONFLICT (modify/delete): FILE deleted in …`.
fn conflict(line: &str) -> Option<(&str, Option<&str>)> {
    let (kind, text) = line.strip_prefix("CONFLICT (")?.split_once("): ")?;
    let file = match text.rsplit_once("conflict in ") {
        Some((_, file)) => Some(file),
        None => text.split_once(' ').map(|(file, _)| file),
    };
    Some((kind, file))
}

fn upgrade_problem(
    report: &UpgradeReport,
    exit_code: Option<i32>,
    stderr: &str,
) -> Option<UpgradeProblem> {
    if !report.conflicts.is_empty() {
        let message = conflict_message(&report.conflicts);
        return Some(UpgradeProblem::Conflict { message });
    }
    if exit_code == Some(0) && report.recipe_file.is_some() {
        return None;
    }
    let errors = || report.build.messages(Level::Error);
    Some(
        errors()
            .find_map(known_problem)
            .or_else(|| build_problem(&report.build))
            .or_else(|| errors().filter_map(fetch_problem).last())
            .unwrap_or_else(|| UpgradeProblem::Other(unknown_failure(&report.build, stderr))),
    )
}

fn conflict_message(conflicts: &[Conflict]) -> String {
    let mut files: Vec<&str> = conflicts.iter().filter_map(|c| c.file.as_deref()).collect();
    files.dedup();
    match files.is_empty() {
        true => "git could not rebase the recipe's patches onto the new version".to_owned(),
        false => shortened(&format!(
            "patches conflict with the new version in {}",
            files.join(", ")
        )),
    }
}

/// What devtool itself says about the recipe or the version.
fn known_problem(error: &Message) -> Option<UpgradeProblem> {
    use UpgradeProblem as P;
    let text = error.first();
    let message = shortened(text);
    let has = |part: &str| text.contains(part);
    Some(match () {
        () if has(" is already in your workspace") => P::AlreadyInWorkspace { message },
        () if has("Unable to find any recipe file matching") => P::UnknownRecipe { message },
        () if has("Current and upgrade versions are the same version") => P::UpToDate { message },
        () if has("Automatic discovery of latest version/revision failed")
            || has("you must specify a new one when upgrading") =>
        {
            P::NoVersion { message }
        }
        () if has("supported by this tool") || has("does not actually check out") => {
            P::UnsupportedRecipe { message }
        }
        () if has("Could not find a fetcher which supports the URL") => {
            P::UnsupportedProtocol { message }
        }
        () if text.ends_with(" is unavailable:") => {
            P::Skipped(error.lines.iter().find_map(|l| Skip::parse(l))?)
        }
        () => return None,
    })
}

/// What went wrong in BitBake: a task of the old version, or the environment. The new version's
/// sources are fetched by a task of a recipe made for that, which is fetch trouble, see below.
fn build_problem(build: &BuildTranscript) -> Option<UpgradeProblem> {
    let failure = build.failure()?;
    let environment = || build.trouble_failure().map(UpgradeProblem::Other);
    let task = || (!build.failed_tasks().is_empty()).then_some(UpgradeProblem::Other(failure));
    environment().or_else(task)
}

/// Fetching the new sources, or finding the revision in the repository, failed. devtool's own words
/// come last and are the shortest.
fn fetch_problem(error: &Message) -> Option<UpgradeProblem> {
    const SIGNS: [&str; 7] = [
        "Failed to fetch URL ",
        "Fetcher failure",
        "Fetcher Error",
        "was found on multiple branches",
        "Execution of 'git fetch' failed",
        "Execution of 'git checkout ",
        "Execution of 'git submodule ",
    ];
    let text = error.first();
    let found = SIGNS.iter().any(|sign| text.contains(sign));
    found.then(|| UpgradeProblem::Fetch {
        message: shortened(text),
    })
}

/// The first error; without one, the last words, which for a Python traceback are the exception.
fn unknown_failure(build: &BuildTranscript, stderr: &str) -> Failure {
    let last_words = || stderr.lines().rev().find(|line| !line.trim().is_empty());
    let message = build
        .errors()
        .next()
        .or_else(last_words)
        .unwrap_or("devtool gave no reason");
    let parse = build
        .errors()
        .any(|error| error.contains("Parsing of upgraded recipe failed"));
    let class = match parse {
        true => FailureClass::Configure,
        false => FailureClass::Infrastructure,
    };
    Failure::new(class, shortened(message))
}

fn read_finish_message(report: &mut FinishReport, text: &str) {
    let after = |starts: &[&str]| {
        let mut rest = starts.iter().filter_map(|start| text.strip_prefix(start));
        rest.next().map(str::to_owned)
    };
    report
        .updated
        .extend(after(&["Updating patch ", "Updating file "]));
    if let Some(rest) = after(&["Replacing remote patch "]) {
        let name = rest.split(" with updated").next().unwrap_or(&rest);
        report.updated.push(name.to_owned());
    }
    report
        .added
        .extend(after(&["Adding new patch ", "Adding new file "]));
    report
        .removed
        .extend(after(&["Removing file "]).map(PathBuf::from));
    let moved = after(&["Moving recipe file to "]).map(PathBuf::from);
    report.recipe_folder = moved.or(report.recipe_folder.take());
    let kept = after(&["Preserving source tree in ", "Leaving source tree "]);
    let kept = kept.map(|rest| rest.split(" as-is").next().unwrap_or(&rest).into());
    report.kept_sources = kept.or(report.kept_sources.take());
}

fn finish_failure(build: &BuildTranscript, stderr: &str) -> Failure {
    let in_rebase = |error: &&str| {
        error.contains("in the middle of a rebase") || error.contains("in the middle of 'git am'")
    };
    if let Some(error) = build.errors().find(in_rebase) {
        return Failure::new(FailureClass::PatchConflict, shortened(error));
    }
    build
        .trouble_failure()
        .unwrap_or_else(|| unknown_failure(build, stderr))
}

#[cfg(test)]
mod tests;
