//! Removal of what a run shall not build upon: the shared state cache and `TMPDIR`. A wrong value
//! of a variable must never cost more than a build can make again.

use super::BuildDirs;
use crate::{Base, OeError, server};
use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

/// Files that OE writes into each `TMPDIR`.
const MARKS: [&str; 2] = ["abi_version", "saved_tmpdir"];

impl BuildDirs {
    /// Removes `$BUILDDIR/sstate-cache` (`sstate`), and the `TMPDIR` of each machine's build directory
    /// (`tmp`). Returns what was there and is gone. `base` is the build configuration.
    ///
    /// # Errors
    /// A BitBake server serves one of the directories and did so before this run, a path is none
    /// that may be removed, or the removal fails.
    pub fn clean(&self, sstate: bool, tmp: bool, base: &Base) -> Result<Vec<PathBuf>, OeError> {
        let mut candidates = Vec::new();
        if sstate {
            candidates.push(self.original().join("sstate-cache"));
        }
        if tmp {
            candidates.extend(self.tmp_dirs(base));
        }
        let present: Vec<PathBuf> = candidates
            .into_iter()
            .filter(|path| path.symlink_metadata().is_ok())
            .collect();
        for path in &present {
            self.check_removable(path, base)?;
        }
        if !present.is_empty() {
            self.wait_for_servers()?;
        }
        for path in &present {
            remove(path)?;
        }
        Ok(present)
    }

    /// `TMPDIR` of each machine; of a copy it lies where that of the original lies in its own, or
    /// beside the original's when that is elsewhere.
    pub(super) fn tmp_dirs(&self, base: &Base) -> Vec<PathBuf> {
        let original = self.original();
        let tmp = base
            .get("TMPDIR")
            .map_or_else(|| original.join("tmp"), PathBuf::from);
        let of_copy = |machine| match tmp.strip_prefix(original) {
            Ok(within) => self.of(machine).join(within),
            Err(_) => {
                let mut own = tmp.clone().into_os_string();
                own.push(format!("-{machine}"));
                own.into()
            }
        };
        let copies: Vec<_> = self.machines()[1..].iter().map(of_copy).collect();
        std::iter::once(tmp.clone()).chain(copies).collect()
    }

    fn check_removable(&self, path: &Path, base: &Base) -> Result<(), OeError> {
        let refuse = |why: &'static str| {
            Err(OeError::Unremovable {
                path: path.to_owned(),
                why,
            })
        };
        let metadata = path.symlink_metadata().map_err(OeError::io("read", path))?;
        if metadata.is_symlink() {
            return refuse("it is a symbolic link");
        }
        if !metadata.is_dir() {
            return refuse("it is no folder");
        }
        let real = path.canonicalize().map_err(OeError::io("read", path))?;
        let home = env::var_os("HOME").map(PathBuf::from);
        let build_dirs: Vec<PathBuf> = self.machines().iter().map(|m| self.of(m)).collect();
        let mut kept = build_dirs.iter().chain(&base.layers).chain(&home);
        if kept.any(|kept| {
            kept.canonicalize()
                .is_ok_and(|kept| kept.starts_with(&real))
        }) {
            return refuse("a layer, a build directory or the home folder lies in it");
        }
        let within = build_dirs.iter().any(|dir| real.starts_with(dir));
        if !within && !MARKS.iter().any(|mark| real.join(mark).is_file()) {
            return refuse(
                "it lies outside of the build directory and does not look like a TMPDIR",
            );
        }
        Ok(())
    }

    /// Waits for this run's own servers to leave; somebody else's would lose the ground under it.
    fn wait_for_servers(&self) -> Result<(), OeError> {
        for machine in self.machines() {
            let folder = self.of(machine);
            let ours = self.lock().used.get(&folder) == Some(&false);
            let patience = Duration::from_secs(if ours { 3 } else { 0 });
            if server::wait_until_gone(&folder, patience) {
                continue;
            }
            if ours {
                server::stop(&self.with_environment(&folder, machine))?;
            }
            if !ours || !server::wait_until_gone(&folder, Duration::from_secs(20)) {
                return Err(OeError::Served { build_dir: folder });
            }
        }
        Ok(())
    }
}

/// Removes a folder with all that is in it. Links in it are removed, not followed.
fn remove(path: &Path) -> Result<(), OeError> {
    match fs::remove_dir_all(path) {
        // A file system that is mounted there is emptied and stays.
        Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(()),
        other => other.map_err(OeError::io("remove", path)),
    }
}
