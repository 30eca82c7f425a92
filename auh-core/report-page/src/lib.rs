//! A run, and all runs of a build directory, as pages that need nothing but themselves: everything
//! is in the HTML, and a small script adds searching, sorting and filtering.
//!
//! Everything that comes from recipes, tools and upstreams is data: it is escaped, and the pages'
//! Content-Security-Policy lets no other script run than the one that is known here.
//!
//! Not here: what a journal means (`auh-report`), and where pages are written to.

mod compared;
mod course;
mod disk;
mod evidence;
mod glance;
mod groups;
mod lanes;
mod recipes;
mod table;
mod trend;
mod words;

pub use evidence::Evidence;
pub use trend::{TrendPage, trend_html};

use auh_journal::Record;
use auh_page::{Document, Script, escaped};
use auh_report::{RunState, Story, Timeline};
use std::fmt::Write as _;

/// What the page of a run shows.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The name of the run directory.
    pub name: &'a str,
    /// The run's journal.
    pub records: &'a [Record],
    /// What the journal tells.
    pub story: &'a Story,
    /// How far the run came.
    pub state: RunState,
    /// What its files show.
    pub evidence: &'a Evidence,
    /// The run before it: its name and what it tells.
    pub previous: Option<(&'a str, &'a Story)>,
    /// Whether the page lies in the run directory, so that links to the run's files lead somewhere.
    pub beside_files: bool,
}

const STYLE: &str = include_str!("style.css");
const SCRIPT: Script<'_> = Script {
    text: include_str!("script.js"),
    sha256: "6KeLFm6jGALrwU5RSeyXC/GKZ/MxsHZPVXenQV3jdj8=",
};

/// The page of a run.
#[must_use]
pub fn html(page: &Page<'_>) -> String {
    let timeline = Timeline::of(page.records);
    let rows = recipes::rows(page.story);
    let order = recipes::groups_in_order(&rows, page.story.chapters.len());
    let mut body = String::new();
    glance::header(&mut body, page, &timeline);
    body.push_str(NAVIGATION);
    body.push_str("<main>\n");
    glance::glance(&mut body, page);
    compared::compared(&mut body, page);
    recipes::recipes(&mut body, &rows);
    groups::groups(&mut body, page, &timeline, &order);
    course::course(&mut body, page, &timeline);
    disk::disk(&mut body, page.records, page.story, &timeline);
    body.push_str("</main>\n");
    footer(&mut body, page);
    let title = format!("Recipe upgrades, run {}", page.name);
    document(&title, &body)
}

/// A page with the style and the script of all reports.
fn document(title: &str, body: &str) -> String {
    let document = Document {
        title,
        style: STYLE,
        script: Some(SCRIPT),
        body,
    };
    document.html()
}

const NAVIGATION: &str = "<nav aria-label=\"Parts of this page\"><ul>\
    <li><a href=\"#glance\">At a glance</a></li><li><a href=\"#compared\">Compared</a></li>\
    <li><a href=\"#recipes\">Recipes</a></li><li><a href=\"#groups\">Details</a></li>\
    <li><a href=\"#time\">Time</a></li><li><a href=\"#disk\">Disk</a></li></ul></nav>\n";

fn footer(text: &mut String, page: &Page<'_>) {
    let start = page.story.start.as_ref();
    let version = start.map_or_else(String::new, |start| format!(" {}", escaped(&start.auh)));
    let _ = writeln!(
        text,
        "<footer><p>Written from the journal of a run of auh{version}. This page asks nothing of \
         the network; <code>auh report {}</code> writes it anew.</p></footer>",
        escaped(page.name)
    );
}

#[cfg(test)]
mod tests;
