//! Lines on the terminal. What comes from outside (recipes, tools, upstreams) is shown without
//! what steers, so that it cannot move the cursor, forge lines or turn them round, and without
//! secrets.
//!
//! Everything that is printed goes through here, whichever thread says it: below the lines that stay
//! there may be some that move (`panel`), and both share one cursor.

pub(crate) mod colour;
pub(crate) mod panel;
pub(crate) mod width;
use colour::{Colour, Stream, painted};
use std::{
    io::{self, ErrorKind, IsTerminal, Write},
    sync::{
        OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

/// What to do when nobody reads any more.
static UNHEARD: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Has something done when whoever reads what is written here has gone, each time that shows.
pub(crate) fn when_unheard(act: impl Fn() + Send + Sync + 'static) {
    // One run per process.
    let _ = UNHEARD.set(Box::new(act));
}

/// How much is said beside results, warnings and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loudness {
    /// Nothing.
    Quiet,
    /// What a run is at.
    Usual,
    /// Also the commands that it calls, and what it notes by the way.
    Verbose,
}

static LOUDNESS: AtomicU8 = AtomicU8::new(Loudness::Usual as u8);

/// Sets how much is said from now on.
pub(crate) fn set_loudness(loudness: Loudness) {
    LOUDNESS.store(loudness as u8, Ordering::Relaxed);
}

/// How much is said.
pub(crate) fn loudness() -> Loudness {
    match LOUDNESS.load(Ordering::Relaxed) {
        0 => Loudness::Quiet,
        1 => Loudness::Usual,
        _ => Loudness::Verbose,
    }
}

/// Whether people watch: standard error is a terminal that can move its cursor.
pub(crate) fn is_watched() -> bool {
    static WATCHED: OnceLock<bool> = OnceLock::new();
    *WATCHED.get_or_init(|| {
        let able = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        able && io::stderr().is_terminal()
    })
}

/// A line to standard error.
pub(crate) fn note(text: &str) {
    panel::above(&format!("{}\n", harmless(text)));
}

/// The same with its first word in a colour.
pub(crate) fn marked(text: &str, colour: Colour) {
    let text = harmless(text);
    let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let word = painted(word, colour, Stream::Error);
    panel::above(&format!("{word} {rest}\n"));
}

/// A line about what is going on, which nobody needs later.
pub(crate) fn progress(text: &str) {
    if loudness() > Loudness::Quiet {
        note(text);
    }
}

/// An error.
pub(crate) fn error(text: &str) {
    marked(&format!("error: {text}"), Colour::Red);
}

/// A warning.
pub(crate) fn warning(text: &str) {
    marked(&format!("warning: {text}"), Colour::Yellow);
}

/// The remedy of the error or warning before it.
pub(crate) fn hint(text: &str) {
    note(&format!("  hint: {text}"));
}

/// Text to standard output, as it is apart from control characters.
pub(crate) fn output(text: &str) {
    output_painted(text, |_| None);
}

/// The same, with the first word of some lines in a colour.
pub(crate) fn output_painted(text: &str, colour_of: impl Fn(&str) -> Option<Colour>) {
    panel::aside(|| {
        let mut out = io::stdout().lock();
        for line in text.lines() {
            let line = harmless(line);
            let word = line.split(' ').next().unwrap_or_default();
            let line = match colour_of(word) {
                Some(colour) => painted(word, colour, Stream::Output) + &line[word.len()..],
                None => line,
            };
            if writeln!(out, "{line}").inspect_err(noticed).is_err() {
                return;
            }
        }
        let _ = out.flush();
    });
}

/// A reader who has gone is somebody who pressed Ctrl-C on a whole pipeline of commands, or a terminal
/// that was closed.
pub(super) fn noticed(error: &io::Error) {
    if let (ErrorKind::BrokenPipe, Some(act)) = (error.kind(), UNHEARD.get()) {
        act();
    }
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
