//! What can be wrong with a build environment.

use crate::Unfit;
use std::{io, path::PathBuf};

/// What can be wrong with a build environment.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum OeError {
    /// No build environment was initialised.
    #[error("BUILDDIR is not set: this is no initialised build environment")]
    NoBuildDir,
    /// `BUILDDIR` leads nowhere.
    #[error("BUILDDIR is {}, and {what}", .path.display())]
    BadBuildDir { path: PathBuf, what: String },
    /// A program that a run needs is not on the `PATH`.
    #[error("the program {tool} is not on the PATH")]
    MissingTool {
        tool: &'static str,
        provider: &'static str,
    },
    /// `local.conf` decides what a run must be able to choose.
    #[error("{}:{line}: this assigns {variable} hard, so that auh cannot switch it", .path.display())]
    HardAssignment {
        path: PathBuf,
        line: usize,
        variable: &'static str,
    },
    /// git does not know who commits.
    #[error("git has no {key}")]
    NoGitIdentity { key: &'static str },
    /// No layer configures a machine.
    #[error("no layer has a machine {machine:?} (conf/machine/{machine}.conf)")]
    UnknownMachine { machine: String },
    /// A path that cannot be written into a BitBake configuration.
    #[error("the path {} contains {what}, which BitBake's configuration cannot hold", .path.display())]
    UnusablePath { path: PathBuf, what: &'static str },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A tool could not be run at all.
    #[error(transparent)]
    Run(#[from] auh_process::RunError),
    /// A tool said no.
    #[error("{tool} {how}: {said}")]
    Tool {
        tool: String,
        how: String,
        said: String,
    },
    /// The session that reads recipes did not come about.
    #[error("BitBake cannot read the build configuration: {message}")]
    Session { message: String, detail: String },
    /// A path that is not removed although the settings ask for it.
    #[error("{} is not removed: {why}", .path.display())]
    Unremovable { path: PathBuf, why: &'static str },
    /// A BitBake server stands in the way.
    #[error("a BitBake server serves {}, so that nothing there can be removed", .build_dir.display())]
    Served { build_dir: PathBuf },
    /// Stable releases were asked for, and OE-core has no check for them.
    #[error("this OE-core cannot tell the stable releases of an upstream from the others")]
    NoStableCheck,
    /// A recipe that was asked for cannot be upgraded in place.
    #[error("recipe {recipe}: {why}")]
    Unfit { recipe: String, why: Unfit },
    /// The run is being stopped.
    #[error("stopped")]
    Stopped,
}

impl OeError {
    /// What to do about it, for a line of its own.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoBuildDir => {
                "source oe-init-build-env of your openembedded-core first".to_owned()
            }
            Self::BadBuildDir { .. } => {
                "source oe-init-build-env again, or set BUILDDIR to a build directory".to_owned()
            }
            Self::MissingTool { provider, .. } => (*provider).to_owned(),
            Self::HardAssignment { variable, .. } => {
                format!("write {variable} ?= \"...\" instead, so that auh can build for several")
            }
            Self::NoGitIdentity { key } => format!("git config --global {key} \"...\""),
            Self::Unfit { why, .. } => why.hint().to_owned(),
            Self::UnknownMachine { .. } => {
                "check the spelling, or add the layer that has it to bblayers.conf".to_owned()
            }
            Self::Unremovable { .. } => {
                "remove it yourself, or switch clean-sstate and clean-tmp off".to_owned()
            }
            Self::Served { .. } => "end it with bitbake -m, and start again".to_owned(),
            Self::NoStableCheck => {
                "leave --stable out, or use an OE-core whose recipeutils knows stable upgrades"
                    .to_owned()
            }
            Self::Run(error) => error.hint().to_owned(),
            Self::UnusablePath { .. } => "move it to a path without such characters".to_owned(),
            Self::Io { source, .. } => auh_process::io_hint(source).to_owned(),
            Self::Tool { .. } => {
                "call it by hand in the build directory to see all that it says".to_owned()
            }
            Self::Session { .. } => {
                "bitbake -p in the build directory shows the same with more words".to_owned()
            }
            Self::Stopped => return None,
        })
    }

    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// From a command that ended otherwise than with status 0.
    pub(crate) fn tool(tool: &str, finished: &auh_process::Finished) -> Self {
        let how = match finished.exit {
            auh_process::Exit::Code(code) => format!("exited with status {code}"),
            auh_process::Exit::Signal(signal) => format!("was ended by signal {signal}"),
            auh_process::Exit::TimedOut => "was stopped by its time limit".to_owned(),
            auh_process::Exit::Cancelled => return Self::Stopped,
        };
        let said = telling(&finished.last_lines).map_or("it said nothing", |line| line.trim());
        if let Some(machine) = unknown_machine(said) {
            return Self::UnknownMachine {
                machine: machine.to_owned(),
            };
        }
        Self::Tool {
            tool: tool.to_owned(),
            how,
            said: said.to_owned(),
        }
    }
}

/// The machine that OE's sanity checker says is none.
fn unknown_machine(said: &str) -> Option<&str> {
    let (machine, _) = said.strip_prefix("MACHINE=")?.split_once(" is invalid")?;
    Some(machine)
}

/// Of a tool's last lines the one that tells why it failed. OE's sanity checker puts its findings,
/// such as an invalid `MACHINE`, below an introduction of several lines.
fn telling(lines: &[String]) -> Option<&str> {
    let first =
        |sign: &dyn Fn(&str) -> bool| lines.iter().map(String::as_str).find(|line| sign(line));
    first(&|line| line.contains(" is invalid"))
        .or_else(|| first(&|line| line.starts_with("ERROR: ") || line.starts_with("fatal: ")))
        .or(lines.last().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_above_a_closing_line() {
        let check = |lines: &[&str], expect: &str| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(telling(&lines), Some(expect));
        };
        check(
            &["ERROR: no such layer", "Summary: There was 1 ERROR message"],
            "ERROR: no such layer",
        );
        check(
            &["ERROR: OE-core's sanity checker", "MACHINE=x is invalid."],
            "MACHINE=x is invalid.",
        );
        check(&["a", "b"], "b");
        assert_eq!(
            unknown_machine("MACHINE=x is invalid. Please set"),
            Some("x")
        );
    }
}
