//! A process group that is never left running by accident.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::Exit;

/// The process group that one child leads. Until [`Group::reap`] the child keeps its number, so a
/// signal to the group cannot hit a stranger.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Child,
    pid: Pid,
    reaped: bool,
}

impl Group {
    pub(crate) fn new(leader: Child) -> Self {
        let pid = Pid::from_child(&leader);
        Self {
            leader,
            pid,
            reaped: false,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // It fails only for a group that is gone, or one that took another user's rights.
        let _ = rustix::process::kill_process_group(self.pid, signal);
    }

    /// Whether the leader has ended; it is not reaped by that.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let status = rustix::process::waitid(WaitId::Pid(self.pid), look)?;
        Ok(status.is_some())
    }

    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        let status = self.leader.wait()?;
        self.reaped = true;
        Ok(status)
    }
}

/// Reached unreaped only if the watching failed, or the reader of the lines panicked.
impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
            drop(self.leader.wait());
        }
    }
}

pub(crate) fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(0)),
    }
}
