//! Undoing commits in the work trees only: neither the user's index nor any branch moves, and
//! afterwards every touched file is again what the last commit has.

use auh_repository::{GitError, Repository};
use auh_sdk::Host;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Commits to undo in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undo {
    /// Top folder of its work tree.
    pub(crate) repository: PathBuf,
    pub(crate) revisions: Vec<String>,
}

/// Why commits could not be undone in the work tree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AbsentError {
    #[error(transparent)]
    Git(#[from] GitError),
    /// The user's edits are in the way.
    #[error("{} has local changes", .0.display())]
    Edited(PathBuf),
}

/// Work trees without some commits. Dropping it puts everything back, too, and only logs what goes
/// wrong then.
pub(crate) struct Absent<'h> {
    host: &'h Host,
    touched: Vec<(Repository, Vec<PathBuf>)>,
}

impl<'h> Absent<'h> {
    /// Undoes the commits; `scratch` is a folder for temporary files. After an error everything is as
    /// it was.
    pub(crate) fn make(
        host: &'h Host,
        undos: &[Undo],
        scratch: &Path,
    ) -> Result<Self, AbsentError> {
        let mut absent = Self {
            host,
            touched: Vec::new(),
        };
        for undo in undos {
            absent.undo(undo, scratch)?;
        }
        Ok(absent)
    }

    /// Puts everything back. Returns what could not be, one text each with the remedy.
    pub(crate) fn put_back(mut self) -> Vec<String> {
        self.restore()
    }

    fn undo(&mut self, undo: &Undo, scratch: &Path) -> Result<(), AbsentError> {
        let repository = Repository::at(&undo.repository, scratch);
        let revisions = newest_first(self.host, &repository, &undo.revisions)?;
        let mut paths = Vec::new();
        for revision in &revisions {
            paths.extend(repository.paths_of(self.host, revision)?);
        }
        paths.sort();
        paths.dedup();
        let edits = repository.status_of(self.host, &paths)?;
        if let Some(path) = edits.first_in(Path::new("")) {
            // The user's edits of the very files that an upgrade changed would not survive.
            return Err(AbsentError::Edited(path.to_owned()));
        }
        // Known before anything is changed, so that it is put back wherever this ends.
        self.touched.push((repository.clone(), paths));
        repository.with_own_index(self.host, |env| {
            repository.run(self.host, &["update-index", "-q", "--refresh"], env)?;
            revisions.iter().try_for_each(|revision| {
                apply_reverse(self.host, &repository, revision, scratch, env)
            })
        })?;
        Ok(())
    }

    fn restore(&mut self) -> Vec<String> {
        let host = self.host;
        let failed = self.touched.drain(..).filter_map(|(repository, paths)| {
            let error = repository.restore(host, &paths).err()?;
            let folder = repository.top().display();
            let files: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
            Some(format!(
                "{folder} could not be put back: {error}; do so with: git -C {folder} checkout HEAD -- {}",
                files.join(" ")
            ))
        });
        failed.collect()
    }
}

impl Drop for Absent<'_> {
    fn drop(&mut self) {
        for error in self.restore() {
            self.host.warn(&error);
        }
    }
}

/// Puts back what a trial that was cut short by a death of the host may have left in the work trees.
pub(crate) fn put_back_again(host: &Host, undos: &[Undo], scratch: &Path) -> Result<(), String> {
    for undo in undos {
        let repository = Repository::at(&undo.repository, scratch);
        for revision in &undo.revisions {
            let paths = repository.paths_of(host, revision);
            let restored = paths.and_then(|paths| repository.restore(host, &paths));
            restored.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// The order in which commits can be undone, as far as one builds on another.
fn newest_first(
    host: &Host,
    repository: &Repository,
    revisions: &[String],
) -> Result<Vec<String>, GitError> {
    let [_, _, ..] = revisions else {
        return Ok(revisions.to_vec());
    };
    let all = revisions.iter().map(String::as_str);
    let arguments: Vec<&str> = ["merge-base", "--octopus"]
        .into_iter()
        .chain(all.clone())
        .collect();
    let oldest = repository.run(host, &arguments, &[])?.stdout;
    let before = format!("{}^@", oldest.trim());
    let arguments: Vec<&str> = ["rev-list", "--topo-order"]
        .into_iter()
        .chain(all)
        .chain(["--not", &before])
        .collect();
    let listed = repository.run(host, &arguments, &[])?.stdout;
    let known = |line: &&str| revisions.iter().any(|revision| revision == line);
    Ok(listed.lines().filter(known).map(str::to_owned).collect())
}

/// Takes one commit's changes out of the work tree and of the index in `env`, merging with what later
/// commits did to the same files. The difference goes through a file, since it need not be text.
fn apply_reverse(
    host: &Host,
    repository: &Repository,
    revision: &str,
    scratch: &Path,
    env: &[(&str, &str)],
) -> Result<(), GitError> {
    let file = scratch.join(".undo.patch");
    let output = format!("--output={}", file.display());
    let parent = format!("{revision}^");
    let form = [
        "-p",
        "--binary",
        "--full-index",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
    ];
    let mut difference = vec!["diff-tree", &output];
    difference.extend(form);
    difference.extend([revision, &parent]);
    let patch = file.display().to_string();
    let apply = ["apply", "--3way", "--whitespace=nowarn", &patch];
    let applied = repository
        .run(host, &difference, &[])
        .and_then(|_| repository.run(host, &apply, env));
    // A leftover is overwritten by the next one.
    let _ = fs::remove_file(&file);
    applied.map(drop)
}
