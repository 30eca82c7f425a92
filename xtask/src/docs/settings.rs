//! The page about settings: the shipped defaults with their comments, a heading for each setting.

use super::{mark, markdown};
use anyhow::{Result, bail};
use std::fmt::Write;

/// The file with the defaults.
pub(super) const SOURCE: &str = "auh-core/config/src/defaults.toml";

/// Keys with a comment in common, and how the file has them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    comment: Vec<String>,
    keys: Vec<String>,
    lines: Vec<String>,
}

/// A table of the file, the one at the top without a name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    name: String,
    comment: Vec<String>,
    entries: Vec<Entry>,
}

/// The page.
pub(super) fn page(text: &str) -> Result<String> {
    let tables = read(text);
    if tables.len() < 2 {
        bail!("{SOURCE} has another form than expected");
    }
    let mut page = mark(SOURCE);
    page += "# Settings\n";
    for table in &tables {
        match table.name.as_str() {
            "" => {}
            name => {
                let _ = write!(page, "\n## `[{name}]`\n");
            }
        }
        page += &prose(&table.comment);
        for entry in &table.entries {
            page += &shown(entry);
        }
    }
    Ok(page)
}

fn shown(entry: &Entry) -> String {
    let lines = entry.lines.join("\n");
    // A table with keys of the user's own has no headings for them.
    let heading = match entry.keys.as_slice() {
        [] => String::new(),
        keys => {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            format!("\n### {}\n", keys.join(", "))
        }
    };
    format!(
        "{heading}{}\n```toml\n{lines}\n```\n",
        prose(&entry.comment)
    )
}

/// Comment lines as paragraphs; what is set in further is shown as it is.
fn prose(comment: &[String]) -> String {
    let mut text = String::new();
    let mut is_code = false;
    for line in comment {
        let set_in = line.starts_with("  ");
        if set_in != is_code {
            text += if set_in { "\n```text\n" } else { "```\n\n" };
            is_code = set_in;
        } else if text.is_empty() {
            text.push('\n');
        }
        match is_code {
            true => text += line.trim_end(),
            false => text += &markdown(line.trim_end()),
        }
        text.push('\n');
    }
    if is_code {
        text += "```\n";
    }
    text
}

fn read(text: &str) -> Vec<Table> {
    let mut tables = vec![Table::default()];
    let mut comment: Vec<String> = Vec::new();
    let mut fresh = true;
    let mut open = 0i64;
    for line in text.lines() {
        let Some(table) = tables.last_mut() else {
            break;
        };
        if open > 0 {
            open += brackets(line);
            if let Some(entry) = table.entries.last_mut() {
                entry.lines.push(line.to_owned());
            }
        } else if line.trim().is_empty() {
            // A paragraph with no key behind it is about the table, or about what follows.
            if !comment.is_empty() {
                table.comment.append(&mut comment);
            }
            fresh = true;
        } else if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            tables.push(Table {
                name: name.to_owned(),
                comment: std::mem::take(&mut comment),
                entries: Vec::new(),
            });
            fresh = true;
        } else if let Some(key) = key(line) {
            if fresh || !comment.is_empty() || table.entries.is_empty() {
                table.entries.push(Entry::default());
            }
            fresh = false;
            if let Some(entry) = table.entries.last_mut() {
                entry.comment.append(&mut comment);
                entry.keys.push(key.to_owned());
                entry.lines.push(line.to_owned());
            }
            open = brackets(line);
        } else if let Some(words) = line.strip_prefix('#') {
            comment.push(words.strip_prefix(' ').unwrap_or(words).to_owned());
        }
    }
    tables
}

/// The key that a line sets, or would without the `#` before it.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.strip_prefix('#').unwrap_or(line).split_once(" = ")?;
    let is_key = |c: char| c.is_ascii_lowercase() || c == '-';
    (!key.is_empty() && key.chars().all(is_key)).then_some(key)
}

/// How many brackets a line opens and leaves open. No text in the file has any.
fn brackets(line: &str) -> i64 {
    line.chars().fold(0, |open, c| match c {
        '[' | '{' => open + 1,
        ']' | '}' => open - 1,
        _ => open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# About the file.

# One, or <two>.
one = 1

# Both
# of these:
#   a  first
#   b  second
a = [
    { x = 1 },
]
#b = \"x\"
# Three.
c = true

# A table.
[t]
# Four.
d = 4
";

    #[test]
    fn keys_get_the_comment_before_them() {
        let tables = read(TEXT);
        let keys = |table: &Table| -> Vec<Vec<String>> {
            table.entries.iter().map(|e| e.keys.clone()).collect()
        };
        assert_eq!(keys(&tables[0]), [vec!["one"], vec!["a", "b"], vec!["c"]]);
        assert_eq!(tables[0].comment, ["About the file."]);
        assert_eq!(tables[0].entries[1].lines.len(), 4);
        assert_eq!(
            (tables[1].name.as_str(), &tables[1].comment[..]),
            ("t", &["A table.".to_owned()][..])
        );
        assert_eq!(keys(&tables[1]), [vec!["d"]]);
    }

    #[test]
    fn what_is_set_in_is_shown_as_it_is() {
        let page = page(TEXT).unwrap();
        let shown = "\n### `a`, `b`\n\nBoth\nof these:\n\n```text\n  a  first\n  b  second\n```\n\n```toml\na = [\n";
        assert!(page.contains(shown), "{page}");
        assert!(page.contains("One, or \\<two>.\n"), "{page}");
    }
}
