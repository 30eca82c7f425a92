//! The valid name that is most like a mistyped one.

/// The one of `names` that `typed` was most likely meant to be; none when all are too far away.
/// Letter case, `-` and `_` make no difference.
pub(crate) fn nearest<'a>(
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let typed = plain(typed);
    let most = (typed.len() / 3).clamp(1, 4);
    names
        .into_iter()
        .map(|name| (distance(&typed, &plain(name)), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn plain(name: &str) -> Vec<char> {
    name.to_lowercase()
        .chars()
        .map(|c| if c == '_' { '-' } else { c })
        .collect()
}

/// How many letters have to be put in, taken out, replaced or swapped with their neighbour to
/// make `a` from `b` (Damerau and Levenshtein; no letter is touched twice).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_name() {
        let names = ["machines", "scheduler", "smtp", "status-recipients"];
        for (typed, name) in [
            ("machine", "machines"),
            ("mahcines", "machines"),
            ("sheduler", "scheduler"),
            ("stmp", "smtp"),
            ("Status_Recipient", "status-recipients"),
        ] {
            assert_eq!(nearest(typed, names), Some(name));
        }
        assert_eq!(nearest("colour", names), None);
    }

    #[test]
    fn distances_are_the_textbook_ones() {
        for (a, b, expected) in [
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("", "abc", 3),
            ("abc", "abc", 0),
        ] {
            assert_eq!(distance(&plain(a), &plain(b)), expected, "{a} {b}");
        }
    }
}
