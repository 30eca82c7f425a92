//! The shipped table of other names: `names.toml`.

use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// The table that ships with the program.
pub(crate) static NAMES: LazyLock<Names> =
    LazyLock::new(|| toml::from_str(include_str!("names.toml")).expect("names.toml is valid"));

/// Names that stand for a setting elsewhere.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Names {
    /// Short native keys and what they stand for.
    pub(crate) short: BTreeMap<String, String>,
    /// The values that a plugin's setting can have.
    pub(crate) values: BTreeMap<String, Vec<String>>,
    /// INI sections that are tables with free keys.
    pub(crate) ini_tables: BTreeMap<String, String>,
    /// INI keys.
    pub(crate) ini_settings: BTreeMap<String, IniKey>,
}

/// What an INI key stands for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IniKey {
    /// The native key.
    pub(crate) key: String,
    /// How the text is read.
    #[serde(rename = "as")]
    pub(crate) reading: Reading,
}

/// How the text of an INI value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reading {
    /// As it is; empty means not set.
    Text,
    /// Words between blanks.
    Words,
    /// On for `yes` and nothing else.
    Yes,
    /// On for any text, off when empty.
    AnyText,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn every_name_stands_for_a_key_that_exists() {
        let ini = NAMES.ini_settings.values().map(|ini| &ini.key);
        for key in ini.chain(NAMES.short.values()).chain(NAMES.values.keys()) {
            assert!(schema::exists(key), "{key}");
        }
        for table in NAMES.ini_tables.values() {
            assert!(schema::exists(&format!("{table}.x")), "{table}");
        }
    }
}
