//! The rule that only auh-process starts processes: elsewhere the standard library's `Command`
//! must not be named. `auh_process::Command` has the same name and is what to use, so it is the
//! path that counts: `process::Command` after `std` (or alone, after `use std::process`), and a
//! `use std…` that brings in `Command` or everything of `process`.

use super::{
    Violation,
    source::{Source, Word, last_word, words},
};

/// Process groups, time limits, captured output and the journal need one owner.
pub(crate) fn check(source: &Source) -> Vec<Violation> {
    if source.is_in(&["auh-core/process", "tests", "xtask"]) || source.is_test_file() {
        return Vec::new();
    }
    source
        .words()
        .filter(|word| is_std_command(*word) || imports_command(*word))
        .map(|word| {
            let what =
                "std::process::Command is named outside auh-process, which alone starts processes";
            Violation::new(&source.file, word.line, what)
        })
        .collect()
}

/// `process::Command`, written out.
fn is_std_command(word: Word<'_>) -> bool {
    word.text == "Command"
        && parent(word.before) == Some("process")
        // In a `use` the statement as a whole is looked at.
        && !words(statement(word.before)).any(|other| other.text == "use")
}

/// `use std::…;` with `process` and then `Command` or `*` in it.
fn imports_command(word: Word<'_>) -> bool {
    if word.text != "use" {
        return false;
    }
    let end = word.after.find(';').unwrap_or(word.after.len());
    let tree = &word.after[..end];
    let names: Vec<_> = words(tree).collect();
    let Some(("std", rest)) = names.split_first().map(|(first, rest)| (first.text, rest)) else {
        return false;
    };
    rest.iter()
        .any(|name| name.text == "process" && takes_command(name.after))
}

/// Whether what follows `process` in a `use` takes its `Command`.
fn takes_command(after: &str) -> bool {
    let Some(inside) = after.trim_start().strip_prefix("::") else {
        return false;
    };
    let inside = inside.trim_start();
    let taken = match inside.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or(list),
        None => inside.split([',', '}']).next().unwrap_or(inside),
    };
    taken.contains('*') || words(taken).any(|name| name.text == "Command")
}

/// What comes before the `::` that code ends with.
fn parent(before: &str) -> Option<&str> {
    before.trim_end().strip_suffix("::").and_then(last_word)
}

/// The code since the last statement or block ended.
fn statement(before: &str) -> &str {
    before
        .rfind([';', '}'])
        .map_or(before, |at| &before[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_lines(file: &str, text: &str, expect: &[usize]) {
        let found = check(&Source::new(file, text));
        let lines: Vec<_> = found.iter().map(|violation| violation.line).collect();
        assert_eq!(lines, expect, "{text}");
    }

    #[test]
    fn the_standard_librarys_command_is_found_however_it_is_named() {
        for text in [
            "use std::process::Command;",
            "use std::process::{Child, Command as C};",
            "use std::{\n  io,\n  process::{Child, Command},\n};",
            "use std::process::*;",
            "pub(crate) use std::{process::Command, io};",
            "fn f() { std::process::Command::new(x); }",
            "use std::process;\nfn f() { process::Command::new(x); }",
        ] {
            assert_eq!(
                check(&Source::new("auh-core/oe/src/a.rs", text)).len(),
                1,
                "{text}"
            );
        }
    }

    #[test]
    fn our_command_and_the_rest_of_process_are_allowed() {
        for text in [
            "use auh_process::{Command, run};\nfn f() { Command::new(x, y); }",
            "fn f() { auh_process::Command::new(x, y); }",
            "use std::{io, process::ExitCode};",
            "use std::process::{ExitCode};\nuse clap::Command;",
            "// std::process::Command\nlet s = \"std::process::Command\";",
            "mod tests {\n  use std::process::Command;\n}",
        ] {
            check_lines("auh-core/oe/src/a.rs", text, &[]);
        }
    }

    #[test]
    fn who_may_spawn() {
        let text = "\nuse std::process::Command;";
        check_lines("auh-core/process/src/run.rs", text, &[]);
        check_lines("auh-core/graph/tests/oracle.rs", text, &[]);
        check_lines("xtask/src/tool.rs", text, &[]);
        check_lines("auh-cli/src/main.rs", text, &[2]);
        check_lines("plugins/x/src/lib.rs", text, &[2]);
    }
}
