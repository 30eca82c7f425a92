//! Which lines of a log a person looks for when something failed.

use crate::message::{Level, split_level};

/// Signs of the line that tells why, best first. Case matters: compilers and tools write these so.
pub(crate) const TELLING: [&str; 8] = [
    "fatal error:",
    " error:",
    "ERROR:",
    "Error:",
    "error:",
    "undefined reference",
    "command not found",
    "*** ",
];

/// Further signs: of git and of the host, which call nothing an error.
const TROUBLE: [&str; 5] = [
    "CONFLICT (",
    "Patch failed at ",
    "No space left on device",
    "Cannot allocate memory",
    "Traceback (most recent call last)",
];

/// Whether a line of a build's or tool's log speaks of an error. The bar that BitBake puts before
/// the lines of a task's log does not matter.
#[must_use]
pub fn is_error_line(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("| ");
    match split_level(line) {
        Some((Level::Error, _)) => true,
        // devtool warns of a command that failed, and then says no more about it.
        Some((_, text)) => text.starts_with("Command '") && text.trim_end().ends_with("failed:"),
        None => TELLING
            .iter()
            .chain(&TROUBLE)
            .any(|sign| line.contains(sign)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_found_and_nothing_else() {
        for line in [
            "ERROR: hello-1.0-r0 do_compile: oe_runmake failed",
            "| main.c:3:10: fatal error: no.h: No such file or directory",
            "make: *** [Makefile:3: all] Error 1",
            "CONFLICT (content): Merge conflict in a.c",
            "WARNING: Command 'git rebase 4d3a' failed:",
        ] {
            assert!(is_error_line(line), "{line}");
        }
        for line in [
            "NOTE: recipe hello-1.0-r0: task do_compile: Succeeded",
            "cc -Werror -c main.c",
            "WARNING: something is old",
            "0 errors, 0 warnings",
            "",
        ] {
            assert!(!is_error_line(line), "{line}");
        }
    }
}
