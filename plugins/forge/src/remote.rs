//! What the remote has: its own branch, the tips of branches, and their objects.

use crate::{
    error::ForgeError,
    tool::{Needs, Tool},
};
use std::collections::BTreeMap;

/// References of a remote and their hashes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Advertised {
    /// The branch that `HEAD` stands for.
    pub default_branch: Option<String>,
    tips: BTreeMap<String, String>,
}

impl Advertised {
    /// Asks a remote about its `HEAD` and these branches.
    pub(crate) fn by(tool: &Tool<'_>, remote: &str, branches: &[&str]) -> Result<Self, ForgeError> {
        let mut argv = vec!["git", "ls-remote", "--symref", "--", remote, "HEAD"];
        let references: Vec<String> = branches.iter().map(|b| reference(b)).collect();
        argv.extend(references.iter().map(String::as_str));
        Ok(Self::read(&tool.ask(&argv, &Needs::default())?))
    }

    /// Reads what `git ls-remote --symref` prints: `HASH<tab>REFERENCE`, and
    /// `ref: REFERENCE<tab>HEAD` for what `HEAD` stands for.
    fn read(listed: &str) -> Self {
        let mut read = Self::default();
        for (value, name) in listed.lines().filter_map(|line| line.split_once('\t')) {
            match value.strip_prefix("ref: refs/heads/") {
                Some(branch) if name == "HEAD" => read.default_branch = Some(branch.to_owned()),
                Some(_) => {}
                None => {
                    read.tips.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        read
    }

    /// The hash of a branch's last commit, when the remote has the branch.
    pub(crate) fn tip(&self, branch: &str) -> Option<&str> {
        self.tips.get(&reference(branch)).map(String::as_str)
    }
}

/// A branch to merge into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name.
    pub branch: String,
    /// Its last commit.
    pub tip: String,
}

impl Target {
    /// The branch of this name, or the remote's own. Its commits are in the repository afterwards.
    pub(crate) fn at(
        tool: &Tool<'_>,
        remote: &str,
        branch: Option<&str>,
    ) -> Result<Self, ForgeError> {
        let mut advertised = Advertised::by(tool, remote, branch.as_slice())?;
        let remote_name = || remote.to_owned();
        let branch = match branch {
            Some(branch) => branch.to_owned(),
            None => {
                let own = advertised.default_branch.clone();
                let own = own.ok_or_else(|| ForgeError::NoDefault {
                    remote: remote_name(),
                })?;
                advertised = Advertised::by(tool, remote, &[&own])?;
                own
            }
        };
        let Some(tip) = advertised.tip(&branch).map(str::to_owned) else {
            return Err(ForgeError::NoTarget {
                remote: remote_name(),
                branch,
            });
        };
        fetch(tool, remote, &branch)?;
        Ok(Self { branch, tip })
    }
}

/// Gets a branch's objects into the repository, and leaves all references but `FETCH_HEAD` as they are
/// (git can leave that one alone since 2.29, which not all build hosts have).
pub(crate) fn fetch(tool: &Tool<'_>, remote: &str, branch: &str) -> Result<(), ForgeError> {
    let reference = reference(branch);
    let argv = [
        "git",
        "fetch",
        "-q",
        "--no-tags",
        "--no-recurse-submodules",
        // Otherwise the remote's tracking branches follow.
        "--refmap=",
        "--",
        remote,
        &reference,
    ];
    tool.ask(&argv, &Needs::default()).map(drop)
}

pub(crate) fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remotes_own_branch_and_only_whole_names_count() {
        let listed = "ref: refs/heads/main\tHEAD\nabc\tHEAD\nabc\trefs/heads/main\n\
                      fff\trefs/heads/old/refs/heads/main\nref: refs/heads/x\trefs/remotes/o/HEAD\n";
        let read = Advertised::read(listed);
        assert_eq!(read.default_branch.as_deref(), Some("main"));
        assert_eq!(read.tip("main"), Some("abc"));
        assert_eq!(read.tip("other"), None);
        assert_eq!(Advertised::read(""), Advertised::default());
    }
}
