//! Putting paths back as they are in the last commit.

use crate::{GitError, Repository, checked};
use auh_sdk::Host;
use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

impl Repository {
    /// Makes the files at `paths` and their index entries what they are in the last commit; files
    /// that are not in it go. Nothing else changes, neither in the work tree nor in the index, and
    /// the index is written only if it has to be: so it works while somebody else holds its lock.
    /// It works while the run is being stopped, too.
    ///
    /// # Errors
    /// git fails, or a file cannot be written or removed.
    pub fn restore(&self, host: &Host, paths: &[PathBuf]) -> Result<(), GitError> {
        if paths.is_empty() {
            return Ok(());
        }
        self.for_cleanup().restore_paths(host, paths)
    }

    fn restore_paths(&self, host: &Host, paths: &[PathBuf]) -> Result<(), GitError> {
        let committed = self.with_own_index(host, |env| {
            let listed = self.run_on(host, &["ls-files", "-z"], paths, env)?.stdout;
            let committed: BTreeSet<PathBuf> = listed
                .split('\0')
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
                .collect();
            let back: Vec<_> = committed.iter().cloned().collect();
            if !back.is_empty() {
                self.run_on(host, &["checkout-index", "-q", "-f"], &back, env)?;
            }
            Ok(committed)
        })?;
        for path in paths.iter().filter(|path| !committed.contains(*path)) {
            self.remove(path)?;
        }
        if self.has_staged(host, paths)? {
            self.run_on(host, &["reset", "-q", "HEAD"], paths, &[])?;
        }
        Ok(())
    }

    /// Lets `work` use an index that equals the last commit, beside the user's: it is named in the
    /// environment variables that `work` gets.
    ///
    /// # Errors
    /// Those of git and of `work`.
    pub fn with_own_index<T>(
        &self,
        host: &Host,
        work: impl FnOnce(&[(&str, &str)]) -> Result<T, GitError>,
    ) -> Result<T, GitError> {
        let index = self.scratch.join(".git-index");
        // Nobody else's: a git that was killed left it.
        let _ = fs::remove_file(self.scratch.join(".git-index.lock"));
        let name = index.to_string_lossy().into_owned();
        let env = [("GIT_INDEX_FILE", name.as_str())];
        let result = self
            .run(host, &["read-tree", "HEAD"], &env)
            .and_then(|_| work(&env));
        // A leftover is overwritten by the next `read-tree`.
        let _ = fs::remove_file(&index);
        result
    }

    /// Removes a file and the folders that are empty then.
    fn remove(&self, path: &Path) -> Result<(), GitError> {
        let file = self.top().join(checked(path)?);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(GitError::File { path: file, error });
            }
            _ => {}
        }
        // `remove_dir` removes empty folders only, which git does not know anyway.
        file.ancestors()
            .skip(1)
            .take_while(|folder| *folder != self.top())
            .all(|folder| fs::remove_dir(folder).is_ok());
        Ok(())
    }
}
