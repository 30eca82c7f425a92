//! Steps of an axis that people can count in.

/// 1, 2 or 5 times a power of ten, not below `least`.
#[must_use]
pub fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let factor = factors.into_iter().find(|factor| factor * power >= least);
    factor.unwrap_or(10.0) * power
}

/// A number without needless zeros.
#[must_use]
pub fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, expect) in [
            (0.3, "0.5"),
            (1.0, "1"),
            (1.1, "2"),
            (23.0, "50"),
            (70.0, "100"),
        ] {
            assert_eq!(short(round_step(least)), expect);
        }
    }
}
