//! The mail about a group. What filters and readers know is the Python helper's: subject, first
//! sentence, the mark of a changed licence, the line with `git am`, the scissors.

use crate::{
    address::Recipients,
    excerpt::{head, one_line, tail},
    letter::Letter,
    settings::Settings,
};
use auh_sdk::{Commit, Failure, GroupWork, Machine, Recipe};
use auh_transcript::plain;
use std::{
    collections::BTreeSet,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

/// The file with the mail, in the group's folder.
pub(crate) const SUMMARY: &str = "email_summary";

/// How much of a failure's log is put into the mail; the whole log comes with it.
const LOG_LINES: usize = 50;
/// How much of a changelog is.
const CHANGELOG_LINES: usize = 40;

/// Above what `git am --scissors` takes (git-mailinfo(1)).
const SCISSORS: &str = "-- >8 --";

const LICENCE_HELP: &str = "\
If need be, change LICENSE in the recipe, and say in the commit message what has
changed, with the tag License-Update:
(such as \"License-Update: copyright years updated.\").
";
const NEXT_STEPS: &str = "    \
    - look at what became of the recipe's patches, and say so in the commit message,
    - build an image with the recipe in it, and try it,
    - make the commit yours: git commit -s --reset-author --amend
    - send it to the mailing list of the layer.

If the recipe shall stay as it is for now, give the reason in RECIPE_NO_UPDATE_REASON
in the recipe: then it is not tried again.

";
const SEE_FILES: &str = "The attached files have the details.\n\n";
const FOOTER: &str = "Regards,\nThe Upgrade Helper";

/// Whether nothing was attempted: every recipe of the group was passed over, and none failed.
pub(crate) fn was_skipped(work: &GroupWork) -> bool {
    let skipped = |recipe: &Recipe| work.state.skipped.iter().any(|s| s.recipe == recipe.name);
    !work.state.failed() && work.group.recipes.iter().all(skipped)
}

/// The mail, and what could not be read for it.
pub(crate) fn letter(work: &GroupWork, settings: &Settings) -> (Letter, Vec<String>) {
    let recipients = Recipients::of(&work.group.recipes, settings);
    let mut troubles = recipients.unusable.clone();
    let attachments = files(&work.folder).unwrap_or_else(|error| {
        let folder = work.folder.display();
        troubles.push(format!("the files in {folder} are not attached: {error}"));
        Vec::new()
    });
    let verdict = match work.state.failed() {
        true => "FAILED",
        false => "SUCCEEDED",
    };
    let (names, versions) = (work.group.name(), versions(work));
    let letter = Letter {
        recipients,
        subject: one_line(&format!("[AUH] {names}: upgrading to {versions} {verdict}")),
        body: body(work, &versions, &attachments),
        attachments,
    };
    (letter, troubles)
}

/// The files of a folder, by name, but for the mail itself and steps' own notes.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let paths: BTreeSet<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    Ok(paths
        .into_iter()
        .filter(|path| path.is_file() && !path.ends_with(SUMMARY) && !is_hidden(path))
        .collect())
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}

/// Where the recipes were to go: versions, or revisions where there were only new commits.
fn versions(work: &GroupWork) -> String {
    let version = |recipe: &Recipe| match &recipe.target.revision {
        Some(revision) if recipe.target.new_commits => revision.to_string(),
        _ => recipe.target.version.to_string(),
    };
    let versions: Vec<_> = work.group.recipes.iter().map(version).collect();
    versions.join(",")
}

fn body(work: &GroupWork, versions: &str, files: &[PathBuf]) -> String {
    let status = match work.state.failures.first() {
        Some(failed) => failed.failure.class.auh_status(),
        None => "Succeeded",
    };
    let mut body = format!(
        "Hello,\n\nthis email is a notification from the Auto Upgrade Helper\n\
         that the automatic attempt to upgrade the recipe(s) *{}* to *{versions}* has {status}.\n\n",
        work.group.name()
    );
    body += &failures(work);
    body += &licences(work);
    body += &dropped_patches(work);
    body += &changelogs(work);
    body += &next_steps(&work.state.commits);
    if !files.is_empty() {
        body += SEE_FILES;
    }
    body += FOOTER;
    for patch in files.iter().filter(|path| is_patch(path)) {
        body += &inline(patch);
    }
    body
}

/// What went wrong, and how the logs of it end.
fn failures(work: &GroupWork) -> String {
    let mut messages: Vec<String> = Vec::new();
    let mut logs: Vec<&Path> = Vec::new();
    for failed in &work.state.failures {
        let message = match work.group.recipes.len() {
            1 => told(&failed.failure),
            _ => format!("{}: {}", failed.recipe, told(&failed.failure)),
        };
        if !messages.contains(&message) {
            messages.push(message);
        }
        if let Some(log) = failed
            .failure
            .log
            .as_deref()
            .filter(|log| !logs.contains(log))
        {
            logs.push(log);
        }
    }
    if messages.is_empty() {
        return String::new();
    }
    let ends: String = logs.into_iter().map(end_of).collect();
    let messages = messages.join("\n");
    format!("Detailed error information:\n\n{messages}\n{ends}\n\n\n")
}

fn told(failure: &Failure) -> String {
    let message = one_line(&plain(&failure.message));
    if failure.machines.is_empty() {
        return message;
    }
    let machines: Vec<String> = failure.machines.iter().map(Machine::to_string).collect();
    format!("{message} ({})", machines.join(", "))
}

fn end_of(log: &Path) -> String {
    let name = file_name(log);
    match tail(log, LOG_LINES) {
        Ok(text) => format!("\nThe end of {name}:\n\n{}", indented(&text)),
        Err(error) => format!("\n{name} cannot be read: {error}\n"),
    }
}

fn licences(work: &GroupWork) -> String {
    let licences = work.state.licences.iter();
    let files: Vec<_> = licences.map(|change| file_name(&change.file)).collect();
    if files.is_empty() {
        return String::new();
    }
    let files = files.join("\n");
    format!("*LICENSE CHANGED* please review the {files} file.\n{LICENCE_HELP}\n")
}

fn dropped_patches(work: &GroupWork) -> String {
    if work.state.dropped_patches.is_empty() {
        return String::new();
    }
    let mut text = "Patches that the new release has no need of, and that are gone:\n".to_owned();
    for dropped in &work.state.dropped_patches {
        let _ = writeln!(
            text,
            "    {} ({})",
            one_line(&dropped.patch),
            dropped.recipe
        );
    }
    text + "\n"
}

fn changelogs(work: &GroupWork) -> String {
    let changelogs = work.state.changelogs.iter();
    changelogs
        .map(|(recipe, file)| {
            let name = file_name(file);
            match fs::read(file) {
                Ok(bytes) => changelog(recipe.as_str(), &name, &String::from_utf8_lossy(&bytes)),
                Err(error) => format!("{name} cannot be read: {error}\n\n"),
            }
        })
        .collect()
}

fn changelog(recipe: &str, file: &str, text: &str) -> String {
    let (beginning, left) = head(text, CHANGELOG_LINES);
    let mut told = format!("What upstream says of the changes in {recipe}:\n\n");
    told += &indented(&beginning);
    if left > 0 {
        let _ = writeln!(told, "    [… {left} more lines in {file}]");
    }
    told + "\n"
}

/// Text of somebody else's, lines with blanks before them: git takes no patch out of those, so a log
/// that has scissors and a patch in it does not come before ours.
fn indented(text: &str) -> String {
    let line = |line: &str| format!("{}\n", format!("    {line}").trim_end());
    text.lines().map(line).collect()
}

/// What the maintainer does with the patches. One upgrade over several repositories has one in each.
fn next_steps(commits: &[Commit]) -> String {
    let patches: Vec<(&Commit, String)> = commits
        .iter()
        .filter_map(|commit| Some((commit, file_name(commit.patch.as_deref()?))))
        .collect();
    let apply: String = match patches.as_slice() {
        [] => return String::new(),
        [(_, patch)] => format!("    - apply the patch: git am {patch}\n"),
        several => several
            .iter()
            .map(|(commit, patch)| {
                let repository = file_name(&commit.repository);
                format!("    - apply the patch of {repository}: git am {patch}\n")
            })
            .collect(),
    };
    format!("Next steps:\n{apply}{NEXT_STEPS}")
}

fn is_patch(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "patch")
}

/// A patch as it is, so that git can take it out of the mail.
fn inline(patch: &Path) -> String {
    let name = file_name(patch);
    match fs::read(patch).map(String::from_utf8) {
        Ok(Ok(text)) => format!("\n\n{SCISSORS}\n{}", without_separator(&text)),
        // In any other encoding it would not be the same patch.
        Ok(Err(_)) => format!("\n\n{name} is not UTF-8 and comes as a file only."),
        Err(error) => format!("\n\n{name} cannot be read: {error}"),
    }
}

/// A patch without the line that begins a mail in a mailbox file ("From REVISION Mon Sep 17 …"). Below
/// scissors, that line would keep git from reading author and subject.
fn without_separator(patch: &str) -> &str {
    let first = patch.split_once('\n');
    let separator = first.filter(|(line, _)| line.starts_with("From ") && line.ends_with(" 2001"));
    separator.map_or(patch, |(_, rest)| rest)
}

fn file_name(path: &Path) -> String {
    one_line(&path.file_name().unwrap_or_default().to_string_lossy())
}
