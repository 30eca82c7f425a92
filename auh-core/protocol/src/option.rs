//! What a plugin says of the keys of its own settings, and which values they can have.

use crate::size;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A key of a plugin's own settings, `[plugins.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionKey {
    /// The key.
    pub key: String,
    /// What its value must be.
    #[serde(flatten)]
    pub kind: OptionKind,
    /// What it is for, one line.
    #[serde(default)]
    pub doc: String,
    /// The value where the settings have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether the settings must have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

impl OptionKey {
    /// A key that may be left out and has no default.
    #[must_use]
    pub fn new(key: &str, kind: OptionKind, doc: &str) -> Self {
        Self {
            key: key.to_owned(),
            kind,
            doc: doc.to_owned(),
            default: None,
            required: false,
        }
    }

    /// The same with a default.
    #[must_use]
    pub fn with_default(mut self, default: impl Into<Value>) -> Self {
        self.default = Some(default.into());
        self
    }

    /// The same as a key that must not be left out.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// What the value of a key must be. In JSON it is the key's `type` with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum OptionKind {
    /// A text.
    Text,
    /// True or false.
    Switch,
    /// A whole number, this or more.
    Whole {
        /// The least one.
        #[serde(default)]
        least: i64,
    },
    /// Any number.
    Number,
    /// A number of bytes, or a text such as `2G` ([`size`]).
    Size,
    /// A list of texts.
    Texts,
    /// One of these texts.
    OneOf {
        /// The texts.
        values: Vec<String>,
    },
    /// A table whose keys are the user's own.
    Table,
    /// Anything; also a kind that this version does not know.
    #[serde(other)]
    Any,
}

impl OptionKind {
    /// One of these texts.
    #[must_use]
    pub fn one_of(values: &[&str]) -> Self {
        Self::OneOf {
            values: values.iter().map(|&value| value.to_owned()).collect(),
        }
    }

    /// Whether a value is one.
    #[must_use]
    pub fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Switch => value.is_boolean(),
            Self::Whole { least } => match value.as_i64() {
                Some(number) => number >= *least,
                None => value.is_u64(),
            },
            Self::Number => value.is_number(),
            Self::Size => value.is_u64() || value.as_str().and_then(size::bytes).is_some(),
            Self::Texts => value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_string)),
            Self::OneOf { values } => value
                .as_str()
                .is_some_and(|text| values.iter().any(|known| known == text)),
            Self::Table => value.is_object(),
            Self::Any => true,
        }
    }

    /// What it is, for people: `a whole number from 1 on`.
    #[must_use]
    pub fn described(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Whole { least } => format!("a whole number from {least} on"),
            Self::Number => "a number".to_owned(),
            Self::Size => "a size such as \"2G\" or \"512Mi\"".to_owned(),
            Self::Texts => "a list of texts, [\"…\", \"…\"]".to_owned(),
            Self::OneOf { values } => format!("one of {}", values.join(", ")),
            Self::Table => "a table".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_takes_its_values_and_no_others() {
        let whole = OptionKind::Whole { least: 1 };
        let choice = OptionKind::one_of(&["a", "b"]);
        for (kind, good, bad) in [
            (OptionKind::Text, json!("x"), json!(1)),
            (OptionKind::Switch, json!(true), json!("true")),
            (whole.clone(), json!(1), json!(0)),
            (whole.clone(), json!(u64::MAX), json!(1.5)),
            (whole, json!(7), json!("7")),
            (OptionKind::Number, json!(1.5), json!("1.5")),
            (OptionKind::Size, json!("20G"), json!("much")),
            (OptionKind::Size, json!(20), json!(-1)),
            (OptionKind::Texts, json!(["a"]), json!(["a", 1])),
            (choice, json!("b"), json!("c")),
            (OptionKind::Table, json!({}), json!([])),
        ] {
            assert!(kind.fits(&good), "{kind:?} {good}");
            assert!(!kind.fits(&bad), "{kind:?} {bad}");
            assert!(OptionKind::Any.fits(&bad));
        }
    }

    #[test]
    fn a_key_survives_json_and_a_kind_of_later_days_takes_anything() {
        let keys = [
            OptionKey::new("a", OptionKind::Whole { least: 1 }, "how many").with_default(30),
            OptionKey::new("b", OptionKind::one_of(&["x"]), "which").required(),
            OptionKey::new("c", OptionKind::Texts, "words"),
        ];
        for key in keys {
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<OptionKey>(&json).unwrap(), key);
        }
        let later = json!({"key": "k", "type": "colour", "palette": 3, "doc": "d"});
        let key: OptionKey = serde_json::from_value(later).unwrap();
        assert_eq!(key, OptionKey::new("k", OptionKind::Any, "d"));
    }
}
