//! How often BitBake parsed all recipes, by build directory.

use auh_journal::{Event, Record};
use std::{collections::BTreeMap, fmt::Write, path::Path};

#[derive(Debug, Default)]
struct Count {
    full: u64,
    partial: u64,
    commands: Vec<String>,
}

/// A line per folder, and below it the commands that parsed everything.
pub(crate) fn table(records: &[Record]) -> String {
    let counts = count(records);
    let mut text = "\nparses, by folder of the command\n".to_owned();
    if counts.is_empty() {
        text.push_str("  the journal says nothing about parses\n");
    }
    for (folder, count) in counts {
        let Count {
            full,
            partial,
            commands,
        } = count;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {}: {full} full, {partial} from the cache",
            folder.display()
        );
        for label in commands {
            let _ = writeln!(text, "    full: {label}");
        }
    }
    text
}

fn count(records: &[Record]) -> BTreeMap<&Path, Count> {
    let mut counts: BTreeMap<&Path, Count> = BTreeMap::new();
    for record in records {
        let Event::CommandFinished(end) = &record.event else {
            continue;
        };
        for parse in &end.parses {
            let count = counts.entry(&end.folder).or_default();
            if parse.is_full() {
                count.full += 1;
                count.commands.push(end.label.clone());
            } else {
                count.partial += 1;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(folder: &str, label: &str, parses: &str) -> Record {
        let line = format!(
            r#"{{"time":"2026-01-01T00:00:00Z","event":"command-finished","id":1,"label":"{label}","folder":"{folder}","exit":{{"code":0}},"seconds":1.0,"parses":{parses}}}"#
        );
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn full_parses_are_told_from_others_and_named() {
        let records = [
            finished(
                "/b",
                "bitbake a",
                r#"[{"cached":0,"parsed":957},{"cached":956,"parsed":1}]"#,
            ),
            finished("/b", "bitbake b", r#"[{"cached":957,"parsed":0}]"#),
            finished("/b-arm", "bitbake a", "[]"),
        ];
        let text = table(&records);
        assert!(
            text.contains("/b: 1 full, 2 from the cache\n    full: bitbake a\n"),
            "{text}"
        );
        assert!(!text.contains("/b-arm"), "{text}");
        assert!(table(&[]).contains("says nothing"));
    }
}
