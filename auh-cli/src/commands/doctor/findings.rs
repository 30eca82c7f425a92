//! What was found, and how it is shown.

use crate::{failure, terminal::colour::Colour};
use serde_json::json;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// A run would begin, and may not do what is expected.
    Warning,
    /// A run would not begin, or would fail.
    Problem,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    check: &'static str,
    state: State,
    message: String,
    hint: Option<String>,
}

/// All of them, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn good(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(check, State::Ok, message.into(), None);
    }

    pub(super) fn warning(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.add(check, State::Warning, message.into(), hint.into());
    }

    pub(super) fn problem(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.add(check, State::Problem, message.into(), hint.into());
    }

    /// A problem that is an error of the program, with the hint that it has.
    pub(super) fn failed(&mut self, check: &'static str, error: impl Into<anyhow::Error>) {
        let error = error.into();
        self.problem(check, format!("{error:#}"), failure::hint(&error));
    }

    /// The same for what a run can do without.
    pub(super) fn unknown(&mut self, check: &'static str, error: impl Into<anyhow::Error>) {
        let error = error.into();
        self.warning(check, format!("{error:#}"), failure::hint(&error));
    }

    fn add(&mut self, check: &'static str, state: State, message: String, hint: Option<String>) {
        self.0.push(Finding {
            check,
            state,
            message,
            hint,
        });
    }

    /// How many problems there are.
    pub(super) fn problems(&self) -> usize {
        self.count(State::Problem)
    }

    fn count(&self, state: State) -> usize {
        self.0.iter().filter(|f| f.state == state).count()
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let width = self.0.iter().map(|f| f.check.len()).max().unwrap_or(0);
        let mut text = String::new();
        for finding in &self.0 {
            let Finding {
                check,
                state,
                message,
                hint,
            } = finding;
            text += &format!("{:7}  {check:width$}  {message}\n", state.word());
            if let Some(hint) = hint {
                text += &format!("{:9}{:width$}  hint: {hint}\n", "", "");
            }
        }
        text + "\n" + &self.summary() + "\n"
    }

    /// The colour of a line's first word.
    pub(super) fn colour_of(word: &str) -> Option<Colour> {
        let states = [
            (State::Ok, Colour::Green),
            (State::Warning, Colour::Yellow),
            (State::Problem, Colour::Red),
        ];
        let found = states.iter().find(|(state, _)| state.word() == word);
        found.map(|(_, colour)| *colour)
    }

    fn summary(&self) -> String {
        let counted = |number: usize, word: &str| match number {
            0 => format!("no {word}s"),
            1 => format!("1 {word}"),
            number => format!("{number} {word}s"),
        };
        let problems = counted(self.problems(), "problem");
        let warnings = counted(self.count(State::Warning), "warning");
        format!("{problems}, {warnings}")
    }

    /// For programs.
    pub(super) fn document(&self) -> String {
        let checks = self.0.iter().map(|finding| {
            json!({
                "check": finding.check, "state": finding.state.word(),
                "message": finding.message, "hint": finding.hint,
            })
        });
        let document = json!({
            "format": 1, "problems": self.problems(), "warnings": self.count(State::Warning),
            "checks": checks.collect::<Vec<_>>(),
        });
        format!("{document:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_stands_below_what_it_is_about() {
        let mut findings = Findings::default();
        findings.good("git", "there");
        findings.problem("disk space", "none", "make some".to_owned());
        findings.warning("git", "old", None);
        assert_eq!(
            findings.table(),
            "ok       git         there\n\
             problem  disk space  none\n                     hint: make some\n\
             warning  git         old\n\n1 problem, 1 warning\n"
        );
        let document: serde_json::Value = serde_json::from_str(&findings.document()).unwrap();
        assert_eq!(document["problems"], 1);
        assert_eq!(document["checks"][1]["hint"], "make some");
    }
}
