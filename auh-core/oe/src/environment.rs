//! The build environment that auh was started in, and what must be there before anything starts.

use crate::{OeError, conf, passage::narrowed};
use auh_process::{CancelToken, Command, run, which};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// A program that a run needs, and who provides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HostTool {
    /// Its name on the `PATH`.
    name: &'static str,
    /// What provides it, as a hint.
    provider: &'static str,
}

const TOOLS: [HostTool; 4] = [
    HostTool {
        name: "bitbake",
        provider: "BitBake provides it: source oe-init-build-env, which puts it on the PATH",
    },
    HostTool {
        name: "devtool",
        provider: "openembedded-core provides it in scripts/: source oe-init-build-env, which puts it on the PATH",
    },
    HostTool {
        name: "git",
        provider: "install the package git",
    },
    HostTool {
        name: "python3",
        provider: "install the package python3",
    },
];

/// An initialised build environment.
#[derive(Debug, Clone)]
pub struct Environment {
    build_dir: PathBuf,
    tool_conf: &'static str,
    fragments: bool,
}

impl Environment {
    /// The environment of this process, checked: build directory and tools.
    pub fn of_this_process() -> Result<Self, OeError> {
        Self::new(
            env::var_os("BUILDDIR"),
            &env::var_os("PATH").unwrap_or_default(),
        )
    }

    fn new(build_dir: Option<OsString>, path: &OsString) -> Result<Self, OeError> {
        let build_dir = usable_build_dir(build_dir)?;
        if let Some(missing) = missing_tools(path).into_iter().next() {
            return Err(missing);
        }
        let new_tree = which("bitbake-config-build", path).is_some();
        let local_conf = fs::read(build_dir.join("conf/local.conf")).unwrap_or_default();
        Ok(Self {
            tool_conf: if new_tree {
                "conf/toolcfg.conf"
            } else {
                "conf/auto.conf"
            },
            // BitBake refuses a machine fragment beside any other assignment than a `??=`.
            fragments: new_tree && !conf::assigns_machine(&String::from_utf8_lossy(&local_conf)),
            build_dir,
        })
    }

    /// The user's build directory, without symbolic links.
    #[must_use]
    pub fn build_dir(&self) -> &Path {
        &self.build_dir
    }

    /// The same tools with another build directory.
    pub(crate) fn with_build_dir(&self, build_dir: PathBuf) -> Self {
        Self {
            build_dir,
            ..self.clone()
        }
    }

    /// The file below the build directory that OE reads for tools' own lines.
    pub(crate) fn tool_conf(&self) -> PathBuf {
        self.build_dir.join(self.tool_conf)
    }

    /// Whether the machine is chosen by a configuration fragment: so where the tree has
    /// `bitbake-config-build` and `local.conf` names no machine of its own. Otherwise `MACHINE` in
    /// the environment chooses it.
    #[must_use]
    pub fn has_fragments(&self) -> bool {
        self.fragments
    }

    /// Checks that `local.conf` leaves machine and C library open, and that git knows who commits.
    pub fn check_for_upgrades(&self, cancel: &CancelToken) -> Result<(), OeError> {
        leaves_machines_open(&self.build_dir)?;
        for key in IDENTITY {
            identity(key, &self.build_dir, cancel)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn for_tests(build_dir: &Path, fragments: bool) -> Self {
        Self {
            build_dir: build_dir.to_owned(),
            tool_conf: if fragments {
                "conf/toolcfg.conf"
            } else {
                "conf/auto.conf"
            },
            fragments,
        }
    }
}

/// The build directory that `BUILDDIR` names, without symbolic links, if it is one.
///
/// # Errors
/// `BUILDDIR` is not set, or leads to no build directory.
pub fn usable_build_dir(variable: Option<OsString>) -> Result<PathBuf, OeError> {
    let variable = variable.filter(|value| !value.is_empty());
    let named = PathBuf::from(variable.ok_or(OeError::NoBuildDir)?);
    let bad = |what: &str| OeError::BadBuildDir {
        path: named.clone(),
        what: what.to_owned(),
    };
    let build_dir = named
        .canonicalize()
        .map_err(|_| bad("there is no such folder"))?;
    if build_dir.join("conf/local.conf").is_file() {
        Ok(build_dir)
    } else {
        Err(bad("there is no conf/local.conf in it"))
    }
}

/// An error for each program that a run needs and that no folder of `path` has.
#[must_use]
pub fn missing_tools(path: &OsString) -> Vec<OeError> {
    let missing = TOOLS.iter().filter(|tool| which(tool.name, path).is_none());
    let error = |tool: &HostTool| OeError::MissingTool {
        tool: tool.name,
        provider: tool.provider,
    };
    missing.map(error).collect()
}

/// Checks that `local.conf` of a build directory leaves machine and C library open.
///
/// # Errors
/// It does not, or cannot be read.
pub fn leaves_machines_open(build_dir: &Path) -> Result<(), OeError> {
    let path = build_dir.join("conf/local.conf");
    let text = fs::read(&path).map_err(OeError::io("read", &path))?;
    match conf::hard_assignment(&String::from_utf8_lossy(&text)) {
        Some((line, variable)) => Err(OeError::HardAssignment {
            path,
            line,
            variable,
        }),
        None => Ok(()),
    }
}

/// What git has to know of whoever commits.
pub const IDENTITY: [&str; 2] = ["user.name", "user.email"];

/// One of [`IDENTITY`] as it applies in `folder`: from the environment, or from git's configuration.
///
/// # Errors
/// There is none, or git fails.
pub fn identity(key: &'static str, folder: &Path, cancel: &CancelToken) -> Result<String, OeError> {
    let variable = match key {
        "user.name" => "GIT_COMMITTER_NAME",
        _ => "GIT_COMMITTER_EMAIL",
    };
    if let Some(value) = env::var_os(variable).filter(|value| !value.is_empty()) {
        return Ok(value.to_string_lossy().into_owned());
    }
    let command = Command::new("git", folder).args(["config", "--get", key]);
    let finished = run(&narrowed(command), cancel, &mut |_| {})?;
    let value = finished.stdout.text().trim().to_owned();
    if finished.exit.success() && !value.is_empty() {
        Ok(value)
    } else {
        Err(OeError::NoGitIdentity { key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> OsString {
        env::var_os("PATH").unwrap_or_default()
    }

    #[test]
    fn without_a_build_directory_there_is_one_clear_error() {
        assert!(matches!(
            Environment::new(None, &path()),
            Err(OeError::NoBuildDir)
        ));
        assert!(matches!(
            Environment::new(Some("".into()), &path()),
            Err(OeError::NoBuildDir)
        ));
        let error = Environment::new(Some("/nonexistent".into()), &path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "BUILDDIR is /nonexistent, and there is no such folder"
        );
    }

    #[test]
    fn a_missing_tool_is_named_with_its_provider() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("conf")).unwrap();
        fs::write(folder.path().join("conf/local.conf"), "").unwrap();
        let error =
            Environment::new(Some(folder.path().into()), &"/nonexistent".into()).unwrap_err();
        assert_eq!(error.to_string(), "the program bitbake is not on the PATH");
        assert!(error.hint().unwrap().contains("oe-init-build-env"));
    }
}
