//! Reads `upgrade-helper.conf`: INI entries to a checked layer of values, and to TOML.

use crate::{
    ConfigError, Place, Source, Warning,
    error::did_you_mean,
    ini::{Entry, Ini, IniError, Section},
    names::{IniKey, NAMES, Reading},
    nearest::nearest,
    schema,
    tree::{Node, Tree, Value, split},
};
use std::path::Path;

/// The one section that has settings.
const SETTINGS: &str = "settings";

/// A legacy file in the native form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Text of an `auh.toml` with the same settings.
    pub toml: String,
    /// What could not be taken over, or reads otherwise than it looks.
    pub warnings: Vec<Warning>,
}

/// Turns the text of an `upgrade-helper.conf` into that of an `auh.toml`. `file` is its name
/// in errors and warnings. What the legacy file does not set is left to the defaults.
pub fn import(file: &Path, text: &str) -> Result<Imported, ConfigError> {
    let (mut warnings, mut errors) = (Vec::new(), Vec::new());
    let tree = read(file, text, &mut warnings, &mut errors)?;
    if !errors.is_empty() {
        return Err(errors.swap_remove(0));
    }
    let mut table = toml::Table::new();
    for (path, node) in tree.iter() {
        insert(&mut table, path, node.value.to_toml());
    }
    let name = file.file_name().unwrap_or(file.as_os_str());
    let toml = format!("# Taken over from {}.\n{table}", name.display());
    Ok(Imported { toml, warnings })
}

/// Reads an INI file. What has no meaning in it becomes a warning, what cannot be used an error.
pub(crate) fn read(
    file: &Path,
    text: &str,
    warnings: &mut Vec<Warning>,
    errors: &mut Vec<ConfigError>,
) -> Result<Tree, ConfigError> {
    let ini = Ini::parse(text).map_err(|error| in_file(file, error))?;
    let mut reader = Reader {
        file,
        ini: &ini,
        warnings,
        errors,
        tree: Tree::default(),
    };
    for section in ini.sections() {
        reader.section(section);
    }
    schema::check_values(&reader.tree, reader.errors);
    Ok(reader.tree)
}

fn in_file(file: &Path, error: IniError) -> ConfigError {
    ConfigError::Ini {
        at: Place {
            file: file.to_owned(),
            line: error.at.line,
            column: error.at.column,
        },
        problem: error.problem,
    }
}

fn insert(table: &mut toml::Table, path: &[String], value: toml::Value) {
    let [tables @ .., key] = path else { return };
    let mut table = table;
    for name in tables {
        let inner = table
            .entry(name.clone())
            .or_insert_with(|| toml::Table::new().into());
        // A tree holds no key both as a table and as something else.
        let toml::Value::Table(inner) = inner else {
            return;
        };
        table = inner;
    }
    table.insert(key.clone(), value);
}

struct Reader<'a> {
    file: &'a Path,
    ini: &'a Ini,
    warnings: &'a mut Vec<Warning>,
    errors: &'a mut Vec<ConfigError>,
    tree: Tree,
}

impl Reader<'_> {
    fn section(&mut self, section: &Section) {
        if section.name == SETTINGS {
            let ini = self.ini;
            for entry in ini.entries(section) {
                let read = self.setting(section, entry);
                self.errors.extend(read.err());
            }
        } else if let Some(table) = NAMES.ini_tables.get(&section.name) {
            // Without those of [DEFAULT]: they are settings, not keys of the user's own.
            for entry in &section.entries {
                let read = self.table_entry(table, section, entry);
                self.errors.extend(read.err());
            }
        } else {
            let names = NAMES.ini_tables.keys().map(String::as_str);
            let like = nearest(&section.name, names.chain([SETTINGS]));
            let like = like.map(|name| format!("[{name}]"));
            let message = format!("section [{}] has no meaning and is ignored", section.name);
            self.warn(
                self.place(section.at),
                message,
                did_you_mean(like.as_deref()),
            );
        }
    }

    fn setting(&mut self, section: &Section, entry: &Entry) -> Result<(), ConfigError> {
        let Some(known) = NAMES.ini_settings.get(&entry.key) else {
            let names = NAMES.ini_settings.keys().map(String::as_str);
            let hint = did_you_mean(nearest(&entry.key, names));
            let message = format!("unknown key {} is ignored", entry.key);
            self.warn(self.place(entry.at), message, hint);
            return Ok(());
        };
        let text = self.value(section, entry)?;
        match self.read_as(known, entry, text) {
            Some(node) => self.put(split(&known.key), node),
            None => Ok(()),
        }
    }

    fn table_entry(
        &mut self,
        table: &str,
        section: &Section,
        entry: &Entry,
    ) -> Result<(), ConfigError> {
        let text = self.value(section, entry)?;
        if text.is_empty() {
            return Ok(());
        }
        let node = Node {
            at: self.place(entry.value_at()),
            value: Value::Text(text),
        };
        self.put(vec![table.to_owned(), entry.key.clone()], node)
    }

    fn value(&self, section: &Section, entry: &Entry) -> Result<String, ConfigError> {
        let value = self.ini.value(section, entry);
        value.map_err(|error| in_file(self.file, error))
    }

    fn put(&mut self, path: Vec<String>, node: Node) -> Result<(), ConfigError> {
        schema::check(&path, &node)?;
        self.tree.set(path, node);
        Ok(())
    }

    /// The value that the text stands for; none when it is not set.
    fn read_as(&mut self, known: &IniKey, entry: &Entry, text: String) -> Option<Node> {
        let at = self.place(entry.value_at());
        self.warn_of_switch(known, entry, &text);
        let value = match known.reading {
            Reading::Text if text.is_empty() => return None,
            Reading::Text => Value::Text(text),
            Reading::Words => Value::texts(&at, text.split_whitespace()),
            Reading::Yes => Value::Switch(text == "yes"),
            Reading::AnyText => Value::Switch(!text.is_empty()),
        };
        Some(Node { at, value })
    }

    /// Warns of a switch that looks like on and is off, or the other way round.
    fn warn_of_switch(&mut self, known: &IniKey, entry: &Entry, text: &str) {
        let lower = text.to_lowercase();
        let looks_on = ["yes", "true", "on", "1", "y"].contains(&lower.as_str());
        let looks_off = ["no", "false", "off", "0", "n"].contains(&lower.as_str());
        let (state, hint) = match known.reading {
            Reading::Yes if looks_on && text != "yes" => ("off", "write yes in small letters"),
            Reading::AnyText if looks_off => ("on", "leave the value empty to switch it off"),
            _ => return,
        };
        let message = format!("{} = {text} means {state}", entry.key);
        self.warn(self.place(entry.value_at()), message, hint.to_owned());
    }

    fn place(&self, at: crate::ini::Position) -> Source {
        Source::File(Place {
            file: self.file.to_owned(),
            line: at.line,
            column: at.column,
        })
    }

    fn warn(&mut self, at: Source, message: String, hint: String) {
        self.warnings.push(Warning {
            at,
            message,
            hint: Some(hint),
        });
    }
}
