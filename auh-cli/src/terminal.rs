//! Lines on the terminal. What comes from outside (recipes, tools, upstreams) is shown without
//! what steers, so that it cannot move the cursor, forge lines or turn them round, and without
//! secrets.

use std::io::{IsTerminal, Write};

/// Whether people watch: standard error is a terminal.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A line to standard error.
pub(crate) fn note(text: &str) {
    // A closed standard error is no reason to stop an upgrade.
    let _ = writeln!(std::io::stderr(), "{}", harmless(text));
}

/// An error.
pub(crate) fn error(text: &str) {
    note(&format!("error: {text}"));
}

/// A warning.
pub(crate) fn warning(text: &str) {
    note(&format!("warning: {text}"));
}

/// The remedy of the error or warning before it.
pub(crate) fn hint(text: &str) {
    note(&format!("  hint: {text}"));
}

/// Text to standard output, as it is apart from control characters.
pub(crate) fn output(text: &str) {
    let mut out = std::io::stdout().lock();
    for line in text.lines() {
        if writeln!(out, "{}", harmless(line)).is_err() {
            return;
        }
    }
    let _ = out.flush();
}

/// `text` with a blank for each character that steers, and with its secrets hidden; line breaks
/// steer too, so give it lines.
pub(crate) fn harmless(text: &str) -> String {
    let blank = |c| {
        if auh_foreign::steers(c) && c != '\t' {
            ' '
        } else {
            c
        }
    };
    auh_foreign::hidden(text).chars().map(blank).collect()
}
