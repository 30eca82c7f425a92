//! Which upgrades break the image, by halving.

use std::collections::{BTreeMap, BTreeSet};

/// Numbers of the upgrades that a trial has.
pub(crate) type Set = BTreeSet<usize>;

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    Passes,
    Fails,
    /// It could not be made.
    Unknown,
}

/// Why there are no further trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The run is being stopped.
    Stopped,
    /// As many were made as are allowed.
    Spent,
    /// They are not possible any more.
    Stuck(String),
}

/// What the trials say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// The image passes.
    Passes,
    /// It passed when it was run again.
    Flaky,
    /// It fails without any of the upgrades too.
    NobodysFault,
    /// It could not be run at all.
    NotRun,
    /// It fails with these upgrades.
    Breaks(Vec<Culprits>),
    /// The run is being stopped.
    Stopped,
}

/// Upgrades with which the image fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Culprits {
    pub(crate) set: Set,
    /// Why some of them may have nothing to do with it; none when each is needed for it to fail.
    pub(crate) not_narrowed: Option<Halt>,
}

/// How many trials suffice for any pair among `count` upgrades that breaks the image only together:
/// one each with all, none, and without the pair, twice a halving and its result by itself; and some
/// for what cannot be tried or for a second culprit.
pub(crate) fn usual_limit(count: usize) -> usize {
    let halvings = usize::BITS - count.saturating_sub(1).leading_zeros();
    2 * halvings as usize + 8
}

/// Finds what breaks the image among `count` upgrades. `trial` makes a trial with the upgrades it is
/// given; it is never asked twice for the same ones, apart from all of them.
pub(crate) fn search(count: usize, trial: &mut dyn FnMut(&Set) -> Result<Tried, Halt>) -> Found {
    let all: Set = (0..count).collect();
    match trial(&all) {
        Ok(Tried::Fails) => {}
        Ok(Tried::Passes) => return Found::Passes,
        Ok(Tried::Unknown) | Err(Halt::Spent | Halt::Stuck(_)) => return Found::NotRun,
        Err(Halt::Stopped) => return Found::Stopped,
    }
    let mut search = Search {
        trial,
        known: BTreeMap::from([(all.clone(), Tried::Fails)]),
    };
    match search.after_a_failure(all) {
        Ok(found) => found,
        Err(Halt::Stopped) => Found::Stopped,
        Err(_) => Found::NotRun,
    }
}

struct Search<'t> {
    trial: &'t mut dyn FnMut(&Set) -> Result<Tried, Halt>,
    known: BTreeMap<Set, Tried>,
}

impl Search<'_> {
    fn after_a_failure(&mut self, all: Set) -> Result<Found, Halt> {
        match self.tried(&Set::new()) {
            Ok(Tried::Fails) => return Ok(Found::NobodysFault),
            Err(Halt::Stopped) => return Err(Halt::Stopped),
            Err(halt @ Halt::Stuck(_)) => {
                let not_narrowed = Some(halt);
                return Ok(Found::Breaks(vec![Culprits {
                    set: all,
                    not_narrowed,
                }]));
            }
            Ok(_) | Err(Halt::Spent) => {}
        }
        let mut culprits = Vec::new();
        let mut left = all.clone();
        loop {
            let found = self.smallest(left.clone())?;
            let narrowed = found.not_narrowed.is_none();
            // Nothing smaller has failed: this rests on a single trial.
            if narrowed && found.set == all && self.passes_again(&all)? {
                return Ok(Found::Flaky);
            }
            left = &left - &found.set;
            culprits.push(found);
            if !narrowed || left.is_empty() || !self.still_fails(&left)? {
                return Ok(Found::Breaks(culprits));
            }
        }
    }

    /// The smallest failing set that halving finds in `set`, which fails: the shortest beginning that
    /// fails ends with an upgrade that is needed; with that one kept, the same again among those before
    /// it, until what is kept fails by itself. The upgrades mostly are in the order of their commits, so
    /// that a beginning leaves the newest out, on which nothing builds.
    fn smallest(&mut self, set: Set) -> Result<Culprits, Halt> {
        let mut narrowing = Narrowing {
            needed: Set::new(),
            others: set.into_iter().collect(),
        };
        let not_narrowed = match self.narrow(&mut narrowing) {
            Ok(()) => None,
            Err(Halt::Stopped) => return Err(Halt::Stopped),
            Err(halt) => Some(halt),
        };
        Ok(Culprits {
            set: narrowing.beginning(narrowing.others.len()),
            not_narrowed,
        })
    }

    /// Leaves `narrowing` with a failing set after each step, so that it can end anywhere.
    fn narrow(&mut self, narrowing: &mut Narrowing) -> Result<(), Halt> {
        while !narrowing.others.is_empty() {
            if self.tried(&narrowing.needed)? == Tried::Fails {
                narrowing.others.clear();
                return Ok(());
            }
            let mut too_short = 0;
            while narrowing.others.len() - too_short > 1 {
                let middle = usize::midpoint(too_short, narrowing.others.len());
                match self.tried(&narrowing.beginning(middle))? {
                    Tried::Fails => narrowing.others.truncate(middle),
                    Tried::Passes | Tried::Unknown => too_short = middle,
                }
            }
            narrowing.needed.extend(narrowing.others.pop());
        }
        Ok(())
    }

    fn still_fails(&mut self, left: &Set) -> Result<bool, Halt> {
        match self.tried(left) {
            Ok(tried) => Ok(tried == Tried::Fails),
            Err(Halt::Stopped) => Err(Halt::Stopped),
            Err(_) => Ok(false),
        }
    }

    /// Makes the trial with all of them once more.
    fn passes_again(&mut self, all: &Set) -> Result<bool, Halt> {
        match (self.trial)(all) {
            Ok(tried) => Ok(tried == Tried::Passes),
            Err(Halt::Stopped) => Err(Halt::Stopped),
            Err(_) => Ok(false),
        }
    }

    fn tried(&mut self, set: &Set) -> Result<Tried, Halt> {
        if let Some(tried) = self.known.get(set) {
            return Ok(*tried);
        }
        let tried = (self.trial)(set)?;
        self.known.insert(set.clone(), tried);
        Ok(tried)
    }
}

/// A failing set that is being made smaller.
struct Narrowing {
    /// Those without which it does not fail.
    needed: Set,
    /// The others that it still has, in order.
    others: Vec<usize>,
}

impl Narrowing {
    /// What is needed and the first of the others.
    fn beginning(&self, others: usize) -> Set {
        self.needed
            .iter()
            .chain(&self.others[..others])
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Searches where a trial fails if it has all of one of `bad`; at most `limit` trials.
    fn searched(count: usize, bad: &[&[usize]], limit: usize) -> (Found, usize) {
        let mut trials = 0;
        let mut trial = |set: &Set| {
            if trials == limit {
                return Err(Halt::Spent);
            }
            trials += 1;
            let fails = bad.iter().any(|bad| bad.iter().all(|b| set.contains(b)));
            Ok(if fails { Tried::Fails } else { Tried::Passes })
        };
        (search(count, &mut trial), trials)
    }

    fn sets(found: Found) -> Vec<Vec<usize>> {
        let Found::Breaks(culprits) = found else {
            panic!("{found:?}");
        };
        let list = |culprits: &Culprits| {
            assert_eq!(culprits.not_narrowed, None);
            culprits.set.iter().copied().collect()
        };
        culprits.iter().map(list).collect()
    }

    #[test]
    fn one_trial_suffices_where_nothing_is_wrong() {
        assert_eq!(searched(200, &[], 1), (Found::Passes, 1));
    }

    #[test]
    fn what_fails_without_any_upgrade_is_nobodys_fault() {
        assert_eq!(searched(200, &[&[]], 2), (Found::NobodysFault, 2));
    }

    #[test]
    fn one_of_many_is_found_within_the_usual_limit() {
        for count in [1, 2, 3, 7, 64, 200] {
            for bad in 0..count {
                let limit = usual_limit(count);
                let (found, trials) = searched(count, &[&[bad]], limit);
                assert_eq!(sets(found), [[bad]]);
                assert!(
                    trials <= limit / 2 + 1,
                    "{count}, {trials} of {limit} trials"
                );
            }
        }
        assert_eq!(usual_limit(200), 24);
    }

    #[test]
    fn two_that_break_it_independently_are_both_found() {
        assert_eq!(
            sets(searched(16, &[&[3], &[12]], usual_limit(16)).0),
            [[3], [12]]
        );
    }

    #[test]
    fn a_pair_that_breaks_it_together_is_found_together() {
        for count in [2, 3, 8, 40] {
            for (one, other) in (0..count).flat_map(|one| (0..one).map(move |other| (other, one))) {
                let (found, trials) = searched(count, &[&[one, other]], usual_limit(count));
                assert_eq!(sets(found), [[one, other]], "{count}, {trials} trials");
            }
        }
    }

    #[test]
    fn what_was_not_narrowed_down_says_so() {
        let (found, trials) = searched(8, &[&[5]], 4);
        let culprits = Culprits {
            set: (0..6).collect(),
            not_narrowed: Some(Halt::Spent),
        };
        assert_eq!((found, trials), (Found::Breaks(vec![culprits]), 4));
    }

    #[test]
    fn a_single_upgrade_is_blamed_only_for_failing_twice() {
        let mut answers = [Tried::Fails, Tried::Passes, Tried::Passes].into_iter();
        let found = search(1, &mut |_| Ok(answers.next().unwrap()));
        assert_eq!((found, answers.next()), (Found::Flaky, None));
    }

    #[test]
    fn trials_that_cannot_be_made_narrow_nothing_down() {
        let found = search(2, &mut |set| {
            Ok(if set.len() == 2 {
                Tried::Fails
            } else {
                Tried::Unknown
            })
        });
        assert_eq!(sets(found), [[0, 1]]);
        assert_eq!(search(2, &mut |_| Ok(Tried::Unknown)), Found::NotRun);
    }

    #[test]
    fn a_stop_ends_the_search_wherever_it_is() {
        for after in 0..4 {
            let mut left = after;
            let found = search(4, &mut |set| {
                if left == 0 {
                    return Err(Halt::Stopped);
                }
                left -= 1;
                Ok(if set.contains(&2) {
                    Tried::Fails
                } else {
                    Tried::Passes
                })
            });
            assert_eq!(found, Found::Stopped, "{after}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_fails_and_every_part_of_it_is_needed(
            count in 1_usize..24,
            bad in proptest::collection::vec(proptest::collection::btree_set(0_usize..24, 1..4), 1..4),
        ) {
            let bad: Vec<Vec<usize>> = bad
                .into_iter()
                .map(|set| set.into_iter().map(|member| member % count).collect())
                .collect();
            let fails = |set: &Set| bad.iter().any(|bad| bad.iter().all(|b| set.contains(b)));
            let found = search(count, &mut |set| {
                Ok(if fails(set) { Tried::Fails } else { Tried::Passes })
            });
            let mut left: Set = (0..count).collect();
            for culprits in sets(found) {
                let set: Set = culprits.into_iter().collect();
                prop_assert!(fails(&set));
                for member in &set {
                    let mut less = set.clone();
                    less.remove(member);
                    prop_assert!(!fails(&less));
                }
                left = &left - &set;
            }
            prop_assert!(!fails(&left));
        }
    }
}
