//! All runs of a build directory: how each one went, and which recipes fail again and again.

use crate::{Counts, Standing, Story};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It came to its end.
    Finished,
    /// Somebody stopped it.
    Stopped,
    /// Somebody holds its journal: it is going on.
    GoingOn,
    /// It ended without a word: a crash, a kill, a power cut.
    BrokenOff,
}

impl RunState {
    /// How far the run of a story came. `busy` says that somebody holds its journal.
    #[must_use]
    pub fn of(story: &Story, busy: bool) -> Self {
        match &story.end {
            Some(end) if end.stopped => Self::Stopped,
            Some(_) => Self::Finished,
            None if busy => Self::GoingOn,
            None => Self::BrokenOff,
        }
    }

    /// The words for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::GoingOn => "going on",
            Self::BrokenOff => "broken off",
        }
    }
}

/// One run in a few words.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The name of its folder.
    pub name: String,
    /// When it began, if its journal says so.
    pub began: Option<Timestamp>,
    /// How far it came.
    pub state: RunState,
    /// How many recipes stand how.
    pub counts: Counts,
    /// How often it was resumed.
    pub resumed: usize,
    /// Wall time in seconds, once it has ended.
    pub seconds: Option<f64>,
    /// The recipes that were asked for.
    pub asked: Vec<String>,
    standings: BTreeMap<String, Standing>,
}

impl Overview {
    /// A run in a few words.
    #[must_use]
    pub fn of(name: &str, story: &Story, state: RunState) -> Self {
        Self {
            name: name.to_owned(),
            began: story.began,
            state,
            counts: story.counts(),
            resumed: story.resumed,
            seconds: story.end.as_ref().map(|end| end.seconds),
            asked: story.start.iter().flat_map(|s| s.recipes.clone()).collect(),
            standings: story.standings(),
        }
    }
}

/// A recipe that failed each of the last times that it was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streak {
    /// The recipe.
    pub recipe: String,
    /// How many times.
    pub runs: usize,
    /// The first of these runs.
    pub since: String,
    /// What became of it the last time.
    pub last: Standing,
}

/// The recipes that failed the last time they were tried, the longest streak first. `runs` are
/// oldest first.
#[must_use]
pub fn streaks(runs: &[Overview]) -> Vec<Streak> {
    let recipes: BTreeSet<&String> = runs.iter().flat_map(|run| run.standings.keys()).collect();
    let mut streaks: Vec<Streak> = recipes
        .into_iter()
        .filter_map(|recipe| streak(recipe, runs))
        .collect();
    streaks.sort_by_key(|streak| std::cmp::Reverse(streak.runs));
    streaks
}

fn streak(recipe: &str, runs: &[Overview]) -> Option<Streak> {
    let tried = runs.iter().rev().filter_map(|run| {
        let standing = *run.standings.get(recipe)?;
        // That a run did not come to a recipe, or passed over it, tells nothing of the recipe.
        let tells = !matches!(
            standing,
            Standing::NotBegun | Standing::Stopped | Standing::HeldBack
        );
        tells.then_some((run, standing))
    });
    let bad: Vec<_> = tried
        .take_while(|(_, standing)| standing.is_bad())
        .collect();
    let ((_, last), (first, _)) = (bad.first()?, bad.last()?);
    Some(Streak {
        recipe: recipe.to_owned(),
        runs: bad.len(),
        since: first.name.clone(),
        last: *last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::story;
    use auh_journal::{GroupVerdict, LeftOut};

    #[test]
    fn a_streak_ends_with_what_went_well_and_passes_over_what_was_not_reached() {
        let good = |story: &mut Story| {
            for chapter in &mut story.chapters {
                chapter.verdict = Some(GroupVerdict::Succeeded);
            }
        };
        let none = |story: &mut Story| {
            for chapter in &mut story.chapters {
                chapter.verdict = None;
            }
        };
        let held = |story: &mut Story| {
            let name = story.chapters.remove(0).group.name();
            story.left_out.push(LeftOut {
                recipe: name,
                reason: String::new(),
                failed: false,
                held_back: true,
            });
            none(story);
        };
        let changes: [&dyn Fn(&mut Story); 5] = [&|_| {}, &good, &none, &held, &|_| {}];
        let runs: Vec<Overview> = changes
            .iter()
            .enumerate()
            .map(|(number, change)| {
                let mut story = story();
                change(&mut story);
                Overview::of(&number.to_string(), &story, RunState::of(&story, false))
            })
            .collect();
        assert_eq!(runs[0].state, RunState::Finished);
        let streaks = streaks(&runs);
        // The check of xhello failed each time, even when its run did not come to the others.
        assert_eq!((streaks[0].recipe.as_str(), streaks[0].runs), ("xhello", 5));
        assert_eq!(
            (streaks[1].recipe.as_str(), streaks[1].since.as_str()),
            ("bhello", "4")
        );
        assert_eq!(streaks.len(), 5);
    }

    #[test]
    fn a_run_without_its_last_line_goes_on_or_broke_off() {
        let story = Story::default();
        assert_eq!(RunState::of(&story, true).word(), "going on");
        assert_eq!(RunState::of(&story, false).word(), "broken off");
    }
}
