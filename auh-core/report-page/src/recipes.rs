//! The table of all recipes, with what the script needs to search, sort and filter it.

use crate::words::{badge, change, counted, layer_name, on_machines, person, style, took};
use auh_journal::LeftOut;
use auh_page::escaped;
use auh_protocol::Recipe;
use auh_report::{Chapter, Standing, Story};
use std::{collections::BTreeMap, fmt::Write as _};

/// A recipe in the table.
pub(crate) struct Row {
    pub(crate) recipe: String,
    pub(crate) standing: Standing,
    /// Which of the story's chapters tells of it.
    pub(crate) chapter: Option<usize>,
    version: String,
    said: String,
    layer: String,
    maintainer: String,
    seconds: Option<f64>,
}

/// Every recipe of a run, what needs a person first.
pub(crate) fn rows(story: &Story) -> Vec<Row> {
    let chapters = story.chapters.iter().enumerate();
    let tried = chapters.flat_map(|(place, chapter)| {
        let recipes = chapter.group.recipes.iter();
        recipes.map(move |recipe| Row::of(place, chapter, recipe))
    });
    let mut rows: Vec<Row> = tried
        .chain(story.left_out.iter().map(Row::of_left_out))
        .collect();
    // By class within the failed ones; what is equal stays in the order of the plan.
    rows.sort_by_key(|row| row.standing);
    rows
}

/// The chapters in the order of the rows that tell of them.
pub(crate) fn groups_in_order(rows: &[Row], chapters: usize) -> Vec<usize> {
    let mut seen = vec![false; chapters];
    let places = rows.iter().filter_map(|row| row.chapter);
    places
        .filter(|place| !std::mem::replace(&mut seen[*place], true))
        .collect()
}

impl Row {
    fn of(place: usize, chapter: &Chapter, recipe: &Recipe) -> Self {
        let standing = Standing::of(chapter);
        Self {
            recipe: recipe.name.to_string(),
            standing,
            chapter: Some(place),
            version: change(recipe),
            said: said(chapter, recipe, standing),
            layer: recipe.layer.as_ref().map(layer_name).unwrap_or_default(),
            maintainer: person(recipe.maintainer.as_deref().unwrap_or_default()).to_owned(),
            seconds: (chapter.seconds > 0.0).then_some(chapter.seconds),
        }
    }

    fn of_left_out(left_out: &LeftOut) -> Self {
        Self {
            recipe: left_out.recipe.clone(),
            standing: Standing::of_left_out(left_out),
            chapter: None,
            version: String::new(),
            said: left_out.reason.clone(),
            layer: String::new(),
            maintainer: String::new(),
            seconds: None,
        }
    }

    fn write(&self, text: &mut String) {
        let word = self.standing.word();
        let class = self.standing.class().map_or("", |class| class.as_str());
        let name = escaped(&self.recipe);
        let name = match self.chapter {
            Some(place) => format!("<a href=\"#g{place}\">{name}</a>"),
            None => name,
        };
        let class_shown = match class {
            "" => String::new(),
            class => format!(" <span class=\"class\">{class}</span>"),
        };
        let rank = Standing::KINDS
            .iter()
            .position(|kind| kind.word() == word)
            .unwrap_or(0);
        let (seconds, time) = self
            .seconds
            .map_or_else(|| (-1.0, String::new()), |seconds| (seconds, took(seconds)));
        let _ = writeln!(
            text,
            "<tr data-status=\"{word}\" data-class=\"{class}\"><th scope=\"row\">{name}</th>\
             <td data-order=\"{rank}{class}\">{}{class_shown}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td data-order=\"{seconds:.1}\">{time}</td></tr>",
            badge(self.standing),
            escaped(&self.version),
            escaped(&self.said),
            escaped(&self.layer),
            escaped(&self.maintainer),
        );
    }
}

/// What happened to a recipe, in a line.
fn said(chapter: &Chapter, recipe: &Recipe, standing: Standing) -> String {
    let state = &chapter.state;
    match standing {
        Standing::Failed(_) => {
            let own = state.failures.iter().find(|f| f.recipe == recipe.name);
            match (own, state.failures.first()) {
                (Some(own), _) => format!("{}{}", own.failure.message, on_machines(&own.failure)),
                (None, Some(first)) => {
                    format!("{} failed: {}", first.recipe, first.failure.message)
                }
                (None, None) => String::new(),
            }
        }
        Standing::Skipped => {
            let skips = state.skipped.iter().filter(|s| s.recipe == recipe.name);
            let reasons: Vec<&str> = skips.map(|skip| skip.reason.as_str()).collect();
            reasons.join("; ")
        }
        _ => news(chapter, recipe),
    }
}

/// What is worth knowing of an upgrade that went well.
fn news(chapter: &Chapter, recipe: &Recipe) -> String {
    let state = &chapter.state;
    let skips = state.skipped.iter().filter(|s| s.recipe == recipe.name);
    let mut said: Vec<String> = skips
        .map(|s| format!("passed over: {}", s.reason))
        .collect();
    if state.licences.iter().any(|l| l.recipe == recipe.name) {
        said.push("licence text changed".to_owned());
    }
    let dropped = state.dropped_patches.iter();
    let dropped = dropped.filter(|d| d.recipe == recipe.name).count();
    if dropped > 0 {
        said.push(format!(
            "{} not needed any more",
            counted(dropped, "patch", "patches")
        ));
    }
    let skips = state.machine_skips.iter();
    let skips = skips.filter(|skip| skip.recipe == recipe.name);
    said.extend(skips.map(|skip| format!("left out on {}", skip.machine)));
    said.join(", ")
}

/// The section with the form and the table.
pub(crate) fn recipes(text: &mut String, rows: &[Row]) {
    text.push_str("<section aria-labelledby=\"recipes\"><h2 id=\"recipes\">Recipes</h2>\n");
    form(text, rows);
    text.push_str(
        "<table id=\"table\" class=\"recipes\"><caption>Every recipe of the run</caption><thead><tr>\
         <th scope=\"col\">Recipe</th><th scope=\"col\">Status</th><th scope=\"col\">Version</th>\
         <th scope=\"col\">What happened</th><th scope=\"col\">Layer</th>\
         <th scope=\"col\">Maintainer</th><th scope=\"col\">Time</th></tr></thead>\n<tbody>\n",
    );
    for row in rows {
        row.write(text);
    }
    text.push_str("</tbody></table></section>\n");
}

/// Only of use with the script, which shows it.
fn form(text: &mut String, rows: &[Row]) {
    text.push_str(
        "<form id=\"filter\" hidden><p><label for=\"search\">Search</label> \
         <input type=\"search\" id=\"search\" placeholder=\"name, version, message …\"></p>\n",
    );
    statuses(text, rows);
    let choices = |of: fn(&Row) -> &str| {
        let mut choices: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows {
            *choices.entry(of(row)).or_default() += 1;
        }
        choices
    };
    let class = choices(|row| row.standing.class().map_or("", |class| class.as_str()));
    select(text, "class", "Class of failure", &class);
    select(text, "layer", "Layer", &choices(|row| &row.layer));
    select(
        text,
        "maintainer",
        "Maintainer",
        &choices(|row| &row.maintainer),
    );
    text.push_str(
        "<p><button type=\"reset\">Show all</button></p>\n\
         <p role=\"status\" id=\"shown\"></p></form>\n",
    );
}

fn statuses(text: &mut String, rows: &[Row]) {
    text.push_str("<fieldset><legend>Status</legend>");
    for kind in Standing::KINDS {
        let word = kind.word();
        let count = rows
            .iter()
            .filter(|row| row.standing.word() == word)
            .count();
        if count > 0 {
            let (style, sign) = style(kind);
            let _ = writeln!(
                text,
                "<label><input type=\"checkbox\" name=\"status\" value=\"{word}\" checked> \
                 <span class=\"badge {style}\"><span aria-hidden=\"true\">{sign}</span> {word}</span> \
                 {count}</label>"
            );
        }
    }
    text.push_str("</fieldset>\n");
}

fn select(text: &mut String, id: &str, label: &str, choices: &BTreeMap<&str, usize>) {
    let named = choices.iter().filter(|(name, _)| !name.is_empty());
    if named.clone().count() == 0 {
        return;
    }
    let _ = write!(
        text,
        "<p><label for=\"{id}\">{label}</label> <select id=\"{id}\"><option value=\"\">any</option>"
    );
    for (name, count) in named {
        let name = escaped(name);
        let _ = write!(text, "<option value=\"{name}\">{name} ({count})</option>");
    }
    text.push_str("</select></p>\n");
}
