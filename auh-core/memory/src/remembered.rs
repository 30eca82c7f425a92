//! The failures that were not made good yet, gathered run by run.

use crate::{Next, Rules};
use auh_journal::{Event, GroupVerdict, Record};
use auh_protocol::{FailureClass, Group, Recipe, RecipeName, Target};
use auh_report::{Chapter, Story};
use jiff::{Timestamp, tz::TimeZone};
use std::{collections::BTreeMap, path::PathBuf};

/// The events of a journal that [`Memory::absorb`] looks at, by their names there.
pub const EVENTS: [&str; 5] = [
    "recipes-read",
    "planned",
    "step-finished",
    "postponed",
    "group-finished",
];

/// What earlier runs say of recipes that failed and were not upgraded since.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    failures: BTreeMap<RecipeName, Remembered>,
}

/// The last failure of a recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// The recipe.
    pub recipe: RecipeName,
    /// Its file, before the upgrade.
    pub file: PathBuf,
    /// Where it was to go: a version, or a version and a revision.
    pub target: String,
    /// How it failed.
    pub class: FailureClass,
    /// What happened, one line.
    pub message: String,
    /// How many times in a row it failed so, on its way to this target and with the same files.
    pub attempts: usize,
    /// When it failed last.
    pub last: Timestamp,
    /// The run in which it did.
    pub run: String,
    /// What stands for its files at that time; none when that is not known.
    pub fingerprint: Option<String>,
}

impl Memory {
    /// Adds what the journal of one more run says; runs come oldest first.
    pub fn absorb(&mut self, run: &str, records: &[Record]) {
        let mut fingerprints = BTreeMap::new();
        let mut ended: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for record in records {
            match &record.event {
                Event::RecipesRead { fingerprints: read } => fingerprints.extend(read),
                Event::GroupFinished { group, .. } => {
                    ended.insert(group, record.time);
                }
                _ => {}
            }
        }
        for chapter in Story::of(records).chapters {
            let Some(last) = ended.get(chapter.group.name().as_str()) else {
                continue;
            };
            match chapter.verdict {
                Some(GroupVerdict::Succeeded) => self.forget(&chapter.group),
                Some(GroupVerdict::Failed) => {
                    for recipe in &chapter.group.recipes {
                        let fingerprint = fingerprints.get(&recipe.name.to_string());
                        let fingerprint = fingerprint.map(|text| (*text).clone());
                        self.add(failure(&chapter, recipe, fingerprint, *last, run));
                    }
                }
                // That a run did not come to its end tells nothing of the recipe.
                Some(GroupVerdict::Skipped | GroupVerdict::Stopped) | None => {}
            }
        }
    }

    /// The failures, by recipe.
    pub fn failures(&self) -> impl Iterator<Item = &Remembered> {
        self.failures.values()
    }

    /// Which recipes of these groups are not worth another try now, and why. `fingerprints` are those
    /// of their files as they are, by recipe.
    #[must_use]
    pub fn held_back(
        &self,
        groups: &[Group],
        fingerprints: &BTreeMap<String, String>,
        rules: &Rules,
        now: Timestamp,
    ) -> BTreeMap<RecipeName, String> {
        let recipes = groups.iter().flat_map(|group| &group.recipes);
        let held = recipes.filter_map(|recipe| {
            let known = self.failures.get(&recipe.name)?;
            let fingerprint = fingerprints.get(recipe.name.as_str());
            let is_same = known.target == aim(&recipe.target) && known.has_files_of(fingerprint);
            let next = rules.next(known, now);
            (is_same && next != Next::Now).then(|| (recipe.name.clone(), known.reason(next)))
        });
        held.collect()
    }

    fn forget(&mut self, group: &Group) {
        for recipe in &group.recipes {
            self.failures.remove(&recipe.name);
        }
    }

    fn add(&mut self, failure: Option<Remembered>) {
        let Some(mut failure) = failure else { return };
        if let Some(before) = self.failures.get(&failure.recipe)
            && before.target == failure.target
            && before.class == failure.class
            && before.fingerprint == failure.fingerprint
        {
            failure.attempts += before.attempts;
        }
        self.failures.insert(failure.recipe.clone(), failure);
    }
}

impl Remembered {
    /// Whether its files are those that this stands for. What is not known is taken for changed.
    #[must_use]
    pub fn has_files_of(&self, fingerprint: Option<&String>) -> bool {
        self.fingerprint.is_some() && self.fingerprint.as_ref() == fingerprint
    }

    /// `failed 3 times with fetch, next try on …`: why it is not tried now.
    fn reason(&self, next: Next) -> String {
        let Self {
            recipe,
            target,
            class,
            ..
        } = self;
        let times = match self.attempts {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let next = match next {
            Next::At(time) => {
                let local = time.to_zoned(TimeZone::system());
                format!("on {}", local.strftime("%Y-%m-%d %H:%M"))
            }
            Next::OnChange | Next::Now => "with another release or a changed recipe".to_owned(),
        };
        format!(
            "the upgrade to {target} failed {times} with {class}, next try {next} (auh upgrade \
             --retry {recipe})"
        )
    }
}

/// The failure of one recipe of a group; none of one that only went along.
fn failure(
    chapter: &Chapter,
    recipe: &Recipe,
    fingerprint: Option<String>,
    last: Timestamp,
    run: &str,
) -> Option<Remembered> {
    let mut failures = chapter.state.failures.iter();
    let first = failures.find(|known| known.recipe == recipe.name)?;
    Some(Remembered {
        recipe: recipe.name.clone(),
        file: recipe.file.clone(),
        target: aim(&recipe.target),
        class: first.failure.class,
        message: first.failure.message.clone(),
        attempts: 1,
        last,
        run: run.to_owned(),
        fingerprint,
    })
}

/// Where a recipe is to go, as a text that is another one for another release.
fn aim(target: &Target) -> String {
    match &target.revision {
        Some(revision) if target.new_commits => format!("{} at {revision}", target.version),
        _ => target.version.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_protocol::{Failure, Revision, StepOutcome, Version};
    use auh_protocol::{RecipeStatus, step::RecipeOutcome};
    use jiff::SignedDuration;
    use std::time::Duration;

    const DAY: u64 = 86_400;

    fn recipe(name: &str, to: &str) -> Recipe {
        Recipe {
            name: RecipeName::new(name).unwrap(),
            file: format!("/l/{name}_1.bb").into(),
            layer: None,
            version: Version::new("1").unwrap(),
            target: Target {
                version: Version::new(to).unwrap(),
                revision: None,
                new_commits: false,
            },
            maintainer: None,
            packages: vec![],
        }
    }

    fn group(names: &[&str], to: &str) -> Group {
        Group {
            recipes: names.iter().map(|name| recipe(name, to)).collect(),
        }
    }

    fn day(day: i64) -> Timestamp {
        let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        first + SignedDuration::from_secs(day * DAY as i64)
    }

    /// A run with one group, in which `failed` recipes fail with a class.
    fn run(
        time: Timestamp,
        group: &Group,
        files: &str,
        failed: &[(&str, FailureClass)],
    ) -> Vec<Record> {
        let outcome = StepOutcome {
            recipes: failed
                .iter()
                .map(|(name, class)| RecipeOutcome {
                    recipe: RecipeName::new(*name).unwrap(),
                    status: RecipeStatus::Failed(Failure::new(*class, "it broke")),
                })
                .collect(),
            ..StepOutcome::default()
        };
        let verdict = match failed {
            [] => GroupVerdict::Succeeded,
            _ => GroupVerdict::Failed,
        };
        let events = [
            Event::RecipesRead {
                fingerprints: prints(group, files),
            },
            Event::Planned {
                groups: vec![group.clone()],
                left_out: vec![],
            },
            Event::StepFinished {
                groups: vec![group.name()],
                step: "s".into(),
                action: "run".into(),
                outcome,
                seconds: 1.0,
                stopping: false,
            },
            Event::GroupFinished {
                group: group.name(),
                verdict,
                seconds: 1.0,
            },
        ];
        events.map(|event| Record { time, event }).into()
    }

    fn prints(group: &Group, files: &str) -> BTreeMap<String, String> {
        let recipes = group.recipes.iter();
        recipes
            .map(|recipe| (recipe.name.to_string(), files.to_owned()))
            .collect()
    }

    fn rules() -> Rules {
        let wait = |days| Some(Duration::from_secs(days * DAY));
        Rules::new(BTreeMap::from([
            (FailureClass::Fetch, vec![wait(0), wait(1), wait(4)]),
            (FailureClass::Compile, vec![None]),
        ]))
    }

    /// Why `zlib` on its way to `to` is held back on a day, if it is.
    fn held(memory: &Memory, to: &str, files: &str, on: i64) -> Option<String> {
        let group = group(&["zlib"], to);
        let held = memory.held_back(
            std::slice::from_ref(&group),
            &prints(&group, files),
            &rules(),
            day(on),
        );
        held.into_values().next()
    }

    #[test]
    fn what_failed_so_that_time_may_help_waits_longer_each_time() {
        let zlib = group(&["zlib"], "2");
        let fetch = [("zlib", FailureClass::Fetch)];
        let mut memory = Memory::default();
        memory.absorb("r1", &run(day(0), &zlib, "f", &fetch));
        assert_eq!(held(&memory, "2", "f", 0), None, "the next run tries again");
        memory.absorb("r2", &run(day(1), &zlib, "f", &fetch));
        let reason = held(&memory, "2", "f", 1).unwrap();
        assert!(
            reason.starts_with("the upgrade to 2 failed 2 times with fetch, next try on 2026-01-0")
                && reason.ends_with("(auh upgrade --retry zlib)"),
            "{reason}"
        );
        assert_eq!(held(&memory, "2", "f", 2), None, "a day has gone by");
        for (run_name, on) in [("r3", 2), ("r4", 6)] {
            memory.absorb(run_name, &run(day(on), &zlib, "f", &fetch));
            assert!(held(&memory, "2", "f", on + 3).is_some());
            assert_eq!(held(&memory, "2", "f", on + 4), None);
        }
        let known: Vec<_> = memory.failures().collect();
        assert_eq!((known[0].attempts, known[0].run.as_str()), (4, "r4"));
    }

    #[test]
    fn what_the_recipe_is_to_blame_for_waits_for_another_release_or_recipe() {
        let zlib = group(&["zlib"], "2");
        let mut memory = Memory::default();
        let compile = [("zlib", FailureClass::Compile)];
        memory.absorb("r1", &run(day(0), &zlib, "f", &compile));
        assert_eq!(
            held(&memory, "2", "f", 10_000).unwrap(),
            "the upgrade to 2 failed once with compile, next try with another release or a changed \
             recipe (auh upgrade --retry zlib)"
        );
        assert_eq!(held(&memory, "3", "f", 1), None, "another release");
        assert_eq!(held(&memory, "2", "g", 1), None, "a changed recipe");
        memory.absorb("r2", &run(day(1), &zlib, "g", &compile));
        assert_eq!(memory.failures().next().unwrap().attempts, 1);
        assert_eq!(held(&memory, "2", "f", 2), None, "changed back");
        memory.absorb("r3", &run(day(2), &zlib, "g", &[]));
        assert_eq!(memory.failures().count(), 0, "an upgrade makes good");
    }

    #[test]
    fn another_class_begins_anew() {
        let zlib = group(&["zlib"], "2");
        let mut memory = Memory::default();
        for (number, class) in [
            FailureClass::Fetch,
            FailureClass::Compile,
            FailureClass::Fetch,
        ]
        .into_iter()
        .enumerate()
        {
            memory.absorb(
                "r",
                &run(day(number as i64), &zlib, "f", &[("zlib", class)]),
            );
            assert_eq!(memory.failures().next().unwrap().attempts, 1);
        }
        assert_eq!(held(&memory, "2", "f", 2), None);
    }

    #[test]
    fn of_a_group_only_those_are_remembered_that_failed() {
        let both = group(&["zlib", "zlib-native"], "2");
        let mut memory = Memory::default();
        memory.absorb(
            "r1",
            &run(day(0), &both, "f", &[("zlib", FailureClass::Compile)]),
        );
        let held = memory.held_back(
            std::slice::from_ref(&both),
            &prints(&both, "f"),
            &rules(),
            day(1),
        );
        assert_eq!(held.len(), 1);
        assert!(held.contains_key(&both.recipes[0].name));
    }

    #[test]
    fn a_journal_that_does_not_say_what_the_recipe_was_made_of_holds_nothing_back() {
        let zlib = group(&["zlib"], "2");
        let compile = [("zlib", FailureClass::Compile)];
        let mut memory = Memory::default();
        memory.absorb("r1", &run(day(0), &zlib, "f", &compile)[1..]);
        assert_eq!(memory.failures().count(), 1);
        assert_eq!(held(&memory, "2", "f", 1), None);
        memory.absorb("r2", &run(day(0), &zlib, "f", &compile));
        let groups = [zlib];
        let unread = memory.held_back(&groups, &BTreeMap::new(), &rules(), day(1));
        assert!(unread.is_empty(), "{unread:?}");
    }

    #[test]
    fn a_group_that_the_run_did_not_finish_is_no_news() {
        let zlib = group(&["zlib"], "2");
        let whole = run(day(0), &zlib, "f", &[("zlib", FailureClass::Compile)]);
        let mut memory = Memory::default();
        memory.absorb("r1", &whole[..3]);
        assert_eq!(memory, Memory::default());
    }

    #[test]
    fn the_names_of_events_are_those_of_the_journal() {
        let zlib = group(&["zlib"], "2");
        for record in run(day(0), &zlib, "f", &[]) {
            let json = format!("{:?}", record.event);
            let kind = json.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            let name: String = kind
                .chars()
                .map(|c| match c.is_uppercase() {
                    true => format!("-{}", c.to_lowercase()),
                    false => c.to_string(),
                })
                .collect();
            assert!(EVENTS.contains(&name.trim_start_matches('-')), "{name}");
        }
    }

    #[test]
    fn new_commits_are_another_release() {
        let at = |letter: &str| Target {
            version: Version::new("1").unwrap(),
            revision: Some(Revision::new(letter.repeat(40)).unwrap()),
            new_commits: true,
        };
        assert_ne!(aim(&at("a")), aim(&at("b")));
        let release = Target {
            new_commits: false,
            ..at("a")
        };
        assert_eq!(aim(&release), "1");
    }
}
