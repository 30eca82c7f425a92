//! GitLab, through `glab` (its manual: `glab mr list`, `glab mr create`, `glab mr update`).

use crate::{
    error::ForgeError,
    proposal::Proposal,
    remote::Target,
    service::{Known, Service, address, read},
    tool::{Needs, Tool},
};
use serde::Deserialize;

/// GitLab.
pub(crate) struct GitLab;

/// An entry of `glab mr list --output=json`, which is GitLab's own answer (its API's
/// `GET /projects/:id/merge_requests`).
#[derive(Debug, Deserialize)]
struct MergeRequest {
    iid: u64,
    web_url: String,
    state: String,
    source_branch: String,
    #[serde(default)]
    source_project_id: u64,
    #[serde(default)]
    target_project_id: u64,
}

impl Service for GitLab {
    fn known(&self, proposal: &Proposal<'_>, branch: &str) -> Result<Vec<Known>, ForgeError> {
        let mut argv = vec![
            "glab".to_owned(),
            "mr".to_owned(),
            "list".to_owned(),
            "--all".to_owned(),
            "--per-page=100".to_owned(),
            "--output=json".to_owned(),
            format!("--source-branch={branch}"),
        ];
        argv.extend(proposal.options.project_flag());
        let listed = proposal.tool.ask(&argv, &Needs::default())?;
        let listed: Vec<MergeRequest> = read("glab mr list", &listed)?;
        let from_fork = proposal.options.fork.is_some();
        // Forks have branches of the same name.
        let ours = |request: &MergeRequest| {
            request.source_branch == branch
                && (request.source_project_id != request.target_project_id) == from_fork
        };
        Ok(listed
            .into_iter()
            .filter(ours)
            .map(|request| Known {
                number: request.iid,
                address: request.web_url,
                open: request.state == "opened",
            })
            .collect())
    }

    fn open(
        &self,
        proposal: &Proposal<'_>,
        branch: &str,
        target: &Target,
    ) -> Result<Option<String>, ForgeError> {
        let options = proposal.options;
        let mut argv = vec![
            "glab".to_owned(),
            "mr".to_owned(),
            "create".to_owned(),
            format!("--source-branch={branch}"),
            format!("--target-branch={}", target.branch),
            "--yes".to_owned(),
        ];
        argv.extend(text(proposal));
        argv.extend(options.request_flags());
        argv.extend(options.fork.as_ref().map(|fork| format!("--head={fork}")));
        argv.extend(options.project_flag());
        match proposal.tool.change(&argv, None)? {
            None => Ok(None),
            Some(result) if result.succeeded() => {
                let printed = address(&result.stdout).or_else(|| address(&result.stderr));
                Ok(Some(printed.unwrap_or_else(|| format!("for {branch}"))))
            }
            // Somebody was faster. GitLab says its number: "…for this source branch: !5".
            Some(result) if result.stderr.contains("already exists") => {
                Ok(Some(format!("for {branch}, which was there already,")))
            }
            Some(result) => Err(Tool::refusal(&argv, &result)),
        }
    }

    fn update(&self, proposal: &Proposal<'_>, known: &Known) -> Result<(), ForgeError> {
        let mut argv = vec![
            "glab".to_owned(),
            "mr".to_owned(),
            "update".to_owned(),
            known.number.to_string(),
            "--yes".to_owned(),
        ];
        argv.extend(text(proposal));
        argv.extend(proposal.options.project_flag());
        proposal.tool.must_change(&argv, None)
    }
}

/// Title and text. Older glabs read no description from their standard input.
fn text(proposal: &Proposal<'_>) -> [String; 2] {
    [
        format!("--title={}", proposal.text.title),
        format!("--description={}", proposal.text.body),
    ]
}
