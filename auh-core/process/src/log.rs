//! The log file of one command. Trouble with it is told at the end and never stops the command.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::LogError;

/// Writes until the first error; after that only remembers it.
#[derive(Debug, Default)]
pub(crate) struct Log {
    file: Option<(PathBuf, BufWriter<File>)>,
    error: Option<LogError>,
}

impl Log {
    pub(crate) fn open(path: Option<&Path>) -> Self {
        let Some(path) = path else {
            return Self::default();
        };
        match create(path) {
            Ok(file) => Self {
                file: Some((path.to_owned(), BufWriter::new(file))),
                error: None,
            },
            Err(source) => Self {
                file: None,
                error: Some(LogError {
                    path: path.to_owned(),
                    source,
                }),
            },
        }
    }

    /// Writes a line, or a piece of a very long one, without the secrets in it.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.file.is_some() {
            let bytes = auh_foreign::hidden_bytes(bytes);
            self.attempt(|file| file.write_all(&bytes));
        }
    }

    /// So that somebody who follows the file sees what there is.
    pub(crate) fn flush(&mut self) {
        self.attempt(BufWriter::flush);
    }

    pub(crate) fn finish(mut self) -> Option<LogError> {
        self.flush();
        self.error
    }

    fn attempt(&mut self, work: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        let Some((path, mut file)) = self.file.take() else {
            return;
        };
        match work(&mut file) {
            Ok(()) => self.file = Some((path, file)),
            Err(source) => {
                // What is left in the buffer would fail again.
                drop(file.into_parts());
                self.error = Some(LogError { path, source });
            }
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // A link would lead to somewhere else.
    if path.is_symlink() {
        fs::remove_file(path)?;
    }
    File::create(path)
}
