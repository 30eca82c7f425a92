//! Text from outside made fit for a mail: without what steers terminals, and not too long.

use auh_transcript::plain;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// How much of a log's end is looked at.
const TAIL_BYTES: u64 = 64 * 1024;
/// A longer line says nothing to a person.
const LONGEST_LINE: usize = 400;

/// Text as one line: a blank for each character that steers, none around it. In a header a line break
/// would begin another header.
pub(crate) fn one_line(text: &str) -> String {
    let blank = |c: char| if auh_foreign::steers(c) { ' ' } else { c };
    let line: String = text.chars().map(blank).collect();
    line.trim().to_owned()
}

/// The last `lines` lines of a file, cleaned.
pub(crate) fn tail(path: &Path, lines: usize) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let skipped = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = plain(&String::from_utf8_lossy(&bytes));
    // The first line is cut when something was skipped.
    let whole = match skipped {
        0 => text.as_str(),
        _ => text
            .split_once('\n')
            .map_or(text.as_str(), |(_, rest)| rest),
    };
    let all: Vec<&str> = whole.trim_end().lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    Ok(joined(last))
}

/// The first `lines` lines of a text, cleaned, and how many there are beyond them. Blank lines at
/// the beginning and the end do not count.
pub(crate) fn head(text: &str, lines: usize) -> (String, usize) {
    let text = plain(text);
    let all: Vec<&str> = text
        .trim_end()
        .lines()
        .skip_while(|line| line.trim().is_empty())
        .collect();
    let kept = &all[..all.len().min(lines)];
    (joined(kept), all.len() - kept.len())
}

/// The beginning of a text, marked when it is not all of it.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn joined(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| cut(line, LONGEST_LINE)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_a_long_log_the_end_is_taken_from_a_line_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let text: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&path, &text).unwrap();
        assert_eq!(tail(&path, 2).unwrap(), "line 19998\nline 19999");
        let all = tail(&path, usize::MAX).unwrap();
        assert!(
            all.len() < 65_536 && all.starts_with("line "),
            "{}",
            &all[..20]
        );
        std::fs::write(&path, "one\n\n").unwrap();
        assert_eq!(tail(&path, 5).unwrap(), "one");
        std::fs::write(&path, "x".repeat(1000)).unwrap();
        assert_eq!(tail(&path, 5).unwrap().chars().count(), LONGEST_LINE + 1);
        assert!(tail(&folder.path().join("none"), 5).is_err());
    }

    #[test]
    fn the_beginning_says_how_much_is_left() {
        assert_eq!(head("\n\na\nb\nc\n\n", 2), ("a\nb".to_owned(), 1));
        assert_eq!(head("a", 2), ("a".to_owned(), 0));
        assert_eq!(head("", 2), (String::new(), 0));
    }

    proptest! {
        #[test]
        fn one_line_has_nothing_that_steers(text in any::<String>()) {
            prop_assert!(!one_line(&text).contains(char::is_control));
        }
    }
}
