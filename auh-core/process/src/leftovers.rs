//! Commands that outlive the process that started them. Every command carries a mark in its
//! environment, and so do its children, so that a later process can find and end them when the one that
//! started them was killed.

use std::fs;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::proc_stat;

/// The variable that marks commands.
pub(crate) const MARK: &str = "AUH_PROCESS";

/// This process as its commands name it: its number and when it was started, in ticks since the
/// machine came up. No other process has or had both, up to the next start of the machine.
pub fn identity() -> &'static str {
    static IDENTITY: OnceLock<String> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let started = proc_stat::start_of_this_process().unwrap_or(0);
        format!("{}.{started}", std::process::id())
    })
}

/// Ends the commands that the process of this identity started and that outlived it: they are
/// interrupted, and killed when that does not help in time. Returns how many there were. The servers
/// of build tools clean their environment, and are not found.
pub fn end_leftovers(identity: &str, grace: Duration) -> usize {
    if identity == self::identity() {
        return 0;
    }
    let mark = format!("{MARK}={identity}");
    let found = marked(&mark);
    signal(&found, Signal::INT);
    let deadline = Instant::now() + grace;
    while !marked(&mark).is_empty() {
        if Instant::now() >= deadline {
            signal(&marked(&mark), Signal::KILL);
        }
        // What cannot be killed, as it waits for a disk, is not waited for.
        if Instant::now() >= deadline + grace {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    found.len()
}

/// The living processes with a mark. A handle stays with its process, whatever its number is later.
fn marked(mark: &str) -> Vec<OwnedFd> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let name = entry.file_name();
        let pid = Pid::from_raw(name.to_str()?.parse().ok()?)?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // One that has ended and was not waited for has no environment any more.
        let variables = fs::read(entry.path().join("environ")).ok()?;
        let is_marked = variables.split(|b| *b == 0).any(|v| v == mark.as_bytes());
        is_marked.then_some(handle)
    });
    found.collect()
}

fn signal(processes: &[OwnedFd], signal: Signal) {
    for process in processes {
        // It fails only for one that is gone.
        let _ = pidfd_send_signal(process, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_a_dead_process_started_is_ended_and_nothing_else() {
        let sleep = |identity: &str| {
            let script = "trap '' INT; while :; do sleep 0.1; done";
            let mut command = Command::new("sh");
            command.args(["-c", script]).env(MARK, identity);
            command.spawn().unwrap()
        };
        let (dead, other) = ("1.test-of-leftovers", "2.test-of-leftovers");
        let (mut ours, mut stranger) = (sleep(dead), sleep(other));
        let found = end_leftovers(dead, Duration::from_millis(300));
        assert!(found >= 1);
        assert!(ours.wait().unwrap().code().is_none());
        assert!(stranger.try_wait().unwrap().is_none());
        assert_eq!(end_leftovers(dead, Duration::ZERO), 0);
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
