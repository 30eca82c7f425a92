//! Writing a journal: one line per event, appended, synced where it matters.

use crate::{Event, JournalError, Record};
use jiff::Timestamp;
use std::{
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
    /// Starts a new journal; there must be none yet.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(JournalError::io("make", path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            line: Vec::new(),
        })
    }

    /// Appends an event that happens now, and returns it as it was written. When this returns,
    /// the line has left the process; events that something outside depends on are on the disk.
    pub fn append(&mut self, event: Event) -> Result<Record, JournalError> {
        let record = Record {
            time: Timestamp::now(),
            event,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &record)
            .map_err(|error| JournalError::io("write", &self.path)(error.into()))?;
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
