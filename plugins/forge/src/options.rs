//! The step's settings, `[plugins.forge]`.

use crate::branch;
use auh_sdk::{OptionKey, OptionKind};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Who takes merge requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Through `gh`.
    Github,
    /// Through `glab`.
    Gitlab,
    /// Through `git push` to `refs/for/`.
    Gerrit,
}

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ForgeOptions {
    /// Who takes merge requests.
    pub kind: Kind,
    /// The git remote, by name or address, to which branches are pushed.
    #[serde(default = "origin")]
    pub remote: String,
    /// The git remote that has the target branch, when it is another one (a fork's upstream).
    #[serde(default)]
    pub target_remote: Option<String>,
    /// The branch to merge into; the remote's own default unless set.
    #[serde(default)]
    pub target_branch: Option<String>,
    /// The project that gets the merge request, `OWNER/NAME` or an address, when the tool cannot
    /// tell it from the repository's remotes.
    #[serde(default)]
    pub project: Option<String>,
    /// The fork that `remote` is: its owner on GitHub, `GROUP/NAME` on GitLab.
    #[serde(default)]
    pub fork: Option<String>,
    /// Name of the branch, with the fields `{group}` and `{version}`.
    #[serde(default = "usual_branch")]
    pub branch: String,
    /// Whether the merge request is a draft (work in progress).
    #[serde(default)]
    pub draft: bool,
    /// Labels; hashtags on Gerrit.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Who is asked to look at it.
    #[serde(default)]
    pub reviewers: Vec<String>,
    /// Show text and commands, and change nothing outside.
    #[serde(default)]
    pub dry_run: bool,
}

impl ForgeOptions {
    /// Which project gets the merge request, as `gh` and `glab` both take it.
    pub(crate) fn project_flag(&self) -> Option<String> {
        let project = self.project.as_ref()?;
        Some(format!("--repo={project}"))
    }

    /// What else a merge request is to have, as both take it.
    pub(crate) fn request_flags(&self) -> Vec<String> {
        let draft = self.draft.then(|| "--draft".to_owned());
        let labels = self.labels.iter().map(|label| format!("--label={label}"));
        let reviewers = self.reviewers.iter();
        let reviewers = reviewers.map(|name| format!("--reviewer={name}"));
        draft.into_iter().chain(labels).chain(reviewers).collect()
    }
}

fn origin() -> String {
    "origin".to_owned()
}

fn usual_branch() -> String {
    "auh/{group}-{version}".to_owned()
}

/// What [`ForgeOptions`] takes, for the host to check and to show.
pub(crate) fn keys() -> Vec<OptionKey> {
    let key = OptionKey::new;
    let kind = OptionKind::one_of(&["github", "gitlab", "gerrit"]);
    let (text, texts, switch) = (OptionKind::Text, OptionKind::Texts, OptionKind::Switch);
    vec![
        key("kind", kind, "who takes the merge requests").required(),
        key(
            "remote",
            text.clone(),
            "the git remote that branches are pushed to",
        )
        .with_default(origin()),
        key(
            "target-remote",
            text.clone(),
            "the git remote that has the branch to merge into, if another one",
        ),
        key(
            "target-branch",
            text.clone(),
            "the branch to merge into; the remote's own default unless set",
        ),
        key(
            "project",
            text.clone(),
            "the project that gets the merge request, if the remotes do not tell",
        ),
        key("fork", text.clone(), "the fork that the remote is"),
        key(
            "branch",
            text,
            "name of the branch, with {group} and {version}",
        )
        .with_default(usual_branch()),
        key("draft", switch.clone(), "whether merge requests are drafts").with_default(false),
        key("labels", texts.clone(), "labels; hashtags on Gerrit"),
        key("reviewers", texts, "who is asked to look at it"),
        key(
            "dry-run",
            switch,
            "write text and commands, and change nothing outside",
        )
        .with_default(false),
    ]
}

impl ForgeOptions {
    /// Reads and checks them; the error is for people.
    pub(crate) fn new(options: &Map<String, Value>) -> Result<Self, String> {
        let options: Self = serde_json::from_value(Value::Object(options.clone()))
            .map_err(|error| format!("[plugins.forge] is not understood: {error}"))?;
        options
            .check()
            .map_err(|reason| format!("[plugins.forge]: {reason}"))?;
        Ok(options)
    }

    fn check(&self) -> Result<(), String> {
        branch::check_template(&self.branch)?;
        let target = self.target_branch.as_deref();
        if let Some(target) = target.filter(|target| !branch::is_branch(target)) {
            return Err(format!("target-branch: {target:?} is no branch's name"));
        }
        let single = [
            ("remote", Some(&self.remote)),
            ("target-remote", self.target_remote.as_ref()),
            ("project", self.project.as_ref()),
            ("fork", self.fork.as_ref()),
        ];
        for (key, value) in single {
            if let Some(text) = value.filter(|text| !is_word(text)) {
                return Err(format!("{key}: {text:?} is empty, an option or has blanks"));
            }
        }
        // The tools take several labels and names in one argument, with commas between them.
        let listed = |text: &&String| {
            text.is_empty() || text.contains(|c: char| c.is_control() || c == ',' || c == '"')
        };
        for (key, values) in [("labels", &self.labels), ("reviewers", &self.reviewers)] {
            if let Some(text) = values.iter().find(listed) {
                return Err(format!("{key}: {text:?} is empty or has a comma or quote"));
            }
        }
        match self.kind {
            Kind::Gerrit if self.fork.is_some() || self.project.is_some() => {
                Err("fork and project have no meaning on Gerrit; take them out".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The remote that has the target branch.
    pub(crate) fn target_remote(&self) -> &str {
        self.target_remote.as_deref().unwrap_or(&self.remote)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(options: Value) -> Result<ForgeOptions, String> {
        ForgeOptions::new(options.as_object().unwrap())
    }

    #[test]
    fn the_kind_is_enough() {
        let options = read(json!({"kind": "github"})).unwrap();
        assert_eq!(options.kind, Kind::Github);
        assert_eq!(options.target_remote(), "origin");
        assert_eq!(options.branch, "auh/{group}-{version}");
        assert!(!options.draft && !options.dry_run);
    }

    #[test]
    fn what_would_be_taken_for_something_else_is_refused() {
        for (options, reason) in [
            (json!({}), "missing field `kind`"),
            (json!({"kind": "sourceforge"}), "unknown variant"),
            (
                json!({"kind": "github", "drafts": true}),
                "unknown field `drafts`",
            ),
            (
                json!({"kind": "github", "remote": "--upload-pack=x"}),
                "remote: ",
            ),
            (json!({"kind": "github", "remote": ""}), "remote: "),
            (
                json!({"kind": "github", "target-branch": "a..b"}),
                "target-branch: ",
            ),
            (json!({"kind": "github", "project": "-x"}), "project: "),
            (json!({"kind": "github", "labels": ["a,b"]}), "labels: "),
            (json!({"kind": "github", "reviewers": [""]}), "reviewers: "),
            (
                json!({"kind": "github", "branch": "auh/{group}"}),
                "branch: ",
            ),
            (json!({"kind": "gerrit", "fork": "me"}), "on Gerrit"),
        ] {
            let error = read(options.clone()).unwrap_err();
            assert!(error.starts_with("[plugins.forge]"), "{error}");
            assert!(error.contains(reason), "{options}: {error}");
        }
    }
}
