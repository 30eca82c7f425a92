//! The settings that the step sees beside its own: who sends and who gets mails, what is said.

use crate::address::address_key;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Names of the settings that the step asks for.
pub(crate) const NAMES: [&str; 10] = [
    "from",
    "smtp",
    "cc-recipients",
    "status-recipients",
    "global-maintainer-override",
    "maintainer-override",
    "send-emails",
    "summary-includes-tarball",
    "layer-mode",
    "layer-name",
];

/// The settings, as far as they are set. The host has checked their types.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// The sender.
    pub from: Option<String>,
    /// Host or `host:port`.
    pub smtp: Option<String>,
    pub cc_recipients: Vec<String>,
    pub status_recipients: Vec<String>,
    /// Who gets all mails about recipes.
    pub global_override: Option<String>,
    /// Whether mails are sent at all.
    pub sends: bool,
    /// Whether the mail about the run brings the run directory along.
    pub tarball: bool,
    /// The layers of layer mode; none outside of it.
    pub layers: Option<String>,
    /// By address in lower case.
    overrides: BTreeMap<String, String>,
}

impl Settings {
    /// Reads them.
    pub(crate) fn new(settings: &Map<String, Value>) -> Self {
        let text = |key: &str| {
            let text = settings.get(key).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let on = |key: &str| settings.get(key).and_then(Value::as_bool) == Some(true);
        let words = |key: &str| texts(settings.get(key));
        Self {
            from: text("from"),
            smtp: text("smtp"),
            cc_recipients: words("cc-recipients"),
            status_recipients: words("status-recipients"),
            global_override: text("global-maintainer-override"),
            sends: on("send-emails"),
            tarball: on("summary-includes-tarball"),
            layers: on("layer-mode").then(|| words("layer-name").join(" ")),
            overrides: overrides(settings.get("maintainer-override")),
        }
    }

    /// Who gets a maintainer's mails.
    pub(crate) fn stand_in<'a>(&'a self, maintainer: &'a str) -> &'a str {
        let known = self.overrides.get(&address_key(maintainer));
        known.map_or(maintainer, String::as_str)
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// An empty text takes an override back that another settings file has.
fn overrides(value: Option<&Value>) -> BTreeMap<String, String> {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    pairs
        .filter_map(|(old, new)| Some((address_key(old), new.as_str()?.to_owned())))
        .filter(|(_, new)| !new.is_empty())
        .collect()
}
