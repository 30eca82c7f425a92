//! The summary of a run as plain text.

use crate::{Chapter, Standing, StepEnd, Story, Timeline};
use auh_journal::{GroupVerdict, LeftOut};
use auh_protocol::{Commit, Failure, Machine};
use std::fmt::Write;

/// The whole summary, ending with a line break. `folder` is the run directory.
#[must_use]
pub fn summary(story: &Story, folder: &std::path::Path) -> String {
    let mut text = String::new();
    let names: Vec<String> = story.chapters.iter().map(|c| c.group.name()).collect();
    let others = story.left_out.iter().map(|l| l.recipe.len());
    let width = names
        .iter()
        .map(String::len)
        .chain(others)
        .max()
        .unwrap_or(0)
        .min(30);
    for chapter in &story.chapters {
        paragraph(&mut text, chapter, width);
    }
    for left_out in &story.left_out {
        let word = Standing::of_left_out(left_out).word();
        line(&mut text, word, &left_out.recipe, width, &left_out.reason);
    }
    let _ = writeln!(text, "\n{}", closing(story));
    for note in &story.notes {
        let _ = writeln!(text, "{note}");
    }
    for (build_dir, full) in &story.full_parses {
        let _ = writeln!(text, "full parses in {}: {full}", build_dir.display());
    }
    for (folder, disk) in &story.disk {
        let _ = writeln!(
            text,
            "peak disk use in {}: {} ({} were free at least)",
            folder.display(),
            gigabytes(disk.peak()),
            gigabytes(disk.least)
        );
    }
    let _ = writeln!(text, "run directory: {}", folder.display());
    text
}

/// A finished group in one line, without a line break.
#[must_use]
pub fn outcome_line(chapter: &Chapter) -> String {
    let mut text = String::new();
    let said = headline(chapter);
    line(
        &mut text,
        word(chapter.verdict),
        &chapter.group.name(),
        0,
        &said,
    );
    text.trim().to_owned()
}

/// What happened to one group, ending with a line break: what the summary says of it, then its steps
/// with their commands, then its files.
#[must_use]
pub fn chapter_text(
    chapter: &Chapter,
    timeline: &Timeline,
    folder: &std::path::Path,
    files: &[String],
) -> String {
    let name = chapter.group.name();
    let mut text = String::new();
    paragraph(&mut text, chapter, 0);
    for commit in &chapter.state.commits {
        let _ = writeln!(text, "\n{} {}", commit.current(), commit.subject);
    }
    text.push_str("\nsteps:\n");
    for (index, step) in timeline.steps_of(&name) {
        let _ = writeln!(
            text,
            "  {} {}: {}{}",
            step.step,
            step.action,
            duration(step.to - step.from),
            match step.end {
                StepEnd::Good => "",
                StepEnd::Failed => ", failed",
                StepEnd::Unknown => ", its end is not known",
            }
        );
        for command in timeline.commands_of(index) {
            let machine = command.machine.as_ref();
            let machine = machine.map_or_else(String::new, |machine| format!(" for {machine}"));
            let took = duration(command.to - command.from);
            let _ = writeln!(text, "    {}{machine}: {took}", command.label);
        }
    }
    let _ = writeln!(text, "\nfiles in {}:", folder.display());
    for file in files {
        let _ = writeln!(text, "  {file}");
    }
    text
}

/// A duration for people: `4 s`, `5 min 2 s`, `3 h 7 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Bytes for people: `12.3 GB`.
#[must_use]
pub fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

fn paragraph(text: &mut String, chapter: &Chapter, width: usize) {
    line(
        text,
        word(chapter.verdict),
        &chapter.group.name(),
        width,
        &headline(chapter),
    );
    let mut more = |said: String| {
        let _ = writeln!(text, "{:11}{:width$}  {said}", "", "");
    };
    for failed in &chapter.state.failures {
        more(format!(
            "{}: {}",
            class_and_machines(&failed.failure),
            failed.failure.message
        ));
        if let Some(log) = &failed.failure.log {
            more(format!("log: {}", log.display()));
        }
    }
    for skip in &chapter.state.machine_skips {
        more(format!(
            "{} left out on {}: {}",
            skip.recipe, skip.machine, skip.reason
        ));
    }
    for skipped in &chapter.state.skipped {
        more(format!("{} skipped: {}", skipped.recipe, skipped.reason));
    }
    for note in &chapter.state.notes {
        more(note.clone());
    }
}

fn line(text: &mut String, word: &str, name: &str, width: usize, said: &str) {
    let _ = writeln!(text, "{word:11}{name:width$}  {said}");
}

fn word(verdict: Option<GroupVerdict>) -> &'static str {
    match verdict {
        Some(GroupVerdict::Succeeded) => "succeeded",
        Some(GroupVerdict::Failed) => "failed",
        Some(GroupVerdict::Skipped) => "skipped",
        Some(GroupVerdict::Stopped) => "stopped",
        None => "not begun",
    }
}

/// What moved, and what came of it in git.
fn headline(chapter: &Chapter) -> String {
    let changes: Vec<String> = chapter
        .group
        .recipes
        .iter()
        .map(auh_protocol::Recipe::change)
        .collect();
    let mut said = vec![changes.join(", ")];
    said.extend(chapter.state.commits.iter().map(commit));
    if !chapter.state.licences.is_empty() {
        said.push("licence text changed".to_owned());
    }
    if chapter.seconds > 0.0 {
        said.push(duration(chapter.seconds));
    }
    said.join(", ")
}

fn commit(commit: &Commit) -> String {
    let short: String = commit.revision.chars().take(10).collect();
    match &commit.reverted_by {
        Some(_) => format!("commit {short} reverted"),
        None => format!("commit {short}"),
    }
}

fn class_and_machines(failure: &Failure) -> String {
    if failure.machines.is_empty() {
        return failure.class.to_string();
    }
    let machines: Vec<String> = failure.machines.iter().map(Machine::to_string).collect();
    format!("{} on {}", failure.class, machines.join(", "))
}

fn left_out(story: &Story, standing: Standing) -> (usize, &'static str) {
    let same = |left_out: &&LeftOut| Standing::of_left_out(left_out) == standing;
    (story.left_out.iter().filter(same).count(), standing.word())
}

fn closing(story: &Story) -> String {
    let counted = [
        (story.count(GroupVerdict::Succeeded), "succeeded"),
        (story.count(GroupVerdict::Failed), "failed"),
        (story.count(GroupVerdict::Skipped), "skipped"),
        (story.count(GroupVerdict::Stopped), "stopped"),
        left_out(story, Standing::Unchecked),
        left_out(story, Standing::HeldBack),
        left_out(story, Standing::NotTried),
    ];
    let parts: Vec<String> = counted
        .iter()
        .enumerate()
        .filter(|(place, (count, _))| *count > 0 || *place < 2)
        .map(|(_, (count, word))| format!("{count} {word}"))
        .collect();
    let text = match &story.end {
        Some(end) => format!("{} in {}", parts.join(", "), duration(end.seconds)),
        None => format!("{}, and the run has not ended", parts.join(", ")),
    };
    match story.resumed_text() {
        Some(resumed) => format!("{text}, {resumed}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::story;

    #[test]
    fn durations_are_for_people() {
        for (seconds, said) in [
            (0.4, "0 s"),
            (59.4, "59 s"),
            (59.6, "1 min 0 s"),
            (302.0, "5 min 2 s"),
            (11_220.0, "3 h 7 min"),
        ] {
            assert_eq!(duration(seconds), said);
        }
    }

    #[test]
    fn a_summary_names_verdicts_reasons_and_places() {
        insta::assert_snapshot!(summary(
            &story(),
            "/b/upgrade-helper/20260101120000".as_ref()
        ));
    }
}
