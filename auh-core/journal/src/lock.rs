//! One run at a time per build directory.
//!
//! The kernel's lock (`flock`) tells whether somebody holds it, and lets go when the process dies. What
//! the file says is for people, and for file systems on which the kernel's lock is not to be had or
//! does not reach other hosts.

use crate::JournalError;
use jiff::{Timestamp, tz::TimeZone};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    fs::{File, OpenOptions, read_to_string},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Who holds a lock, as its file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// When that process began, in the kernel's clock ticks since it booted: another process of the
    /// same number began at another time.
    pub process_start: u64,
    /// Number of the kernel's boot; no two are the same, on any host.
    pub boot: String,
    /// The user.
    pub user: String,
    /// The host.
    pub host: String,
    /// When it took the lock.
    pub since: Timestamp,
    /// Its run, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Holder {
    fn this_process() -> Self {
        let pid = std::process::id();
        let user = ["USER", "LOGNAME"].into_iter().find_map(|name| {
            let user = std::env::var(name).ok()?;
            Some(user).filter(|user| !user.is_empty())
        });
        let number = || format!("number {}", rustix::process::getuid().as_raw());
        Self {
            pid,
            process_start: start_of(pid).unwrap_or_default(),
            boot: kernel("random/boot_id"),
            user: user.unwrap_or_else(number),
            host: kernel("hostname"),
            since: Timestamp::now(),
            run: None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pid, user, host, ..
        } = self;
        let since = self.since.to_zoned(TimeZone::system());
        let since = since.strftime("%Y-%m-%d %H:%M:%S");
        write!(
            f,
            "process {pid} of user {user} on host {host}, since {since}"
        )?;
        match &self.run {
            Some(run) => write!(f, ", run {run}"),
            None => Ok(()),
        }
    }
}

/// The lock of a build directory, held until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    path: PathBuf,
    holder: Holder,
    stale: Option<Holder>,
}

impl RunLock {
    /// Takes the lock of `folder`, or says who holds it. One whose process has died is taken over;
    /// one of another host, where that cannot be seen, is not.
    ///
    /// # Errors
    /// Somebody holds it, or the file cannot be written.
    pub fn take(folder: &Path) -> Result<Self, JournalError> {
        std::fs::create_dir_all(folder).map_err(JournalError::io("make", folder))?;
        let path = folder.join("auh.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        let here = Holder::this_process();
        let (judgement, named) = examine(&mut file, FlockOperation::NonBlockingLockExclusive);
        let stale = match judgement {
            Judgement::Free => None,
            Judgement::Stale => named,
            Judgement::Held => {
                let holder = named.map_or_else(nobody_named, text_of);
                let folder = folder.to_owned();
                return Err(JournalError::Locked { folder, holder });
            }
            Judgement::Elsewhere => {
                let holder = named.map_or_else(String::new, text_of);
                return Err(JournalError::LockedElsewhere { path, holder });
            }
        };
        let mut lock = Self {
            file,
            path,
            holder: here,
            stale,
        };
        lock.write()?;
        Ok(lock)
    }

    /// Who holds the lock of `folder`, if anybody does. Makes and changes nothing.
    #[must_use]
    pub fn holder(folder: &Path) -> Option<String> {
        let mut file = File::open(folder.join("auh.lock")).ok()?;
        let (judgement, named) = examine(&mut file, FlockOperation::NonBlockingLockShared);
        match judgement {
            Judgement::Free | Judgement::Stale => None,
            Judgement::Held | Judgement::Elsewhere => {
                Some(named.map_or_else(nobody_named, text_of))
            }
        }
    }

    /// Who held the lock before and died without letting go.
    #[must_use]
    pub fn taken_over(&self) -> Option<&Holder> {
        self.stale.as_ref()
    }

    /// Says which run the lock is held for.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn name_run(&mut self, run: &str) -> Result<(), JournalError> {
        self.holder.run = Some(run.to_owned());
        self.write()
    }

    fn write(&mut self) -> Result<(), JournalError> {
        let write = |file: &mut File, text: &[u8]| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text)
        };
        let mut text = serde_json::to_vec(&self.holder)
            .map_err(|error| JournalError::io("write", &self.path)(error.into()))?;
        text.push(b'\n');
        write(&mut self.file, &text).map_err(JournalError::io("write", &self.path))
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // A file that names a process which has ended is recognised.
        let _ = self.file.set_len(0);
    }
}

/// What `flock` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KernelSays {
    /// Nobody holds it, as far as this kernel knows.
    Free,
    Held,
    /// The file system has no such locks.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Free,
    /// Who held it has died.
    Stale,
    Held,
    /// It names a process of another host, of which nothing can be known here.
    Elsewhere,
}

/// Whose the lock is, and whom its file names. Where it is free, it is taken by that operation for as
/// long as the file is open.
fn examine(file: &mut File, operation: FlockOperation) -> (Judgement, Option<Holder>) {
    let kernel_says = match flock(&*file, operation) {
        Ok(()) => KernelSays::Free,
        Err(Errno::WOULDBLOCK) => KernelSays::Held,
        Err(_) => KernelSays::Nothing,
    };
    let mut text = String::new();
    // What is no text names nobody.
    let _ = file.read_to_string(&mut text);
    let named: Option<Holder> = serde_json::from_str(&text).ok();
    let here = Holder::this_process();
    (judge(kernel_says, named.as_ref(), &here, start_of), named)
}

fn nobody_named() -> String {
    "it does not say who".to_owned()
}

/// Whose the lock is. `named` is whom the file names, `here` this process; `start_of` tells when the
/// process of that number began, if there is one.
fn judge(
    kernel_says: KernelSays,
    named: Option<&Holder>,
    here: &Holder,
    start_of: impl Fn(u32) -> Option<u64>,
) -> Judgement {
    let Some(named) = named else {
        return match kernel_says {
            KernelSays::Held => Judgement::Held,
            KernelSays::Free | KernelSays::Nothing => Judgement::Free,
        };
    };
    let same_kernel = named.boot == here.boot;
    match kernel_says {
        KernelSays::Held => Judgement::Held,
        // This kernel would know if it lived; also in a container with a host name of its own.
        KernelSays::Free if same_kernel => Judgement::Stale,
        _ if named.host != here.host => Judgement::Elsewhere,
        // The host was started again since.
        _ if !same_kernel => Judgement::Stale,
        _ if start_of(named.pid) == Some(named.process_start) => Judgement::Held,
        _ => Judgement::Stale,
    }
}

fn text_of(holder: Holder) -> String {
    holder.to_string()
}

/// When the process of that number began, in clock ticks since the boot; none when there is none.
fn start_of(pid: u32) -> Option<u64> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold blanks and parentheses.
    let behind_name = stat.rsplit_once(')')?.1;
    behind_name.split_whitespace().nth(19)?.parse().ok()
}

/// What the kernel says about itself.
fn kernel(name: &str) -> String {
    let text = read_to_string(Path::new("/proc/sys/kernel").join(name)).unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder {
            pid: 77,
            process_start: 1000,
            boot: "b1".into(),
            user: "ann".into(),
            host: "h1".into(),
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            run: Some("20260101000000".into()),
        }
    }

    #[test]
    fn the_second_one_is_told_who_holds_it_and_for_which_run() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(RunLock::holder(folder.path()), None);
        let mut lock = RunLock::take(folder.path()).unwrap();
        lock.name_run("20260101120000").unwrap();
        let holder = RunLock::holder(folder.path()).unwrap();
        assert!(holder.contains(", run 20260101120000"), "{holder}");
        let error = RunLock::take(folder.path()).unwrap_err().to_string();
        let host = kernel("hostname");
        for part in [
            &format!("process {} of user ", std::process::id()),
            &format!(" on host {host}, since 2"),
            ", run 20260101120000",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        drop(lock);
        assert_eq!(RunLock::holder(folder.path()), None);
        let lock = RunLock::take(folder.path()).unwrap();
        assert_eq!(lock.taken_over(), None, "the first one let go of it");
    }

    #[test]
    fn a_lock_of_a_process_that_died_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        // Of this host, before it was started again.
        let dead = Holder {
            host: kernel("hostname"),
            ..holder()
        };
        let path = folder.path().join("auh.lock");
        std::fs::write(&path, serde_json::to_string(&dead).unwrap()).unwrap();
        let lock = RunLock::take(folder.path()).unwrap();
        assert_eq!(lock.taken_over(), Some(&dead));
        let said = serde_json::from_str::<Holder>(&read_to_string(&path).unwrap()).unwrap();
        assert_eq!(said.pid, std::process::id());
    }

    #[test]
    fn a_lock_of_another_host_stays_until_somebody_removes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auh.lock");
        let text = serde_json::to_string(&holder()).unwrap();
        std::fs::write(&path, &text).unwrap();
        let error = RunLock::take(folder.path()).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("process 77 of user ann on host h1"), "{said}");
        assert!(error.hint().contains("remove the file"));
        assert_eq!(read_to_string(&path).unwrap(), text, "nothing was changed");
        std::fs::remove_file(&path).unwrap();
        RunLock::take(folder.path()).unwrap();
    }

    #[test]
    fn what_names_nobody_is_free_unless_the_kernel_says_otherwise() {
        for text in [
            "",
            "process 77, since 2026-01-01T00:00:00Z\n",
            "{\"pid\":",
            "\u{fffd}",
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("auh.lock"), text).unwrap();
            let lock = RunLock::take(folder.path()).unwrap();
            assert_eq!(lock.taken_over(), None);
        }
    }

    #[test]
    fn the_kernel_is_believed_and_without_it_the_process() {
        use Judgement::{Elsewhere, Free, Held, Stale};
        let named = holder();
        let here = Holder {
            pid: 99,
            ..holder()
        };
        let rebooted = Holder {
            boot: "b2".into(),
            ..here.clone()
        };
        let container = Holder {
            host: "c1".into(),
            ..here.clone()
        };
        let other_host = Holder {
            host: "h2".into(),
            ..rebooted.clone()
        };
        let (alive, reused, dead) = (Some(1000), Some(5000), None);
        for (kernel_says, here, start, expect) in [
            (KernelSays::Held, &here, dead, Held),
            (KernelSays::Held, &other_host, dead, Held),
            (KernelSays::Free, &here, alive, Stale),
            (KernelSays::Free, &container, dead, Stale),
            (KernelSays::Free, &rebooted, alive, Stale),
            (KernelSays::Free, &other_host, alive, Elsewhere),
            (KernelSays::Nothing, &here, alive, Held),
            (KernelSays::Nothing, &here, reused, Stale),
            (KernelSays::Nothing, &here, dead, Stale),
            (KernelSays::Nothing, &rebooted, alive, Stale),
            (KernelSays::Nothing, &container, dead, Elsewhere),
            (KernelSays::Nothing, &other_host, dead, Elsewhere),
        ] {
            let judged = judge(kernel_says, Some(&named), here, |_| start);
            assert_eq!(judged, expect, "{kernel_says:?} {here:?} {start:?}");
        }
        assert_eq!(judge(KernelSays::Nothing, None, &here, |_| None), Free);
        assert_eq!(judge(KernelSays::Held, None, &here, |_| None), Held);
    }

    #[test]
    fn a_process_has_a_start_and_what_is_no_process_has_none() {
        let own = start_of(std::process::id());
        assert!(own.is_some_and(|start| start > 0));
        assert_eq!(start_of(u32::MAX), None);
    }
}
