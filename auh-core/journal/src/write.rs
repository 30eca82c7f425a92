//! Writing a journal: one line per event, appended, synced where it matters.

use crate::{
    Event, Journal, JournalError, Record, RunFolder, fault,
    read::{understand, whole},
};
use jiff::Timestamp;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde_json::Value;
use std::{
    borrow::Cow,
    fs::{self, File, OpenOptions},
    io::{Read, Write},
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
        Ok(Self::of(file, path))
    }

    /// Starts the journal of a run with its first events, which are there together or not at all:
    /// whoever finds the journal can go on with the run. Returns them as they were written.
    pub fn begin(
        folder: &RunFolder,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<(Self, Vec<Record>), JournalError> {
        let path = folder.journal();
        let fresh = path.with_extension("new");
        let mut writer = Self::create(&fresh)?;
        let records = events.into_iter().map(|event| writer.append(event));
        let records = records.collect::<Result<_, _>>()?;
        fs::rename(&fresh, &path).map_err(JournalError::io("make", &path))?;
        writer.path = path;
        for name in [Some(folder.path()), folder.path().parent()] {
            name.into_iter().try_for_each(sync_folder)?;
        }
        Ok((writer, records))
    }

    /// Goes on with the journal of a run that came to no end, or was stopped: reads it, and cuts a
    /// torn last line off. A journal that cannot be read is not touched.
    ///
    /// # Errors
    /// As [`read`](crate::read), and [`JournalError::Busy`] while somebody writes it.
    pub fn resume(folder: &RunFolder) -> Result<(Self, Journal), JournalError> {
        let path = folder.journal();
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        if let Err(Errno::WOULDBLOCK) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            let path = folder.path().to_owned();
            return Err(JournalError::Busy { path });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(JournalError::io("read", &path))?;
        let journal = understand(&path, &bytes)?;
        let planned = |record: &Record| matches!(record.event, Event::Planned { .. });
        if !journal.records.iter().any(planned) {
            return Err(JournalError::NoPlan { path });
        }
        if journal.torn {
            file.set_len(whole(&bytes) as u64)
                .and_then(|()| file.sync_data())
                .map_err(JournalError::io("write", &path))?;
        }
        Ok((Self::of(file, &path), journal))
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
        fault::before_event();
        fault::before_line(&mut self.file, &self.line)
            .and_then(|()| self.file.write_all(&self.line))
            .map_err(JournalError::io("write", &self.path))?;
        if must_be_on_disk(&record.event) {
            self.file
                .sync_data()
                .map_err(JournalError::io("sync", &self.path))?;
        }
        fault::after_event();
        Ok(record)
    }

    fn put(&mut self, record: &Record) -> Result<(), JournalError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)
            .map_err(|error| JournalError::io("write", &self.path)(error.into()))
    }

    fn of(file: File, path: &Path) -> Self {
        Self {
            file,
            path: path.to_owned(),
            line: Vec::new(),
        }
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

/// Puts the names in a folder on the disk.
fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(JournalError::io("sync", folder))
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
    match event {
        // A step about the run as a whole may speak to the world: it is not begun twice unknowingly.
        Event::StepStarted { groups, .. } => groups.is_empty(),
        Event::RunStarted(_)
        | Event::Planned { .. }
        | Event::StepFinished { .. }
        | Event::Postponed { .. }
        | Event::GroupFinished { .. }
        | Event::Resumed(_)
        | Event::RunFinished(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;
    use auh_protocol::host::Level;

    fn log(message: &str) -> Event {
        Event::Log {
            level: Level::Info,
            group: None,
            message: message.into(),
        }
    }

    fn plan() -> Event {
        Event::Planned {
            groups: Vec::new(),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn a_torn_line_is_cut_off_before_the_journal_goes_on() {
        let workdir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(workdir.path()).unwrap();
        let (mut writer, first) = Writer::begin(&folder, [plan(), log("a")]).unwrap();
        writer.append(log("b")).unwrap();
        assert!(matches!(
            Writer::resume(&folder),
            Err(JournalError::Busy { .. })
        ));
        drop(writer);
        let whole = fs::read(folder.journal()).unwrap();
        fs::write(folder.journal(), &whole[..whole.len() - 1]).unwrap();
        let (mut writer, journal) = Writer::resume(&folder).unwrap();
        assert!(journal.torn);
        assert_eq!(journal.records, first);
        let last = writer.append(log("c")).unwrap();
        let journal = read(&folder.journal()).unwrap();
        assert!(!journal.torn);
        assert_eq!(journal.records, [first, vec![last]].concat());
    }

    #[test]
    fn a_journal_cut_at_any_byte_goes_on_behind_its_last_whole_line() {
        let workdir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(workdir.path()).unwrap();
        let (mut writer, mut records) = Writer::begin(&folder, [plan(), log("ä\n\"{")]).unwrap();
        records.push(writer.append(log("")).unwrap());
        records.push(writer.append(plan()).unwrap());
        drop(writer);
        let whole = fs::read(folder.journal()).unwrap();
        for cut in 0..=whole.len() {
            fs::write(folder.journal(), &whole[..cut]).unwrap();
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            if lines == 0 {
                let error = Writer::resume(&folder).unwrap_err();
                assert!(
                    matches!(error, JournalError::NoPlan { .. }),
                    "{cut}: {error}"
                );
                assert_eq!(fs::read(folder.journal()).unwrap(), whole[..cut]);
                continue;
            }
            let (mut writer, journal) = Writer::resume(&folder).unwrap();
            assert_eq!(journal.records, records[..lines], "{cut}");
            let last = writer.append(log("on")).unwrap();
            drop(writer);
            let all = read(&folder.journal()).unwrap();
            assert_eq!(all.records, [&records[..lines], &[last]].concat(), "{cut}");
        }
    }

    #[test]
    fn what_cannot_be_continued_is_not_written_to() {
        let workdir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(workdir.path()).unwrap();
        let newer = concat!(
            r#"{"time":"2026-01-01T00:00:00Z","event":"run-started","format":99,"auh":"9","#,
            r#""build_dir":"/b","machines":[],"pipeline":"p","scheduler":"s","recipes":[]}"#,
            "\n",
        );
        for (text, expect) in [
            (format!("{newer}{{"), "has format 99"),
            (String::new(), "ends before the run's plan"),
            ("what?\n{".to_owned(), "journal.jsonl:1: this is no event"),
        ] {
            fs::write(folder.journal(), &text).unwrap();
            let error = Writer::resume(&folder).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
            assert_eq!(fs::read_to_string(folder.journal()).unwrap(), text);
        }
    }

    #[test]
    fn secrets_in_what_is_told_are_neither_written_nor_handed_on() {
        let workdir = tempfile::tempdir().unwrap();
        let path = workdir.path().join("journal.jsonl");
        let mut writer = Writer::create(&path).unwrap();
        let log = |message: &str| Event::Log {
            level: Level::Info,
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
        assert!(!fs::read_to_string(&path).unwrap().contains("s3cret"));
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
