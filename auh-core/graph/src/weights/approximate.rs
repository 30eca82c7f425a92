//! A number known up to an error: 128 leading bits, an exponent, and how far the truth may be above.

/// The truth lies in `mantissa * 2^exponent ..= (mantissa + error) * 2^exponent`.
///
/// Every addition loses less than two units in the last place, and all numbers are positive, so the
/// error grows by at most two for each addition on the longest path: after 10 million additions
/// over 100 leading bits are still right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Approximate {
    mantissa: u128,
    /// Zero, or else the mantissa's top bit is set.
    exponent: u64,
    error: u64,
}

/// A bound, ordered by value: with an exponent above zero the mantissa's top bit is set.
pub(super) type Bound = (u64, u128);

impl Approximate {
    pub(super) fn exactly(value: u128) -> Self {
        Self {
            mantissa: value,
            exponent: 0,
            error: 0,
        }
    }

    /// The lower bound.
    pub(super) fn low(self) -> Bound {
        (self.exponent, self.mantissa)
    }

    /// The upper bound.
    pub(super) fn high(self) -> Bound {
        match self.mantissa.checked_add(u128::from(self.error)) {
            Some(mantissa) => (self.exponent, mantissa),
            // Rounded up: any bound above the truth is one.
            None => (
                self.exponent + 1,
                (1 << 127) + (u128::from(self.error) >> 1) + 1,
            ),
        }
    }

    /// How many bits the number has, at most.
    pub(super) fn bits(self) -> u64 {
        self.exponent + 129
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (large, small) = match self.low() >= other.low() {
            true => (self, other),
            false => (other, self),
        };
        let small = small.shifted(large.exponent - small.exponent);
        let error = large.error.saturating_add(small.error);
        let (mantissa, carried) = large.mantissa.overflowing_add(small.mantissa);
        if !carried {
            return Self {
                mantissa,
                exponent: large.exponent,
                error,
            };
        }
        Self {
            mantissa: (mantissa >> 1) | (1 << 127),
            exponent: large.exponent + 1,
            error: halved(error, mantissa & 1 != 0),
        }
    }

    /// The same number with the last `by` bits of the mantissa dropped.
    fn shifted(self, by: u64) -> Self {
        let by = by.min(128) as u32;
        let mantissa = self.mantissa.checked_shr(by).unwrap_or(0);
        let inexact = mantissa.checked_shl(by).unwrap_or(0) != self.mantissa;
        let error = match by {
            0 => self.error,
            _ => self.error.checked_shr(by).unwrap_or(0) + u64::from(self.error != 0 || inexact),
        };
        // A fraction dropped from the mantissa and one dropped from the error can add up to two.
        let both = by > 0 && self.error != 0 && inexact;
        Self {
            mantissa,
            exponent: self.exponent + u64::from(by),
            error: error + u64::from(both),
        }
    }
}

fn halved(error: u64, dropped_bit: bool) -> u64 {
    (error >> 1) + u64::from(error & 1 != 0 || dropped_bit)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    fn value((exponent, mantissa): Bound) -> BigUint {
        BigUint::from(mantissa) << exponent
    }

    proptest! {
        /// Sums of sums, some hundreds of bits long: the truth stays between the bounds.
        #[test]
        fn the_truth_is_between_the_bounds(
            start in any::<u128>(),
            steps in prop::collection::vec((any::<u128>(), 0_u32..128, any::<prop::sample::Index>()), 1..200),
        ) {
            let mut known = vec![(BigUint::from(start), Approximate::exactly(start))];
            for (constant, shift, pick) in steps {
                let small = constant >> shift;
                let (last, approximate) = known.last().cloned().expect("one at least");
                let (other, other_approximate) = pick.get(&known).clone();
                let truth = last + other + small;
                let sum = approximate.plus(other_approximate).plus(Approximate::exactly(small));
                prop_assert!(value(sum.low()) <= truth);
                prop_assert!(value(sum.high()) >= truth);
                prop_assert!(truth.bits() <= sum.bits());
                prop_assert!(sum.error <= 2 * 2 * known.len() as u64);
                prop_assert!(sum.exponent == 0 || sum.mantissa >> 127 == 1);
                known.push((truth, sum));
            }
        }
    }
}
