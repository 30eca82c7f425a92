//! Characters that are no text: they steer a terminal, or change how the text around them is read.

/// Whether a character steers instead of being shown: the control characters, and of Unicode those
/// that turn the direction of the text around them (UAX #9), so that it reads as something that it
/// is not, and those that end a line without being a line break. Line breaks and tabs steer too.
#[must_use]
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_does_not_steer() {
        for shown in ['a', ' ', 'ä', '漢', '\u{301}', '→', '\u{fffd}'] {
            assert!(!steers(shown), "{shown:?}");
        }
        for steering in "\0\u{1b}\u{7}\u{9b}\r\n\t\u{202e}\u{2066}\u{2069}\u{200f}\u{2028}".chars()
        {
            assert!(steers(steering), "{steering:?}");
        }
    }
}
