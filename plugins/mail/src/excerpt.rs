//! Text from outside made fit for a mail: without what steers terminals, and not too long.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// How much of a log's end is looked at.
const TAIL_BYTES: u64 = 64 * 1024;
/// A longer line says nothing to a person.
const LONGEST_LINE: usize = 400;

/// Text without terminal escapes and control characters; of a line that was drawn over again and
/// again, what was drawn last. Line breaks and tabs stay.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for (number, line) in without_escapes(text).split('\n').enumerate() {
        if number > 0 {
            cleaned.push('\n');
        }
        let drawn_last = line.trim_end_matches('\r').rsplit('\r').next();
        cleaned.extend(drawn_last.unwrap_or_default().chars().filter(is_shown));
    }
    cleaned
}

/// Text as one line: a blank for each control character, none around it. In a header a line break
/// would begin another header.
pub(crate) fn one_line(text: &str) -> String {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
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
    let text = clean(&String::from_utf8_lossy(&bytes));
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
    let text = clean(text);
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

fn is_shown(c: &char) -> bool {
    !c.is_control() || *c == '\t'
}

/// Text without the control sequences of ECMA-48: `ESC [ … letter`, `ESC ] … BEL` (or `ESC \`),
/// and `ESC` with one character.
fn without_escapes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            kept.push(c);
            continue;
        }
        match chars.peek() {
            Some('[') => {
                chars.next();
                // Parameters and intermediates lie below `@`; what is no such thing ends it too.
                while chars.next_if(|c| (' '..'@').contains(c)).is_some() {}
                chars.next_if(|c| ('@'..='~').contains(c));
            }
            Some(']') => {
                while chars.next_if(|c| !"\u{7}\u{1b}\n".contains(*c)).is_some() {}
                chars.next_if(|c| *c == '\u{7}');
            }
            Some(c) if !c.is_control() => {
                chars.next();
            }
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_titles_and_redrawn_lines_go() {
        for (text, expect) in [
            ("\u{1b}[1;31mERROR\u{1b}[0m: x", "ERROR: x"),
            ("\u{1b}]0;title\u{7}a", "a"),
            ("\u{1b}]0;title\u{1b}\\a", "a"),
            ("10%\r20%\rdone\r\nnext", "done\nnext"),
            ("a\tb\u{8}c\u{0}\n", "a\tbc\n"),
            ("grün\u{9b}x", "grünx"),
            ("\u{1b}", ""),
            ("\u{1b}[12\nnext", "\nnext"),
        ] {
            assert_eq!(clean(text), expect, "{text:?}");
        }
    }

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
        fn nothing_that_steers_is_left(text in any::<String>(), steered in "[\u{1b}\\[\\]\r\n;0-9a-z]{0,40}") {
            for text in [text, steered] {
                prop_assert!(!clean(&text).contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
                prop_assert_eq!(clean(&text).matches('\n').count(), text.matches('\n').count());
                prop_assert!(!one_line(&text).contains(char::is_control));
            }
        }
    }
}
