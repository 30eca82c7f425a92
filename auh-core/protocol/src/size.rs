//! Sizes as people write them in settings and options.

/// The bytes of a whole number with a unit, such as `20G` or `512Mi`, or without one: K, M, G and T
/// are powers of 1000, Ki to Ti powers of 1024. `None` for anything else, and for more than 64 bits.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = &text[digits.len()..];
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024_u64),
        None => (unit, 1000),
    };
    let power = match letter {
        "" if unit.is_empty() => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    // `parse` alone would let a plus sign through.
    let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse::<u64>().ok()?.checked_mul(base.pow(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("20G"), Some(20_000_000_000));
        assert_eq!(bytes("512Mi"), Some(512 << 20));
        assert_eq!(bytes("7"), Some(7));
        for wrong in [
            "",
            "G",
            "1.5G",
            "20g",
            "20GB",
            "-1",
            "+1",
            "7i",
            "99999999999T",
            "²",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
