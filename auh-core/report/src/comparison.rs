//! A run beside an earlier one: what fails now and did not, what is mended.

use crate::{Standing, Story};
use std::collections::BTreeMap;

/// What changed from one run to a later one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Recipes that failed or could not be checked now, and were tried before without that.
    pub newly_failing: Vec<Change>,
    /// Recipes that failed or could not be checked now, and were not tried before.
    pub failing_first_tried: Vec<Change>,
    /// Recipes that failed or could not be checked both times.
    pub still_failing: Vec<Change>,
    /// Recipes that failed or could not be checked before, and were upgraded now.
    pub newly_fixed: Vec<Change>,
    /// Recipes that failed or could not be checked before, and were not tried to the end now.
    pub no_longer_tried: Vec<Change>,
}

/// A recipe in two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The recipe.
    pub recipe: String,
    /// Before; none when it was not part of that run.
    pub before: Option<Standing>,
    /// Now; none when it is not part of this run.
    pub now: Option<Standing>,
}

impl Comparison {
    /// What changed from `before` to `now`.
    #[must_use]
    pub fn of(before: &Story, now: &Story) -> Self {
        let (before, now) = (before.standings(), now.standings());
        let mut comparison = Self::default();
        for (recipe, standing) in &now {
            comparison.add(recipe, before.get(recipe).copied(), Some(*standing));
        }
        for (recipe, standing) in without(&before, &now) {
            comparison.add(recipe, Some(standing), None);
        }
        comparison
    }

    fn add(&mut self, recipe: &str, before: Option<Standing>, now: Option<Standing>) {
        let is_bad = |standing: Option<Standing>| standing.is_some_and(Standing::is_bad);
        let list = match (is_bad(before), is_bad(now)) {
            (false, false) => return,
            (true, true) => &mut self.still_failing,
            (true, false) if now == Some(Standing::Succeeded) => &mut self.newly_fixed,
            (true, false) => &mut self.no_longer_tried,
            (false, true) if was_tried(before) => &mut self.newly_failing,
            (false, true) => &mut self.failing_first_tried,
        };
        list.push(Change {
            recipe: recipe.to_owned(),
            before,
            now,
        });
    }

    /// Whether nothing failed in either run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn without<'s>(
    all: &'s BTreeMap<String, Standing>,
    others: &'s BTreeMap<String, Standing>,
) -> impl Iterator<Item = (&'s String, Standing)> {
    let rest = all.iter().filter(|(name, _)| !others.contains_key(*name));
    rest.map(|(name, standing)| (name, *standing))
}

/// Whether a run can say of a recipe that it did not fail. What is up to date does not.
fn was_tried(standing: Option<Standing>) -> bool {
    matches!(
        standing,
        Some(Standing::Succeeded | Standing::Skipped | Standing::NotTried)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::story;
    use auh_journal::{GroupVerdict, LeftOut};

    fn names(changes: &[Change]) -> Vec<&str> {
        changes
            .iter()
            .map(|change| change.recipe.as_str())
            .collect()
    }

    #[test]
    fn a_run_beside_itself_has_nothing_new() {
        let comparison = Comparison::of(&story(), &story());
        assert_eq!(
            names(&comparison.still_failing),
            ["bhello", "chello", "la", "lb", "xhello"]
        );
        assert!(comparison.newly_failing.is_empty() && comparison.newly_fixed.is_empty());
        assert!(Comparison::of(&Story::default(), &Story::default()).is_empty());
    }

    #[test]
    fn what_is_new_is_told_apart_by_what_was_known() {
        let (mut before, now) = (story(), story());
        let of = |story: &Story, name: &str| {
            let mut chapters = story.chapters.iter();
            chapters.position(|c| c.group.name() == name).unwrap()
        };
        // chello was fine, bhello was never tried, hello failed, and the check of zhello did.
        let place = of(&before, "chello");
        before.chapters[place].verdict = Some(GroupVerdict::Succeeded);
        let place = of(&before, "hello");
        before.chapters[place].verdict = Some(GroupVerdict::Failed);
        let place = of(&before, "bhello");
        before.chapters.remove(place);
        before.left_out = vec![LeftOut {
            recipe: "zhello".to_owned(),
            reason: String::new(),
            failed: true,
            held_back: false,
        }];
        let comparison = Comparison::of(&before, &now);
        assert_eq!(names(&comparison.newly_failing), ["chello"]);
        assert_eq!(names(&comparison.failing_first_tried), ["bhello", "xhello"]);
        assert_eq!(names(&comparison.still_failing), ["la", "lb"]);
        assert_eq!(names(&comparison.newly_fixed), ["hello"]);
        assert_eq!(names(&comparison.no_longer_tried), ["zhello"]);
        let back = Comparison::of(&now, &Story::default());
        assert_eq!(back.no_longer_tried.len(), 5);
    }
}
