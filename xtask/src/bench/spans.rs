//! Stretches of time from a run's journal, which overlap where commands run side by side.

use auh_journal::{CommandEnd, Record};
use std::{ops::Range, time::Duration};

/// From when to when, in nanoseconds of the clock.
pub(super) type Span = Range<i128>;

/// When a command ran whose end is recorded.
pub(super) fn of_command(record: &Record, end: &CommandEnd) -> Span {
    let finished = record.time.as_nanosecond();
    finished - (end.seconds * 1e9) as i128..finished
}

/// The time that these spans cover together, however they overlap.
pub(super) fn covered(mut spans: Vec<Span>) -> Duration {
    spans.sort_by_key(|span| span.start);
    let mut total = 0;
    let mut until = i128::MIN;
    for span in spans {
        total += (span.end - span.start.max(until)).max(0);
        until = until.max(span.end);
    }
    Duration::from_nanos(total.try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_once_where_commands_overlap() {
        let nanoseconds = |spans: &[(i128, i128)]| {
            covered(spans.iter().map(|(a, b)| *a..*b).collect()).as_nanos()
        };
        assert_eq!(nanoseconds(&[(0, 10), (20, 25)]), 15);
        assert_eq!(nanoseconds(&[(5, 12), (0, 10), (1, 2)]), 12);
        assert_eq!(nanoseconds(&[]), 0);
    }
}
