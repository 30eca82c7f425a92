//! Pushing the branch: never over what somebody else has put there.

use crate::{
    error::ForgeError,
    proposal::{Proposal, Rewrite},
    remote::{Advertised, Target, fetch, reference},
    tool::Tool,
};

/// What the remote's branch is to the proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Branch {
    /// There is none.
    New,
    /// It has just what is proposed.
    Same,
    /// It has an earlier proposal, with this last commit.
    Earlier(String),
    /// It has commits of this person.
    Foreign(String),
}

/// Looks at the remote's branch.
pub(crate) fn look(
    proposal: &Proposal<'_>,
    branch: &str,
    target: &Target,
) -> Result<Branch, ForgeError> {
    let (tool, remote) = (proposal.tool, &proposal.options.remote);
    let advertised = Advertised::by(tool, remote, &[branch])?;
    let Some(tip) = advertised.tip(branch) else {
        return Ok(Branch::New);
    };
    fetch(tool, remote, branch)?;
    if let Some(name) = somebody_else(proposal, tip, target)? {
        return Ok(Branch::Foreign(name));
    }
    match has_the_same(proposal, tip, target) {
        true => Ok(Branch::Same),
        false => Ok(Branch::Earlier(tip.to_owned())),
    }
}

/// Pushes a commit as the branch, over `earlier` and nothing else.
pub(crate) fn push(
    proposal: &Proposal<'_>,
    commit: &str,
    branch: &str,
    earlier: Option<&str>,
) -> Result<(), ForgeError> {
    let reference = reference(branch);
    // The remote refuses when the branch is not what it was when we looked.
    let lease = format!(
        "--force-with-lease={reference}:{}",
        earlier.unwrap_or_default()
    );
    let refspec = format!("{commit}:{reference}");
    let argv = [
        "git",
        "push",
        "--porcelain",
        "--no-follow-tags",
        "--recurse-submodules=no",
        &lease,
        "--",
        &proposal.options.remote,
        &refspec,
    ];
    match proposal.tool.change(&argv, None)? {
        Some(result) if !result.succeeded() => Err(Tool::refusal(&argv, &result)),
        _ => Ok(()),
    }
}

/// Who beside the author of the commits has commits on the branch that the target does not have.
fn somebody_else(
    proposal: &Proposal<'_>,
    tip: &str,
    target: &Target,
) -> Result<Option<String>, ForgeError> {
    let [_, ours] = proposal.author()?;
    let range = format!("{}..{tip}", target.tip);
    let argv = [
        "git",
        "log",
        "--no-show-signature",
        "--format=%ae%x09%an",
        &range,
    ];
    let authors = proposal.git(&argv)?;
    let mut others = authors.lines().filter_map(|line| {
        let (address, name) = line.split_once('\t')?;
        (address != ours).then(|| name.to_owned())
    });
    Ok(others.next())
}

/// Whether the branch has the same change, be it on an older commit of the target: then it is left
/// as it is. To move it each night would only make noise.
fn has_the_same(proposal: &Proposal<'_>, tip: &str, target: &Target) -> bool {
    let same = || -> Result<bool, ForgeError> {
        let base = proposal.common(&target.tip, tip, target)?;
        let ours = proposal.on(&base, &Rewrite::default(), target)?;
        let tree =
            |commit: &str| proposal.git(&["git", "rev-parse", &format!("{commit}^{{tree}}")]);
        Ok(base != tip && tree(&ours)? == tree(tip)?)
    };
    // What cannot be compared is not the same.
    same().unwrap_or(false)
}
