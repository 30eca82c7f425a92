//! The course of one figure over time, thinned out to what a chart can show.

use auh_simulate::{Outcome, Sample};

/// How many intervals of time a chart has.
pub(crate) const INTERVALS: usize = 480;

/// For each interval the lowest and the highest value in it; shorter when the run ends earlier.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Course {
    pub(crate) ranges: Vec<(f64, f64)>,
}

impl Course {
    /// Cuts the time up to `end` into intervals.
    pub(crate) fn of(outcome: &Outcome, end: u64, value: fn(&Sample) -> f64) -> Self {
        let interval = |time: u64| {
            let place = u128::from(time) * INTERVALS as u128 / u128::from(end.max(1));
            (place as usize).min(INTERVALS - 1)
        };
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); interval(outcome.makespan) + 1];
        for (place, sample) in outcome.samples.iter().enumerate() {
            let until = outcome
                .samples
                .get(place + 1)
                .map_or(outcome.makespan, |next| next.time);
            if until == sample.time && place + 1 < outcome.samples.len() {
                continue;
            }
            let value = value(sample);
            for range in &mut ranges[interval(sample.time)..=interval(until)] {
                *range = (range.0.min(value), range.1.max(value));
            }
        }
        Self { ranges }
    }

    /// The highest value and the interval in which it is first.
    pub(crate) fn peak(&self) -> (usize, f64) {
        let first = (0, 0.0);
        self.ranges
            .iter()
            .enumerate()
            .fold(first, |peak, (place, range)| {
                if range.1 > peak.1 {
                    (place, range.1)
                } else {
                    peak
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_simulate::Bounds;
    use proptest::prelude::*;

    fn outcome(steps: &[(u64, u64)]) -> Outcome {
        let mut time = 0;
        let mut samples = Vec::new();
        for &(length, disk) in steps {
            samples.push(Sample {
                time,
                running: 0,
                recipes: 0,
                disk,
            });
            time += length;
        }
        let bounds = Bounds {
            critical_path: 0,
            work_per_slot: 0,
        };
        Outcome {
            makespan: time,
            work: 0,
            peak_disk: 0,
            peak_recipes: 0,
            bounds,
            runs: Vec::new(),
            samples,
        }
    }

    proptest! {
        /// However short, a peak is not lost.
        #[test]
        fn peaks_survive(steps in prop::collection::vec((1_u64..1_000_000, 0_u64..1000), 1..50), more in 0_u64..1_000_000) {
            let outcome = outcome(&steps);
            let course = Course::of(&outcome, outcome.makespan + more, |sample| sample.disk as f64);
            let highest = steps.iter().map(|step| step.1).max().unwrap_or(0);
            prop_assert_eq!(course.peak().1, highest as f64);
            prop_assert!(course.ranges.len() <= INTERVALS);
            prop_assert!(course.ranges.iter().all(|range| range.0 <= range.1));
        }
    }
}
