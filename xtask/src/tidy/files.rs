//! Rules about whole files: the first line, the size, paths of somebody's machine.

use super::Violation;

const LARGEST: u64 = 1024 * 1024;

/// Says what lives in the file (and, for a crate, what must not).
pub(crate) fn check_first_line(file: &str, text: &str) -> Option<Violation> {
    let first = text.lines().next().unwrap_or_default();
    let says = first
        .strip_prefix("//!")
        .is_some_and(|rest| !rest.trim().is_empty());
    (!says).then(|| {
        Violation::new(
            file,
            1,
            "the first line is no `//!` that says what lives here",
        )
    })
}

/// Large files belong into no history: nobody gets rid of them again.
pub(crate) fn check_size(file: &str, bytes: u64) -> Vec<Violation> {
    if bytes <= LARGEST {
        return Vec::new();
    }
    let what = format!(
        "the file has {bytes} bytes; more than {LARGEST} stay in everybody's clone for good"
    );
    vec![Violation::new(file, 1, what)]
}

/// Absolute paths that mean something on one machine only. Output of tools that was recorded, in a
/// folder `data`, may show the home folder of its `builder`.
pub(crate) fn check_machine_paths(file: &str, text: &str) -> Vec<Violation> {
    let recorded = file.split('/').any(|part| part == "data");
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let path = machine_path(line, recorded)?;
            let what =
                format!("{path} is a path of one machine; the program must work on every one");
            Some(Violation::new(file, index + 1, what))
        })
        .collect()
}

fn machine_path(line: &str, recorded: bool) -> Option<&str> {
    ["work", "home", "root"].iter().find_map(|top| {
        // Put together here, so that this file keeps the rule.
        let prefix = format!("/{top}/");
        line.match_indices(&prefix).find_map(|(at, _)| {
            let path = path_at(&line[at..]);
            let starts = !line[..at].ends_with(is_path_character);
            let named = path.len() > prefix.len();
            let excused = recorded && path.starts_with(&format!("/{}/builder", "home"));
            (starts && named && !excused).then_some(path)
        })
    })
}

fn path_at(text: &str) -> &str {
    let end = text
        .find(|c| !is_path_character(c) && c != '/')
        .unwrap_or(text.len());
    &text[..end]
}

/// What makes a slash behind it part of a longer path: names, `..`, `~`, `${VARIABLE}`, `*`.
fn is_path_character(c: char) -> bool {
    c.is_alphanumeric() || "_-.~}+@%*".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_first_what_lives_in_it() {
        assert_eq!(check_first_line("x.rs", "//! The x.\n"), None);
        for text in ["", "//!\n", "// The x.\n", "\n//! The x.\n", "use a;\n"] {
            assert_eq!(
                check_first_line("x.rs", text).map(|v| v.line),
                Some(1),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_file_above_a_mebibyte_is_too_large() {
        assert_eq!(check_size("x", 1 << 20), []);
        assert_eq!(check_size("x", (1 << 20) + 1).len(), 1);
    }

    fn check_path(file: &str, line: &str, expect: Option<&str>) {
        let found = check_machine_paths(file, &format!("first\n{line}\n"));
        assert_eq!(
            found.len(),
            usize::from(expect.is_some()),
            "{line}: {found:?}"
        );
        if let (Some(violation), Some(expect)) = (found.first(), expect) {
            assert_eq!(violation.line, 2);
            assert!(
                violation.what.starts_with(&format!("{expect} is")),
                "{violation}"
            );
        }
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let of = |top: &str, rest: &str| format!("/{top}/{rest}");
        check_path(
            "x.md",
            &format!("see {}.", of("home", "jane/src")),
            Some(&of("home", "jane/src.")),
        );
        check_path(
            "x.rs",
            &format!("\"{}\"", of("root", ".config")),
            Some(&of("root", ".config")),
        );
        check_path("x.sh", &of("work", "main"), Some(&of("work", "main")));
    }

    #[test]
    fn relative_paths_and_variables_are_none() {
        check_path("x", "tmp/work/all/hello", None);
        check_path("x", "${TMPDIR}/work/x ~/home/x ../root/x .*/work/x", None);
        check_path("x", "every folder below /home/ itself", None);
    }

    #[test]
    fn recorded_output_keeps_its_builder() {
        let line = format!("INFO: in /{}/builder/build", "home");
        check_path("auh-core/transcript/tests/data/a.stderr", &line, None);
        check_path(
            "auh-core/transcript/src/a.rs",
            &line,
            Some(&format!("/{}/builder/build", "home")),
        );
    }
}
