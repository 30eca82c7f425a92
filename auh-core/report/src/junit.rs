//! A run as JUnit XML, which continuous integration shows: a test suite per run, a test case per
//! recipe. The format is the one of Ant's JUnit task, as Jenkins and GitLab read it.

use crate::{Chapter, Story};
use auh_journal::{GroupVerdict, LeftOut};
use auh_protocol::{Failure, FailureClass, Recipe};
use std::fmt::Write;

/// The document. What failed is a `failure`; what says nothing about the recipe (the build
/// environment, a plugin, an upstream that could not be asked) is an `error`; what was not tried is
/// `skipped`.
#[must_use]
pub fn junit(story: &Story) -> String {
    let chapters = story.chapters.iter();
    let attempts = chapters.flat_map(|chapter| {
        let recipes = chapter.group.recipes.iter();
        recipes.map(|recipe| Case::of_attempt(chapter, recipe))
    });
    let cases: Vec<Case> = attempts
        .chain(story.left_out.iter().map(Case::of_left_out))
        .collect();
    let count =
        |wanted: fn(&Result) -> bool| cases.iter().filter(|case| wanted(&case.result)).count();
    let mut counts = format!("tests=\"{}\"", cases.len());
    let _ = write!(
        counts,
        " failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\"",
        count(|r| matches!(r, Result::Failure { .. })),
        count(|r| matches!(r, Result::Error { .. })),
        count(|r| matches!(r, Result::Skipped { .. })),
        story.end.as_ref().map_or(0.0, |end| end.seconds)
    );
    let began = story
        .began
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    let timestamp = began
        .map(|time| format!(" timestamp=\"{time}\""))
        .unwrap_or_default();
    let cases: String = cases.iter().map(Case::element).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  \
         <testsuite name=\"auh\" {counts}{timestamp}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// A recipe.
struct Case {
    name: String,
    /// Its layer: what the viewers group by.
    class: String,
    seconds: f64,
    result: Result,
    /// What else there is to say.
    output: String,
}

enum Result {
    Passed,
    Failure {
        class: &'static str,
        message: String,
        text: String,
    },
    Error {
        class: &'static str,
        message: String,
        text: String,
    },
    Skipped {
        message: String,
    },
}

impl Case {
    fn of_attempt(chapter: &Chapter, recipe: &Recipe) -> Self {
        let layer = recipe.layer.as_ref();
        let folder = layer.and_then(|layer| layer.path.file_name());
        let class = match layer {
            Some(layer) if !layer.name.is_empty() => layer.name.clone(),
            _ => folder.unwrap_or_default().to_string_lossy().into_owned(),
        };
        Self {
            name: recipe.name.to_string(),
            class,
            // The recipes of a group share its time.
            seconds: chapter.seconds / chapter.group.recipes.len() as f64,
            result: result(chapter, recipe),
            output: output(chapter, recipe),
        }
    }

    fn of_left_out(left_out: &LeftOut) -> Self {
        let message = left_out.reason.clone();
        Self {
            name: left_out.recipe.clone(),
            class: String::new(),
            seconds: 0.0,
            result: if left_out.failed {
                let class = FailureClass::Upstream.as_str();
                Result::Error {
                    class,
                    message,
                    text: String::new(),
                }
            } else {
                Result::Skipped { message }
            },
            output: String::new(),
        }
    }

    fn element(&self) -> String {
        let mut text = format!(
            "    <testcase name=\"{}\" classname=\"{}\" time=\"{:.3}\">\n",
            attribute(&self.name),
            attribute(&self.class),
            self.seconds
        );
        let mut problem = |tag, class: &str, message: &str, content: &str| {
            let _ = writeln!(
                text,
                "      <{tag} type=\"{}\" message=\"{}\">{}</{tag}>",
                attribute(class),
                attribute(message),
                content_of(content)
            );
        };
        match &self.result {
            Result::Passed => {}
            Result::Failure {
                class,
                message,
                text,
            } => problem("failure", class, message, text),
            Result::Error {
                class,
                message,
                text,
            } => problem("error", class, message, text),
            Result::Skipped { message } => {
                let _ = writeln!(text, "      <skipped message=\"{}\"/>", attribute(message));
            }
        }
        if !self.output.is_empty() {
            let _ = writeln!(
                text,
                "      <system-out>{}</system-out>",
                content_of(&self.output)
            );
        }
        text.push_str("    </testcase>\n");
        text
    }
}

fn result(chapter: &Chapter, recipe: &Recipe) -> Result {
    let skipped = |message: &str| Result::Skipped {
        message: message.to_owned(),
    };
    match chapter.verdict {
        Some(GroupVerdict::Succeeded) => Result::Passed,
        Some(GroupVerdict::Failed) => failed(chapter, recipe),
        Some(GroupVerdict::Skipped) => {
            let reason = chapter
                .state
                .skipped
                .iter()
                .find(|skip| skip.recipe == recipe.name);
            skipped(reason.map_or("there was nothing to do", |skip| &skip.reason))
        }
        Some(GroupVerdict::Stopped) => skipped("the run was stopped in the middle of it"),
        None => skipped("the run did not come to it"),
    }
}

/// A failed group: each recipe has the recipe's own failure first, else that of its companion.
fn failed(chapter: &Chapter, recipe: &Recipe) -> Result {
    let failures = &chapter.state.failures;
    let own = failures.iter().find(|known| known.recipe == recipe.name);
    let Some(known) = own.or(failures.first()) else {
        return Result::Passed;
    };
    let class = known.failure.class;
    let message = if own.is_some() {
        known.failure.message.clone()
    } else {
        format!("{}: {}", known.recipe, known.failure.message)
    };
    let lines = failures
        .iter()
        .map(|known| line(known.recipe.as_str(), &known.failure));
    let text: String = lines.collect();
    match class {
        FailureClass::Infrastructure | FailureClass::Plugin | FailureClass::Upstream => {
            Result::Error {
                class: class.as_str(),
                message,
                text,
            }
        }
        _ => Result::Failure {
            class: class.as_str(),
            message,
            text,
        },
    }
}

fn line(recipe: &str, failure: &Failure) -> String {
    let machines: Vec<String> = failure.machines.iter().map(ToString::to_string).collect();
    let mut text = format!("{recipe}: {}: {}", failure.class, failure.message);
    if !machines.is_empty() {
        let _ = write!(text, " ({})", machines.join(", "));
    }
    if let Some(log) = &failure.log {
        let _ = write!(text, "\nlog: {}", log.display());
    }
    text.push('\n');
    text
}

fn output(chapter: &Chapter, recipe: &Recipe) -> String {
    let state = &chapter.state;
    let skips = state
        .machine_skips
        .iter()
        .filter(|skip| skip.recipe == recipe.name);
    let skips = skips.map(|skip| format!("left out on {}: {}", skip.machine, skip.reason));
    let commits = state
        .commits
        .iter()
        .map(|commit| match &commit.reverted_by {
            None => format!("commit {}", commit.revision),
            Some(by) => format!("commit {}, reverted by {by}", commit.revision),
        });
    let lines = [recipe.change()].into_iter().chain(commits).chain(skips);
    lines
        .chain(state.notes.iter().cloned())
        .map(|line| line + "\n")
        .collect()
}

/// Text between two tags.
fn content_of(text: &str) -> String {
    escaped(text, false)
}

/// Text between double quotes, where a reader would make a blank of a line break.
fn attribute(text: &str) -> String {
    escaped(text, true)
}

/// Text for XML 1.0. Characters that XML cannot hold in any form become the replacement character.
fn escaped(text: &str, within_quotes: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' if within_quotes => safe.push_str("&quot;"),
            '\n' | '\t' if within_quotes => {
                let _ = write!(safe, "&#{};", c as u32);
            }
            // A reader would make a line break of it.
            '\r' => safe.push_str("&#13;"),
            '\n' | '\t' => safe.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::story;
    use proptest::prelude::*;

    #[test]
    fn every_recipe_is_a_test_case() {
        insta::assert_snapshot!(junit(&story()));
    }

    /// What a reader makes of escaped text.
    fn read_back(text: &str) -> String {
        text.replace("&#10;", "\n")
            .replace("&#9;", "\t")
            .replace("&#13;", "\r")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }

    proptest! {
        #[test]
        fn any_text_is_valid_xml_and_keeps_what_xml_can_hold(text in any::<String>(), quotes in any::<bool>()) {
            let safe = escaped(&text, quotes);
            let bare = safe.contains(|c: char| "<>".contains(c) || c < ' ' && !"\n\t".contains(c));
            prop_assert!(!bare, "{}", safe);
            let broken = quotes && safe.contains(|c| "\"\n\t".contains(c));
            prop_assert!(!broken, "{}", safe);
            let can_be_held = |c: char| (' '..'\u{fffe}').contains(&c) || c > '\u{ffff}' || "\n\t\r".contains(c);
            let kept: String = text.chars().map(|c| if can_be_held(c) { c } else { '\u{fffd}' }).collect();
            prop_assert_eq!(read_back(&safe), kept);
        }
    }
}
