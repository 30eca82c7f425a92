//! Whether the settings give a plugin what it declares.

use crate::{
    ConfigError, PipelineEntry, Settings, Source,
    error::did_you_mean,
    nearest::nearest,
    tree::{Node, Tree, dotted},
};
use auh_protocol::{OptionKey, OptionKind, PluginManifest};
use serde_json::{Map, Value};

impl Settings {
    /// What a plugin is given: its own table with what the pipeline's entry says laid over it, and
    /// its own defaults below. What does not fit the keys that its manifest declares is an error;
    /// a manifest that declares none has everything unchecked.
    pub fn checked_options(
        &self,
        manifest: &PluginManifest,
        entry: Option<&PipelineEntry>,
    ) -> Result<Map<String, Value>, Vec<ConfigError>> {
        let options = self.plugin_options(&manifest.name, entry);
        let Some(keys) = &manifest.options else {
            return Ok(options);
        };
        let given = Given {
            settings: self,
            plugin: &manifest.name,
            entry,
        };
        let unfit = options
            .iter()
            .filter_map(|(key, value)| given.misfit(keys, key, value));
        let missing = keys
            .iter()
            .filter(|key| key.required && !options.contains_key(&key.key))
            .map(|key| given.missing(key));
        let errors: Vec<_> = unfit.chain(missing).collect();
        if errors.is_empty() {
            Ok(manifest.with_defaults(options))
        } else {
            Err(errors)
        }
    }
}

/// Settings that are given to a plugin.
struct Given<'g> {
    settings: &'g Settings,
    plugin: &'g str,
    entry: Option<&'g PipelineEntry>,
}

impl Given<'_> {
    fn misfit(&self, keys: &[OptionKey], key: &str, value: &Value) -> Option<ConfigError> {
        let Some(known) = keys.iter().find(|known| known.key == key) else {
            let like = nearest(key, keys.iter().map(|known| known.key.as_str()));
            let hint = match like {
                Some(_) => did_you_mean(like),
                None => self.where_to_look(),
            };
            let reason = format!("the plugin {} has no such setting", self.plugin);
            return Some(self.error(key, reason, hint));
        };
        if known.kind.fits(value) {
            return None;
        }
        let expected = known.kind.described();
        // The value itself might be a secret; that of a choice is none.
        let (reason, hint) = match (&known.kind, value) {
            (OptionKind::OneOf { values }, Value::String(text)) => {
                let like = nearest(text, values.iter().map(String::as_str));
                let hint = like.map_or_else(|| known.doc.clone(), |like| did_you_mean(Some(like)));
                (format!("{text:?} is not {expected}"), hint)
            }
            _ => (
                format!("it must be {expected}, not {}", described(value)),
                known.doc.clone(),
            ),
        };
        Some(self.error(key, reason, hint))
    }

    fn missing(&self, key: &OptionKey) -> ConfigError {
        let reason = format!("the plugin {} needs it, and it is not set", self.plugin);
        let hint = format!("set it to {}: {}", key.kind.described(), key.doc);
        self.error(&key.key, reason, hint)
    }

    fn error(&self, key: &str, reason: String, hint: String) -> ConfigError {
        let (at, key) = self.place(key);
        ConfigError::Invalid {
            at,
            key,
            reason,
            hint: Some(hint).filter(|hint| !hint.is_empty()),
        }
    }

    /// Where a key stands, or would stand, and what it is called there.
    fn place(&self, key: &str) -> (Source, String) {
        if let Some(entry) = self.entry.filter(|entry| entry.with.contains_key(key)) {
            return (entry.at.clone(), format!("with.{key}"));
        }
        let path = ["plugins", self.plugin, key].map(str::to_owned);
        let tree = &self.settings.tree;
        let own = tree.get(&dotted(&path)).or_else(|| below(tree, &path));
        let near = || below(tree, &path[..2]);
        let at = match (own, self.entry) {
            (Some(node), _) => node.at.clone(),
            (None, Some(entry)) => entry.at.clone(),
            (None, None) => near().map_or(Source::Shipped, |node| node.at.clone()),
        };
        (at, dotted(&path))
    }

    fn where_to_look(&self) -> String {
        format!("`auh plugin show {}` lists its settings", self.plugin)
    }
}

/// The first value below a table.
fn below<'t>(tree: &'t Tree, path: &'t [String]) -> Option<&'t Node> {
    tree.below(path).next().map(|(_, node)| node)
}

/// A value's kind, without the value.
fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "this number",
        Value::String(_) => "this text",
        Value::Array(_) => "this list",
        Value::Object(_) => "a table",
    }
}
