//! Writing a journal: one line per event, appended, synced where it matters.

use crate::{Event, JournalError, Record, RunFolder};
use jiff::Timestamp;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde_json::Value;
use std::{
    borrow::Cow,
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// Appends to a journal.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    /// Reused for each line.
    line: Vec<u8>,
}

impl Writer {
    /// Starts a new journal; there must be none yet. The file stays locked as long as it is
    /// written, see [`JournalLock`].
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(JournalError::io("make", path))?;
        // Of a file that is new the lock is free; a file system without locks is no reason to stop.
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        Ok(Self {
            file,
            path: path.to_owned(),
            line: Vec::new(),
        })
    }

    /// Appends an event that happens now, and returns it as it was written: without what looks like
    /// a secret in the texts of recipes and tools. When this returns,
    /// the line has left the process; events that something outside depends on are on the disk.
    pub fn append(&mut self, event: Event) -> Result<Record, JournalError> {
        let mut record = Record {
            time: Timestamp::now(),
            event,
        };
        self.put(&record)?;
        if let Cow::Owned(_) = auh_foreign::hidden_bytes(&self.line) {
            record = without_secrets(&record).unwrap_or(record);
            self.put(&record)?;
        }
        self.line.push(b'\n');
        self.file
            .write_all(&self.line)
            .map_err(JournalError::io("write", &self.path))?;
        if must_be_on_disk(&record.event) {
            self.file
                .sync_data()
                .map_err(JournalError::io("sync", &self.path))?;
        }
        Ok(record)
    }

    fn put(&mut self, record: &Record) -> Result<(), JournalError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)
            .map_err(|error| JournalError::io("write", &self.path)(error.into()))
    }
}

/// The record with every secret in its texts hidden.
fn without_secrets(record: &Record) -> serde_json::Result<Record> {
    let mut value = serde_json::to_value(record)?;
    hide(&mut value);
    serde_json::from_value(value)
}

fn hide(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(hidden) = auh_foreign::hidden(text) {
                *text = hidden;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Object(values) => values.values_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The lock of a run that has ended, for as long as something is done with it.
#[derive(Debug)]
pub struct JournalLock {
    _file: File,
}

impl JournalLock {
    /// Takes the lock of a run's journal.
    ///
    /// # Errors
    /// The run is still going on, or somebody else holds the lock.
    pub fn take(folder: &RunFolder) -> Result<Self, JournalError> {
        let path = folder.journal();
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(JournalError::Busy {
                path: folder.path().to_owned(),
            }),
            _ => Ok(Self { _file: file }),
        }
    }
}

/// Events that a later run builds on. The others only tell a story, and a lost tail of it does
/// no harm.
fn must_be_on_disk(event: &Event) -> bool {
    matches!(
        event,
        Event::RunStarted(_)
            | Event::Planned { .. }
            | Event::StepFinished { .. }
            | Event::RunFinished(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_what_is_told_are_neither_written_nor_handed_on() {
        let workdir = tempfile::tempdir().unwrap();
        let path = workdir.path().join("journal.jsonl");
        let mut writer = Writer::create(&path).unwrap();
        let log = |message: &str| Event::Log {
            level: auh_protocol::host::Level::Info,
            group: Some("a".to_owned()),
            message: message.to_owned(),
        };
        let harmless = writer.append(log("see https://x.org/a")).unwrap();
        assert_eq!(harmless.event, log("see https://x.org/a"));
        let record = writer
            .append(log("cannot fetch https://me:s3cret@x.org/a"))
            .unwrap();
        assert_eq!(
            record.event,
            log("cannot fetch https://me:[hidden]@x.org/a")
        );
        assert!(!std::fs::read_to_string(&path).unwrap().contains("s3cret"));
    }

    #[test]
    fn a_run_that_goes_on_is_left_alone() {
        let workdir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(workdir.path()).unwrap();
        let writer = Writer::create(&folder.journal()).unwrap();
        let error = JournalLock::take(&folder).unwrap_err();
        assert!(error.to_string().ends_with("is still going on"), "{error}");
        drop(writer);
        let _lock = JournalLock::take(&folder).unwrap();
        assert!(JournalLock::take(&folder).is_err());
    }
}
