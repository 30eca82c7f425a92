//! What differs from the last commit at one moment.

use crate::GitError;
use auh_transcript::git::{StatusEntry, parse_status};
use std::path::{Path, PathBuf};

/// What differs from the last commit at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    entries: Vec<StatusEntry>,
}

impl Snapshot {
    pub(crate) fn read(output: &str) -> Result<Self, GitError> {
        // The host's own line in place of what it did not keep of a long output. A missing entry
        // would make a user's file look like one of the upgrade's.
        if output.contains(" bytes left out]\n") {
            return Err(GitError::TooManyChanges);
        }
        let entries = parse_status(output.as_bytes())?;
        Ok(Self { entries })
    }

    /// Paths that differ now and did not `before`, sorted. A renamed file is two paths.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = self.paths().filter(|p| !before.has(p)).cloned().collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// A path that differs and lies in `folder` (relative to the top, empty for all).
    #[must_use]
    pub fn first_in(&self, folder: &Path) -> Option<&Path> {
        self.paths()
            .map(PathBuf::as_path)
            .find(|path| path.starts_with(folder))
    }

    fn has(&self, path: &Path) -> bool {
        self.paths().any(|known| known == path)
    }

    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.entries
            .iter()
            .flat_map(|entry| [Some(&entry.path), entry.original.as_ref()])
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_counts_and_a_rename_is_two_paths() {
        let before = Snapshot::read(" M user.bb\0?? notes\0").unwrap();
        let now =
            Snapshot::read("?? notes\0 M user.bb\0R  b_2.bb\0a_1.bb\0 D old\0?? new\0").unwrap();
        let expect: Vec<PathBuf> = ["a_1.bb", "b_2.bb", "new", "old"].map(Into::into).into();
        assert_eq!(now.since(&before), expect);
    }

    #[test]
    fn a_folder_is_not_a_prefix_of_its_neighbours_name() {
        let snapshot = Snapshot::read(" M hello2/x.bb\0").unwrap();
        assert_eq!(snapshot.first_in(Path::new("hello")), None);
        let found = snapshot.first_in(Path::new("hello2"));
        assert_eq!(found, Some(Path::new("hello2/x.bb")));
    }

    #[test]
    fn an_output_with_a_gap_is_refused() {
        let gap = "?? a\0?? b\n[512 bytes left out]\n c\0";
        let error = Snapshot::read(gap).unwrap_err();
        assert!(matches!(error, GitError::TooManyChanges));
    }
}
