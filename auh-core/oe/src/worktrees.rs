//! Git work trees of a run's own: groups that are under way at the same time each see the layers
//! without the others' changes. They are kept from run to run, like the build directories, because
//! a recipe file at another path, or a new one, would be parsed again.

use crate::{
    OeError,
    layers::{git, put_back},
};
use auh_process::CancelToken;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A git repository that layers live in, and the commit that a run starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRepository {
    /// Top folder of the user's work tree.
    pub path: PathBuf,
    /// The commit that is checked out in it.
    pub base: String,
}

/// What is checked out in a run's work trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOut<'a> {
    /// The commit that the run starts from.
    Base,
    /// A new branch of this name there.
    New(&'a str),
    /// The branch of this name, with what an earlier process of the run has brought to it.
    Again(&'a str),
}

/// A work tree for each of some repositories.
#[derive(Debug, Clone, Default)]
pub struct Worktrees {
    trees: Vec<Tree>,
    /// Folders as the user names them, and the same ones in the work trees; longest first.
    folders: Vec<(PathBuf, PathBuf)>,
}

/// A repository in which a run has made commits on its branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concluded {
    /// Top folder of the user's work tree.
    pub repository: PathBuf,
    /// Whether the user's checkout is at the branch's last commit now.
    pub followed: bool,
    /// Why not, although it was to be.
    pub refused: Option<String>,
}

#[derive(Debug, Clone)]
struct Tree {
    repository: LayerRepository,
    path: PathBuf,
}

impl Worktrees {
    /// Work trees in `folder` of all `repositories`. `layers` are paths as `BBLAYERS` names them.
    ///
    /// # Errors
    /// What git says, as when a new branch is there already.
    pub fn lay_out(
        folder: &Path,
        repositories: &[LayerRepository],
        layers: &[PathBuf],
        check_out: CheckOut<'_>,
        cancel: &CancelToken,
    ) -> Result<Self, OeError> {
        fs::create_dir_all(folder).map_err(OeError::io("make", folder))?;
        let mut worktrees = Self::default();
        for (number, repository) in repositories.iter().enumerate() {
            let tree = Tree {
                path: folder.join(name(number, &repository.path)),
                repository: repository.clone(),
            };
            tree.make(check_out, cancel)?;
            worktrees.trees.push(tree);
        }
        worktrees.folders = worktrees.folders(layers);
        Ok(worktrees)
    }

    /// A path of the user's as it is in the work trees.
    #[must_use]
    pub fn there(&self, path: &Path) -> PathBuf {
        translate(path, self.folders.iter().map(|(here, there)| (here, there)))
    }

    /// A path in the work trees as it is for the user.
    #[must_use]
    pub fn back(&self, path: &Path) -> PathBuf {
        let trees = self.trees.iter();
        translate(path, trees.map(|tree| (&tree.path, &tree.repository.path)))
    }

    /// Takes back whatever was done in the work trees since the run began.
    pub fn reset(&self, cancel: &CancelToken) -> Result<(), OeError> {
        for tree in &self.trees {
            git(
                &tree.path,
                &["reset", "-q", "--hard", &tree.repository.base],
                cancel,
            )?;
            git(&tree.path, &["clean", "-q", "-f", "-d"], cancel)?;
        }
        Ok(())
    }

    /// Takes back what was changed in some files since the last commit. The paths are relative to
    /// `tree`, a top folder of these work trees.
    pub fn restore(
        &self,
        tree: &Path,
        paths: &[PathBuf],
        cancel: &CancelToken,
    ) -> Result<(), OeError> {
        put_back(tree, paths, cancel)
    }

    /// Each repository's path and the commit that its work tree is at now.
    pub fn tips(&self, cancel: &CancelToken) -> Result<Vec<LayerRepository>, OeError> {
        let trees = self.trees.iter();
        trees
            .map(|tree| {
                Ok(LayerRepository {
                    path: tree.repository.path.clone(),
                    base: head(&tree.path, cancel)?,
                })
            })
            .collect()
    }

    /// Leaves the branch, so that the user can check it out; the work trees stay for the next run.
    /// A repository without a commit on it loses the branch. With `follow`, the user's checkout is
    /// forwarded to it, if git can do that without touching the user's own changes.
    pub fn conclude(
        &self,
        branch: &str,
        follow: bool,
        cancel: &CancelToken,
    ) -> Result<Vec<Concluded>, OeError> {
        let mut concluded = Vec::new();
        for tree in &self.trees {
            let LayerRepository { path, base } = &tree.repository;
            let tip = head(&tree.path, cancel)?;
            git(&tree.path, &["checkout", "-q", "--detach"], cancel)?;
            if tip == *base {
                if tree.has(branch, cancel) {
                    git(path, &["branch", "-q", "-D", branch], cancel)?;
                }
                continue;
            }
            let refused = match follow {
                true => git(path, &["merge", "-q", "--ff-only", branch], cancel).err(),
                false => None,
            };
            concluded.push(Concluded {
                repository: path.clone(),
                followed: follow && refused.is_none(),
                refused: refused.map(|error| error.to_string()),
            });
        }
        Ok(concluded)
    }

    fn folders(&self, layers: &[PathBuf]) -> Vec<(PathBuf, PathBuf)> {
        let mut folders = BTreeSet::new();
        for tree in &self.trees {
            folders.insert((tree.repository.path.clone(), tree.path.clone()));
            for layer in layers {
                // BBLAYERS may name a layer through a symbolic link, git never does.
                let real = layer.canonicalize().unwrap_or_else(|_| layer.clone());
                if let Ok(within) = real.strip_prefix(&tree.repository.path) {
                    folders.insert((layer.clone(), tree.path.join(within)));
                }
            }
        }
        let mut folders: Vec<_> = folders.into_iter().collect();
        folders.sort_by_key(|(here, _)| std::cmp::Reverse(here.as_os_str().len()));
        folders
    }
}

impl Tree {
    /// Makes the work tree, or takes the one that an earlier run left, whatever that run was in the
    /// middle of.
    fn make(&self, check_out: CheckOut<'_>, cancel: &CancelToken) -> Result<(), OeError> {
        let there = self.is_there(cancel);
        let left = if there { self.branch(cancel)? } else { None };
        if !(there && self.clear(cancel).is_ok()) {
            self.make_anew(cancel)?;
        }
        let base = self.repository.base.as_str();
        let words: &[&str] = match check_out {
            CheckOut::Base => &["--detach", base],
            CheckOut::Again(branch) if self.has(branch, cancel) => &[branch],
            CheckOut::New(branch) | CheckOut::Again(branch) => &["--no-track", "-b", branch, base],
        };
        git(&self.path, &[&["checkout", "-q"], words].concat(), cancel)?;
        match left {
            Some(left) if check_out != CheckOut::Again(&left) => self.drop_if_empty(&left, cancel),
            _ => Ok(()),
        }
    }

    fn has(&self, branch: &str, cancel: &CancelToken) -> bool {
        let reference = format!("refs/heads/{branch}");
        let arguments = ["rev-parse", "--verify", "-q", &reference];
        git(&self.path, &arguments, cancel).is_ok()
    }

    /// Takes back what is not committed.
    fn clear(&self, cancel: &CancelToken) -> Result<(), OeError> {
        git(&self.path, &["reset", "-q", "--hard"], cancel)?;
        git(&self.path, &["clean", "-q", "-f", "-d"], cancel).map(drop)
    }

    fn make_anew(&self, cancel: &CancelToken) -> Result<(), OeError> {
        let (repository, path) = (&self.repository.path, self.path.to_string_lossy());
        // Only a work tree has a file there: a repository of somebody's own would have a folder.
        if self.path.join(".git").is_file() {
            fs::remove_dir_all(&self.path).map_err(OeError::io("remove", &self.path))?;
        }
        // A folder that is gone is still known to git.
        git(repository, &["worktree", "prune"], cancel)?;
        let add = ["worktree", "add", "-q", "--detach", &*path];
        let add = [&add[..], &[&self.repository.base]].concat();
        git(repository, &add, cancel).map(drop)
    }

    /// The branch that is checked out; a run that came to its end has left its own.
    fn branch(&self, cancel: &CancelToken) -> Result<Option<String>, OeError> {
        let name = git(&self.path, &["branch", "--show-current"], cancel)?;
        let name = String::from_utf8_lossy(&name).trim().to_owned();
        Ok(Some(name).filter(|name| !name.is_empty()))
    }

    /// Deletes the branch of a run that was killed, unless there are commits on it.
    fn drop_if_empty(&self, branch: &str, cancel: &CancelToken) -> Result<(), OeError> {
        let path = &self.repository.path;
        let reference = format!("refs/heads/{branch}");
        let commits = ["rev-list", "--count", &reference, "--not", "HEAD"];
        if git(path, &commits, cancel)?.trim_ascii() == b"0" {
            git(path, &["branch", "-q", "-D", branch], cancel)?;
        }
        Ok(())
    }

    /// Whether the folder is a work tree of this very repository.
    fn is_there(&self, cancel: &CancelToken) -> bool {
        let common = |folder: &Path| {
            let arguments = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
            git(folder, &arguments, cancel).ok()
        };
        let top = || git(&self.path, &["rev-parse", "--show-toplevel"], cancel).ok();
        self.path.is_dir()
            && top().is_some_and(|top| as_path(&top) == self.path)
            && common(&self.path) == common(&self.repository.path)
    }
}

/// The commit that is checked out in a folder.
pub(crate) fn head(folder: &Path, cancel: &CancelToken) -> Result<String, OeError> {
    let answer = git(folder, &["rev-parse", "--verify", "HEAD"], cancel)?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

fn as_path(answer: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(answer).trim_end_matches('\n'))
}

/// A work tree's folder: two repositories may have the same name.
fn name(number: usize, repository: &Path) -> String {
    let name = repository.file_name().unwrap_or_default();
    format!("{number}-{}", name.to_string_lossy())
}

fn translate<'p>(
    path: &Path,
    folders: impl Iterator<Item = (&'p PathBuf, &'p PathBuf)>,
) -> PathBuf {
    folders
        .filter_map(|(from, to)| Some((path.strip_prefix(from).ok()?, to)))
        .map(|(within, to)| match within.as_os_str().is_empty() {
            true => to.clone(),
            false => to.join(within),
        })
        .next()
        .unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn run_git(folder: &Path, args: &[&str]) {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
        let status = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(identity)
            .args(args)
            .status()
            .unwrap();
        assert!(status.success(), "{args:?}");
    }

    /// A repository with a layer in it, and a link to the layer.
    fn repository(folder: &Path) -> LayerRepository {
        let path = folder.join("layers");
        fs::create_dir_all(path.join("meta-a")).unwrap();
        fs::write(path.join("meta-a/x.bb"), "1\n").unwrap();
        run_git(folder, &["init", "-q", "layers"]);
        run_git(&path, &["add", "."]);
        run_git(&path, &["commit", "-q", "-m", "first"]);
        std::os::unix::fs::symlink(path.join("meta-a"), folder.join("link")).unwrap();
        let base = head(&path, &CancelToken::default()).unwrap();
        LayerRepository { path, base }
    }

    #[test]
    fn paths_go_there_and_back_also_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let repository = repository(&folder);
        let link = folder.join("link");
        let trees = folder.join("trees");
        let cancel = CancelToken::default();
        let worktrees = Worktrees::lay_out(
            &trees,
            std::slice::from_ref(&repository),
            std::slice::from_ref(&link),
            CheckOut::Base,
            &cancel,
        )
        .unwrap();
        let there = trees.join("0-layers/meta-a/x.bb");
        assert_eq!(worktrees.there(&link.join("x.bb")), there);
        assert_eq!(worktrees.there(&repository.path.join("meta-a/x.bb")), there);
        assert_eq!(worktrees.there(&link), trees.join("0-layers/meta-a"));
        assert_eq!(worktrees.back(&there), repository.path.join("meta-a/x.bb"));
        assert_eq!(worktrees.there(&folder), folder);
        assert!(there.is_file());
    }

    #[test]
    fn a_reset_takes_commits_edits_and_new_files_back() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let repositories = [repository(&folder)];
        let cancel = CancelToken::default();
        let trees = folder.join("trees");
        for branch in [None, Some("auh/1"), Some("auh/2"), None] {
            let check_out = branch.map_or(CheckOut::Base, CheckOut::New);
            let worktrees =
                Worktrees::lay_out(&trees, &repositories, &[], check_out, &cancel).unwrap();
            let tree = trees.join("0-layers");
            fs::write(tree.join("meta-a/x.bb"), "2\n").unwrap();
            run_git(&tree, &["commit", "-q", "-a", "-m", "second"]);
            fs::write(tree.join("meta-a/x.bb"), "3\n").unwrap();
            fs::write(tree.join("meta-a/y.bb"), "").unwrap();
            assert_ne!(worktrees.tips(&cancel).unwrap(), repositories);
            worktrees.reset(&cancel).unwrap();
            assert_eq!(fs::read_to_string(tree.join("meta-a/x.bb")).unwrap(), "1\n");
            assert!(!tree.join("meta-a/y.bb").exists());
            assert_eq!(worktrees.tips(&cancel).unwrap(), repositories);
            if let Some(branch) = branch {
                assert_eq!(worktrees.conclude(branch, false, &cancel).unwrap(), []);
            }
        }
        assert_eq!(
            head(&repositories[0].path, &cancel).unwrap(),
            repositories[0].base
        );
    }

    #[test]
    fn a_work_tree_of_a_killed_run_is_taken_over_whatever_state_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let repositories = [repository(&folder)];
        let cancel = CancelToken::default();
        let (trees, tree) = (folder.join("trees"), folder.join("trees/0-layers"));
        let lay_out = |branch| {
            Worktrees::lay_out(&trees, &repositories, &[], CheckOut::New(branch), &cancel).unwrap()
        };
        let branches = || {
            let list = [
                "for-each-ref",
                "--format=%(refname:short)",
                "refs/heads/auh",
            ];
            let list = git(&repositories[0].path, &list, &cancel).unwrap();
            String::from_utf8(list).unwrap()
        };
        // Nothing was integrated, and git was cut off in the middle of a command.
        lay_out("auh/1");
        let lock = repositories[0]
            .path
            .join(".git/worktrees/0-layers/index.lock");
        fs::write(&lock, "").unwrap();
        lay_out("auh/2");
        assert_eq!(branches(), "auh/2\n");
        // Something was, and in the middle of the next pick it ended.
        fs::write(tree.join("meta-a/x.bb"), "2\n").unwrap();
        run_git(&tree, &["commit", "-q", "-a", "-m", "second"]);
        fs::write(tree.join("meta-a/x.bb"), "<<<<\n").unwrap();
        lay_out("auh/3");
        assert_eq!(branches(), "auh/2\nauh/3\n", "commits are kept");
        assert_eq!(fs::read_to_string(tree.join("meta-a/x.bb")).unwrap(), "1\n");
        // The run goes on: what was integrated is there.
        let again = CheckOut::Again("auh/2");
        for is_gone in [false, true] {
            match is_gone {
                true => fs::remove_dir_all(&tree).unwrap(),
                false => fs::write(tree.join("meta-a/x.bb"), "<<<<\n").unwrap(),
            }
            Worktrees::lay_out(&trees, &repositories, &[], again, &cancel).unwrap();
            assert_eq!(fs::read_to_string(tree.join("meta-a/x.bb")).unwrap(), "2\n");
        }
        assert_eq!(branches(), "auh/2\n", "the other one was empty");
        lay_out("auh/3");
        // Somebody removed the folder, or what git knows of it.
        fs::remove_dir_all(&tree).unwrap();
        lay_out("auh/4");
        fs::remove_dir_all(repositories[0].path.join(".git/worktrees")).unwrap();
        lay_out("auh/5");
        assert_eq!(fs::read_to_string(tree.join("meta-a/x.bb")).unwrap(), "1\n");
    }

    #[test]
    fn the_checkout_follows_the_branch_only_when_asked_and_able() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let repository = repository(&folder);
        let cancel = CancelToken::default();
        let file = repository.path.join("meta-a/x.bb");
        for (follow, in_the_way, followed) in [
            (false, false, false),
            (true, true, false),
            (true, false, true),
        ] {
            let trees = Worktrees::lay_out(
                &folder.join("trees"),
                std::slice::from_ref(&repository),
                &[],
                CheckOut::New("auh/1"),
                &cancel,
            )
            .unwrap();
            let tree = folder.join("trees/0-layers");
            fs::write(tree.join("meta-a/x.bb"), "2\n").unwrap();
            run_git(&tree, &["commit", "-q", "-a", "-m", "second"]);
            if in_the_way {
                fs::write(&file, "mine\n").unwrap();
            }
            let concluded = trees.conclude("auh/1", follow, &cancel).unwrap();
            assert_eq!(concluded[0].followed, followed);
            assert_eq!(concluded[0].refused.is_some(), in_the_way);
            let expect = if in_the_way {
                "mine\n"
            } else if followed {
                "2\n"
            } else {
                "1\n"
            };
            assert_eq!(fs::read_to_string(&file).unwrap(), expect);
            if in_the_way {
                run_git(&repository.path, &["checkout", "-q", "--", "."]);
            }
            if !followed {
                run_git(&repository.path, &["branch", "-q", "-D", "auh/1"]);
            }
        }
    }
}
