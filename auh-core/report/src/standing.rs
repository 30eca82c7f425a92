//! What became of each recipe of a run, in the words that tables, pages and lists use.

use crate::{Chapter, Story};
use auh_journal::{GroupVerdict, LeftOut};
use auh_protocol::{FailureClass, RecipeName};
use std::collections::BTreeMap;

/// What became of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It failed, in this class.
    Failed(FailureClass),
    /// It could not be checked.
    Unchecked,
    /// The run was stopped in the middle of it.
    Stopped,
    /// The run did not come to it.
    NotBegun,
    /// There was nothing that could be done.
    Skipped,
    /// It was upgraded.
    Succeeded,
    /// It failed in an earlier run and is not worth another try yet.
    HeldBack,
    /// It was not tried: it is up to date, or somebody does not want it to be.
    NotTried,
}

impl Standing {
    /// Every kind, what needs a person first; failures with a class that stands for all.
    pub const KINDS: [Self; 8] = [
        Self::Failed(FailureClass::Infrastructure),
        Self::Unchecked,
        Self::Stopped,
        Self::NotBegun,
        Self::Skipped,
        Self::Succeeded,
        Self::HeldBack,
        Self::NotTried,
    ];

    /// What became of the recipes of a group.
    #[must_use]
    pub fn of(chapter: &Chapter) -> Self {
        match chapter.verdict {
            Some(GroupVerdict::Succeeded) => Self::Succeeded,
            Some(GroupVerdict::Failed) => {
                let failure = chapter.failure();
                Self::Failed(failure.map_or(FailureClass::Plugin, |failure| failure.class))
            }
            Some(GroupVerdict::Skipped) => Self::Skipped,
            Some(GroupVerdict::Stopped) => Self::Stopped,
            None => Self::NotBegun,
        }
    }

    /// What became of a recipe that was left out.
    #[must_use]
    pub fn of_left_out(left_out: &LeftOut) -> Self {
        match left_out {
            LeftOut { failed: true, .. } => Self::Unchecked,
            LeftOut {
                held_back: true, ..
            } => Self::HeldBack,
            _ => Self::NotTried,
        }
    }

    /// The word for it, without the class.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Unchecked => "unchecked",
            Self::Stopped => "stopped",
            Self::NotBegun => "not begun",
            Self::Skipped => "skipped",
            Self::Succeeded => "succeeded",
            Self::HeldBack => "held back",
            Self::NotTried => "not tried",
        }
    }

    /// Its class, if it failed.
    #[must_use]
    pub fn class(self) -> Option<FailureClass> {
        match self {
            Self::Failed(class) => Some(class),
            _ => None,
        }
    }

    /// Whether something went wrong with the recipe.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unchecked)
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.class() {
            Some(class) => write!(f, "{} ({class})", self.word()),
            None => f.write_str(self.word()),
        }
    }
}

/// How many recipes stand how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    by_standing: BTreeMap<Standing, usize>,
}

impl Counts {
    /// Those of the same word as this one, whatever their class.
    #[must_use]
    pub fn of(&self, kind: Standing) -> usize {
        let same = |known: &&Standing| known.word() == kind.word();
        let known = self.by_standing.keys().filter(same);
        known.map(|known| self.by_standing[known]).sum()
    }

    /// Failed recipes by class, in the order in which a recipe meets them.
    pub fn classes(&self) -> impl Iterator<Item = (FailureClass, usize)> {
        let all = self.by_standing.iter();
        all.filter_map(|(standing, count)| Some((standing.class()?, *count)))
    }

    /// `3 failed, 2 succeeded`: every kind that there is.
    #[must_use]
    pub fn text(&self) -> String {
        let kinds = Standing::KINDS.map(|kind| (self.of(kind), kind.word()));
        let some = kinds.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = some
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        match parts.as_slice() {
            [] => "no recipes".to_owned(),
            parts => parts.join(", "),
        }
    }
}

impl Story {
    /// Every recipe of the run with what became of it, by name.
    #[must_use]
    pub fn standings(&self) -> BTreeMap<String, Standing> {
        let chapters = self.chapters.iter().flat_map(|chapter| {
            let names = chapter.group.recipes.iter().map(|recipe| &recipe.name);
            names.map(|name: &RecipeName| (name.to_string(), Standing::of(chapter)))
        });
        let left_out = self.left_out.iter();
        left_out
            .map(|left| (left.recipe.clone(), Standing::of_left_out(left)))
            .chain(chapters)
            .collect()
    }

    /// How many recipes stand how.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for standing in self.standings().into_values() {
            *counts.by_standing.entry(standing).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::story;

    #[test]
    fn every_recipe_stands_somewhere() {
        let counts = story().counts();
        assert_eq!(
            counts.text(),
            "4 failed, 1 unchecked, 1 not begun, 1 skipped, 3 succeeded, 1 not tried"
        );
        let classes: Vec<_> = counts
            .classes()
            .map(|(class, n)| (class.as_str(), n))
            .collect();
        assert_eq!(
            classes,
            [("patch-conflict", 1), ("compile", 1), ("infrastructure", 2)]
        );
        assert_eq!(
            story().standings()["lb"].to_string(),
            "failed (infrastructure)"
        );
        assert_eq!(Story::default().counts().text(), "no recipes");
    }
}
