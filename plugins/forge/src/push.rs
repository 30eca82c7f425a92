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
        let diff = [
            "git",
            "diff",
            "-U0",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
        ];
        let revisions = ["--no-renames", tip, &ours, "--"];
        Ok(base != tip && is_only_when(&proposal.git(&[&diff[..], &revisions].concat())?))
    };
    // What cannot be compared is not the same.
    same().unwrap_or(false)
}

/// Whether a difference (`git diff -U0`) is only about when the recipes' patches were written: each
/// upgrade writes them anew, with another date and other hashes.
fn is_only_when(diff: &str) -> bool {
    let mut in_header = true;
    diff.lines().all(|line| {
        in_header = line.starts_with("diff --git ") || (in_header && !line.starts_with("@@ "));
        match (in_header, line.split_at_checked(1)) {
            // Whatever else stands in a header is about a file as a whole.
            (true, _) if line.starts_with("+++ ") => line.trim_end().ends_with(".patch"),
            (true, _) => ["diff --git ", "index ", "--- "]
                .iter()
                .any(|known| line.starts_with(known)),
            (false, Some(("+" | "-", text))) => is_when(text),
            (false, _) => line.starts_with("@@ "),
        }
    })
}

/// A line of a patch with its date, its commit, or its files' hashes.
fn is_when(line: &str) -> bool {
    let is_hash = |text: &str| text.len() >= 7 && text.chars().all(|c| c.is_ascii_hexdigit());
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["Date:", ..] => true,
        ["From", commit, ..] => is_hash(commit),
        ["index", hashes, ..] => hashes.split("..").all(is_hash),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATED: &str = "\
diff --git a/files/x.patch b/files/x.patch
index cb95d8a..0c2bed2 100644
--- a/files/x.patch
+++ b/files/x.patch
@@ -1,2 +1,2 @@
-From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001
-Date: Sun, 22 Nov 2026 11:33:27 +0000
+From 2222222222222222222222222222222222222222 Mon Sep 17 00:00:00 2001
+Date: Mon, 23 Nov 2026 11:33:27 +0000
";

    #[test]
    fn a_patch_written_on_another_day_is_the_same() {
        assert!(is_only_when(""));
        assert!(is_only_when(DATED));
        for (from, to) in [
            ("+Date: Mon", "+Dated: Mon"),
            ("x.patch\n@@", "x.bb\n@@"),
            ("index cb95d8a", "new file mode 100644\nindex cb95d8a"),
            ("+From 2222222", "+++From 2222222"),
            ("@@ -1,2", "Binary files differ\n@@ -1,2"),
        ] {
            let other = DATED.replace(from, to);
            assert_ne!(other, DATED);
            assert!(!is_only_when(&other), "{other}");
        }
        assert!(!is_only_when(&format!("{DATED}@@ -9 +9 @@\n-a\n+b\n")));
    }
}
