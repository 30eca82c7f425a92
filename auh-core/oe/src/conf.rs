//! Edits of BitBake configuration files, as text to text: the lines that are auh's own, and the
//! machine fragment. And the check that `local.conf` leaves machine and C library open.
//!
//! The fragment is written as `bitbake-config-build enable-fragment machine/NAME` writes it: one
//! value per built-in prefix in `OE_FRAGMENTS` of `conf/toolcfg.conf`. Asking the tool would
//! start a BitBake server each time (1.5 to 2 s) for the same one line.

const BEGIN: &str = "# auh begin: lines of a running auh, which takes them out again\n";
const END: &str = "# auh end\n";

/// `text` with `lines` as auh's own block at its end, instead of the block it may have.
pub(crate) fn with_block(text: &str, lines: &str) -> String {
    let mut text = without_block(text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    format!("{text}{BEGIN}{lines}{END}")
}

/// `text` without auh's own block.
pub(crate) fn without_block(text: &str) -> String {
    let Some(begin) = text.find(BEGIN) else {
        return text.to_owned();
    };
    let rest = &text[begin..];
    // A block without its end was cut off by hand: then only the marker can safely go.
    let length = rest.find(END).map_or(BEGIN.len(), |end| end + END.len());
    format!("{}{}", &text[..begin], &rest[length..])
}

/// `text` without any assignment to a variable, `:append` and the like included.
pub(crate) fn without_assignments(text: &str, name: &str) -> String {
    let mut kept = String::new();
    let mut dropping = false;
    for line in text.split_inclusive('\n') {
        // A statement goes on while its lines end with a backslash.
        if !dropping && !assigns(line, name) {
            kept.push_str(line);
            continue;
        }
        dropping = line.trim_end().ends_with('\\');
    }
    kept
}

/// `text` with the fragment `machine/MACHINE` enabled and no other machine's.
pub(crate) fn with_machine_fragment(text: &str, machine: &str) -> String {
    let mut replaced = false;
    let lines: Vec<String> = text
        .split_inclusive('\n')
        .map(|line| match fragments(line) {
            Some(value) if value.split_whitespace().any(is_machine) => {
                let keep = value
                    .split_whitespace()
                    .filter(|f| !is_machine(f))
                    .map(str::to_owned);
                let wanted = (!replaced).then(|| format!("machine/{machine}"));
                replaced = true;
                let value: Vec<_> = wanted.into_iter().chain(keep).collect();
                line.replace(fragments(line).unwrap_or_default(), &value.join(" "))
            }
            _ => line.to_owned(),
        })
        .collect();
    let text = lines.concat();
    if replaced {
        return text;
    }
    let gap = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{text}{gap}OE_FRAGMENTS += \"machine/{machine}\"\n")
}

/// Whether `now` is `before`, or that with a machine's fragment enabled, as it is before a block.
pub(crate) fn same_but_for_machine(before: &str, now: &str) -> bool {
    let before = without_block(before);
    let machine = now
        .lines()
        .filter_map(fragments)
        .flat_map(str::split_whitespace)
        .find_map(|fragment| fragment.strip_prefix("machine/"));
    let written = machine.map(|machine| with_machine_fragment(&before, machine));
    let as_before_block = |text: &str| without_block(&with_block(text, ""));
    as_before_block(&before) == now || written.is_some_and(|text| as_before_block(&text) == now)
}

fn is_machine(fragment: &str) -> bool {
    fragment.starts_with("machine/")
}

/// The quoted value of an assignment to `OE_FRAGMENTS`.
fn fragments(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("OE_FRAGMENTS")?;
    let (operator, value) = rest.split_once('"')?;
    matches!(operator.trim(), "+=" | "=" | "?=" | ":append =" | ".=")
        .then(|| value.split('"').next())
        .flatten()
}

/// First line of a `local.conf` that assigns `MACHINE` or `TCLIBC` hard, counted from 1.
pub(crate) fn hard_assignment(local_conf: &str) -> Option<(usize, &'static str)> {
    local_conf.lines().enumerate().find_map(|(index, line)| {
        ["MACHINE", "TCLIBC"]
            .into_iter()
            .find(|name| assigns_hard(line, name))
            .map(|name| (index + 1, name))
    })
}

/// Whether a `local.conf` gives `MACHINE` a value that is not a weak default (`??=`).
pub(crate) fn assigns_machine(local_conf: &str) -> bool {
    local_conf.lines().any(|line| {
        let soft = line
            .trim_start()
            .strip_prefix("MACHINE")
            .is_some_and(|rest| rest.trim_start().starts_with("?="));
        soft || assigns_hard(line, "MACHINE")
    })
}

fn assigns(line: &str, name: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| {
        rest.contains('=') && rest.trim_start().starts_with(['=', '?', '+', '.', ':'])
    })
}

fn assigns_hard(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| {
        let rest = rest.trim_start();
        rest.starts_with('=') || rest.starts_with(":=") || rest.starts_with(":forcevariable")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_hard_assignments_are_found() {
        for hard in [
            "MACHINE = \"a\"",
            "  MACHINE=\"a\"",
            "MACHINE := \"a\"",
            "export MACHINE = \"a\"",
        ] {
            assert_eq!(
                hard_assignment(&format!("# x\n{hard}\n")),
                Some((2, "MACHINE")),
                "{hard}"
            );
        }
        for open in [
            "MACHINE ?= \"a\"",
            "MACHINE ??= \"a\"",
            "#MACHINE = \"a\"",
            "MACHINE_FEATURES = \"x\"",
            "MACHINE:append = \" x\"",
        ] {
            assert_eq!(hard_assignment(open), None, "{open}");
        }
        assert_eq!(hard_assignment("TCLIBC = \"musl\""), Some((1, "TCLIBC")));
    }

    #[test]
    fn a_weak_default_is_no_assignment() {
        assert!(assigns_machine("MACHINE ?= \"a\"") && assigns_machine("MACHINE = \"a\""));
        assert!(!assigns_machine("MACHINE ??= \"a\"\n# MACHINE ?= \"a\""));
    }

    #[test]
    fn the_fragment_of_an_empty_file_is_one_line() {
        assert_eq!(
            with_machine_fragment("", "qemuarm64"),
            "OE_FRAGMENTS += \"machine/qemuarm64\"\n"
        );
    }

    #[test]
    fn another_machines_fragment_is_replaced_and_the_rest_kept() {
        let text = "# c\nOE_FRAGMENTS += \"core/x machine/qemux86-64 distro/poky\"\nFOO = \"1\"\n";
        assert_eq!(
            with_machine_fragment(text, "qemuarm"),
            "# c\nOE_FRAGMENTS += \"machine/qemuarm core/x distro/poky\"\nFOO = \"1\"\n"
        );
    }

    #[test]
    fn a_file_without_a_machine_gets_a_line() {
        assert_eq!(
            with_machine_fragment("OE_FRAGMENTS += \"core/x\"", "a"),
            "OE_FRAGMENTS += \"core/x\"\nOE_FRAGMENTS += \"machine/a\"\n"
        );
    }

    #[test]
    fn assignments_of_one_variable_go_whatever_their_form() {
        let text = "A = \"1\"\nBBLAYERS ?= \" \\\n  /x \\\n  \"\n# BBLAYERS\nBBLAYERS:append = \" /y\"\n\
                    BBLAYERS+=\"/z\"\nBBLAYERS_DIR = \"d\"\nBBLAYERS .= \" \\\n/w\"";
        assert_eq!(
            without_assignments(text, "BBLAYERS"),
            "A = \"1\"\n# BBLAYERS\nBBLAYERS_DIR = \"d\"\n"
        );
    }

    proptest! {
        #[test]
        fn a_block_comes_out_as_it_went_in(text in "([ -~]{0,20}\n){0,5}", lines in "([ -~]{0,20}\n){0,4}") {
            prop_assume!(!text.contains("# auh ") && !lines.contains("# auh "));
            let with = with_block(&text, &lines);
            prop_assert_eq!(without_block(&with), text);
            prop_assert_eq!(with_block(&with, &lines), with);
        }

        #[test]
        fn what_was_written_for_a_machine_is_told_from_what_was_edited(text in "(OE_FRAGMENTS \\+= \"(machine/[a-c] |core/[a-c] ){0,3}\"\n|x\n){0,4}y{0,1}") {
            let written = without_block(&with_block(&with_machine_fragment(&text, "m"), "L = 1\n"));
            prop_assert!(same_but_for_machine(&text, &written));
            let edited = format!("{written}Z = 1\n");
            prop_assert!(!same_but_for_machine(&text, &edited));
        }

        #[test]
        fn enabling_a_fragment_twice_changes_nothing(text in "(OE_FRAGMENTS \\+= \"(machine/[a-c] |core/[a-c] ){0,3}\"\n|x\n){0,4}") {
            let once = with_machine_fragment(&text, "m");
            prop_assert_eq!(with_machine_fragment(&once, "m"), once.clone());
            prop_assert_eq!(once.matches("machine/").count(), 1);
        }
    }
}
