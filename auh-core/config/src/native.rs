//! Reads `auh.toml` and the shipped defaults: TOML to a checked layer of values.

use crate::{
    ConfigError, Place, Source,
    names::NAMES,
    schema,
    tree::{Item, Node, Tree, Value, split},
};
use std::path::Path;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

/// Where values stand: in a file, or in the shipped defaults.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    /// None for the shipped defaults.
    pub(crate) file: Option<&'a Path>,
    pub(crate) text: &'a str,
}

impl Origin<'_> {
    fn at(&self, offset: usize) -> Source {
        match self.file {
            Some(_) => Source::File(self.place(offset)),
            None => Source::Shipped,
        }
    }

    fn place(&self, offset: usize) -> Place {
        let file = self.file.unwrap_or(Path::new("defaults.toml"));
        Place::of_offset(file, self.text, offset)
    }
}

/// Reads a TOML file; every key in it exists and has a value that can be used, or `errors` say
/// otherwise.
pub(crate) fn read(origin: Origin<'_>, errors: &mut Vec<ConfigError>) -> Result<Tree, ConfigError> {
    let document = DeTable::parse(origin.text).map_err(|error| ConfigError::Toml {
        at: origin.place(error.span().map_or(0, |span| span.start)),
        message: error.message().trim().replace('\n', ", "),
    })?;
    let items = table(&origin, document.get_ref())?;
    schema::check_table(&mut Vec::new(), &items, errors);
    let mut tree = Tree::default();
    for mut item in items {
        if item.key == "maintainer-override" {
            lower_case_keys(&mut item.node);
        }
        tree.set(vec![item.key], item.node);
    }
    expand_short_names(&mut tree, errors);
    schema::check_values(&tree, errors);
    Ok(tree)
}

fn table(origin: &Origin<'_>, table: &DeTable<'_>) -> Result<Vec<Item>, ConfigError> {
    table
        .iter()
        .map(|(key, value)| {
            Ok(Item {
                key: key.get_ref().to_string(),
                at: origin.at(key.span().start),
                node: node(origin, value)?,
            })
        })
        .collect()
}

fn node(origin: &Origin<'_>, spanned: &toml::Spanned<DeValue<'_>>) -> Result<Node, ConfigError> {
    let out_of_range = || ConfigError::Toml {
        at: origin.place(spanned.span().start),
        message: "the number is out of range".to_owned(),
    };
    let value = match spanned.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Integer(integer(number).ok_or_else(out_of_range)?),
        DeValue::Float(number) => {
            Value::Float(number.as_str().parse().map_err(|_| out_of_range())?)
        }
        DeValue::Boolean(on) => Value::Switch(*on),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(array) => Value::List(list(origin, array)?),
        DeValue::Table(inner) => Value::Table(table(origin, inner)?),
    };
    Ok(Node {
        at: origin.at(spanned.span().start),
        value,
    })
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn list(origin: &Origin<'_>, array: &DeArray<'_>) -> Result<Vec<Node>, ConfigError> {
    array.iter().map(|value| node(origin, value)).collect()
}

/// Addresses are compared without regard to case, here and between the layers.
fn lower_case_keys(node: &mut Node) {
    if let Value::Table(items) = &mut node.value {
        for item in items {
            item.key = item.key.to_lowercase();
        }
    }
}

/// Moves values with a short name to where they belong.
fn expand_short_names(tree: &mut Tree, errors: &mut Vec<ConfigError>) {
    for (short, key) in &NAMES.short {
        let Some(node) = tree.take(short) else {
            continue;
        };
        if tree.get(key).is_some() {
            errors.push(ConfigError::Invalid {
                at: node.at,
                key: short.clone(),
                reason: format!("this file sets it as {key} too"),
                hint: Some("keep one of the two".to_owned()),
            });
        } else {
            tree.set(split(key), node);
        }
    }
}
