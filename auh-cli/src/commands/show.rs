//! `auh show`: a run, or one of its groups, as text.

use crate::{
    args::{Format, Show},
    exit,
    failure::Usage,
    runs::{self, Told},
    terminal,
};
use anyhow::Result;
use auh_report::{Chapter, Timeline, chapter_text, document, summary};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn show(args: &Show) -> Result<exit::Status> {
    let told = Told::read(runs::find(&args.run, &args.place)?)?;
    let chapter = args
        .group
        .as_ref()
        .map(|name| find(&told, name))
        .transpose()?;
    let text = match (args.format, chapter) {
        (Format::Table, None) => summary(&told.story, told.folder.path()),
        (Format::Table, Some(chapter)) => {
            let timeline = Timeline::of(&told.journal.records);
            let name = chapter.group.name();
            chapter_text(
                chapter,
                &timeline,
                &told.folder.group(&name),
                &told.folder.files_of(&name),
            )
        }
        (Format::Json, chapter) => serde_json::to_string_pretty(&as_json(&told, chapter))?,
    };
    terminal::output(&text);
    Ok(exit::GOOD)
}

/// The group of this name, or that of a recipe of this name.
fn find<'t>(told: &'t Told, name: &str) -> Result<&'t Chapter, Usage> {
    let chapters = &told.story.chapters;
    let by_group = chapters.iter().find(|c| c.group.name() == name);
    let has_recipe = |c: &&Chapter| c.group.recipes.iter().any(|r| r.name.as_str() == name);
    let found = by_group.or_else(|| chapters.iter().find(has_recipe));
    found.ok_or_else(|| {
        let run = told.folder.name();
        let left_out = told.story.left_out.iter().find(|left| left.recipe == name);
        match left_out {
            Some(left) => Usage::new(
                format!("run {run} did not try {name}: {}", left.reason),
                format!("`auh show {run}` shows what it tried"),
            ),
            None => Usage::new(
                format!("run {run} has no group and no recipe {name}"),
                format!("`auh show {run}` shows what it tried"),
            ),
        }
    })
}

/// The document of `summary.json`, with the recipes of one group only if there is one.
fn as_json(told: &Told, chapter: Option<&Chapter>) -> Value {
    let names = told.story.chapters.iter().map(|c| c.group.name());
    let files: BTreeMap<_, _> = names
        .map(|name| (name.clone(), told.folder.files_of(&name)))
        .collect();
    let mut document = document(&told.story, told.folder.path(), &files);
    if let (Some(chapter), Some(recipes)) = (chapter, document["recipes"].as_array_mut()) {
        recipes.retain(|recipe| recipe["group"] == *chapter.group.name());
    }
    document
}
