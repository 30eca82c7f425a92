//! `statistics_summary` as the Python helper writes it, apart from the order of its maintainers,
//! which is that of their names.

use crate::Story;
use auh_protocol::Recipe;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

/// Where others can see the run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published<'a> {
    /// Address of the folder that holds it.
    pub url: &'a str,
    /// Its name.
    pub run: &'a str,
}

/// Recipes by status, the statuses in the order in which they first appear, then the counts of
/// the run and of each maintainer. A group's status is that of each of its recipes.
#[must_use]
pub fn statistics(story: &Story, published: Option<Published<'_>>) -> String {
    let attempts = attempts(story);
    let mut text = String::new();
    if let Some(Published { url, run }) = published {
        let _ = write!(
            text,
            "AUH finished upgrade batch the result patches/logs can be found at:\n\
             {url}/{run}, next are the statistics:\n\n"
        );
    }
    text.push_str("Recipe upgrade statistics:\n\n");
    for (status, recipes) in by_status(&attempts) {
        let _ = writeln!(text, "    * {status}: {}", recipes.len());
        for attempt in recipes {
            text.push_str(&attempt.line());
        }
    }
    let _ = writeln!(text, "\n    TOTAL: {}\n", Counts::of(&attempts));
    text.push_str("Recipe upgrade statistics per Maintainer:\n\n");
    for (maintainer, attempts) in by_maintainer(&attempts) {
        let _ = writeln!(text, "    {}: {}", short(maintainer), Counts::of(attempts));
    }
    text
}

/// A recipe that counts.
struct Attempt<'s> {
    recipe: &'s Recipe,
    status: &'static str,
    succeeded: bool,
}

impl Attempt<'_> {
    fn line(&self) -> String {
        let name = &self.recipe.name;
        let version = version(self.recipe);
        match self.maintainer() {
            "" => format!("        {name}, {version}\n"),
            maintainer => format!("        {name}, {version}, {maintainer}\n"),
        }
    }

    fn maintainer(&self) -> &str {
        self.recipe.maintainer.as_deref().unwrap_or_default()
    }
}

fn attempts(story: &Story) -> Vec<Attempt<'_>> {
    let chapters = story.chapters.iter();
    let counted = chapters.filter_map(|chapter| Some((chapter, chapter.auh_status()?)));
    counted
        .flat_map(|(chapter, status)| {
            let succeeded = !chapter.state.failed();
            chapter.group.recipes.iter().map(move |recipe| Attempt {
                recipe,
                status,
                succeeded,
            })
        })
        .collect()
}

/// The target as OE names it.
fn version(recipe: &Recipe) -> String {
    if recipe.target.new_commits {
        format!("{}-new-commits-available", recipe.version)
    } else {
        recipe.target.version.to_string()
    }
}

fn by_status<'a, 's>(attempts: &'a [Attempt<'s>]) -> Vec<(&'static str, Vec<&'a Attempt<'s>>)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<(&'static str, Vec<&Attempt<'_>>)> = Vec::new();
    for attempt in attempts {
        let place = *places.entry(attempt.status).or_insert_with(|| {
            groups.push((attempt.status, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(attempt);
    }
    groups
}

fn by_maintainer<'a, 's>(attempts: &'a [Attempt<'s>]) -> BTreeMap<&'a str, Vec<&'a Attempt<'s>>> {
    let mut groups: BTreeMap<&str, Vec<&Attempt<'_>>> = BTreeMap::new();
    for attempt in attempts {
        groups
            .entry(attempt.maintainer())
            .or_default()
            .push(attempt);
    }
    groups
}

/// A maintainer up to the `@` of the address.
fn short(maintainer: &str) -> &str {
    match maintainer.split('@').next() {
        None | Some("") => "Maintainerless",
        Some(name) => name,
    }
}

/// `attempted=N succeeded=N(P%) failed=N(P%)`.
struct Counts {
    attempted: usize,
    succeeded: usize,
}

impl Counts {
    fn of<'a, 's: 'a>(
        attempts: impl IntoIterator<Item = impl std::borrow::Borrow<Attempt<'s>>>,
    ) -> Self {
        let mut counts = Self {
            attempted: 0,
            succeeded: 0,
        };
        for attempt in attempts {
            counts.attempted += 1;
            counts.succeeded += usize::from(attempt.borrow().succeeded);
        }
        counts
    }

    fn percent(&self, part: usize) -> f64 {
        match self.attempted {
            0 => 0.0,
            all => part as f64 * 100.0 / all as f64,
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failed = self.attempted - self.succeeded;
        write!(
            f,
            "attempted={} succeeded={}({:.2}%) failed={failed}({:.2}%)",
            self.attempted,
            self.succeeded,
            self.percent(self.succeeded),
            self.percent(failed)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::story;

    #[test]
    fn statuses_come_as_they_appear_and_maintainers_by_name() {
        insta::assert_snapshot!(statistics(&story(), None));
    }

    #[test]
    fn a_published_run_is_named_first() {
        let published = Published {
            url: "https://example.org/auh",
            run: "20260101120000",
        };
        let text = statistics(&Story::default(), Some(published));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_maintainer_is_shown_up_to_the_at() {
        assert_eq!(short("Jane Doe <jane@example.com>"), "Jane Doe <jane");
        assert_eq!(short(""), "Maintainerless");
    }
}
