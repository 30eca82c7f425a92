//! Lines on the terminal. What comes from outside (recipes, tools, upstreams) is shown without
//! its control characters, so that it cannot move the cursor or forge lines.

use std::{
    io::{self, ErrorKind, IsTerminal, Write},
    sync::OnceLock,
};

/// What to do when nobody reads any more.
static UNHEARD: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Has something done when whoever reads what is written here has gone, each time that shows.
pub(crate) fn when_unheard(act: impl Fn() + Send + Sync + 'static) {
    // One run per process.
    let _ = UNHEARD.set(Box::new(act));
}

/// Whether people watch: standard error is a terminal.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A line to standard error.
pub(crate) fn note(text: &str) {
    let written = writeln!(io::stderr(), "{}", harmless(text));
    let _ = written.inspect_err(noticed);
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
    let mut out = io::stdout().lock();
    for line in text.lines() {
        let written = writeln!(out, "{}", harmless(line));
        if written.inspect_err(noticed).is_err() {
            return;
        }
    }
    let _ = out.flush();
}

/// A reader who has gone is somebody who pressed Ctrl-C on a whole pipeline of commands, or a terminal
/// that was closed.
fn noticed(error: &io::Error) {
    if let (ErrorKind::BrokenPipe, Some(act)) = (error.kind(), UNHEARD.get()) {
        act();
    }
}

/// `text` with a blank for each control character; line breaks too, so give it lines.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect()
}
