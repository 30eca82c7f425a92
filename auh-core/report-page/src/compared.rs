//! The run beside the one before it.

use crate::{
    Page,
    table::{few, table},
};
use auh_page::escaped;
use auh_report::{Change, Comparison, Standing};
use std::{collections::HashMap, fmt::Write as _};

/// The section about what changed.
pub(crate) fn compared(text: &mut String, page: &Page<'_>) {
    text.push_str(
        "<section aria-labelledby=\"compared\"><h2 id=\"compared\">Compared with the run before</h2>\n",
    );
    match page.previous {
        None => text.push_str("<p>There is no earlier run to compare with.</p>\n"),
        Some((name, story)) => {
            let comparison = Comparison::of(story, page.story);
            let name = escaped(name);
            if comparison.is_empty() {
                let _ = writeln!(
                    text,
                    "<p>Nothing failed, neither in run {name} nor now.</p>"
                );
            } else {
                let _ = writeln!(text, "<p>With run {name}: {}.</p>", in_short(&comparison));
                changes(text, page, &comparison);
            }
        }
    }
    text.push_str("</section>\n");
}

fn lists(comparison: &Comparison) -> [(&'static str, &[Change]); 5] {
    [
        ("newly failing", &comparison.newly_failing),
        ("failing when first tried", &comparison.failing_first_tried),
        ("newly fixed", &comparison.newly_fixed),
        ("still failing", &comparison.still_failing),
        (
            "failed before and not finished now",
            &comparison.no_longer_tried,
        ),
    ]
}

fn in_short(comparison: &Comparison) -> String {
    let some = lists(comparison)
        .into_iter()
        .filter(|(_, changes)| !changes.is_empty());
    let parts = some.map(|(title, changes)| format!("{} {title}", changes.len()));
    parts.collect::<Vec<_>>().join(", ")
}

fn changes(text: &mut String, page: &Page<'_>, comparison: &Comparison) {
    let places: HashMap<&str, usize> = page
        .story
        .chapters
        .iter()
        .enumerate()
        .flat_map(|(place, chapter)| {
            let recipes = chapter.group.recipes.iter();
            recipes.map(move |recipe| (recipe.name.as_str(), place))
        })
        .collect();
    let some = lists(comparison)
        .into_iter()
        .filter(|(_, changes)| !changes.is_empty());
    let rows: Vec<Vec<String>> = some
        .map(|(title, changes)| {
            let items = changes.iter().map(|change| item(change, &places));
            vec![
                title.to_owned(),
                changes.len().to_string(),
                few(&items.collect::<Vec<_>>()),
            ]
        })
        .collect();
    let head = ["Change", "Count", "Recipes"];
    table(text, "Recipes that failed in either run", &head, &rows);
}

/// A recipe, and what became of it where that says more than the list that it is in.
fn item(change: &Change, places: &HashMap<&str, usize>) -> String {
    let name = escaped(&change.recipe);
    let name = match places.get(change.recipe.as_str()) {
        Some(place) => format!("<a href=\"#g{place}\">{name}</a>"),
        None => name,
    };
    let word = |standing: Option<Standing>| match standing {
        Some(Standing::Failed(class)) => class.as_str(),
        Some(other) => other.word(),
        None => "not part of the run",
    };
    let (before, now) = (word(change.before), word(change.now));
    let was_bad = change.before.is_some_and(Standing::is_bad);
    match change.now {
        Some(Standing::Succeeded) => format!("{name} (was {before})"),
        _ if was_bad && before != now => format!("{name} (was {before}, now {now})"),
        _ => format!("{name} ({now})"),
    }
}
