//! Settings as a run records them, and back: a run that goes on does so with the settings that it began
//! with, whatever the files say by then. Secrets are not recorded; they are taken from the files again.

use crate::{
    ConfigError, Load, Place, Settings, Source,
    tree::{Item, KeyPath, Node, Tree, Value},
};
use serde_json::Value as Json;
use std::path::Path;

impl Settings {
    /// Every setting, as a list of keys and values. Nothing that looks like a secret is in it.
    #[must_use]
    pub fn record(&self) -> Json {
        let settings = self.tree().iter();
        settings
            .map(|(path, node)| (path, node.value.without_secrets(path).to_json()))
            .map(|(path, value)| Json::from(vec![Json::from(path.clone()), value]))
            .collect()
    }

    /// The settings of a record. `file` is where it stands, for errors; `now` are the settings as they
    /// are by now, which only secrets are taken from.
    ///
    /// # Errors
    /// The record is none of settings, or a secret that it had cannot be found again.
    pub fn of_record(record: &Json, file: &Path, now: &Load) -> Result<Self, ConfigError> {
        let at = Source::File(Place {
            file: file.to_owned(),
            line: 1,
            column: 1,
        });
        let mut tree = Tree::default();
        let mut secrets: Option<Self> = None;
        for entry in record.as_array().into_iter().flatten() {
            let Some((path, value)) = key_and_value(entry) else {
                return Err(invalid(at, "settings", "this is no record of settings"));
            };
            let mut node = Node {
                value: of_json(value, &at),
                at: at.clone(),
            };
            if value.to_string().contains("\"(hidden)\"") {
                let known = match secrets.take() {
                    Some(known) => known,
                    None => Self::load(now)?,
                };
                let key = crate::tree::dotted(&path);
                let same = |node: &&Node| node.value.without_secrets(&path).to_json() == *value;
                let missing = || {
                    invalid(
                        at.clone(),
                        &key,
                        "a secret is not recorded, and what is set now is another setting",
                    )
                };
                node = known
                    .tree()
                    .at(&path)
                    .filter(same)
                    .cloned()
                    .ok_or_else(missing)?;
                secrets = Some(known);
            }
            tree.set(path, node);
        }
        Self::from_tree(&now.build_dir, tree, Vec::new())
    }
}

fn invalid(at: Source, key: &str, reason: &str) -> ConfigError {
    ConfigError::Invalid {
        at,
        key: key.to_owned(),
        reason: reason.to_owned(),
        hint: None,
    }
}

fn key_and_value(entry: &Json) -> Option<(KeyPath, &Json)> {
    let [path, value] = entry.as_array()?.as_slice() else {
        return None;
    };
    let parts = path.as_array()?.iter();
    let path = parts.map(|part| Some(part.as_str()?.to_owned()));
    Some((path.collect::<Option<_>>()?, value))
}

fn of_json(value: &Json, at: &Source) -> Value {
    let node = |value: &Json| Node {
        at: at.clone(),
        value: of_json(value, at),
    };
    match value {
        Json::Null => Value::Text(String::new()),
        Json::Bool(on) => Value::Switch(*on),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(values) => Value::List(values.iter().map(node).collect()),
        Json::Object(table) => {
            let item = |(key, value): (&String, &Json)| Item {
                key: key.clone(),
                at: at.clone(),
                node: node(value),
            };
            Value::Table(table.iter().map(item).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NATIVE_FILE;
    use std::fs;

    fn load(folder: &Path, text: &str) -> Load {
        let file = folder.join(NATIVE_FILE);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        Load {
            build_dir: folder.to_owned(),
            ..Load::default()
        }
    }

    #[test]
    fn a_run_goes_on_with_its_settings_and_with_todays_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let first = "jobs = 2\n[build]\npressure-max-cpu = 2000.0\n[limits]\ncommand = \"90m\"\n\
                     [plugins.mail]\npassword = \"old\"\nuser = \"u\"\n";
        let then = Settings::load(&load(folder.path(), first)).unwrap();
        let record = then.record();
        assert!(!record.to_string().contains("old"), "{record}");
        let second = "jobs = 4\n[plugins.mail]\npassword = \"new\"\n";
        let load = load(folder.path(), second);
        let file = Path::new("journal.jsonl");
        let again = Settings::of_record(&record, file, &load).unwrap();
        assert_eq!(again.jobs.get(), 2);
        assert_eq!(again.build, then.build);
        assert_eq!(again.limits, then.limits);
        // Where an entry stands is another place now.
        let steps = |settings: &Settings| -> Vec<_> {
            let pipelines = settings.pipelines.values();
            let entries =
                pipelines.flat_map(|pipeline| pipeline.steps.iter().chain(&pipeline.closing));
            let known = entries.map(|e| (e.step.clone(), e.action.clone(), e.always, e.limit));
            known.collect()
        };
        assert_eq!(steps(&again), steps(&then));
        assert_eq!(again.plugins["mail"]["password"], "new");
        assert_eq!(again.plugins["mail"]["user"], "u");
        assert_eq!(again.record(), record);
        // Once that secret is gone, the settings are no longer those of the run.
        fs::write(folder.path().join(NATIVE_FILE), "").unwrap();
        let error = Settings::of_record(&record, file, &load).unwrap_err();
        assert!(
            error.to_string().contains("plugins.mail.password"),
            "{error}"
        );
    }
}
