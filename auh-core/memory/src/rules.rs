//! When a failure of a class is worth another try.

use crate::Remembered;
use auh_protocol::FailureClass;
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// How long to wait after a failure, by its class: after the first one, after the second in a row and
/// so on, the last one for all further ones; none is for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(BTreeMap<FailureClass, Vec<Option<Duration>>>);

/// When a recipe is tried next, as long as neither its release nor its files change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With the next run.
    Now,
    /// From then on.
    At(Timestamp),
    /// Never.
    OnChange,
}

impl Rules {
    /// Of a class that is not named, everything is tried again at once.
    #[must_use]
    pub fn new(waits: BTreeMap<FailureClass, Vec<Option<Duration>>>) -> Self {
        Self(waits)
    }

    /// When what failed so is tried next.
    #[must_use]
    pub fn next(&self, failure: &Remembered, now: Timestamp) -> Next {
        let waits = self.0.get(&failure.class).map_or(&[][..], Vec::as_slice);
        let place = failure.attempts.min(waits.len()).saturating_sub(1);
        let wait = match waits.get(place) {
            None => return Next::Now,
            Some(None) => return Next::OnChange,
            Some(Some(wait)) => *wait,
        };
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        match failure.last.checked_add(wait) {
            // A failure that is yet to come was written down by a clock that went wrong.
            _ if failure.last > now => Next::Now,
            Ok(then) if then <= now => Next::Now,
            Ok(then) => Next::At(then),
            Err(_) => Next::OnChange,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_protocol::RecipeName;
    use proptest::prelude::*;

    fn failure(attempts: usize) -> Remembered {
        Remembered {
            recipe: RecipeName::new("zlib").unwrap(),
            file: "/l/zlib_1.bb".into(),
            target: "2".into(),
            class: FailureClass::Hang,
            message: String::new(),
            attempts,
            last: "2026-01-01T00:00:00Z".parse().unwrap(),
            run: "r".into(),
            fingerprint: None,
        }
    }

    fn rules(hours: &[Option<u64>]) -> Rules {
        let waits = hours
            .iter()
            .map(|hours| hours.map(|hours| Duration::from_secs(hours * 3600)));
        Rules::new(BTreeMap::from([(FailureClass::Hang, waits.collect())]))
    }

    fn at(hours: i64) -> Timestamp {
        failure(1).last + SignedDuration::from_hours(hours)
    }

    #[test]
    fn each_attempt_has_its_wait_and_the_last_one_stays() {
        let rules = rules(&[Some(0), Some(2), Some(5)]);
        assert_eq!(rules.next(&failure(1), at(0)), Next::Now);
        assert_eq!(rules.next(&failure(2), at(1)), Next::At(at(2)));
        assert_eq!(rules.next(&failure(2), at(2)), Next::Now);
        for attempts in [3, 4, 1000] {
            assert_eq!(rules.next(&failure(attempts), at(4)), Next::At(at(5)));
        }
    }

    #[test]
    fn never_is_never_and_no_rule_is_no_wait() {
        let never = rules(&[Some(0), None]);
        assert_eq!(never.next(&failure(1), at(0)), Next::Now);
        assert_eq!(never.next(&failure(2), at(1_000_000)), Next::OnChange);
        assert_eq!(Rules::default().next(&failure(9), at(0)), Next::Now);
    }

    #[test]
    fn a_clock_that_was_ahead_holds_nothing_back() {
        assert_eq!(rules(&[Some(1)]).next(&failure(1), at(-3)), Next::Now);
    }

    proptest! {
        #[test]
        fn nothing_is_promised_for_a_time_that_is_over(
            hours in prop::collection::vec(prop::option::of(0u64..100_000_000), 0..4),
            attempts in 1usize..10,
            now in -10_000i64..10_000,
        ) {
            match rules(&hours).next(&failure(attempts), at(now)) {
                Next::At(then) => prop_assert!(then > at(now)),
                Next::Now | Next::OnChange => {}
            }
        }
    }
}
