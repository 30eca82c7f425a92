//! What the host has for a run: versions of the tools, and space on its disks.

use crate::OeError;
use auh_process::{CancelToken, Command, run};
use rustix::fs::{stat, statvfs};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A tool that says its version, and the oldest one that auh can work with. git: the oldest with
/// `rev-parse --path-format`; Python: what the session script is written in. What a BitBake needs
/// it checks itself.
const TOOLS: [(&str, Option<[u32; 2]>); 3] = [
    ("bitbake", None),
    ("git", Some([2, 31])),
    ("python3", Some([3, 6])),
];

/// How long a tool may take to say its version.
const PATIENCE: Duration = Duration::from_secs(20);

/// A tool and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolVersion {
    /// The program's name.
    pub tool: &'static str,
    /// What it says, such as `2.47.3`.
    pub version: String,
    /// The oldest version that would do, when this one is older.
    pub wanted: Option<String>,
}

/// The versions of the tools that a run needs, each with what keeps it from being known.
#[must_use]
pub fn tool_versions(
    folder: &Path,
    cancel: &CancelToken,
) -> Vec<(&'static str, Result<ToolVersion, OeError>)> {
    let tools = TOOLS.iter();
    tools
        .map(|&(tool, least)| (tool, version(tool, least, folder, cancel)))
        .collect()
}

fn version(
    tool: &'static str,
    least: Option<[u32; 2]>,
    folder: &Path,
    cancel: &CancelToken,
) -> Result<ToolVersion, OeError> {
    let command = Command::new(tool, folder)
        .arg("--version")
        .time_limit(PATIENCE);
    let finished = run(&command, cancel, &mut |_| {})?;
    if !finished.exit.success() {
        return Err(OeError::tool(&format!("{tool} --version"), &finished));
    }
    let text = finished.stdout.text();
    let version = number_in(&text).ok_or_else(|| OeError::Tool {
        tool: format!("{tool} --version"),
        how: "named no version".to_owned(),
        said: text.trim().to_owned(),
    })?;
    let wanted = least.filter(|least| is_older(version, *least));
    Ok(ToolVersion {
        tool,
        version: version.to_owned(),
        wanted: wanted.map(|[major, minor]| format!("{major}.{minor}")),
    })
}

/// The first word that begins with a digit.
fn number_in(text: &str) -> Option<&str> {
    text.split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_older(version: &str, least: [u32; 2]) -> bool {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    });
    let mut next = || numbers.next().unwrap_or(0);
    [next(), next()] < least
}

/// Space on the file system that a folder is on, or would be on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// The file system, as the kernel numbers it.
    pub device: u64,
    /// Free bytes for this user.
    pub free: u64,
    /// The folder that was looked at: the one asked about, or the nearest above it that exists.
    pub folder: PathBuf,
}

/// The space where a folder is, or where it would be made.
///
/// # Errors
/// The file system does not answer.
pub fn free_space(folder: &Path) -> Result<Space, OeError> {
    let mut above = folder.ancestors();
    let folder = above.find(|path| path.exists()).unwrap_or(Path::new("/"));
    let failed = |errno: rustix::io::Errno| OeError::Io {
        action: "ask for the free space of",
        path: folder.to_owned(),
        source: errno.into(),
    };
    let space = statvfs(folder).map_err(failed)?;
    Ok(Space {
        device: stat(folder).map_err(failed)?.st_dev,
        free: space.f_bavail.saturating_mul(space.f_frsize),
        folder: folder.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        let check = |text, expect| assert_eq!(number_in(text), Some(expect));
        check("git version 2.47.3\n", "2.47.3");
        check("BitBake Build Tool Core version 2.19.0\n", "2.19.0");
        check("Python 3.14.0rc1\n", "3.14.0rc1");
        assert_eq!(number_in("no number"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, older) in [
            ("2.31.0", false),
            ("2.9", true),
            ("3", false),
            ("1.99", true),
        ] {
            assert_eq!(is_older(version, [2, 31]), older, "{version}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let there = free_space(folder.path()).unwrap();
        assert_eq!(free_space(&folder.path().join("a/b")).unwrap(), there);
        assert_eq!(there.folder, folder.path());
    }
}
