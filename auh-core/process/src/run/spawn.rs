//! Finding a program and starting it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::time::Instant;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::group::Group;
use crate::command::Command;
use crate::error::RunError;
use crate::leftovers;
use crate::which::{is_executable, is_path, which};

/// A command that has just been started.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) started: Instant,
    pub(super) group: Group,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) feed: Option<Feed>,
}

/// The absolute path of the command's program, once everything that it needs is there.
pub(crate) fn resolve(command: &Command) -> Result<PathBuf, RunError> {
    if !command.cwd.is_dir() {
        return Err(RunError::NoWorkingDirectory {
            program: command.program.clone(),
            cwd: command.cwd.clone(),
        });
    }
    if !is_path(&command.program) {
        let path = command.env_value("PATH").unwrap_or_default();
        return which(&command.program, &path).ok_or_else(|| RunError::NotInPath {
            program: command.program.clone(),
            path,
        });
    }
    let program = absolute(&command.cwd, &command.program);
    match () {
        () if is_executable(&program) => Ok(program),
        () if program.exists() => Err(RunError::NotExecutable { program }),
        () => Err(RunError::NotFound { program }),
    }
}

pub(super) fn spawn(command: &Command, program: &Path) -> Result<Spawned, RunError> {
    let started = Instant::now();
    let mut child = std_command(command, program).spawn().map_err(|source| {
        let program = program.to_owned();
        match source.kind() {
            // The program is there, so it can only be what its first line asks for.
            io::ErrorKind::NotFound => RunError::NoInterpreter { program },
            _ => RunError::Spawn { program, source },
        }
    })?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let group = Group::new(child);
    let (stdin, Some(stdout), Some(stderr)) = pipes else {
        unreachable!("both outputs are piped");
    };
    Ok(Spawned {
        started,
        group,
        stdout: stdout.into(),
        stderr: stderr.into(),
        feed: stdin.zip(command.stdin.as_deref()).and_then(Feed::new),
    })
}

fn absolute(cwd: &Path, program: &OsStr) -> PathBuf {
    let joined = cwd.join(program);
    std::path::absolute(&joined).unwrap_or(joined)
}

/// The command with its outputs piped, and its input if there is something to write.
pub(crate) fn std_command(command: &Command, program: &Path) -> std::process::Command {
    let mut std_command = std::process::Command::new(program);
    if !command.inherit_env {
        std_command.env_clear();
    }
    command.env_remove.iter().for_each(|name| {
        std_command.env_remove(name);
    });
    std_command
        .arg0(&command.program)
        .args(&command.args)
        .current_dir(&command.cwd)
        .envs(&command.env_set)
        .env(leftovers::MARK, leftovers::identity())
        .stdin(match command.stdin {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    std_command
}

/// What is still to be written to the command's standard input.
#[derive(Debug)]
pub(super) struct Feed {
    pipe: OwnedFd,
    rest: Vec<u8>,
    written: usize,
}

impl Feed {
    /// None, which closes the pipe, if there is nothing to write.
    fn new((pipe, bytes): (ChildStdin, &[u8])) -> Option<Self> {
        let pipe = OwnedFd::from(pipe);
        // Else a command that does not read would block us.
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK).ok()?;
        (!bytes.is_empty()).then(|| Self {
            pipe,
            rest: bytes.to_vec(),
            written: 0,
        })
    }

    /// Writes as much as fits; false when there is no more to write, or nobody to read it.
    pub(super) fn write(&mut self) -> bool {
        match rustix::io::write(&self.pipe, &self.rest[self.written..]) {
            Ok(count) => {
                self.written += count;
                self.written < self.rest.len()
            }
            Err(error) => matches!(error, Errno::AGAIN | Errno::INTR),
        }
    }
}

impl AsFd for Feed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
