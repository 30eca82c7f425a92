//! Rules about words that only some crates may use: `abi_stable`, and whatever prints.

use super::{
    Violation,
    source::{Source, Word, last_word},
};

/// The crates that know the mechanism behind the plugin boundary.
pub(crate) const ABI_CRATES: [&str; 3] = ["auh-core/abi", "auh-core/sdk", "auh-core/loader"];
/// Copies of those crates as plugins of earlier releases were built against.
pub(crate) const FROZEN: &str = "tests/frozen";
const MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// Another mechanism shall cost a change in three crates only.
pub(crate) fn check_abi_stable(source: &Source) -> Vec<Violation> {
    if source.is_in(&ABI_CRATES) || source.is_in(&[FROZEN]) {
        return Vec::new();
    }
    let all = super::source::words(&source.code);
    all.filter(|word| word.text == "abi_stable")
        .map(|word| {
            Violation::new(
                &source.file,
                word.line,
                "abi_stable is named outside abi, sdk and loader",
            )
        })
        .collect()
}

/// Printing has one owner, so that progress, `--format json` and the exit message never mix.
pub(crate) fn check_printing(source: &Source) -> Vec<Violation> {
    if source.is_in(&["auh-cli", "xtask", "tests"]) || source.is_test_file() {
        return Vec::new();
    }
    source
        .words()
        .filter_map(|word| {
            let what = printer(word)?;
            let what = format!("{what} is used outside auh-cli, which alone prints");
            Some(Violation::new(&source.file, word.line, what))
        })
        .collect()
}

fn printer(word: Word<'_>) -> Option<String> {
    let text = word.text;
    let mark = word.after.trim_start().strip_prefix('!');
    if MACROS.contains(&text) && mark.is_some_and(|rest| !rest.starts_with('=')) {
        return Some(format!("{text}!"));
    }
    let of_io = || {
        word.before
            .trim_end()
            .strip_suffix("::")
            .and_then(last_word)
            == Some("io")
    };
    (["stdout", "stderr"].contains(&text) && of_io()).then(|| format!("io::{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(violations: &[Violation]) -> Vec<usize> {
        violations.iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn three_crates_name_abi_stable() {
        let text = "// abi_stable\nuse abi_stable::X;\nmod tests {\n  use abi_stable::Y;\n}\nlet s = \"abi_stable\";\n";
        for (file, expect) in [
            ("auh-core/abi/src/lib.rs", &[][..]),
            ("auh-core/loader/src/plugin.rs", &[]),
            ("auh-core/engine/src/lib.rs", &[2, 4]),
            ("plugins/x/src/lib.rs", &[2, 4]),
        ] {
            assert_eq!(
                lines(&check_abi_stable(&Source::new(file, text))),
                expect,
                "{file}"
            );
        }
    }

    #[test]
    fn one_crate_prints() {
        let text = "print!(a);\neprintln!(a);\ndbg!(a);\nwriteln!(a);\nmy_println!(a);\nstd::io::stdout();\nlet stderr = print != a;\nmod tests {\n  println!(a);\n}\n";
        for (file, expect) in [
            ("auh-core/engine/src/lib.rs", &[1, 2, 3, 6][..]),
            ("plugins/x/src/lib.rs", &[1, 2, 3, 6]),
            ("auh-core/engine/tests/a.rs", &[]),
            ("auh-cli/src/main.rs", &[]),
            ("xtask/src/main.rs", &[]),
        ] {
            assert_eq!(
                lines(&check_printing(&Source::new(file, text))),
                expect,
                "{file}"
            );
        }
    }
}
