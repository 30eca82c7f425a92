//! Gerrit: a change for each commit, pushed to `refs/for/BRANCH` (Gerrit's manual, "Uploading
//! Changes"). Gerrit tells changes apart by the `Change-Id:` of their message.

use crate::{
    branch,
    error::ForgeError,
    proposal::{Proposal, Rewrite},
    remote::Target,
    service::address,
    tool::{Needs, Tool},
};

/// Proposes, and says what came of it.
pub(crate) fn propose(proposal: &Proposal<'_>) -> Result<String, ForgeError> {
    let target = proposal.target()?;
    let base = proposal.base(&target)?;
    let rewrite = Rewrite {
        change_id: Some(change_id(proposal, &target)?),
        // The same upgrade on the same base is the same commit each night, of which Gerrit makes no
        // further patch set.
        date: Some(proposal.git(&[
            "git",
            "log",
            "-1",
            "--no-show-signature",
            "--format=%cI",
            &base,
        ])?),
    };
    let commit = proposal.on(&base, &rewrite, &target)?;
    push(proposal, &commit, &target)
}

/// `I` and 40 hexadecimal digits that follow from recipes, version and target, so that another run
/// finds the change that there is.
fn change_id(proposal: &Proposal<'_>, target: &Target) -> Result<String, ForgeError> {
    let group = &proposal.work.group;
    let what = format!(
        "{}\n{}\n{}\n",
        target.branch,
        group.name(),
        branch::version(group)
    );
    let needs = Needs {
        stdin: Some(&what),
        env: Vec::new(),
    };
    let hash = proposal
        .tool
        .ask(&["git", "hash-object", "--stdin"], &needs)?;
    Ok(format!(
        "I{}",
        hash.trim().chars().take(40).collect::<String>()
    ))
}

fn push(proposal: &Proposal<'_>, commit: &str, target: &Target) -> Result<String, ForgeError> {
    let options = proposal.options;
    let mut argv = vec![
        "git".to_owned(),
        "push".to_owned(),
        "--porcelain".to_owned(),
        "--no-follow-tags".to_owned(),
        "--recurse-submodules=no".to_owned(),
        format!("--push-option=topic={}", proposal.branch()),
    ];
    argv.extend(options.draft.then(|| "--push-option=wip".to_owned()));
    argv.extend(
        options
            .labels
            .iter()
            .map(|label| format!("--push-option=hashtag={label}")),
    );
    argv.extend(
        options
            .reviewers
            .iter()
            .map(|name| format!("--push-option=r={name}")),
    );
    argv.extend([
        "--".to_owned(),
        options.remote.clone(),
        format!("{commit}:refs/for/{}", target.branch),
    ]);
    let Some(result) = proposal.tool.change(&argv, None)? else {
        return Ok(format!("a change for {}", target.branch));
    };
    let said = format!("{}\n{}", result.stdout, result.stderr);
    if result.succeeded() {
        let told = address(&result.stderr).unwrap_or_else(|| "for review".to_owned());
        return Ok(format!("change {told} pushed"));
    }
    if said.contains("(no new changes)") {
        return Ok("the change is up to date".to_owned());
    }
    if let Some(line) = said.lines().find(|line| line.contains(" closed)")) {
        let told = address(&line.replace('(', " ")).unwrap_or_else(|| "it".to_owned());
        return Ok(format!(
            "no change: {told} was for the same version and is closed; restore it if it shall be merged"
        ));
    }
    Err(Tool::refusal(&argv, &result))
}
