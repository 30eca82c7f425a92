//! The git repositories that layers live in, before a run touches them.

use crate::{
    OeError,
    passage::narrowed,
    worktrees::{LayerRepository, head},
};
use auh_process::{CancelToken, Command, Finished, run};
use auh_protocol::{Recipe, RecipeName};
use auh_transcript::git::parse_status;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Why a recipe cannot be upgraded in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Beside the recipe's file something differs from what is committed.
    #[error("{} has local changes", .file.display())]
    LocalChanges {
        /// One of the files that differ.
        file: PathBuf,
    },
    /// Nothing can be committed to its layer.
    #[error("its layer {} is in no git repository", .layer.display())]
    NoRepository {
        /// The layer's folder.
        layer: PathBuf,
    },
    /// Its repository waits for somebody to finish something else, which a commit would become part of.
    #[error("the git repository {} is in the middle of a {doing}", .repository.display())]
    Busy {
        /// The repository's work tree.
        repository: PathBuf,
        /// What is to be finished: `rebase`, `merge` …
        doing: &'static str,
    },
    /// Nothing can be written where its upgrade would be.
    #[error("{} cannot be written", .folder.display())]
    ReadOnly {
        /// A folder of the layer or of its repository.
        folder: PathBuf,
    },
}

impl Unfit {
    /// What to do about it, for a line of its own.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::LocalChanges { .. } => "commit, stash or undo them first",
            Self::NoRepository { .. } => "put the layer under git, with its recipes committed",
            Self::Busy { .. } => "finish it or give it up first; git status there says how",
            Self::ReadOnly { .. } => "work on a checkout of the layer that is yours to write",
        }
    }
}

/// Those of `recipes` that cannot be upgraded in place: in no git repository, in one that is in the
/// middle of something or cannot be written, or with a local change beside the recipe's file. Changes
/// elsewhere, staged or not, are no hindrance.
///
/// # Errors
/// When git fails, or the run is being stopped.
pub fn unfit(
    recipes: &[&Recipe],
    cancel: &CancelToken,
) -> Result<BTreeMap<RecipeName, Unfit>, OeError> {
    let mut unfit = BTreeMap::new();
    for (repository, recipes) in by_repository(recipes, &mut unfit, cancel)? {
        if let Some(why) = unfit_repository(&repository, cancel)? {
            unfit.extend(recipes.iter().map(|r| (r.name.clone(), why.clone())));
            continue;
        }
        let changed = local_changes(&repository, cancel)?;
        for recipe in recipes {
            if !is_writable(recipe.folder()) {
                let folder = recipe.folder().to_owned();
                unfit.insert(recipe.name.clone(), Unfit::ReadOnly { folder });
                continue;
            }
            let file = changed.iter().find(|f| f.starts_with(recipe.folder()));
            if let Some(file) = file.cloned() {
                unfit.insert(recipe.name.clone(), Unfit::LocalChanges { file });
            }
        }
    }
    Ok(unfit)
}

/// Those repositories of the layers of `recipes` that have a commit checked out instead of a branch.
///
/// # Errors
/// When git fails, or the run is being stopped.
pub fn on_no_branch(recipes: &[&Recipe], cancel: &CancelToken) -> Result<Vec<PathBuf>, OeError> {
    let mut found = Vec::new();
    for repository in by_repository(recipes, &mut BTreeMap::new(), cancel)?.into_keys() {
        match git(&repository, &["symbolic-ref", "--quiet", "HEAD"], cancel) {
            Ok(_) => {}
            Err(OeError::Tool { .. }) => found.push(repository),
            Err(other) => return Err(other),
        }
    }
    Ok(found)
}

/// A git work tree that layers live in, as it is, or layers that are in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerCondition {
    /// The work tree; none when there is no git repository.
    pub repository: Option<PathBuf>,
    /// The layers in it.
    pub layers: Vec<PathBuf>,
    /// How many files differ from what is committed, with those that git does not know.
    pub changed: usize,
    /// What somebody is in the middle of there, as git's command for it.
    pub amid: Option<&'static str>,
}

/// How the repositories of these layers are, one for each, and those that have none last.
///
/// # Errors
/// When git fails, or is being stopped.
pub fn condition_of_layers(
    layers: &[PathBuf],
    cancel: &CancelToken,
) -> Result<Vec<LayerCondition>, OeError> {
    let mut homeless = Vec::new();
    let mut found: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for layer in layers {
        match top_level(layer, cancel)? {
            Some(repository) => found.entry(repository).or_default().push(layer.clone()),
            None => homeless.push(LayerCondition {
                repository: None,
                layers: vec![layer.clone()],
                changed: 0,
                amid: None,
            }),
        }
    }
    let mut conditions = Vec::new();
    for (repository, layers) in found {
        conditions.push(LayerCondition {
            changed: local_changes(&repository, cancel)?.len(),
            amid: amid(&repository, cancel)?,
            repository: Some(repository),
            layers,
        });
    }
    conditions.extend(homeless);
    Ok(conditions)
}

/// What git keeps for as long as a command of several steps is under way.
const UNDER_WAY: [(&str, &str); 7] = [
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
];

fn amid(repository: &Path, cancel: &CancelToken) -> Result<Option<&'static str>, OeError> {
    Ok(amid_by(&own_folder(repository, cancel)?))
}

/// The same by the folder that git keeps its own files in.
fn amid_by(folder: &Path) -> Option<&'static str> {
    let mut known = UNDER_WAY.iter();
    let found = known.find(|(file, _)| folder.join(file).exists());
    found.map(|(_, command)| *command)
}

fn own_folder(repository: &Path, cancel: &CancelToken) -> Result<PathBuf, OeError> {
    let answer = git(repository, &["rev-parse", "--absolute-git-dir"], cancel)?;
    let line = String::from_utf8_lossy(&answer);
    Ok(PathBuf::from(line.trim_end_matches('\n')))
}

/// Why nothing can be upgraded in a repository.
fn unfit_repository(repository: &Path, cancel: &CancelToken) -> Result<Option<Unfit>, OeError> {
    let own = own_folder(repository, cancel)?;
    if let Some(doing) = amid_by(&own) {
        let repository = repository.to_owned();
        return Ok(Some(Unfit::Busy { repository, doing }));
    }
    let read_only = [&own, repository]
        .into_iter()
        .find(|folder| !is_writable(folder));
    Ok(read_only.map(|folder| Unfit::ReadOnly {
        folder: folder.to_owned(),
    }))
}

fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The repositories that the layers of `recipes` live in, with the commits that are checked out.
pub fn layer_repositories(
    recipes: &[&Recipe],
    cancel: &CancelToken,
) -> Result<Vec<LayerRepository>, OeError> {
    by_repository(recipes, &mut BTreeMap::new(), cancel)?
        .into_keys()
        .map(|path| {
            let base = head(&path, cancel)?;
            Ok(LayerRepository { path, base })
        })
        .collect()
}

/// Takes back what was changed in some files since the last commit. The paths are relative to
/// `top`, the top folder of a work tree; files that are not committed go.
///
/// # Errors
/// When git fails.
pub fn put_back(top: &Path, paths: &[PathBuf], cancel: &CancelToken) -> Result<(), OeError> {
    if paths.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
    let run = |args: &[&str], names: &[&str]| {
        let words = [&["--literal-pathspecs"], args, &["--"], names].concat();
        git(top, &words, cancel)
    };
    let all: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    run(&["reset", "-q", "HEAD"], &all)?;
    let known = run(&["ls-files", "-z"], &all)?;
    let known = String::from_utf8_lossy(&known).into_owned();
    let known: Vec<&str> = known.split_terminator('\0').collect();
    if !known.is_empty() {
        run(&["checkout", "-q"], &known)?;
    }
    run(&["clean", "-q", "-f", "-d", "-x"], &all)?;
    Ok(())
}

/// Whether the last commit that touched some files has this first line, and nothing differs from it.
#[must_use]
pub fn is_committed(top: &Path, paths: &[PathBuf], subject: &str, cancel: &CancelToken) -> bool {
    let names: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
    let run = |words: &[&str]| {
        let names = names.iter().map(AsRef::as_ref);
        let words: Vec<&str> = ["--literal-pathspecs"]
            .into_iter()
            .chain(words.iter().copied())
            .chain(["--"])
            .chain(names)
            .collect();
        git(top, &words, cancel).ok()
    };
    let last = run(&["log", "-1", "--format=%s"]).unwrap_or_default();
    String::from_utf8_lossy(&last).trim_end() == subject
        && run(&["status", "--porcelain", "--untracked-files=all"]).is_some_and(|s| s.is_empty())
}

/// Removes the locks that a git command which was killed left in the repository of a work tree: those
/// made within some minutes after it was started. Nobody waits for so long inside such a command. Git
/// locks a file by one beside it that is called `*.lock`: the index, HEAD and the other references of
/// a work tree in its git folder, branches in that which all work trees share.
pub fn remove_locks(top: &Path, started: SystemTime) -> Vec<PathBuf> {
    const WITHIN: Duration = Duration::from_secs(300);
    let folders = [
        "rev-parse",
        "--path-format=absolute",
        "--git-dir",
        "--git-common-dir",
    ];
    // Also of a run that is to end at once.
    let ask = |args: &[&str]| {
        let finished = call_git(top, args, &CancelToken::new()).ok()?;
        let answer = finished.stdout.complete()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    };
    let folders = ask(&folders).unwrap_or_default();
    let folders: BTreeSet<&Path> = folders.lines().map(Path::new).collect();
    let branch = ask(&["symbolic-ref", "-q", "HEAD"]).unwrap_or_default();
    let branch = format!("{}.lock", branch.trim());
    // Clocks of file systems are coarse.
    let from = started - Duration::from_secs(2);
    let is_left = |path: &PathBuf| {
        let made = path.metadata().and_then(|metadata| metadata.modified());
        made.is_ok_and(|made| from <= made && made <= started + WITHIN)
    };
    let locks = folders.into_iter().flat_map(|folder| {
        let mut locks = locks_in(folder);
        locks.push(folder.join(&branch));
        locks
    });
    let locks = locks.filter(is_left);
    locks.filter(|path| fs::remove_file(path).is_ok()).collect()
}

fn locks_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut locks: Vec<PathBuf> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "lock")
        })
        .collect();
    locks.sort();
    locks
}

/// Files that differ from what is committed, with those that git does not know.
fn local_changes(repository: &Path, cancel: &CancelToken) -> Result<Vec<PathBuf>, OeError> {
    let status = ["status", "--porcelain=v1", "-z", "--untracked-files=all"];
    let status = git(repository, &status, cancel)?;
    let entries = parse_status(&status).map_err(|error| OeError::Tool {
        tool: "git status".into(),
        how: "was not understood".into(),
        said: error.to_string(),
    })?;
    Ok(entries.iter().map(|e| repository.join(&e.path)).collect())
}

/// The recipes by the work tree that they belong to; those that belong to none become `unfit`.
fn by_repository<'a>(
    recipes: &[&'a Recipe],
    unfit: &mut BTreeMap<RecipeName, Unfit>,
    cancel: &CancelToken,
) -> Result<BTreeMap<PathBuf, Vec<&'a Recipe>>, OeError> {
    let mut known: BTreeMap<&Path, Option<PathBuf>> = BTreeMap::new();
    let mut found: BTreeMap<PathBuf, Vec<&Recipe>> = BTreeMap::new();
    for &recipe in recipes {
        let layer = recipe
            .layer
            .as_ref()
            .map_or(recipe.folder(), |layer| &layer.path);
        let repository = match known.get(layer) {
            Some(repository) => repository.clone(),
            None => known
                .entry(layer)
                .or_insert(top_level(layer, cancel)?)
                .clone(),
        };
        match repository {
            Some(repository) => found.entry(repository).or_default().push(recipe),
            None => {
                let layer = layer.to_owned();
                unfit.insert(recipe.name.clone(), Unfit::NoRepository { layer });
            }
        }
    }
    Ok(found)
}

/// The work tree that a layer lies in, if any.
fn top_level(layer: &Path, cancel: &CancelToken) -> Result<Option<PathBuf>, OeError> {
    let answer = match git(layer, &["rev-parse", "--show-toplevel"], cancel) {
        Ok(answer) => answer,
        Err(OeError::Tool { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let path = String::from_utf8_lossy(&answer);
    Ok(Some(PathBuf::from(path.trim_end_matches('\n'))))
}

pub(crate) fn git(folder: &Path, args: &[&str], cancel: &CancelToken) -> Result<Vec<u8>, OeError> {
    let started = SystemTime::now();
    let finished = call_git(folder, args, cancel)?;
    if finished.broke_off() {
        remove_locks(folder, started);
    }
    if !finished.exit.success() {
        return Err(OeError::tool(&format!("git {}", args.join(" ")), &finished));
    }
    finished.stdout.complete().ok_or_else(|| OeError::Tool {
        tool: format!("git {}", args.join(" ")),
        how: "said more than fits".to_owned(),
        said: format!("{} bytes", finished.stdout.total()),
    })
}

fn call_git(folder: &Path, args: &[&str], cancel: &CancelToken) -> Result<Finished, OeError> {
    let mut command = narrowed(Command::new("git", folder).args(args));
    // A status of a tree with very many local changes must come whole.
    command.capture.head = 64 << 20;
    Ok(run(&command, cancel, &mut |_| {})?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_process::CancelStage;
    use std::{fs, os::unix::fs::PermissionsExt, thread};

    fn call(folder: &Path, args: &[&str]) {
        let who = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
        git(folder, &[&who[..], args].concat(), &CancelToken::new()).unwrap();
    }

    #[test]
    fn all_locks_of_a_killed_git_go_and_older_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (repository, tree) = (top.join("layers"), top.join("tree"));
        fs::create_dir(&repository).unwrap();
        call(&repository, &["init", "-q", "-b", "main"]);
        call(&repository, &["commit", "-q", "--allow-empty", "-m", "x"]);
        let add = ["worktree", "add", "-q", "-b", "auh/1"];
        call(&repository, &[&add[..], &[tree.to_str().unwrap()]].concat());
        let git = repository.join(".git");
        let own = git.join("worktrees/tree");
        let now = SystemTime::now();
        let lock = |path: PathBuf, age: u64| {
            let file = fs::File::create(&path).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
            path
        };
        let left = [
            lock(git.join("packed-refs.lock"), 5),
            lock(git.join("refs/heads/auh/1.lock"), 5),
            lock(own.join("AUTO_MERGE.lock"), 5),
            lock(own.join("index.lock"), 5),
        ];
        let older = lock(git.join("config.lock"), 60);
        let another = lock(git.join("refs/heads/main.lock"), 5);
        let started = now - Duration::from_secs(10);
        let mut removed = remove_locks(&tree, started);
        removed.sort();
        assert_eq!(removed, left);
        assert!(older.exists() && another.exists());
        assert!(!left.iter().any(|path| path.exists()));
    }

    #[test]
    fn a_git_that_is_killed_leaves_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        call(&top, &["init", "-q", "-b", "main"]);
        fs::write(top.join("a"), "1").unwrap();
        call(&top, &["add", "a"]);
        call(&top, &["commit", "-q", "-m", "x"]);
        fs::write(top.join("a"), "2").unwrap();
        let hook = top.join(".git/hooks/pre-commit");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, "#!/bin/sh\ntouch began\nexec sleep 1000\n").unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let cancel = CancelToken::new();
        let (lock, began) = (top.join(".git/index.lock"), top.join("began"));
        let killer = thread::spawn({
            let (cancel, lock) = (cancel.clone(), lock.clone());
            move || {
                while !began.exists() {
                    thread::sleep(Duration::from_millis(10));
                }
                let was_locked = lock.exists();
                cancel.cancel(CancelStage::Hard);
                was_locked
            }
        });
        let commit = [
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.org",
            "commit",
        ];
        let commit = [&commit[..], &["-q", "-a", "-m", "y"]].concat();
        assert!(git(&top, &commit, &cancel).is_err());
        assert!(killer.join().unwrap(), "git holds it meanwhile");
        assert!(!lock.exists());
    }

    #[test]
    fn a_layer_in_the_middle_of_something_is_noticed_and_one_without_git_too() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let [one, other] = ["layers/one", "other"].map(|name| top.join(name));
        for layer in [&one, &other] {
            fs::create_dir_all(layer).unwrap();
        }
        let repository = top.join("layers");
        call(&repository, &["init", "-q", "-b", "main"]);
        let commit = |text: &str| {
            fs::write(one.join("a"), text).unwrap();
            call(&repository, &["add", "."]);
            call(&repository, &["commit", "-q", "-m", "x"]);
        };
        commit("1");
        let layers = [one.clone(), other.clone()];
        let conditions = || condition_of_layers(&layers, &CancelToken::new()).unwrap();
        let expected = |changed, amid| LayerCondition {
            repository: Some(repository.clone()),
            layers: vec![one.clone()],
            changed,
            amid,
        };
        let homeless = LayerCondition {
            repository: None,
            layers: vec![other.clone()],
            changed: 0,
            amid: None,
        };
        assert_eq!(conditions(), [expected(0, None), homeless]);

        call(&repository, &["switch", "-q", "-c", "side"]);
        commit("2");
        call(&repository, &["switch", "-q", "main"]);
        commit("3");
        let conflict = git(&repository, &["cherry-pick", "side"], &CancelToken::new());
        assert!(conflict.is_err());
        assert_eq!(conditions()[0], expected(1, Some("cherry-pick")));
    }
}
