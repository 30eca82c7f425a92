//! What a merge request says: title and text, as Markdown that GitHub and GitLab both show.
//!
//! What comes from upstream stands in fenced blocks only, which no text can end: so a changelog
//! calls nobody by name, is no command to the forge (GitLab's quick actions), and brings no markup.

use auh_sdk::{GroupWork, StepRequest};
use auh_transcript::plain;
use std::{fmt::Write, fs, path::Path};

/// GitHub takes 256 characters, GitLab 255.
const LONGEST_TITLE: usize = 250;
/// GitHub takes 65,536 characters; an argument of a command has 131,072 bytes at most.
const LONGEST_BODY: usize = 60_000;
/// How many lines of a changelog or difference are shown.
const LINES: usize = 60;
/// A longer line says nothing to a person.
const LONGEST_LINE: usize = 300;

/// The file of the step `buildhistory-diff` in a group's folder.
const BUILD_HISTORY: &str = "buildhistory-diff.txt";

/// What a merge request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
}

impl Text {
    /// The text about a group.
    pub(crate) fn about(request: &StepRequest, work: &GroupWork) -> Self {
        let parts = [
            versions(work),
            left_out(work),
            licences(work),
            dropped_patches(work),
            changelogs(work),
            build_history(work),
            report(request),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Self {
            title: cut(&work.group.subject(), LONGEST_TITLE),
            body: shortened(parts),
        }
    }
}

/// As many of the parts as fit, the first ones first.
fn shortened(parts: Vec<String>) -> String {
    let mut body = String::new();
    let mut left_out = false;
    for part in parts {
        match body.len() + part.len() < LONGEST_BODY {
            true => body += &format!("{part}\n"),
            false => left_out = true,
        }
    }
    let mut body = body.trim_end().to_owned() + "\n";
    if left_out {
        body += "The rest is too long for here; it is in the run's files.\n";
    }
    body
}

fn versions(work: &GroupWork) -> Option<String> {
    let mut table = "| recipe | from | to |\n|---|---|---|\n".to_owned();
    for recipe in &work.group.recipes {
        let to = match &recipe.target.revision {
            Some(revision) if recipe.target.new_commits => revision.to_string(),
            _ => recipe.target.version.to_string(),
        };
        let _ = writeln!(table, "| `{}` | {} | {to} |", recipe.name, recipe.version);
    }
    Some(table)
}

fn left_out(work: &GroupWork) -> Option<String> {
    let skips = &work.state.machine_skips;
    let lines: Vec<String> = skips
        .iter()
        .map(|skip| {
            format!(
                "- `{}` was not built for {}: {}",
                skip.recipe,
                skip.machine,
                code(&skip.reason)
            )
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n") + "\n")
}

fn licences(work: &GroupWork) -> Option<String> {
    let changes = &work.state.licences;
    (!changes.is_empty()).then(|| {
        let shown = changes.iter().map(|change| excerpt(&change.file, "diff"));
        let shown: Vec<String> = shown.collect();
        format!(
            "### The license text has changed\n\nPlease review the change, and summarise it in the \
             commit message with a `License-Update:` tag.\n\n{}",
            shown.join("\n")
        )
    })
}

fn dropped_patches(work: &GroupWork) -> Option<String> {
    let dropped = work.state.dropped_patches.iter();
    let lines: Vec<_> = dropped
        .map(|dropped| format!("- {} ({})", code(&dropped.patch), dropped.recipe))
        .collect();
    (!lines.is_empty()).then(|| {
        format!(
            "### Patches that the new release has no need of\n\n{}\n",
            lines.join("\n")
        )
    })
}

/// Recipes of one group mostly have the same changelog.
fn changelogs(work: &GroupWork) -> Option<String> {
    let mut shown: Vec<(String, String)> = Vec::new();
    for (recipe, file) in &work.state.changelogs {
        let text = excerpt(file, "text");
        if !shown.iter().any(|(_, before)| *before == text) {
            shown.push((format!("Changes upstream ({recipe})"), text));
        }
    }
    let folded = shown.iter().map(|(title, text)| folded(title, text));
    let folded: Vec<String> = folded.collect();
    (!folded.is_empty()).then(|| folded.join("\n"))
}

fn build_history(work: &GroupWork) -> Option<String> {
    let file = work.folder.join(BUILD_HISTORY);
    file.is_file()
        .then(|| folded("Build history", &excerpt(&file, "text")))
}

/// Where the run can be seen by those who read this; its folder on the build machine they cannot.
fn report(request: &StepRequest) -> Option<String> {
    let url = request.settings.get("publish-work-url")?.as_str()?;
    let run = request.run.folder.file_name()?.to_str()?;
    let address = format!("{}/{run}/report.html", url.trim_end_matches('/'));
    (!url.is_empty()).then(|| format!("Report of the run: <{address}>\n"))
}

/// What a reader opens.
fn folded(title: &str, text: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{text}\n</details>\n")
}

/// The beginning of a file in a fence that its text cannot end.
fn excerpt(file: &Path, language: &str) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let text = match fs::read(file) {
        Ok(bytes) => plain(&String::from_utf8_lossy(&bytes)),
        Err(error) => return format!("{} cannot be read: {error}\n", code(&name)),
    };
    let lines: Vec<&str> = text
        .trim_end()
        .lines()
        .skip_while(|l| l.trim().is_empty())
        .collect();
    let shown = lines.iter().take(LINES).map(|line| cut(line, LONGEST_LINE));
    let shown: Vec<String> = shown.collect();
    let fence = "`".repeat(longest_run(&shown.join("\n")).max(2) + 1);
    let mut block = format!("{fence}{language}\n{}\n{fence}\n", shown.join("\n"));
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        let _ = write!(block, "\n{more} more lines are in {}.\n", code(&name));
    }
    block
}

/// A text as code within a line.
fn code(text: &str) -> String {
    let shown = |c: char| if c.is_control() || c == '`' { ' ' } else { c };
    let text: String = text.chars().map(shown).collect();
    format!("`{}`", text.trim())
}

/// How many backticks the longest row of them has.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or_default()
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_sdk::{LicenceChange, pretend, protocol::step::DroppedPatch};
    use proptest::prelude::*;
    use serde_json::json;

    fn request(folder: &Path) -> StepRequest {
        let recipe = pretend::recipe(folder, "hello");
        pretend::request(folder, "run", vec![recipe], &[])
    }

    #[test]
    fn everything_that_is_known_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(&folder.path().join("20260102030405"));
        request
            .settings
            .insert("publish-work-url".into(), json!("https://example.org/auh/"));
        let path = |name: &str| folder.path().join(name);
        fs::write(path("license-diff-2.0.txt"), "-2024\n+2025\n").unwrap();
        fs::write(path("changelog-hello.txt"), "\nThanks @ann\n/merge\n```\n").unwrap();
        fs::write(path(BUILD_HISTORY), "PKGSIZE changed\n").unwrap();
        let work = &mut request.groups[0];
        work.folder = folder.path().to_owned();
        let name = work.group.recipes[0].name.clone();
        work.state.licences.push(LicenceChange {
            recipe: name.clone(),
            file: path("license-diff-2.0.txt"),
        });
        work.state
            .changelogs
            .push((name.clone(), path("changelog-hello.txt")));
        work.state.dropped_patches.push(DroppedPatch {
            recipe: name,
            patch: "0001-fix.patch`<b>".into(),
        });
        let text = Text::about(&request, &request.groups[0]);
        assert_eq!(text.title, "hello: upgrade 1.0 -> 2.0");
        insta::assert_snapshot!(text.body);
    }

    #[test]
    fn little_is_said_of_what_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path());
        let text = Text::about(&request, &request.groups[0]);
        assert_eq!(
            text.body,
            "| recipe | from | to |\n|---|---|---|\n| `hello` | 1.0 | 2.0 |\n"
        );
    }

    #[test]
    fn a_long_changelog_ends_with_what_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("changelog-x.txt");
        fs::write(&file, "x\n".repeat(100) + &"y".repeat(100_000)).unwrap();
        let shown = excerpt(&file, "text");
        assert!(
            shown.ends_with("\n41 more lines are in `changelog-x.txt`.\n"),
            "{shown}"
        );
        assert!(shown.len() < 1000);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_that_is_said() {
        let long = "x".repeat(LONGEST_BODY);
        let body = shortened(vec!["first".into(), long, "last".into()]);
        assert_eq!(
            body,
            "first\nlast\nThe rest is too long for here; it is in the run's files.\n"
        );
    }

    proptest! {
        #[test]
        fn no_text_ends_its_fence(text in "[`~a\n]{0,60}") {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("f");
            fs::write(&file, &text).unwrap();
            let shown = excerpt(&file, "text");
            let fence = shown.split_once("text\n").unwrap().0;
            let inside: Vec<&str> = shown.lines().skip(1).collect();
            let ends = inside.iter().filter(|line| line.starts_with(fence)).count();
            prop_assert_eq!(ends, 1);
        }
    }
}
