//! How often BitBake parsed, by build directory, whoever started it: from its own event logs.

use crate::{e2e::Environment, tool};
use anyhow::{Context, Result};
use auh_journal::{Event, Record};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, iter::Sum, path::Path, process::Command};

/// Parses that came to their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parses {
    /// Of every recipe: nothing was taken from the cache.
    pub(crate) full: u64,
    /// Of what had changed.
    pub(crate) partial: u64,
}

impl Sum for Parses {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, count| Self {
            full: sum.full + count.full,
            partial: sum.partial + count.partial,
        })
    }
}

/// By name of the build directory.
pub(crate) type ByFolder = BTreeMap<String, Parses>;

/// Every parse that the environment's event logs tell of.
pub(crate) fn count(environment: &Environment) -> Result<ByFolder> {
    count_in(environment.folder())
}

/// Full parses that auh saw its commands do.
pub(crate) fn full_in_journal(records: &[Record]) -> u64 {
    let commands = records.iter().filter_map(|record| match &record.event {
        Event::CommandFinished(end) => Some(end),
        _ => None,
    });
    let parses = commands.flat_map(|end| &end.parses);
    parses.filter(|parse| parse.is_full()).count() as u64
}

fn count_in(folder: &Path) -> Result<ByFolder> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/parses.py");
    let mut command = Command::new("python3");
    let text = tool::output(command.arg(script).arg(folder))?;
    serde_json::from_str(&text).context("the parses cannot be counted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Writes a log as BitBake does: a line for each event, with the event pickled.
    const WRITE: &str = r#"
import base64, json, pickle, sys, types
sys.modules["bb"] = types.ModuleType("bb")
module = sys.modules["bb.event"] = types.ModuleType("bb.event")
class ParseCompleted:
    def __init__(self, cached, parsed):
        self.cached, self.parsed = cached, parsed
ParseCompleted.__module__, module.ParseCompleted = "bb.event", ParseCompleted
print(json.dumps({"allvariables": {}}))
print(json.dumps({"class": "bb.event.Other", "vars": "bb.event.ParseCompleted"}))
for event in ParseCompleted(0, 957), ParseCompleted(956, 2), ParseCompleted(957, 0):
    text = base64.encodebytes(pickle.dumps(event)).decode()
    print(json.dumps({"class": "bb.event.ParseCompleted", "vars": text}))
"#;

    #[test]
    fn parses_are_counted_in_every_build_directory() {
        let log = tool::output(Command::new("python3").args(["-c", WRITE])).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (build, text) in [("build", &*log), ("build-m2", ""), ("other", &*log)] {
            let logs = folder.path().join(build).join("tmp/log/eventlog");
            fs::create_dir_all(&logs).unwrap();
            fs::write(logs.join("1.json"), text).unwrap();
        }
        let counted = Parses {
            full: 1,
            partial: 2,
        };
        assert_eq!(
            count_in(folder.path()).unwrap(),
            ByFolder::from([
                ("build".to_owned(), counted),
                ("build-m2".to_owned(), Parses::default()),
            ])
        );
    }
}
