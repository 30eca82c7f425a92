//! Why a command could not be run at all. A command that ran and failed is no error here.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a command could not be started or watched.
#[derive(Debug, Error)]
pub enum RunError {
    /// No executable file of this name is in the folders of `PATH`.
    #[error("program {} not found in PATH ({})", program.display(), path.display())]
    NotInPath {
        /// The name looked for.
        program: OsString,
        /// The `PATH` that the command would have had.
        path: OsString,
    },
    /// There is no file at the program's path.
    #[error("program {} not found", program.display())]
    NotFound {
        /// Where it should be.
        program: PathBuf,
    },
    /// The file is no executable program.
    #[error("{} is not executable", program.display())]
    NotExecutable {
        /// The file.
        program: PathBuf,
    },
    /// The script names an interpreter that does not exist.
    #[error("the interpreter that {} asks for does not exist", program.display())]
    NoInterpreter {
        /// The script.
        program: PathBuf,
    },
    /// The working directory is missing or no directory.
    #[error("cannot run {} in {}: no such directory", program.display(), cwd.display())]
    NoWorkingDirectory {
        /// The program that was to run there.
        program: OsString,
        /// The missing directory.
        cwd: PathBuf,
    },
    /// The operating system refused to start the program.
    #[error("cannot start {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The running program could not be watched; it was killed.
    #[error("lost track of {}", program.display())]
    Watch {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl RunError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotInPath { .. } => "install it, or set up the environment that provides it",
            Self::NotFound { .. } => "install it, or correct the path that names it",
            Self::NotExecutable { .. } => "make the file executable (chmod +x)",
            Self::NoInterpreter { .. } => "install the program named in the script's first line",
            Self::NoWorkingDirectory { .. } => "make the folder again, or name another one",
            Self::Spawn { source, .. } | Self::Watch { source, .. } => io_hint(source),
        }
    }
}

/// What a person can do about a file, folder or process that the system refuses.
#[must_use]
pub fn io_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some disk space and start again"
        }
        io::ErrorKind::PermissionDenied => "the user who runs auh must have the right to do that",
        io::ErrorKind::ReadOnlyFilesystem => {
            "name a folder on a file system that can be written to"
        }
        io::ErrorKind::NotFound => "check the path: a folder of it may be missing",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "something else has that name: move it away"
        }
        io::ErrorKind::OutOfMemory => "end other programs, or let auh do less at the same time",
        _ => "see what the system's log says about that disk or process, and start again",
    }
}

/// Why the output could not be written to the command's log file. The command went on without it.
#[derive(Debug, Error)]
#[error("cannot write {}", path.display())]
pub struct LogError {
    /// The log file.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}
