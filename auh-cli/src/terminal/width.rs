//! How wide text is on a terminal, in columns: some characters take two, some none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// As much of a text as fits into so many columns; with a mark where something was cut off.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let mut taken = 0;
    let fits = |c: &char| {
        taken += c.width().unwrap_or(0);
        taken <= room
    };
    let start: String = text.chars().take_while(fits).collect();
    start.trim_end().to_owned() + "…"
}

/// A text cut or filled up with blanks to just so many columns.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let blanks = columns.saturating_sub(width(&text));
    text + &" ".repeat(blanks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_count_twice_and_are_never_halved() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(fitted("日本語", 4), "日… ");
        assert_eq!(
            (cut("ab", 1), cut("ab", 0)),
            ("…".to_owned(), String::new())
        );
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in "\\PC{0,40}", columns in 0usize..30) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
            prop_assert_eq!(width(&fitted(&text, columns)), columns);
        }
    }
}
