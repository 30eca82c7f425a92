//! The commits as they are proposed: on top of what the target has, and without what else the run
//! or the user has put between. It is done with git's plumbing and an index of our own, so nothing
//! in the layer's work tree is looked at or touched.

use crate::{
    branch,
    error::ForgeError,
    options::ForgeOptions,
    remote::Target,
    text::Text,
    tool::{Needs, Tool},
};
use auh_sdk::{Commit, GroupWork};
use std::{fs, path::PathBuf};

/// The index that commits are put together in, in the group's folder.
const INDEX: &str = ".forge-index";

/// What of one repository is proposed.
pub(crate) struct Proposal<'a> {
    pub tool: &'a Tool<'a>,
    pub options: &'a ForgeOptions,
    pub work: &'a GroupWork,
    /// At least one, oldest first.
    pub commits: &'a [&'a Commit],
    pub text: &'a Text,
}

/// How commits are changed on their way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rewrite {
    /// The `Change-Id:` of the message.
    pub change_id: Option<String>,
    /// When the commits were made, instead of when they were.
    pub date: Option<String>,
}

/// A commit taken apart.
struct Parts {
    parent: String,
    author: [String; 2],
    committer: [String; 2],
    dates: [String; 2],
    message: String,
}

impl Proposal<'_> {
    /// The branch that is pushed.
    pub(crate) fn branch(&self) -> String {
        branch::name(&self.options.branch, &self.work.group)
    }

    /// Where it is to be merged.
    pub(crate) fn target(&self) -> Result<Target, ForgeError> {
        let branch = self.options.target_branch.as_deref();
        Target::at(self.tool, self.options.target_remote(), branch)
    }

    /// The newest commit of the target that the upgrade was built on.
    pub(crate) fn base(&self, target: &Target) -> Result<String, ForgeError> {
        let Some(commit) = self.commits.first() else {
            return Ok(target.tip.clone());
        };
        self.common(&target.tip, commit.current(), target)
    }

    /// The newest commit that two have in common.
    pub(crate) fn common(
        &self,
        one: &str,
        other: &str,
        target: &Target,
    ) -> Result<String, ForgeError> {
        let argv = ["git", "merge-base", one, other];
        match self.git(&argv) {
            Ok(base) => Ok(base),
            // That is how it says that there is none.
            Err(ForgeError::Refused { said, .. }) if said.is_empty() => {
                Err(ForgeError::Unrelated {
                    target: target.branch.clone(),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// The last of the commits on top of `base`; the very ones that the layer has, where possible.
    pub(crate) fn on(
        &self,
        base: &str,
        rewrite: &Rewrite,
        target: &Target,
    ) -> Result<String, ForgeError> {
        let mut tip = base.to_owned();
        for commit in self.commits {
            let revision = commit.current();
            let parts = self.parts(revision)?;
            tip = match parts.parent == tip && rewrite.change_id.is_none() {
                true => revision.to_owned(),
                false => {
                    let tree = self.tree(&parts.parent, &tip, revision, target)?;
                    self.made(&tree, &tip, &parts, rewrite)?
                }
            };
        }
        Ok(tip)
    }

    /// What a command prints, without the last line break.
    pub(crate) fn git(&self, argv: &[&str]) -> Result<String, ForgeError> {
        let printed = self.tool.ask(argv, &Needs::default())?;
        Ok(printed.trim_end_matches('\n').to_owned())
    }

    /// The author of the commits: name and address.
    pub(crate) fn author(&self) -> Result<[String; 2], ForgeError> {
        match self.commits.first() {
            Some(commit) => Ok(self.parts(commit.current())?.author),
            None => Ok([String::new(), String::new()]),
        }
    }

    fn parts(&self, revision: &str) -> Result<Parts, ForgeError> {
        let format = "--format=%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B";
        let argv = ["git", "log", "-1", "--no-show-signature", format, revision];
        let printed = self.git(&argv)?;
        let fields: Vec<&str> = printed.splitn(8, '\0').collect();
        let [parent, an, ae, ad, cn, ce, cd, message] = fields[..] else {
            return Err(ForgeError::Answer {
                what: "git log".to_owned(),
                problem: format!("{} fields", fields.len()),
            });
        };
        let owned = |one: &str, two: &str| [one.to_owned(), two.to_owned()];
        Ok(Parts {
            parent: parent.to_owned(),
            author: owned(an, ae),
            committer: owned(cn, ce),
            dates: owned(ad, cd),
            message: message.to_owned(),
        })
    }

    /// The tree with what a commit changed of its parent changed in `tip`. Files are taken whole:
    /// one that both have changed is one that the upgrade builds on.
    fn tree(
        &self,
        parent: &str,
        tip: &str,
        revision: &str,
        target: &Target,
    ) -> Result<String, ForgeError> {
        let index = Index::new(self.work.folder.join(INDEX));
        let env = vec![("GIT_INDEX_FILE", index.path.to_string_lossy().into_owned())];
        let needs = Needs { env, stdin: None };
        let merge = [
            "git",
            "read-tree",
            "-i",
            "-m",
            "--aggressive",
            parent,
            tip,
            revision,
        ];
        self.tool.ask(&merge, &needs)?;
        let unmerged = ["git", "ls-files", "--unmerged", "-z"];
        let unmerged = self.tool.ask(&unmerged, &needs)?;
        let mut paths: Vec<&str> = unmerged
            .split('\0')
            .filter_map(|entry| Some(entry.split_once('\t')?.1))
            .collect();
        paths.dedup();
        if !paths.is_empty() {
            return Err(ForgeError::Depends {
                target: target.branch.clone(),
                paths: paths.join(", "),
            });
        }
        let tree = self.tool.ask(&["git", "write-tree"], &needs)?;
        Ok(tree.trim().to_owned())
    }

    /// A commit of a tree, otherwise like another one.
    fn made(
        &self,
        tree: &str,
        parent: &str,
        parts: &Parts,
        rewrite: &Rewrite,
    ) -> Result<String, ForgeError> {
        let message = match &rewrite.change_id {
            Some(id) => self.with_change_id(&parts.message, id)?,
            None => parts.message.clone(),
        };
        let date = |own: &String| rewrite.date.as_ref().unwrap_or(own).clone();
        let env = vec![
            ("GIT_AUTHOR_NAME", parts.author[0].clone()),
            ("GIT_AUTHOR_EMAIL", parts.author[1].clone()),
            ("GIT_AUTHOR_DATE", date(&parts.dates[0])),
            ("GIT_COMMITTER_NAME", parts.committer[0].clone()),
            ("GIT_COMMITTER_EMAIL", parts.committer[1].clone()),
            ("GIT_COMMITTER_DATE", date(&parts.dates[1])),
        ];
        let stdin = Some(message.as_str());
        let argv = ["git", "commit-tree", tree, "-p", parent];
        let made = self.tool.ask(&argv, &Needs { stdin, env })?;
        Ok(made.trim().to_owned())
    }

    /// The message with this `Change-Id:` and no other one: a hook of the user's may have put one
    /// there, which would be another one each time.
    fn with_change_id(&self, message: &str, id: &str) -> Result<String, ForgeError> {
        let trailer = format!("--trailer=Change-Id: {id}");
        let argv = ["git", "interpret-trailers", "--if-exists=replace", &trailer];
        let needs = Needs {
            stdin: Some(message),
            env: Vec::new(),
        };
        self.tool.ask(&argv, &needs)
    }
}

/// A file that is gone again afterwards.
struct Index {
    path: PathBuf,
}

impl Index {
    fn new(path: PathBuf) -> Self {
        let index = Self { path };
        index.remove();
        index
    }

    fn remove(&self) {
        // One that a killed run has left would be taken for the beginning.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.path.with_extension("lock"));
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.remove();
    }
}
