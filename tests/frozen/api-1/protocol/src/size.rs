//! Sizes as people write them in settings and options.

/// The bytes of a number with a unit, such as `20G`, `7.6G` or `512Mi`, or of a whole number without
/// one: K, M, G and T are powers of 1000, Ki to Ti powers of 1024. Parts of a byte are left out.
/// `None` for anything else, and for more than 64 bits.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let scale = scale(&text[number.len()..])?;
    let (whole, parts) = match number.split_once('.') {
        Some((whole, parts)) if scale > 1 => (digits(whole)?, part_of(scale, parts)?),
        Some(_) => return None,
        None => (digits(number)?, 0),
    };
    whole.checked_mul(scale)?.checked_add(parts)
}

fn scale(unit: &str) -> Option<u64> {
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
    Some(base.pow(power))
}

fn digits(text: &str) -> Option<u64> {
    // `parse` alone would let a plus sign through.
    all_digits(text).then(|| text.parse().ok())?
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// That part of `scale` which the digits behind a decimal point say.
fn part_of(scale: u64, decimals: &str) -> Option<u64> {
    // Whatever comes behind the twelfth is less than a byte in any unit.
    let significant = all_digits(decimals).then(|| &decimals[..decimals.len().min(12)])?;
    let one = 10_u128.pow(significant.len() as u32);
    let part = u128::from(digits(significant)?) * u128::from(scale) / one;
    part.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("20G"), Some(20_000_000_000));
        assert_eq!(bytes("512Mi"), Some(512 << 20));
        assert_eq!(bytes("7"), Some(7));
        assert_eq!(bytes("7.6G"), Some(7_600_000_000));
        assert_eq!(bytes("0.5Ki"), Some(512));
        assert_eq!(bytes("1.0009K"), Some(1000));
        assert_eq!(
            bytes("1.00000000000000000000000000001T"),
            Some(1_000_000_000_000)
        );
        for wrong in [
            "",
            "G",
            "1.5",
            ".5G",
            "1.G",
            "1.5.5G",
            "1.-5G",
            "1.²G",
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
