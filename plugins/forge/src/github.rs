//! GitHub, through `gh` (its manual: `gh pr list`, `gh pr create`, `gh pr edit`).

use crate::{
    error::ForgeError,
    proposal::Proposal,
    remote::Target,
    service::{Known, Service, address, read},
    tool::{Needs, Tool},
};
use serde::Deserialize;

/// GitHub.
pub(crate) struct GitHub;

/// An entry of `gh pr list --json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    number: u64,
    url: String,
    state: String,
    #[serde(default)]
    is_cross_repository: bool,
    #[serde(default)]
    head_repository_owner: Option<Owner>,
}

#[derive(Debug, Deserialize)]
struct Owner {
    login: String,
}

impl PullRequest {
    /// Forks have branches of the same name.
    fn is_ours(&self, fork: Option<&str>) -> bool {
        match fork {
            None => !self.is_cross_repository,
            Some(fork) => self
                .head_repository_owner
                .as_ref()
                .is_some_and(|owner| owner.login.eq_ignore_ascii_case(fork)),
        }
    }
}

impl Service for GitHub {
    fn known(&self, proposal: &Proposal<'_>, branch: &str) -> Result<Vec<Known>, ForgeError> {
        let fields = "number,url,state,isCrossRepository,headRepositoryOwner";
        let mut argv = vec![
            "gh".to_owned(),
            "pr".to_owned(),
            "list".to_owned(),
            "--state=all".to_owned(),
            "--limit=100".to_owned(),
            format!("--head={branch}"),
            format!("--json={fields}"),
        ];
        argv.extend(proposal.options.project_flag());
        let listed = proposal.tool.ask(&argv, &Needs::default())?;
        let listed: Vec<PullRequest> = read("gh pr list", &listed)?;
        let fork = proposal.options.fork.as_deref();
        let ours = listed.into_iter().filter(|request| request.is_ours(fork));
        Ok(ours
            .map(|request| Known {
                number: request.number,
                address: request.url,
                open: request.state == "OPEN",
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
        let owner = options.fork.as_ref().map(|owner| format!("{owner}:"));
        let mut argv = vec![
            "gh".to_owned(),
            "pr".to_owned(),
            "create".to_owned(),
            format!("--head={}{branch}", owner.unwrap_or_default()),
            format!("--base={}", target.branch),
            format!("--title={}", proposal.text.title),
            "--body-file=-".to_owned(),
        ];
        argv.extend(options.request_flags());
        argv.extend(options.project_flag());
        match proposal.tool.change(&argv, Some(&proposal.text.body))? {
            None => Ok(None),
            Some(result) if result.succeeded() => Ok(address(&result.stdout)),
            // Somebody was faster. gh says where it is.
            Some(result) if result.stderr.contains("already exists") => Ok(address(&result.stderr)),
            Some(result) => Err(Tool::refusal(&argv, &result)),
        }
    }

    fn update(&self, proposal: &Proposal<'_>, known: &Known) -> Result<(), ForgeError> {
        let mut argv = vec![
            "gh".to_owned(),
            "pr".to_owned(),
            "edit".to_owned(),
            known.number.to_string(),
            format!("--title={}", proposal.text.title),
            "--body-file=-".to_owned(),
        ];
        argv.extend(proposal.options.project_flag());
        proposal.tool.must_change(&argv, Some(&proposal.text.body))
    }
}
