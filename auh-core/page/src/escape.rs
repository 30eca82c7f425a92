//! Text from outside made safe for a page.

use std::fmt::Write as _;

/// Text for the content of an element and for an attribute within double quotes. Characters that
/// HTML forbids, and those that steer how the text around them is read, become the replacement
/// character.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(character),
            _ if auh_foreign::steers(character) => safe.push('\u{fffd}'),
            _ => safe.push(character),
        }
    }
    safe
}

/// A path relative to the page as the value of `href`: percent-encoded, with `./` before it, so
/// that no name can be taken for a scheme.
#[must_use]
pub fn path_in_link(path: &str) -> String {
    let mut link = String::from("./");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b'+' => {
                link.push(byte as char);
            }
            _ => {
                let _ = write!(link, "%{byte:02X}");
            }
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_a_path_whatever_its_name() {
        assert_eq!(path_in_link("all/la,lb/a b.txt"), "./all/la%2Clb/a%20b.txt");
        assert_eq!(path_in_link("javascript:x"), "./javascript%3Ax");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_place(text in any::<String>(), nasty in "[<>&\"'=a\u{202e}\u{7}]{0,30}") {
            for text in [text, nasty] {
                let safe = escaped(&text);
                let open = safe.contains(['<', '>', '"', '\'', '\u{202e}', '\u{7}']);
                prop_assert!(!open, "{}", safe);
                let plain = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                    .replace("&#39;", "'").replace("&amp;", "&");
                prop_assert_eq!(plain.chars().count(), text.chars().count());
            }
        }
    }
}
