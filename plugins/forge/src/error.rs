//! What keeps a group from being proposed. Each says what to do about it; the commit stays.

use auh_repository::one_line;
use auh_sdk::{CommandResult, Exit, Failure, FailureClass, HostError};
use auh_transcript::plain;
use std::path::PathBuf;

/// What keeps a group from being proposed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgeError {
    /// A tool did not start.
    #[error("{reason}; {remedy}")]
    Missing {
        reason: HostError,
        remedy: &'static str,
    },
    /// Nobody is logged in, or not somebody who may.
    #[error("{what} was not let in: {said}; {remedy}")]
    Login {
        what: String,
        said: String,
        remedy: &'static str,
    },
    /// The other side does not want it.
    #[error("{what} {how}: {said}; the commit stays in the layer, and the next run tries again")]
    Refused {
        what: String,
        how: String,
        said: String,
    },
    /// The run is being stopped.
    #[error("stopped")]
    Stopped,
    /// It took too long.
    #[error("{what} {how}; see whether it waits for a password or for the network")]
    TimedOut { what: String, how: String },
    /// The remote has no branch to merge into.
    #[error("{remote} has no branch {branch}; name the branch to merge into with target-branch")]
    NoTarget { remote: String, branch: String },
    /// The remote does not say which branch is its own.
    #[error("{remote} does not say which branch is its own; name it with target-branch")]
    NoDefault { remote: String },
    /// The target's history and the commit's have nothing in common.
    #[error(
        "the commit and {target} have no history in common; see whether remote and target-branch are the layer's"
    )]
    Unrelated { target: String },
    /// Without the commits before it the upgrade cannot be had.
    #[error(
        "the upgrade builds on commits that {target} does not have, in {paths}; push those first"
    )]
    Depends { target: String, paths: String },
    /// A tool's answer is of another form.
    #[error(
        "{what} answered something else than expected ({problem}); see whether the tool is up to date"
    )]
    Answer { what: String, problem: String },
    /// A file cannot be written.
    #[error("{}: {source}", .path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl ForgeError {
    /// What this makes of a recipe.
    pub(crate) fn failure(&self) -> Failure {
        let class = match self {
            Self::TimedOut { .. } => FailureClass::Hang,
            Self::Refused { .. } | Self::Depends { .. } | Self::Unrelated { .. } => {
                FailureClass::Commit
            }
            _ => FailureClass::Infrastructure,
        };
        Failure::new(class, self.to_string())
    }

    /// The error about a command that did not end well.
    pub(crate) fn ended(what: &str, result: &CommandResult, remedy: &'static str) -> Self {
        let what = what.to_owned();
        match result.exit {
            Exit::Stopped => return Self::Stopped,
            Exit::TimedOut => {
                let how = result.how();
                return Self::TimedOut { what, how };
            }
            Exit::Code(_) | Exit::Signal(_) => {}
        }
        let said = said(result);
        // gh ends with status 4 when somebody has to log in.
        let asks = what.starts_with("gh ") && result.exit == Exit::Code(4);
        if asks || is_about_login(&said) {
            return Self::Login { what, said, remedy };
        }
        let how = result.how();
        Self::Refused { what, how, said }
    }
}

/// What a command said about its failure, in one line: what `git push --porcelain` lists as
/// rejected, and its standard error.
fn said(result: &CommandResult) -> String {
    let rejected = result.stdout.lines().filter(|line| line.starts_with('!'));
    let rejected: Vec<String> = rejected.map(|line| line.replace('\t', " ")).collect();
    let text = match (rejected.as_slice(), result.stderr.trim()) {
        ([], "") => result.stdout.clone(),
        (_, stderr) => format!("{}\n{stderr}", rejected.join("\n")),
    };
    one_line(&without_credentials(&plain(&text)))
}

fn is_about_login(said: &str) -> bool {
    // With the words around the numbers: a commit's hash has any three digits now and then.
    const SIGNS: [&str; 14] = [
        "auth login",
        "http 401",
        "http 403",
        "error: 401",
        "error: 403",
        "401 unauthorized",
        "403 forbidden",
        "unauthenticated",
        "authentication failed",
        "permission denied (",
        "could not read username",
        "could not read password",
        "terminal prompts disabled",
        "host key verification failed",
    ];
    let said = said.to_lowercase();
    SIGNS.iter().any(|sign| said.contains(sign))
}

/// Addresses without what stands before their host: `https://user:token@host` is in the log of a
/// failed push otherwise.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c.is_whitespace() || c == '\'' || c == '"');
        let host = &part[..end.unwrap_or(part.len())];
        let start = host.rfind('@').map_or(0, |at| at + 1);
        clean.push_str("://");
        clean.push_str(&part[start..]);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_sdk::pretend::ended;

    #[test]
    fn credentials_do_not_get_into_logs() {
        let text = "unable to access 'https://me:t0ken@example.org/x.git/': no\nssh://git@h/x y@z";
        assert_eq!(
            without_credentials(text),
            "unable to access 'https://example.org/x.git/': no\nssh://h/x y@z"
        );
        assert_eq!(without_credentials("no address"), "no address");
    }

    #[test]
    fn a_failed_login_is_told_from_a_refusal() {
        let login = |what: &str, result: &CommandResult| {
            let error = ForgeError::ended(what, result, "log in");
            matches!(error, ForgeError::Login { .. })
        };
        assert!(login("gh pr list", &ended(4, "", "To get started")));
        assert!(!login("glab mr list", &ended(4, "", "what?")));
        assert!(login("glab mr list", &ended(1, "", "401 Unauthorized")));
        let push = ended(
            128,
            "",
            "fatal: could not read Username for 'https://h': no",
        );
        assert!(login("git push", &push));
        let hook = ended(
            1,
            "!\ta:b\t[remote rejected] (hook declined)\n",
            "error: failed",
        );
        assert!(!login("git push", &hook));
        let hash = ended(1, "!\t1401403:refs/for/x\t[remote rejected] (no)\n", "");
        assert!(!login("git push", &hash));
        let told = ForgeError::ended("git push", &hook, "log in").to_string();
        assert!(
            told.contains("! a:b [remote rejected] (hook declined); error: failed"),
            "{told}"
        );
    }
}
