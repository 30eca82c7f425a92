//! The page over all runs of a build directory.

use crate::{
    document,
    lanes::STRIPES,
    table::table,
    words::{badge, counted, moment, took},
};
use auh_page::{escaped, path_in_link};
use auh_report::{Counts, Overview, Standing, Streak, streaks};
use std::{collections::BTreeSet, fmt::Write as _};

/// What the page over all runs shows.
#[derive(Clone, Copy, Debug)]
pub struct TrendPage<'a> {
    /// The folder with the runs, as people name it.
    pub place: &'a str,
    /// The runs, oldest first.
    pub runs: &'a [Overview],
    /// Runs that cannot be read, each with why.
    pub unreadable: &'a [(String, String)],
    /// Names of the runs whose pages can be reached from this one: `NAME/report.html`.
    pub pages: &'a BTreeSet<String>,
}

const WIDTH: f64 = 1100.0;
const HEIGHT: f64 = 220.0;
/// Above and below the columns, for their figures.
const ROOM: f64 = 20.0;
/// Columns narrower than this have no figures.
const WIDE_ENOUGH: f64 = 24.0;

/// The page over all runs.
#[must_use]
pub fn trend_html(page: &TrendPage<'_>) -> String {
    let mut body = String::new();
    let _ = writeln!(
        body,
        "<header><h1>All runs</h1><p class=\"lead\">{} in {}, the newest first.</p></header>\n<main>",
        counted(page.runs.len(), "run", "runs"),
        escaped(page.place)
    );
    chart(&mut body, page.runs);
    runs(&mut body, page);
    unreadable(&mut body, page.unreadable);
    failing(&mut body, &streaks(page.runs));
    body.push_str(
        "</main>\n<footer><p><code>auh report --trend</code> writes this page anew.</p></footer>\n",
    );
    document("All runs of auh", &body)
}

fn runs(text: &mut String, page: &TrendPage<'_>) {
    text.push_str("<section aria-labelledby=\"runs\"><h2 id=\"runs\">Runs</h2>\n");
    let rows: Vec<Vec<String>> = page
        .runs
        .iter()
        .rev()
        .map(|run| row(run, page.pages.contains(&run.name)))
        .collect();
    let head = [
        "Run",
        "Began",
        "State",
        "Succeeded",
        "Failed",
        "By class",
        "Passed over",
        "Took",
    ];
    table(text, "Runs, and how many recipes fared how", &head, &rows);
    text.push_str("</section>\n");
}

fn row(run: &Overview, link: bool) -> Vec<String> {
    let name = escaped(&run.name);
    let counts = &run.counts;
    let classes: Vec<String> = counts.classes().map(|(c, n)| format!("{n} {c}")).collect();
    vec![
        match link {
            true => {
                let target = path_in_link(&format!("{}/report.html", run.name));
                format!("<a href=\"{target}\">{name}</a>")
            }
            false => name,
        },
        run.began.map(moment).unwrap_or_default(),
        run.state.word().to_owned(),
        counts.of(Standing::Succeeded).to_string(),
        failed(counts).to_string(),
        classes.join(", "),
        passed_over(counts),
        run.seconds.map_or_else(String::new, took),
    ]
}

fn failed(counts: &Counts) -> usize {
    counts.classes().map(|(_, count)| count).sum()
}

/// What neither succeeded nor failed, in words.
fn passed_over(counts: &Counts) -> String {
    let others = Standing::KINDS.into_iter();
    let others = others.filter(|kind| kind.class().is_none() && *kind != Standing::Succeeded);
    let parts = others.map(|kind| (counts.of(kind), kind.word()));
    let some = parts.filter(|(count, _)| *count > 0);
    let said: Vec<String> = some
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    said.join(", ")
}

/// A column for each run: what succeeded upwards from the line, what failed below it.
fn chart(text: &mut String, runs: &[Overview]) {
    if runs.len() < 2 {
        return;
    }
    let sizes = |run: &Overview| {
        let bad = failed(&run.counts) + run.counts.of(Standing::Unchecked);
        (run.counts.of(Standing::Succeeded) as f64, bad as f64)
    };
    let most_good = runs.iter().map(|run| sizes(run).0).fold(1.0, f64::max);
    let most_bad = runs.iter().map(|run| sizes(run).1).fold(1.0, f64::max);
    let scale = (HEIGHT - 2.0 * ROOM) / (most_good + most_bad);
    let line = ROOM + most_good * scale;
    let column = (WIDTH / runs.len() as f64).min(60.0);
    let _ = writeln!(
        text,
        "<div class=\"wide\" role=\"region\" aria-label=\"Chart of the runs\" tabindex=\"0\">\
         <p class=\"sideways\">The chart scrolls sideways.</p><svg class=\"lanes\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Recipes of each run, oldest at the left: succeeded above the line, failed below; \
         the table says the same\">{STRIPES}<path class=\"grid\" d=\"M0 {line:.1}H{WIDTH}\"/>"
    );
    for (place, run) in runs.iter().enumerate() {
        let (good, bad) = sizes(run);
        let (x, width) = (column * place as f64 + column * 0.1, column * 0.8);
        let title = escaped(&format!("{}: {}", run.name, run.counts.text()));
        let _ = writeln!(
            text,
            "<g><title>{title}</title><rect class=\"good\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\
             <rect class=\"bad\" x=\"{x:.1}\" y=\"{line:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/></g>",
            line - good * scale,
            good * scale,
            bad * scale
        );
        if width > WIDE_ENOUGH {
            let middle = x + width / 2.0;
            let _ = writeln!(
                text,
                "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{good}</text>\
                 <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{bad}</text>",
                line - good * scale - 4.0,
                line + bad * scale + 14.0
            );
        }
    }
    text.push_str("</svg></div>\n<p>Each column is a run, the oldest at the left: recipes that were upgraded stand above the line, those that failed or could not be checked below it (striped).</p>\n");
}

fn unreadable(text: &mut String, runs: &[(String, String)]) {
    if runs.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|(name, why)| vec![escaped(name), escaped(why)])
        .collect();
    table(text, "Runs that cannot be read", &["Run", "Why"], &rows);
}

fn failing(text: &mut String, streaks: &[Streak]) {
    text.push_str(
        "<section aria-labelledby=\"failing\"><h2 id=\"failing\">Recipes that fail</h2>\n",
    );
    if streaks.is_empty() {
        text.push_str("<p>Whatever was tried last succeeded.</p></section>\n");
        return;
    }
    let rows: Vec<Vec<String>> = streaks
        .iter()
        .map(|streak| {
            let class = streak.last.class();
            let class = class.map(|class| format!(" <span class=\"class\">{class}</span>"));
            vec![
                escaped(&streak.recipe),
                counted(streak.runs, "run", "runs"),
                escaped(&streak.since),
                format!("{}{}", badge(streak.last), class.unwrap_or_default()),
            ]
        })
        .collect();
    let head = ["Recipe", "In a row", "Since run", "The last time"];
    table(
        text,
        "Recipes that failed the last time they were tried, the longest first",
        &head,
        &rows,
    );
    text.push_str("</section>\n");
}
