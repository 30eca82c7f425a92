//! What is told of each group: versions, failures with their logs, commits, differences, steps.

use crate::{
    Page,
    evidence::{Excerpt, GroupFiles, LogExcerpt, LogLines},
    table::table,
    words::{badge, breakable, bytes, change, counted, meaning, on_machines, took},
};
use auh_page::{escaped, path_in_link};
use auh_protocol::{Commit, Recipe, host::Exit, step::label};
use auh_report::{Chapter, CommandTime, Standing, StepEnd, StepTime, Timeline, Wait, duration};
use std::fmt::Write as _;

/// The section with the groups in this order.
pub(crate) fn groups(text: &mut String, page: &Page<'_>, timeline: &Timeline, order: &[usize]) {
    text.push_str(
        "<section aria-labelledby=\"groups\"><h2 id=\"groups\">Details</h2>\n\
         <p>Recipes that share files move together, as a group.</p>\n\
         <p id=\"all\" hidden><button type=\"button\" id=\"open\">Open all that are shown</button> \
         <button type=\"button\" id=\"close\">Close all</button></p>\n",
    );
    for place in order {
        Group::new(page, timeline, *place).write(text);
    }
    if order.is_empty() {
        text.push_str("<p>No recipe was to be upgraded.</p>\n");
    }
    text.push_str("</section>\n");
}

struct Group<'p> {
    page: &'p Page<'p>,
    timeline: &'p Timeline,
    place: usize,
    chapter: &'p Chapter,
    name: String,
    files: Option<&'p GroupFiles>,
}

impl<'p> Group<'p> {
    fn new(page: &'p Page<'p>, timeline: &'p Timeline, place: usize) -> Self {
        let chapter = &page.story.chapters[place];
        let name = chapter.group.name();
        Self {
            page,
            timeline,
            place,
            chapter,
            files: page.evidence.of(&name),
            name,
        }
    }

    fn write(&self, text: &mut String) {
        let changes: Vec<String> = self.chapter.group.recipes.iter().map(change).collect();
        let _ = writeln!(
            text,
            "<details class=\"group\" id=\"g{}\"><summary><h3>{}</h3> {} <span>{}</span></summary>",
            self.place,
            breakable(&self.name),
            badge(Standing::of(self.chapter)),
            escaped(&changes.join(", "))
        );
        self.failures(text);
        self.logs(text);
        self.remarks(text);
        self.facts(text);
        for excerpt in self.files.iter().flat_map(|files| &files.texts) {
            self.excerpt(text, excerpt);
        }
        self.steps(text);
        self.all_files(text);
        text.push_str("<p><a href=\"#recipes\">Back to the table</a></p></details>\n");
    }

    fn failures(&self, text: &mut String) {
        let failures = &self.chapter.state.failures;
        if failures.is_empty() {
            return;
        }
        text.push_str("<ul class=\"failures\">");
        for known in failures {
            let failure = &known.failure;
            let _ = write!(
                text,
                "<li><b>{}</b>{}: {} <span class=\"class\">{}</span> <span class=\"soft\">{}</span></li>",
                escaped(known.recipe.as_str()),
                escaped(&on_machines(failure)),
                escaped(&failure.message),
                failure.class,
                meaning(failure.class)
            );
        }
        text.push_str("</ul>\n");
    }

    fn logs(&self, text: &mut String) {
        for log in self.files.iter().flat_map(|files| &files.logs) {
            self.log(text, log);
        }
        let named = self.chapter.state.failures.iter();
        let without_log = named.filter(|known| known.failure.log.is_none()).count();
        if without_log > 0 && without_log == self.chapter.state.failures.len() {
            text.push_str("<p>No log goes with this failure.</p>\n");
        }
    }

    fn log(&self, text: &mut String, log: &LogExcerpt) {
        let _ = write!(
            text,
            "<details open><summary><h4>Log</h4> {}</summary>",
            escaped(&log.name)
        );
        match &log.lines {
            Err(why) => {
                let _ = writeln!(text, "<p>It cannot be shown: {}.</p>", escaped(why));
            }
            Ok(lines) => {
                let _ = writeln!(text, "<p>{} {}</p>", about(lines), self.link(&log.name));
                log_lines(text, &log.name, lines);
            }
        }
        text.push_str("</details>\n");
    }

    /// What steps said that is neither failure nor success.
    fn remarks(&self, text: &mut String) {
        let state = &self.chapter.state;
        let skipped = state.skipped.iter();
        let skipped = skipped.map(|skip| format!("{} was skipped: {}", skip.recipe, skip.reason));
        let machines = state.machine_skips.iter();
        let machines =
            machines.map(|s| format!("{} was left out on {}: {}", s.recipe, s.machine, s.reason));
        let dropped = state.dropped_patches.iter();
        let dropped = dropped.map(|d| {
            let (recipe, patch) = (&d.recipe, &d.patch);
            format!("{recipe} does not need {patch} any more: upstream has the change")
        });
        let notes = state.notes.iter().cloned();
        let remarks = skipped.chain(machines).chain(dropped).chain(notes);
        let items: String = remarks
            .map(|remark| format!("<li>{}</li>", escaped(&remark)))
            .collect();
        if !items.is_empty() {
            let _ = writeln!(text, "<ul>{items}</ul>");
        }
    }

    fn facts(&self, text: &mut String) {
        text.push_str("<dl class=\"facts\">");
        let mut fact = |name: &str, value: String| {
            let _ = write!(text, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        };
        for recipe in &self.chapter.group.recipes {
            recipe_facts(recipe, &mut fact);
        }
        for commit in &self.chapter.state.commits {
            fact("Commit", commit_text(commit));
        }
        if self.chapter.state.commits.is_empty() {
            fact("Commit", "none".to_owned());
        }
        if self.chapter.seconds > 0.0 {
            fact("Time", duration(self.chapter.seconds));
        }
        text.push_str("</dl>\n");
    }

    fn excerpt(&self, text: &mut String, excerpt: &Excerpt) {
        let name = escaped(&excerpt.name);
        let title = excerpt.kind.title();
        let _ = write!(text, "<details><summary><h4>{title}</h4> {name}</summary>");
        match &excerpt.text {
            Err(why) => {
                let (why, link) = (escaped(why), self.link(&excerpt.name));
                let _ = writeln!(text, "<p>It is not shown: {why}. {link}</p>");
            }
            Ok(head) => {
                let _ = write!(
                    text,
                    "<pre role=\"region\" tabindex=\"0\" aria-label=\"{title} {name}\">"
                );
                match excerpt.kind.is_difference() {
                    true => difference(text, &head.text),
                    false => text.push_str(&escaped(&head.text)),
                }
                text.push_str("</pre>\n");
                let more = match head.left_out {
                    0 => String::new(),
                    more => format!("{} more are not shown. ", bytes(more)),
                };
                let _ = writeln!(text, "<p>{more}{}</p>", self.link(&excerpt.name));
            }
        }
        text.push_str("</details>\n");
    }

    /// The file for those who want all of it; nothing where the page lies elsewhere.
    fn link(&self, name: &str) -> String {
        match self.files {
            Some(files) if self.page.beside_files => format!(
                "<a href=\"{}\">The whole file {}</a>",
                path_in_link(&format!("{}/{name}", files.folder)),
                escaped(name)
            ),
            _ => String::new(),
        }
    }

    fn steps(&self, text: &mut String) {
        let rows: Vec<Vec<String>> = self
            .timeline
            .steps_of(&self.name)
            .map(|(index, step)| step_row(step, self.timeline.commands_of(index)))
            .collect();
        if rows.is_empty() {
            return;
        }
        text.push_str("<details><summary><h4>Steps</h4> what was done when, and what it waited for</summary>\n");
        let head = ["Step", "Result", "Began", "Took", "Waited", "Commands"];
        table(text, &format!("Steps of {}", self.name), &head, &rows);
        text.push_str("</details>\n");
    }

    fn all_files(&self, text: &mut String) {
        let Some(files) = self.files.filter(|files| !files.names.is_empty()) else {
            return;
        };
        let count = counted(files.names.len(), "file", "files");
        let _ = write!(
            text,
            "<details><summary><h4>Files</h4> {count}</summary><ul>"
        );
        for name in &files.names {
            let shown = escaped(name);
            let _ = match self.page.beside_files {
                true => {
                    let link = path_in_link(&format!("{}/{name}", files.folder));
                    write!(text, "<li><a href=\"{link}\">{shown}</a></li>")
                }
                false => write!(text, "<li>{shown}</li>"),
            };
        }
        text.push_str("</ul></details>\n");
    }
}

fn recipe_facts(recipe: &Recipe, fact: &mut impl FnMut(&str, String)) {
    let layer = recipe.layer.as_ref();
    let layer = layer.map_or_else(String::new, |layer| {
        format!(" in {}", breakable(&layer.path.to_string_lossy()))
    });
    fact(
        "Recipe",
        format!("{}{layer}", breakable(&recipe.file.to_string_lossy())),
    );
    fact("Version", escaped(&change(recipe)));
    let maintainer = recipe.maintainer.as_deref().unwrap_or("none");
    fact("Maintainer", escaped(maintainer));
}

fn commit_text(commit: &Commit) -> String {
    let short = |revision: &str| -> String { revision.chars().take(12).collect() };
    let reverted = commit.reverted_by.as_ref().map_or_else(String::new, |by| {
        format!(", taken back by <code>{}</code>", escaped(&short(by)))
    });
    format!(
        "<code>{}</code> {} in {}{reverted}",
        escaped(&short(commit.current())),
        escaped(&commit.subject),
        breakable(&commit.repository.to_string_lossy())
    )
}

fn about(lines: &LogLines) -> String {
    let found = match lines.errors {
        0 => "No line speaks of an error; these are the last ones.".to_owned(),
        1 => "1 line speaks of an error; it is marked.".to_owned(),
        many => format!("{many} lines speak of errors; those that are shown are marked."),
    };
    match lines.not_read {
        0 => found,
        more => format!(
            "{found} The first {} of the log were not looked at.",
            bytes(more)
        ),
    }
}

fn log_lines(text: &mut String, name: &str, lines: &LogLines) {
    let _ = write!(
        text,
        "<pre role=\"region\" tabindex=\"0\" aria-label=\"Log {}\">",
        escaped(name)
    );
    for line in &lines.lines {
        if line.left_out > 0 {
            let count = counted(line.left_out, "line", "lines");
            let _ = writeln!(text, "<i>… {count} not shown …</i>");
        }
        let shown = escaped(&line.text);
        let _ = match line.is_error {
            true => writeln!(text, "<mark>{shown}</mark>"),
            false => writeln!(text, "{shown}"),
        };
    }
    text.push_str("</pre>\n");
}

/// Added and removed lines of a difference told apart; their signs stay.
fn difference(text: &mut String, content: &str) {
    for line in content.lines() {
        let shown = escaped(line);
        let is_header = line.starts_with("+++") || line.starts_with("---");
        let _ = match line.chars().next() {
            Some('+') if !is_header => writeln!(text, "<ins>{shown}</ins>"),
            Some('-') if !is_header => writeln!(text, "<del>{shown}</del>"),
            _ => writeln!(text, "{shown}"),
        };
    }
}

fn step_row<'c>(step: &StepTime, commands: impl Iterator<Item = &'c CommandTime>) -> Vec<String> {
    let name = escaped(&label(&step.step, &step.action));
    let shared = match step.groups.len() {
        0 | 1 => String::new(),
        many => format!(" (with {many} groups)"),
    };
    let result = match step.end {
        StepEnd::Good => "done",
        StepEnd::Failed => "failed",
        StepEnd::Unknown => "its end is not known",
    };
    let commands: String = commands.map(command_item).collect();
    let commands = match commands.as_str() {
        "" => "none".to_owned(),
        items => format!("<ul>{items}</ul>"),
    };
    vec![
        format!("{name}{shared}"),
        result.to_owned(),
        format!("+{}", took(step.from)),
        took(step.to - step.from),
        waits(step),
        commands,
    ]
}

fn command_item(command: &CommandTime) -> String {
    let machine = command.machine.as_ref();
    let machine = machine.map_or_else(String::new, |machine| {
        format!(" for {}", escaped(&machine.to_string()))
    });
    let ended = match command.exit {
        Some(Exit::Code(0)) => String::new(),
        Some(Exit::Code(code)) => format!(", exit status {code}"),
        Some(Exit::Signal(signal)) => format!(", ended by signal {signal}"),
        Some(Exit::TimedOut) => ", stopped by its time limit".to_owned(),
        Some(Exit::Stopped) => ", stopped".to_owned(),
        None => ", its end is not known".to_owned(),
    };
    let (label, took) = (escaped(&command.label), took(command.to - command.from));
    format!("<li>{label}{machine}: {took}{ended}</li>")
}

/// What a step waited for before it began, and what its machines waited for while it went on.
fn waits(step: &StepTime) -> String {
    let mut waits: Vec<String> = step.waited.iter().map(wait).collect();
    waits.extend(step.idle.iter().map(|idle| {
        let (machine, other) = (idle.machine.to_string(), idle.for_machine.to_string());
        let (machine, other) = (escaped(&machine), escaped(&other));
        format!("{machine} {} for {other}", duration(idle.seconds))
    }));
    match waits.is_empty() {
        true => "no".to_owned(),
        false => waits.join("; "),
    }
}

fn wait(wait: &Wait) -> String {
    let took = took(wait.seconds);
    match (wait.behind, &wait.last) {
        (0, _) | (_, None) => format!("{took}, while no group was worked on"),
        (1, Some(last)) => format!("{took} for {}", escaped(last)),
        (many, Some(last)) => format!("{took} for {many} groups, last {}", escaped(last)),
    }
}
