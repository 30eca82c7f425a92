//! What can go wrong with a run directory.

use std::{io, path::PathBuf};

/// What can go wrong with a run directory.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum JournalError {
    /// A file or folder cannot be made, written or read.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A line that is no event, other than a torn last one.
    #[error("{}:{line}: this is no event of a journal: {reason}", .path.display())]
    BadLine {
        path: PathBuf,
        line: usize,
        reason: String,
    },
    /// Written by a newer release.
    #[error("{}: this journal has format {found}, and this auh knows formats up to {known}", .path.display())]
    NewerFormat {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    /// A journal whose first lines are missing.
    #[error("{} ends before the run's plan, so there is nothing to go on with", .path.display())]
    NoPlan { path: PathBuf },
    /// A folder that no run was written to.
    #[error("{} is no run directory: it has no journal.jsonl", .path.display())]
    NoRun { path: PathBuf },
    /// A run whose journal somebody writes or uses right now.
    #[error("the run {} is still going on", .path.display())]
    Busy { path: PathBuf },
    /// Another run holds the lock.
    #[error("another auh run is going on in {}: {holder}", .folder.display())]
    Locked { folder: PathBuf, holder: String },
    /// The lock names a process of another host.
    #[error("{} says that another auh run is going on: {holder}", .path.display())]
    LockedElsewhere { path: PathBuf, holder: String },
}

impl JournalError {
    /// What to do about it, for a line of its own.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => {
                    "free some disk space; `auh resume` goes on with a run that has begun"
                }
                io::ErrorKind::PermissionDenied => {
                    "the user who runs auh must be able to write there"
                }
                _ => "check the folder that the setting workdir names",
            },
            Self::NewerFormat { .. } => "use the auh that wrote it, or a newer one",
            Self::Locked { .. } => "wait for it to end, or stop it",
            Self::LockedElsewhere { .. } => {
                "that host has to be asked; when the process is dead there, remove the file"
            }
            Self::NoRun { .. } => "name a folder such as 20260101120000, or say last",
            Self::NoPlan { .. } => "start a new run with `auh upgrade`",
            Self::Busy { .. } => "wait for it to end",
            Self::BadLine { .. } => {
                "the file is damaged or was edited: take that line out, or move the run's folder away"
            }
        }
    }

    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
