//! What tools print as plain text for people: without what steers a terminal, and without secrets.

use std::borrow::Cow;

/// Text without terminal escapes, control characters and what turns the direction of text, and with
/// a mark for each secret; of a line that was drawn over again and again, what was drawn last. Line
/// breaks and tabs stay.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for (number, line) in without_escapes(text).split('\n').enumerate() {
        if number > 0 {
            cleaned.push('\n');
        }
        let drawn_last = line.trim_end_matches('\r').rsplit('\r').next();
        cleaned.extend(drawn_last.unwrap_or_default().chars().filter(is_shown));
    }
    match auh_foreign::hidden(&cleaned) {
        Cow::Owned(hidden) => hidden,
        Cow::Borrowed(_) => cleaned,
    }
}

fn is_shown(c: &char) -> bool {
    !auh_foreign::steers(*c) || *c == '\t'
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
            ("gpj\u{202e}exe.a", "gpjexe.a"),
            ("https://me:s3cret@x.org/", "https://me:[hidden]@x.org/"),
        ] {
            assert_eq!(plain(text), expect, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_steers_is_left(text in any::<String>(), steered in "[\u{1b}\\[\\]\r\n;0-9a-z]{0,40}") {
            for text in [text, steered] {
                let plain = plain(&text);
                prop_assert!(!plain.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
                prop_assert_eq!(plain.matches('\n').count(), text.matches('\n').count());
            }
        }
    }
}
