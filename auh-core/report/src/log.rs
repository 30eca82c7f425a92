//! The log for people: the journal's events as lines of text.

use auh_journal::{Event, Record};
use auh_protocol::{RecipeStatus, StepOutcome, host::Level};
use jiff::tz::TimeZone;

/// An event as a line of the log, without a line break; none for events that only matter to
/// programs.
#[must_use]
pub fn log_line(record: &Record) -> Option<String> {
    let (level, text) = match &record.event {
        Event::RunStarted(start) => (
            Level::Info,
            format!(
                "auh {} in {}, pipeline {}, scheduler {}",
                start.auh,
                start.build_dir.display(),
                start.pipeline,
                start.scheduler
            ),
        ),
        Event::Planned { groups, left_out } => (
            Level::Info,
            format!(
                "{} groups to attempt, {} recipes left out",
                groups.len(),
                left_out.len()
            ),
        ),
        Event::StepStarted {
            groups,
            step,
            action,
            ..
        } => (
            Level::Info,
            format!("{}: {step} {action} begins", groups.join(" ")),
        ),
        Event::CommandStarted { argv, folder, .. } => (
            Level::Debug,
            format!("runs {argv:?} in {}", folder.display()),
        ),
        Event::CommandFinished(end) => (
            Level::Debug,
            format!(
                "{} ended: {:?} after {:.1} s",
                end.label, end.exit, end.seconds
            ),
        ),
        Event::StepFinished {
            groups,
            step,
            action,
            outcome,
            seconds,
            ..
        } => {
            let level = if outcome.failed() {
                Level::Error
            } else {
                Level::Info
            };
            (
                level,
                format!(
                    "{}: {step} {action} ended after {seconds:.1} s{}",
                    groups.join(" "),
                    failures(outcome)
                ),
            )
        }
        Event::Resumed(resumption) => (
            Level::Info,
            format!(
                "the run goes on, with {} groups that were not done",
                resumption.groups.len()
            ),
        ),
        Event::Postponed {
            group,
            company,
            failures,
        } => {
            let why = failures.first().map(|known| &known.failure.message);
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            (
                Level::Info,
                format!(
                    "{group}: failed in the company of {}, and is attempted alone{why}",
                    company.join(", ")
                ),
            )
        }
        Event::GroupFinished {
            group,
            verdict,
            seconds,
        } => (
            Level::Info,
            format!("{group}: {verdict:?} after {seconds:.1} s"),
        ),
        Event::Log {
            level,
            group,
            message,
        } => (
            *level,
            group
                .as_ref()
                .map_or_else(|| message.clone(), |group| format!("{group}: {message}")),
        ),
        Event::RunFinished(end) => (
            Level::Info,
            format!(
                "the run ended after {:.1} s with exit status {}",
                end.seconds, end.exit_code
            ),
        ),
        Event::WorkRemoved {
            group,
            folders,
            bytes,
        } => (
            Level::Info,
            format!(
                "{group}: {} work folders removed, {:.1} MB",
                folders.len(),
                *bytes as f64 / 1e6
            ),
        ),
        Event::RecipesRead { .. } | Event::DiskMeasured { .. } | Event::Unknown => return None,
    };
    let time = record
        .time
        .to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S");
    Some(format!("{time} {:8} {}", name(level), one_line(&text)))
}

fn failures(outcome: &StepOutcome) -> String {
    let failed = outcome
        .recipes
        .iter()
        .filter_map(|known| match &known.status {
            RecipeStatus::Failed(failure) => Some(format!(
                "; {} failed ({}): {}",
                known.recipe, failure.class, failure.message
            )),
            RecipeStatus::Succeeded | RecipeStatus::Skipped { .. } => None,
        });
    failed.collect()
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Critical => "CRITICAL",
        Level::Error => "ERROR",
        Level::Warning => "WARNING",
        Level::Info => "INFO",
        Level::Debug => "DEBUG",
    }
}

/// What tools print may hold line breaks and terminal escapes; a log has one line per event.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_forge_lines_or_move_the_cursor() {
        let record = Record {
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            event: Event::Log {
                level: Level::Warning,
                group: Some("hello".into()),
                message: "a\nb\u{1b}[2J".into(),
            },
        };
        let line = log_line(&record).unwrap();
        assert!(line.ends_with("WARNING  hello: a b [2J"), "{line}");
    }
}
