//! The commit's message: the Python helper's subject, then what upstream has changed, which patches are
//! gone, and what a person still has to do.

use crate::changelog;
use auh_sdk::{GroupState, GroupWork, Host};
use std::fs;

/// The whole message, without the sign-off.
pub(crate) fn message(host: &Host, work: &GroupWork) -> String {
    let state = &work.state;
    let parts = [
        Some(work.group.subject()),
        changes(host, state),
        dropped_patches(state),
        licences(state),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("\n\n")
}

/// The changelogs. Recipes of one group mostly have the same one.
fn changes(host: &Host, state: &GroupState) -> Option<String> {
    let mut texts: Vec<(String, String)> = Vec::new();
    for (recipe, file) in &state.changelogs {
        match fs::read(file) {
            Ok(bytes) => texts.push((recipe.to_string(), changelog::excerpt(&bytes))),
            Err(error) => host.warn(&format!("{}: {error}", file.display())),
        }
    }
    texts.retain(|(_, text)| !text.is_empty());
    texts.dedup_by(|(_, text), (_, before)| text == before);
    match texts.as_slice() {
        [] => None,
        [(_, only)] => Some(only.clone()),
        several => {
            let headed = several
                .iter()
                .map(|(recipe, text)| format!("{recipe}:\n\n{text}"));
            Some(headed.collect::<Vec<_>>().join("\n\n"))
        }
    }
}

fn dropped_patches(state: &GroupState) -> Option<String> {
    let lines: Vec<_> = state
        .dropped_patches
        .iter()
        .map(|dropped| format!("- {}", changelog::printable(&dropped.patch)))
        .collect();
    (!lines.is_empty()).then(|| format!("Dropped patches:\n{}", lines.join("\n")))
}

/// A paragraph for the person who sends the patch. It does not hold the `License-Update:` tag itself:
/// the tag says what has changed and that somebody has looked, which nobody has yet.
fn licences(state: &GroupState) -> Option<String> {
    let files: Vec<_> = state
        .licences
        .iter()
        .filter_map(|licence| licence.file.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    (!files.is_empty()).then(|| {
        format!(
            "The license text has changed, see {}. Please review the change,\n\
             and summarise it here with a License-Update tag.",
            files.join(", ")
        )
    })
}
