//! The head of a run's page: which run, and what happened at a glance.

use crate::{
    Page,
    table::{few, table},
    words::{badge, breakable, counted, meaning, meaning_of, moment, style},
};
use auh_page::escaped;
use auh_protocol::Machine;
use auh_report::{Chapter, RunState, Standing, Story, Timeline, duration};
use std::{collections::BTreeMap, fmt::Write as _};

/// Which run it is.
pub(crate) fn header(text: &mut String, page: &Page<'_>, timeline: &Timeline) {
    let _ = writeln!(
        text,
        "<header><h1>Recipe upgrades <span class=\"run\">{}</span></h1>\n<p class=\"lead\">{}</p>",
        escaped(page.name),
        how_it_ended(page, timeline)
    );
    facts(text, page.story);
    text.push_str("</header>\n");
}

fn how_it_ended(page: &Page<'_>, timeline: &Timeline) -> String {
    let began = timeline.began.map_or_else(
        || "Its journal does not say when it began".to_owned(),
        |time| format!("Began {}", moment(time)),
    );
    let end = page.story.end.as_ref();
    let took = end.map(|end| duration(end.seconds)).unwrap_or_default();
    let ended = match page.state {
        RunState::Finished => format!("and ended after {took}"),
        RunState::Stopped => format!("and was stopped after {took}"),
        RunState::GoingOn => "and was still going on when this page was written".to_owned(),
        RunState::BrokenOff => {
            "and broke off: its journal has no end, as after a crash, a kill or a power cut"
                .to_owned()
        }
    };
    let status = end.map_or_else(String::new, |end| {
        format!(
            ", with exit status {} ({})",
            end.exit_code,
            exit_meaning(end.exit_code)
        )
    });
    let resumed = page.story.resumed_text();
    let resumed = resumed.map_or_else(String::new, |text| format!(", {text}"));
    let counts = page.story.counts().text();
    format!("{began} {ended}{status}{resumed}. {counts}.")
}

/// What the program's exit statuses mean.
fn exit_meaning(code: u8) -> &'static str {
    match code {
        0 => "all good",
        1 => "some recipes failed",
        2 => "usage or configuration",
        3 => "environment",
        130 => "stopped",
        _ => "internal error",
    }
}

fn facts(text: &mut String, story: &Story) {
    let Some(start) = &story.start else {
        return;
    };
    let machines: Vec<String> = start.machines.iter().map(Machine::to_string).collect();
    let asked: Vec<String> = start.recipes.iter().map(|name| escaped(name)).collect();
    text.push_str("<dl class=\"facts\">");
    for (name, value) in [
        ("Asked for", few(&asked)),
        ("Machines", escaped(&machines.join(", "))),
        (
            "Build directory",
            breakable(&start.build_dir.to_string_lossy()),
        ),
        ("Pipeline", escaped(&start.pipeline)),
        ("Scheduler", escaped(&start.scheduler)),
    ] {
        let _ = write!(text, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    text.push_str("</dl>\n");
}

/// What happened at a glance.
pub(crate) fn glance(text: &mut String, page: &Page<'_>) {
    let story = page.story;
    text.push_str("<section aria-labelledby=\"glance\"><h2 id=\"glance\">At a glance</h2>\n");
    counts(text, story);
    for note in &story.notes {
        let _ = writeln!(text, "<p class=\"note\">{}</p>", escaped(note));
    }
    classes(text, story);
    reasons(text, story);
    parses(text, story);
    text.push_str("</section>\n");
}

fn counts(text: &mut String, story: &Story) {
    let counts = story.counts();
    let kinds = Standing::KINDS.map(|kind| (kind, counts.of(kind)));
    let some = || kinds.iter().filter(|(_, count)| *count > 0);
    text.push_str("<div class=\"bar\" aria-hidden=\"true\">");
    for (kind, count) in some().filter(|(kind, _)| *kind != Standing::NotTried) {
        let _ = write!(
            text,
            "<span class=\"{}\" style=\"flex-grow:{count}\"></span>",
            style(*kind).0
        );
    }
    text.push_str("</div>\n<ul class=\"counts\">");
    for (kind, count) in some() {
        let _ = write!(
            text,
            "<li><b>{count}</b> {} <span class=\"soft\">{}</span></li>",
            badge(*kind),
            meaning_of(*kind)
        );
    }
    text.push_str("</ul>\n");
}

/// Recipes as links to what is told of them.
fn links(story: &Story, wanted: impl Fn(Standing) -> bool) -> Vec<String> {
    let chapters = story.chapters.iter().enumerate();
    let links = chapters.filter(|(_, chapter)| wanted(Standing::of(chapter)));
    links
        .flat_map(|(place, chapter)| {
            let recipes = chapter.group.recipes.iter();
            recipes.map(move |recipe| {
                format!(
                    "<a href=\"#g{place}\">{}</a>",
                    escaped(recipe.name.as_str())
                )
            })
        })
        .collect()
}

fn classes(text: &mut String, story: &Story) {
    let rows: Vec<Vec<String>> = story
        .counts()
        .classes()
        .map(|(class, count)| {
            let recipes = links(story, |standing| standing == Standing::Failed(class));
            vec![
                format!("<a href=\"#recipes\" data-pick=\"{class}\">{class}</a>"),
                count.to_string(),
                meaning(class).to_owned(),
                few(&recipes),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let head = ["Class", "Count", "What that means", "Recipes"];
        table(text, "Failed recipes by class", &head, &rows);
    }
}

/// Recipes that were passed over, by reason. What stands behind a colon or in parentheses differs
/// from recipe to recipe.
fn reasons(text: &mut String, story: &Story) {
    let mut by_reason: BTreeMap<(Standing, String), Vec<String>> = BTreeMap::new();
    let mut add = |standing, reason: &str, recipe: String| {
        let end = reason.find([':', '(']).unwrap_or(reason.len());
        let key = (standing, reason[..end].trim().to_owned());
        by_reason.entry(key).or_default().push(recipe);
    };
    // In a group that failed, the others are passed over for that reason alone.
    let passed = |chapter: &&Chapter| {
        matches!(
            Standing::of(chapter),
            Standing::Skipped | Standing::Succeeded
        )
    };
    for chapter in story.chapters.iter().filter(passed) {
        for skip in &chapter.state.skipped {
            add(
                Standing::Skipped,
                &skip.reason,
                escaped(skip.recipe.as_str()),
            );
        }
    }
    for left in &story.left_out {
        add(
            Standing::of_left_out(left),
            &left.reason,
            escaped(&left.recipe),
        );
    }
    let rows: Vec<Vec<String>> = by_reason
        .iter()
        .map(|((standing, reason), recipes)| {
            vec![
                escaped(reason),
                badge(*standing),
                recipes.len().to_string(),
                few(recipes),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let head = ["Reason", "Status", "Count", "Recipes"];
        table(text, "Recipes that were passed over, and why", &head, &rows);
    }
}

fn parses(text: &mut String, story: &Story) {
    if story.full_parses.is_empty() {
        text.push_str("<p>The journal tells of no parse of the recipes.</p>\n");
        return;
    }
    let rows: Vec<Vec<String>> = story
        .full_parses
        .iter()
        .map(|(folder, count)| {
            vec![
                breakable(&folder.to_string_lossy()),
                counted(*count as usize, "full parse", "full parses"),
            ]
        })
        .collect();
    let head = ["Build directory", "All recipes were parsed anew"];
    table(
        text,
        "Full parses, at best one in each build directory",
        &head,
        &rows,
    );
}
