//! `summary.json`: a run for programs.

use crate::{Chapter, DiskUse, Standing, Story};
use auh_journal::GroupVerdict;
use auh_protocol::{Commit, Failure, Machine, Recipe};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Version of the document: raised when a reader of the old one would misunderstand the new one.
/// Further fields may come without that.
pub const DOCUMENT_FORMAT: u32 = 1;

/// The run as one JSON document. `files` has the names of the files in each group's folder, by the
/// group's name.
///
/// - `format`: [`DOCUMENT_FORMAT`]
/// - `run`: `folder`, `auh` (version), `build_dir`, `pipeline`, `scheduler`, `asked` (recipes as they
///   were asked for), `began` (time, UTC), `finished` (whether it came to its end), and once it did
///   `exit_code`, `stopped`, `seconds`, `command_seconds` (wall time with at least one command)
/// - `machines`: names, the most important one first
/// - `counts`: `attempted`, `succeeded`, `failed`, `skipped`, `stopped` recipes, `unchecked` and
///   `not_tried` ones
/// - `recipes`: one object per recipe that was to be attempted:
///   `recipe`, `group`, `verdict` (`succeeded`, `failed`, `skipped`, `stopped`, or null when it was not
///   begun), `status` (the Python helper's, null when it counts none), `class` and `message` of the
///   first failure, `failures` (`recipe`, `class`, `message`, `machines`, `log`), `from`, `to`,
///   `revision`, `new_commits`, `file`, `layer`, `maintainer`, `commits` (`repository`, `revision`,
///   `subject`, `patch`, `reverted_by`), `patch` (the first one's file), `skipped` (reason or null),
///   `machine_skips` (`machine`, `reason`), `licence_changes`, `changelogs`, `dropped_patches`, `notes`,
///   `log` (of the first failure), `folder` and `files` of the group, `seconds` of the group
/// - `left_out`: `recipe`, `reason`, `failed` (true when it could not be checked), `held_back` (true
///   when it failed before and is not worth another try yet)
/// - `full_parses`: per build directory
/// - `disk`: one object per file system: `folder` (one of its folders), `peak` (bytes in use beyond
///   those at the beginning), `least_free`, `size`
/// - `notes`: about the run as a whole
///
/// What is said of a group, such as its commits and notes, stands with each of its recipes.
#[must_use]
pub fn document(story: &Story, folder: &Path, files: &BTreeMap<String, Vec<String>>) -> Value {
    let start = story.start.as_ref();
    let recipes = story.chapters.iter().flat_map(|chapter| {
        let names = files.get(&chapter.group.name());
        let recipes = chapter.group.recipes.iter();
        recipes.map(move |one| recipe(chapter, one, folder, names.map_or(&[], Vec::as_slice)))
    });
    let left_out = story.left_out.iter().map(|left| {
        json!({
            "recipe": left.recipe, "reason": left.reason, "failed": left.failed,
            "held_back": left.held_back,
        })
    });
    json!({
        "format": DOCUMENT_FORMAT,
        "run": run(story, folder),
        "machines": start.map_or(&[][..], |start| &start.machines),
        "counts": counts(story),
        "recipes": recipes.collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
        "full_parses": story.full_parses,
        "disk": story.disk.iter().map(disk).collect::<Vec<_>>(),
        "notes": story.notes,
    })
}

fn run(story: &Story, folder: &Path) -> Value {
    let start = story.start.as_ref();
    let end = story.end.as_ref();
    json!({
        "folder": folder,
        "auh": start.map(|start| &start.auh),
        "build_dir": start.map(|start| &start.build_dir),
        "pipeline": start.map(|start| &start.pipeline),
        "scheduler": start.map(|start| &start.scheduler),
        "asked": start.map(|start| &start.recipes),
        "began": story.began.map(|time| time.to_string()),
        "resumed": story.resumed,
        "finished": end.is_some(),
        "exit_code": end.map(|end| end.exit_code),
        "stopped": end.map(|end| end.stopped),
        "seconds": end.map(|end| end.seconds),
        "command_seconds": end.map(|end| end.command_seconds),
    })
}

fn disk((folder, disk): (&PathBuf, &DiskUse)) -> Value {
    json!({
        "folder": folder,
        "peak": disk.peak(),
        "least_free": disk.least,
        "size": disk.size,
    })
}

fn counts(story: &Story) -> Value {
    let recipes = |wanted: fn(&Chapter) -> bool| -> usize {
        let chapters = story.chapters.iter().filter(|chapter| wanted(chapter));
        chapters.map(|chapter| chapter.group.recipes.len()).sum()
    };
    let left_out = |standing| {
        let all = story.left_out.iter().map(Standing::of_left_out);
        all.filter(|known| *known == standing).count()
    };
    json!({
        "attempted": recipes(|c| c.verdict.is_some()),
        "succeeded": recipes(|c| c.verdict == Some(GroupVerdict::Succeeded)),
        "failed": recipes(|c| c.verdict == Some(GroupVerdict::Failed)),
        "skipped": recipes(|c| c.verdict == Some(GroupVerdict::Skipped)),
        "stopped": recipes(|c| c.verdict == Some(GroupVerdict::Stopped)),
        "unchecked": left_out(Standing::Unchecked),
        "held_back": left_out(Standing::HeldBack),
        "not_tried": left_out(Standing::NotTried),
    })
}

fn recipe(chapter: &Chapter, recipe: &Recipe, folder: &Path, files: &[String]) -> Value {
    let state = &chapter.state;
    let name = &recipe.name;
    let first = chapter.failure();
    let skipped = state.skipped.iter().find(|skip| skip.recipe == *name);
    let machine_skips = state.machine_skips.iter().filter(|s| s.recipe == *name);
    let licences = state.licences.iter().filter(|l| l.recipe == *name);
    let changelogs = state.changelogs.iter().filter(|(of, _)| of == name);
    let dropped = state.dropped_patches.iter().filter(|d| d.recipe == *name);
    json!({
        "recipe": name,
        "group": chapter.group.name(),
        "verdict": chapter.verdict,
        "status": chapter.auh_status(),
        "class": first.map(|failure| failure.class),
        "message": first.map(|failure| &failure.message),
        "failures": state.failures.iter().map(|f| failure(f.recipe.as_str(), &f.failure)).collect::<Vec<_>>(),
        "from": recipe.version,
        "to": recipe.target.version,
        "revision": recipe.target.revision,
        "new_commits": recipe.target.new_commits,
        "file": recipe.file,
        "layer": recipe.layer.as_ref().map(|layer| &layer.path),
        "maintainer": recipe.maintainer,
        "commits": state.commits.iter().map(commit).collect::<Vec<_>>(),
        "patch": state.commits.iter().find_map(|commit| commit.patch.as_ref()),
        "skipped": skipped.map(|skip| &skip.reason),
        "machine_skips": machine_skips.map(|s| json!({ "machine": s.machine, "reason": s.reason })).collect::<Vec<_>>(),
        "licence_changes": licences.map(|change| &change.file).collect::<Vec<_>>(),
        "changelogs": changelogs.map(|(_, file)| file).collect::<Vec<_>>(),
        "dropped_patches": dropped.map(|dropped| &dropped.patch).collect::<Vec<_>>(),
        "notes": state.notes,
        "log": first.and_then(|failure| failure.log.as_ref()),
        "folder": folder.join("all").join(chapter.group.name()),
        "files": files,
        "seconds": chapter.seconds,
    })
}

fn failure(recipe: &str, failure: &Failure) -> Value {
    let machines = failure.machines.iter().map(Machine::to_string);
    json!({
        "recipe": recipe,
        "class": failure.class,
        "message": failure.message,
        "machines": machines.collect::<Vec<_>>(),
        "log": failure.log,
    })
}

fn commit(commit: &Commit) -> Value {
    json!({
        "repository": commit.repository,
        "revision": commit.revision,
        "subject": commit.subject,
        "patch": commit.patch,
        "reverted_by": commit.reverted_by,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::story;

    #[test]
    fn the_document_has_everything_that_a_run_knows() {
        let files = BTreeMap::from([("hello".to_owned(), vec!["0001.patch".to_owned()])]);
        let document = document(
            &story(),
            "/b/upgrade-helper/20260101120000".as_ref(),
            &files,
        );
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }
}
