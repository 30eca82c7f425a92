//! How much room a run's file systems have while it goes on.

use auh_journal::Event;
use rustix::fs::statvfs;
use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often to look: a build seldom writes much in a shorter time, and a look takes microseconds.
const EVERY: Duration = Duration::from_secs(2);
/// A new low is written down when it lies so many bytes below the last one.
const STEP: u64 = 8 << 20;
/// Without a new low, how long nothing may be written down.
const QUIET: Duration = Duration::from_secs(60);

/// The file systems that a run writes to.
pub(crate) struct DiskWatch {
    systems: Vec<System>,
    looked: Option<Instant>,
}

struct System {
    /// The folder that stands for it.
    folder: PathBuf,
    /// The least room that was written down.
    lowest: u64,
    /// When something was.
    written: Option<Instant>,
}

impl DiskWatch {
    /// The file systems of these folders, each once, by the first of its folders. One that is not
    /// there yet is looked for where it will be made.
    pub(crate) fn new(folders: &[PathBuf]) -> Self {
        let mut known = HashSet::new();
        let mut systems = Vec::new();
        for folder in folders {
            let there = folder.ancestors().find_map(|path| {
                let device = fs::metadata(path).ok()?.dev();
                Some((path, device))
            });
            if let Some((path, device)) = there
                && known.insert(device)
            {
                systems.push(System {
                    folder: path.to_owned(),
                    lowest: u64::MAX,
                    written: None,
                });
            }
        }
        Self {
            systems,
            looked: None,
        }
    }

    /// Looks if it is time to, and says what is worth writing down.
    pub(crate) fn look(&mut self, now: Instant) -> Vec<Event> {
        let looked = self.looked;
        if looked.is_some_and(|at| now.saturating_duration_since(at) < EVERY) {
            return Vec::new();
        }
        self.looked = Some(now);
        self.measure(|system, free| system.is_news(free, now), now)
    }

    /// How it is now, in any case.
    pub(crate) fn look_at_all(&mut self, now: Instant) -> Vec<Event> {
        self.looked = Some(now);
        self.measure(|_, _| true, now)
    }

    /// A file system that does not tell is passed over.
    fn measure(&mut self, is_wanted: impl Fn(&System, u64) -> bool, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        for system in &mut self.systems {
            let Some((free, size)) = room(&system.folder) else {
                continue;
            };
            if is_wanted(system, free) {
                system.lowest = system.lowest.min(free);
                system.written = Some(now);
                let folder = system.folder.clone();
                events.push(Event::DiskMeasured { folder, free, size });
            }
        }
        events
    }
}

impl System {
    fn is_news(&self, free: u64, now: Instant) -> bool {
        let is_quiet = |at| now.saturating_duration_since(at) < QUIET;
        free <= self.lowest.saturating_sub(STEP) || !self.written.is_some_and(is_quiet)
    }
}

/// Free bytes and all bytes of the file system that a folder is in.
fn room(folder: &Path) -> Option<(u64, u64)> {
    let known = statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(known.f_frsize);
    Some((bytes(known.f_bavail), bytes(known.f_blocks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_watched_once_by_a_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let later = folder.path().join("later/tmp");
        let mut watch = DiskWatch::new(&[later, folder.path().to_owned()]);
        let events = watch.look_at_all(Instant::now());
        let [Event::DiskMeasured { folder: said, .. }] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(said, folder.path());
    }

    #[test]
    fn only_lows_and_long_silence_are_news() {
        let now = Instant::now();
        let mut system = System {
            folder: PathBuf::new(),
            lowest: u64::MAX,
            written: None,
        };
        assert!(system.is_news(1 << 40, now));
        system.lowest = 1 << 40;
        system.written = Some(now);
        assert!(!system.is_news(1 << 40, now + EVERY));
        assert!(!system.is_news((1 << 40) - 1, now + EVERY));
        assert!(system.is_news((1 << 40) - STEP, now + EVERY));
        assert!(system.is_news(1 << 41, now + QUIET));
    }

    #[test]
    fn looks_are_rare() {
        let mut watch = DiskWatch::new(&[PathBuf::from("/")]);
        let now = Instant::now();
        assert_eq!(watch.look(now).len(), 1);
        assert_eq!(watch.look(now + QUIET).len(), 1);
        watch.systems[0].written = None;
        assert!(watch.look(now + QUIET + EVERY / 2).is_empty());
    }
}
