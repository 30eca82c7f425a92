//! Whether and how words are coloured: `--color`, and the variables `NO_COLOR` and `CLICOLOR_FORCE`
//! (<https://no-color.org>, <https://bixense.com/clicolors>).

use clap::ValueEnum;
use std::{
    env,
    ffi::OsString,
    io::IsTerminal,
    sync::atomic::{AtomicU8, Ordering},
};

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless the environment says otherwise
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Error,
}

/// The colours that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// It went well.
    Green,
    /// Somebody should look at it.
    Yellow,
    /// It went wrong.
    Red,
    /// It matters less.
    Faint,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Faint => "2",
        }
    }
}

static WHEN: AtomicU8 = AtomicU8::new(When::Auto as u8);

/// Sets what `--color` says.
pub(crate) fn set(when: When) {
    WHEN.store(when as u8, Ordering::Relaxed);
}

/// The text in a colour, where the stream has colours.
pub(crate) fn painted(text: &str, colour: Colour, stream: Stream) -> String {
    if !text.is_empty() && is_wanted(stream) {
        format!("\x1b[{}m{text}\x1b[0m", colour.code())
    } else {
        text.to_owned()
    }
}

fn is_wanted(stream: Stream) -> bool {
    let when = match WHEN.load(Ordering::Relaxed) {
        0 => When::Auto,
        1 => When::Always,
        _ => When::Never,
    };
    let is_terminal = || match stream {
        Stream::Output => std::io::stdout().is_terminal(),
        Stream::Error => std::io::stderr().is_terminal(),
    };
    decided(when, |name| env::var_os(name), is_terminal)
}

fn decided(
    when: When,
    variable: impl Fn(&str) -> Option<OsString>,
    is_terminal: impl Fn() -> bool,
) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if is_set("NO_COLOR") => false,
        When::Auto if variable("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != "0") => true,
        When::Auto => is_terminal() && variable("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_comes_first_then_the_environment_then_the_terminal() {
        let check = |when, variables: &[(&str, &str)], terminal, expect| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(
                decided(when, variable, || terminal),
                expect,
                "{variables:?}"
            );
        };
        check(When::Always, &[("NO_COLOR", "1")], false, true);
        check(When::Never, &[("CLICOLOR_FORCE", "1")], true, false);
        check(
            When::Auto,
            &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")],
            true,
            false,
        );
        check(When::Auto, &[("NO_COLOR", "")], true, true);
        check(When::Auto, &[("CLICOLOR_FORCE", "1")], false, true);
        check(When::Auto, &[("CLICOLOR_FORCE", "0")], false, false);
        check(When::Auto, &[("TERM", "dumb")], true, false);
        check(When::Auto, &[], true, true);
        check(When::Auto, &[], false, false);
    }
}
