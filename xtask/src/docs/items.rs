//! Reads documented items from formatted Rust sources: enough of the language for structs, enums
//! and constants whose comments make a reference, and no more.

/// An item with its documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its name.
    pub name: String,
    /// Its documentation, Markdown.
    pub doc: String,
    /// Of a constant: its value as the source has it.
    pub value: String,
    /// Fields of a struct, variants of an enum.
    pub members: Vec<Member>,
}

/// A field or variant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name.
    pub name: String,
    /// The type of a field, or of what a variant holds.
    pub kind: String,
    /// Its documentation.
    pub doc: String,
    /// Fields of a variant.
    pub fields: Vec<Member>,
    /// Of a variant: whether it stands for what a later release has.
    pub hidden: bool,
}

/// Every documented item of the file's top level, or of a module in it, up to its tests.
pub(super) fn items(text: &str) -> Vec<Item> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found: Vec<Item> = Vec::new();
    let mut doc = String::new();
    // How deep the item is set in whose members are being read.
    let mut inside: Option<usize> = None;
    let mut other = false;
    for line in code.lines() {
        let depth = (line.len() - line.trim_start().len()) / 4;
        let line = line.trim();
        if let Some(words) = line.strip_prefix("///") {
            doc += words.strip_prefix(' ').unwrap_or(words);
            doc.push('\n');
            continue;
        }
        if line.starts_with("#[") {
            other |= line == "#[serde(other)]";
            continue;
        }
        match inside {
            Some(top) if line == "}" && depth == top => inside = None,
            Some(top) => {
                if let Some(item) = found.last_mut() {
                    add(item, depth - top, line, &doc, other);
                }
            }
            None => {
                if let Some((item, opens)) = begun(line, &doc) {
                    found.push(item);
                    inside = opens.then_some(depth);
                }
            }
        }
        doc.clear();
        other = false;
    }
    found
}

/// The item that a line begins, and whether its members follow.
fn begun(line: &str, doc: &str) -> Option<(Item, bool)> {
    let line = line
        .strip_prefix("pub(crate) ")
        .or_else(|| line.strip_prefix("pub "))?;
    let (word, rest) = line.split_once(' ')?;
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let value = match word {
        "const" => rest.split_once(" = ")?.1.trim_end_matches(';').to_owned(),
        "struct" | "enum" if rest.ends_with('{') => String::new(),
        _ => return None,
    };
    let opens = word != "const";
    let doc = doc.to_owned();
    let members = Vec::new();
    Some((
        Item {
            name,
            doc,
            value,
            members,
        },
        opens,
    ))
}

/// Adds what a line of an item's body says.
fn add(item: &mut Item, depth: usize, line: &str, doc: &str, hidden: bool) {
    let member = match field(line, doc) {
        Some(field) => field,
        None => match variant(line, doc, hidden) {
            Some(variant) => variant,
            None => return,
        },
    };
    match (depth, item.members.last_mut()) {
        (2.., Some(variant)) => variant.fields.push(member),
        _ => item.members.push(member),
    }
}

/// `name: Type,` or `pub name: Type,`.
fn field(line: &str, doc: &str) -> Option<Member> {
    let (name, kind) = line.strip_suffix(',')?.split_once(": ")?;
    let name = name.strip_prefix("pub ").unwrap_or(name);
    let is_name = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
    is_name.then(|| Member {
        name: name.to_owned(),
        kind: kind.to_owned(),
        doc: doc.to_owned(),
        ..Member::default()
    })
}

/// `Name,`, `Name = 1,`, `Name(Type),` or `Name {`.
fn variant(line: &str, doc: &str, hidden: bool) -> Option<Member> {
    let name: String = line
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let rest = &line[name.len()..];
    let kind = rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix("),"));
    let known = rest == "," || rest == " {" || rest.starts_with(" = ") || kind.is_some();
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase());
    (is_name && known).then(|| Member {
        name,
        kind: kind.unwrap_or_default().to_owned(),
        doc: doc.to_owned(),
        hidden,
        ..Member::default()
    })
}

/// `CamelCase` or `snake_case` as serde's `kebab-case`.
pub(super) fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(match c {
            '_' => '-',
            c => c.to_ascii_lowercase(),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
/// A status.
pub(crate) const GOOD: Status = Status(0);

/// What happened.
#[derive(Debug)]
#[serde(tag = \"event\")]
pub enum Event {
    /// It began.
    Begun(Start),
    /// It went on,
    /// and on.
    GoneOn {
        /// Whose.
        #[serde(default)]
        group: Option<String>,
        number: u64,
    },
    Plain,
    /// Later.
    #[serde(other)]
    Unknown,
}

impl Event {
    fn f(self: Self) {
        x: y,
    }
}

/// How.
pub struct Start {
    /// Format.
    pub format: u32,
}

#[cfg(test)]
mod tests {
    pub struct NotMe {
        a: u8,
    }
}
";

    #[test]
    fn structs_enums_and_constants_are_read_with_their_comments() {
        let items = items(TEXT);
        let names: Vec<&str> = items.iter().map(|item| &*item.name).collect();
        assert_eq!(names, ["GOOD", "Event", "Start"]);
        assert_eq!(items[0].value, "Status(0)");
        let event = &items[1];
        let names: Vec<&str> = event.members.iter().map(|member| &*member.name).collect();
        assert_eq!(names, ["Begun", "GoneOn", "Plain", "Unknown"]);
        assert_eq!(event.members[0].kind, "Start");
        assert_eq!(event.members[1].doc, "It went on,\nand on.\n");
        let fields = &event.members[1].fields;
        assert_eq!(
            (&*fields[0].name, &*fields[0].kind),
            ("group", "Option<String>")
        );
        assert_eq!((fields.len(), &*fields[0].doc), (2, "Whose.\n"));
        assert!(event.members[3].hidden && !event.members[2].hidden);
        assert_eq!(items[2].members[0].doc, "Format.\n");
    }

    #[test]
    fn names_are_those_of_the_json() {
        assert_eq!(kebab("GroupFinished"), "group-finished");
        assert_eq!(kebab("build_dir"), "build-dir");
    }
}
