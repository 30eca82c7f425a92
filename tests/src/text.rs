//! What differs from run to run, replaced, so that output can be compared with snapshots.

use regex::Regex;
use std::sync::LazyLock;

/// Text with its paths, hashes, times and numbers of processes replaced, and without the lines that
/// are only said after some seconds of one and the same work.
#[must_use]
pub fn normal(text: &str, paths: &[(String, &'static str)]) -> String {
    static RULES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
        let rules = [
            (r"\b[0-9a-f]{40}\b", "[HASH]"),
            (r"(?m)^  .*, \d[\d hmin]* s so far\n", ""),
            (r"\bcommit [0-9a-f]{10}\b", "commit [HASH]"),
            (r"upgrade-helper/\d{14}\b", "upgrade-helper/[RUN]"),
            (r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z", "[TIME]"),
            (r"\b(?:\d+ h )?(?:\d+ min )?\d+ s\b", "[SECONDS]"),
            (r"\bprocess \d+\b", "process [PID]"),
            // Whoever else uses the disk has a part in it.
            (r"(?m)^peak disk use in .*\n", ""),
            (
                r"of user .+? on host \S+, since [-0-9]+ [:0-9]+",
                "of user [USER] on host [HOST], since [TIME]",
            ),
            (r"\brun \d{14}\b", "run [RUN]"),
            (r"(\.rs):\d+\b", "$1:[LINE]"),
            (r"\b((?:run|log)\.do_\w+)\.\d+\b", "$1.[PID]"),
            // Columns that are as wide as a path.
            (r"(?m) +$", ""),
        ];
        rules
            .map(|(rule, by)| (Regex::new(rule).expect("a rule"), by))
            .into()
    });
    let mut text = text.to_owned();
    for (path, by) in paths {
        text = text.replace(path, by);
    }
    for (rule, by) in RULES.iter() {
        text = rule.replace_all(&text, *by).into_owned();
    }
    text
}

/// Plain progress without the lines that are only said when something takes long.
#[must_use]
pub fn progress(text: &str) -> String {
    let is_lasting = |line: &&str| !line.starts_with("  ") || line.starts_with("  hint: ");
    text.lines()
        .filter(is_lasting)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_replaced_and_the_rest_stays() {
        let text = "commit 0123456789 in /t/env/build/upgrade-helper/20260101120000, 1 min 2 s, 1.0 -> 2.0";
        assert_eq!(
            normal(text, &[("/t/env".to_owned(), "[ENV]")]),
            "commit [HASH] in [ENV]/build/upgrade-helper/[RUN], [SECONDS], 1.0 -> 2.0"
        );
    }

    #[test]
    fn how_slow_the_machine_is_does_not_show() {
        let text = "reading\n  reading, 5 s so far\n  reading, 1 min 5 s so far\nhello  1.0\n";
        assert_eq!(normal(text, &[]), "reading\nhello  1.0\n");
    }

    #[test]
    fn hints_are_no_progress_of_something_slow() {
        let text = "reading\n  reading, 5 s so far\nerror: x\n  hint: y\n";
        assert_eq!(progress(text), "reading\nerror: x\n  hint: y\n");
    }
}
