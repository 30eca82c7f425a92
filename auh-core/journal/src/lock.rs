//! One run at a time per build directory.

use crate::JournalError;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
};

/// The lock of a build directory, held until it is dropped. The kernel lets go of it when the
/// process dies, so there are no stale locks; what the file says is only for people.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock of `folder`, or says who holds it.
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
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(JournalError::Locked {
                folder: folder.to_owned(),
                holder: holder.trim().to_owned(),
            });
        }
        let text = format!(
            "process {}, since {}\n",
            std::process::id(),
            jiff::Timestamp::now()
        );
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(JournalError::io("write", &path))?;
        Ok(Self { _file: file })
    }

    /// Who holds the lock of `folder`, if anybody does. Makes and changes nothing.
    #[must_use]
    pub fn holder(folder: &Path) -> Option<String> {
        let mut file = File::open(folder.join("auh.lock")).ok()?;
        flock(&file, FlockOperation::NonBlockingLockShared).err()?;
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        Some(holder.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(RunLock::holder(folder.path()), None);
        let lock = RunLock::take(folder.path()).unwrap();
        let holder = RunLock::holder(folder.path()).unwrap();
        assert!(holder.starts_with("process "), "{holder}");
        let error = RunLock::take(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(lock);
        assert_eq!(RunLock::holder(folder.path()), None);
        RunLock::take(folder.path()).unwrap();
    }
}
