//! BitBake's servers: whether one serves a build directory, and how it is asked to leave.

use crate::{OeError, Surroundings};
use auh_process::{CancelToken, run};
use rustix::fs::{FlockOperation, flock};
use std::{fs::File, path::Path, time::Duration};

/// Whether a BitBake server serves `build_dir`: it holds the lock on `bitbake.lock` as long as it
/// lives.
#[must_use]
pub fn is_running(build_dir: &Path) -> bool {
    // Nothing is created: a directory without the file was never served.
    let Ok(file) = File::open(build_dir.join("bitbake.lock")) else {
        return false;
    };
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

/// Asks the server of a build directory to leave, through BitBake: it has a session of its own,
/// so that no signal to a process group reaches it.
pub(crate) fn stop(surroundings: &Surroundings) -> Result<(), OeError> {
    let command = surroundings
        .command("bitbake", &["-m"])
        .time_limit(Duration::from_secs(60));
    let finished = run(&command, &CancelToken::new(), &mut |_| {})?;
    if finished.exit.success() {
        Ok(())
    } else {
        Err(OeError::tool("bitbake -m", &finished))
    }
}

/// Waits until no server serves `build_dir`, at most `patience`; whether that came about. A
/// server whose last client has left needs a moment to go.
pub(crate) fn wait_until_gone(build_dir: &Path, patience: Duration) -> bool {
    const PAUSE: Duration = Duration::from_millis(50);
    let pauses = patience.as_millis() / PAUSE.as_millis();
    for _ in 0..pauses {
        if !is_running(build_dir) {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    !is_running(build_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_a_running_server() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_running(folder.path()));
        let lock = File::create(folder.path().join("bitbake.lock")).unwrap();
        assert!(!is_running(folder.path()), "a left-over file is no server");
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        assert!(is_running(folder.path()));
        drop(lock);
        assert!(wait_until_gone(folder.path(), Duration::from_secs(1)));
    }
}
