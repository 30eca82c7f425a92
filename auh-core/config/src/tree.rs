//! Values as files and flags hold them, each with its place, and layers of them laid over one
//! another.

use crate::Source;
use std::collections::BTreeMap;

/// A key with the tables it is in, outermost first.
pub(crate) type KeyPath = Vec<String>;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Source,
    pub(crate) value: Value,
}

/// A value as TOML knows them.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Switch(bool),
    Date(String),
    List(Vec<Node>),
    Table(Vec<Item>),
}

/// A key of a table, where it stands, and its value.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) key: String,
    pub(crate) at: Source,
    pub(crate) node: Node,
}

impl Value {
    /// A list of texts that all stand at one place.
    pub(crate) fn texts<T: Into<String>>(at: &Source, texts: impl IntoIterator<Item = T>) -> Self {
        let node = |text: T| Node {
            at: at.clone(),
            value: Self::Text(text.into()),
        };
        Self::List(texts.into_iter().map(node).collect())
    }

    /// What kind of value it is, for error texts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// The value of a key with each text in it replaced that looks like a secret by its name:
    /// within the settings of plugins, and in what pipelines hand to them.
    pub(crate) fn without_secrets(&self, path: &[String]) -> Self {
        let within_a_plugin =
            matches!(path, [table, _, ..] if table == "plugins" || table == "pipelines");
        let secret = within_a_plugin && path.last().is_some_and(|key| is_secret(key));
        match self {
            Self::Table(items) => {
                let items = items.iter().map(|item| {
                    let below: Vec<_> = path.iter().chain([&item.key]).cloned().collect();
                    let node = Node {
                        at: item.node.at.clone(),
                        value: item.node.value.without_secrets(&below),
                    };
                    Item {
                        node,
                        ..item.clone()
                    }
                });
                Self::Table(items.collect())
            }
            Self::List(nodes) => {
                let nodes = nodes.iter().map(|node| Node {
                    at: node.at.clone(),
                    value: node.value.without_secrets(path),
                });
                Self::List(nodes.collect())
            }
            Self::Text(text) if secret && !text.is_empty() => Self::Text("(hidden)".to_owned()),
            Self::Integer(_) if secret => Self::Text("(hidden)".to_owned()),
            other => other.clone(),
        }
    }

    /// The value as plugins get it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) | Self::Date(text) => text.clone().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Switch(on) => (*on).into(),
            Self::List(nodes) => nodes.iter().map(|node| node.value.to_json()).collect(),
            Self::Table(items) => items
                .iter()
                .map(|item| (item.key.clone(), item.node.value.to_json()))
                .collect(),
        }
    }

    /// The value as a settings file has it.
    pub(crate) fn to_toml(&self) -> toml::Value {
        match self {
            Self::Text(text) | Self::Date(text) => text.clone().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Switch(on) => (*on).into(),
            Self::List(nodes) => {
                let values = nodes.iter().map(|node| node.value.to_toml());
                toml::Value::Array(values.collect())
            }
            Self::Table(items) => {
                let entries = items
                    .iter()
                    .map(|i| (i.key.clone(), i.node.value.to_toml()));
                toml::Value::Table(entries.collect())
            }
        }
    }
}

/// Values by their full keys. Tables are taken apart, so one layer can replace a single key of
/// a table; lists are whole values. An empty table is kept as one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree(BTreeMap<KeyPath, Node>);

impl Tree {
    /// Puts `node` at `path`, in place of what was there or below or above it. A table is put
    /// key by key, and leaves other keys alone.
    pub(crate) fn set(&mut self, path: KeyPath, node: Node) {
        match node.value {
            Value::Table(items) if !items.is_empty() => {
                for item in items {
                    let mut below = path.clone();
                    below.push(item.key);
                    self.set(below, item.node);
                }
            }
            Value::Table(_) if self.below(&path).next().is_some() => {}
            _ => {
                self.0
                    .retain(|known, _| !known.starts_with(&path) && !path.starts_with(known));
                self.0.insert(path, node);
            }
        }
    }

    /// Lays another layer over this one.
    pub(crate) fn absorb(&mut self, above: Self) {
        for (path, node) in above.0 {
            self.set(path, node);
        }
    }

    /// The value of a dotted key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.0.get(&split(key))
    }

    /// The value of a key.
    pub(crate) fn at(&self, path: &KeyPath) -> Option<&Node> {
        self.0.get(path)
    }

    /// Takes the value of a dotted key out.
    pub(crate) fn take(&mut self, key: &str) -> Option<Node> {
        self.0.remove(&split(key))
    }

    /// What stands in the table `path`: the rest of each key, and its value.
    pub(crate) fn below<'a>(
        &'a self,
        path: &'a [String],
    ) -> impl Iterator<Item = (&'a [String], &'a Node)> {
        self.0
            .range(path.to_vec()..)
            .map_while(move |(known, node)| Some((known.strip_prefix(path)?, node)))
            .filter(|(rest, _)| !rest.is_empty())
    }

    /// Every key and value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&KeyPath, &Node)> {
        self.0.iter()
    }
}

/// Whether a key's name says that its value is a secret, and not where to find one.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('_', "-");
    let names = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "api-key",
    ];
    let places = ["-env", "-environment", "-variable", "-file", "-command"];
    names.iter().any(|name| key.contains(name)) && !places.iter().any(|place| key.ends_with(place))
}

/// The parts of a dotted key without quotes.
pub(crate) fn split(key: &str) -> KeyPath {
    key.split('.').map(str::to_owned).collect()
}

/// A key as TOML writes it: dots between the parts, quotes where they are needed.
pub(crate) fn dotted(path: &[String]) -> String {
    let parts: Vec<_> = path.iter().map(|part| quoted(part)).collect();
    parts.join(".")
}

fn quoted(part: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !part.is_empty() && part.chars().all(bare) {
        part.to_owned()
    } else {
        toml::Value::from(part).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Node {
        Node {
            at: Source::Shipped,
            value: Value::Text(text.to_owned()),
        }
    }

    fn keys(tree: &Tree) -> Vec<String> {
        tree.iter().map(|(path, _)| dotted(path)).collect()
    }

    #[test]
    fn a_value_replaces_what_is_above_and_below_it() {
        let mut tree = Tree::default();
        tree.set(split("a.b"), text("1"));
        tree.set(split("a.c"), text("2"));
        assert_eq!(keys(&tree), ["a.b", "a.c"]);
        tree.set(split("a"), text("3"));
        assert_eq!(keys(&tree), ["a"]);
        tree.set(split("a.b.c"), text("4"));
        assert_eq!(keys(&tree), ["a.b.c"]);
    }

    #[test]
    fn an_empty_table_takes_nothing_away() {
        let mut tree = Tree::default();
        let empty = Node {
            at: Source::Shipped,
            value: Value::Table(vec![]),
        };
        tree.set(split("a.b"), text("1"));
        tree.set(split("a"), empty.clone());
        tree.set(split("b"), empty);
        assert_eq!(keys(&tree), ["a.b", "b"]);
    }

    #[test]
    fn secrets_of_plugins_are_hidden_and_their_places_shown() {
        let table = Value::Table(vec![Item {
            key: "password".to_owned(),
            at: Source::Shipped,
            node: text("x"),
        }]);
        let shown =
            |key: &str, value: &Value| value.without_secrets(&split(key)).to_json().to_string();
        let word = text("x").value;
        for key in [
            "plugins.mail.password",
            "plugins.mail.SMTP_Password",
            "plugins.x.inner.api-token",
        ] {
            assert_eq!(shown(key, &word), "\"(hidden)\"", "{key}");
        }
        for key in [
            "plugins.mail.password-env",
            "plugins.mail.password-command",
            "plugins.mail.user",
            "password",
        ] {
            assert_eq!(shown(key, &word), "\"x\"", "{key}");
        }
        assert_eq!(shown("plugins.mail", &table), r#"{"password":"(hidden)"}"#);
        let with = Value::List(vec![Node {
            at: Source::Shipped,
            value: table,
        }]);
        assert_eq!(
            shown("pipelines.x.steps", &with),
            r#"[{"password":"(hidden)"}]"#
        );
    }

    #[test]
    fn keys_are_quoted_where_needed() {
        let path = ["maintainer-override".to_owned(), "a@b.c".to_owned()];
        assert_eq!(dotted(&path), "maintainer-override.\"a@b.c\"");
    }
}
