//! Proposing on a forge that has branches and merge requests: find what is there, push, open or
//! bring up to date.

use crate::{
    error::ForgeError,
    proposal::{Proposal, Rewrite},
    push::{self, Branch},
    remote::Target,
};
use serde::de::DeserializeOwned;

/// A forge, by its own tool.
pub(crate) trait Service {
    /// All merge requests for a branch, whatever their state.
    fn known(&self, proposal: &Proposal<'_>, branch: &str) -> Result<Vec<Known>, ForgeError>;

    /// Opens a merge request and hands back its address; none in a dry run.
    fn open(
        &self,
        proposal: &Proposal<'_>,
        branch: &str,
        target: &Target,
    ) -> Result<Option<String>, ForgeError>;

    /// Gives a merge request the present title and text.
    fn update(&self, proposal: &Proposal<'_>, known: &Known) -> Result<(), ForgeError>;
}

/// A merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its number in its project.
    pub number: u64,
    /// Where it can be seen.
    pub address: String,
    /// Whether it waits to be merged.
    pub open: bool,
}

/// Proposes, and says what came of it.
pub(crate) fn propose(
    proposal: &Proposal<'_>,
    service: &dyn Service,
) -> Result<String, ForgeError> {
    let branch = proposal.branch();
    let known = service.known(proposal, &branch)?;
    let open = known.iter().find(|known| known.open);
    if let (None, Some(closed)) = (open, known.first()) {
        // Somebody has decided about it; nobody wants it again each night.
        return Ok(format!(
            "no merge request: {} was for the same version and is closed; reopen it if it shall be merged",
            closed.address
        ));
    }
    let target = proposal.target()?;
    let state = push::look(proposal, &branch, &target)?;
    let earlier = match &state {
        Branch::Foreign(name) => {
            let at = open.map_or(String::new(), |open| format!(" of {}", open.address));
            return Ok(format!(
                "no merge request: the branch {branch}{at} has commits of {name} and is left as it is"
            ));
        }
        Branch::Same => match open {
            Some(open) => return Ok(format!("merge request {} is up to date", open.address)),
            None => None,
        },
        Branch::New => None,
        Branch::Earlier(tip) => Some(tip.as_str()),
    };
    if state != Branch::Same {
        let base = proposal.base(&target)?;
        let commit = proposal.on(&base, &Rewrite::default(), &target)?;
        push::push(proposal, &commit, &branch, earlier)?;
    }
    if let Some(open) = open {
        service.update(proposal, open)?;
        return Ok(format!("merge request {} updated", open.address));
    }
    let address = service.open(proposal, &branch, &target)?;
    Ok(match address {
        Some(address) => format!("merge request {address} opened"),
        None => format!("a merge request for {branch} into {}", target.branch),
    })
}

/// Reads the JSON that a tool prints.
pub(crate) fn read<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, ForgeError> {
    // glab prints nothing, or words, where there is nothing to list.
    let json = match json.trim() {
        text if text.starts_with('[') => text,
        text if text.is_empty() || text.starts_with("No ") => "[]",
        text => text,
    };
    serde_json::from_str(json).map_err(|error| ForgeError::Answer {
        what: what.to_owned(),
        problem: error.to_string(),
    })
}

/// The first address in what a tool prints: that of the merge request that it has opened.
pub(crate) fn address(printed: &str) -> Option<String> {
    let mut words = printed.split_whitespace();
    let found = words.find(|word| word.starts_with("https://") || word.starts_with("http://"))?;
    Some(found.to_owned())
}
