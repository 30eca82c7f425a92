//! What does not depend on the build configuration: tools, the build directory, who commits.

use super::Examination;
use anyhow::Result;
use auh_oe::{
    IDENTITY, OeError, ToolVersion, identity, leaves_machines_open, missing_tools, tool_versions,
    usable_build_dir,
};
use std::{
    env,
    path::{Path, PathBuf},
};

impl Examination<'_> {
    /// Whether all the tools are there.
    pub(super) fn tools(&mut self) -> Result<bool> {
        const CHECK: &str = "tools";
        let missing = missing_tools(&env::var_os("PATH").unwrap_or_default());
        let complete = missing.is_empty();
        for error in missing {
            self.findings.failed(CHECK, error);
        }
        let mut known = Vec::new();
        for (tool, version) in tool_versions(&env::current_dir()?, self.stop.work()) {
            match version {
                Ok(ToolVersion {
                    version, wanted, ..
                }) => {
                    if let Some(wanted) = wanted {
                        self.findings.problem(
                            CHECK,
                            format!("{tool} is {version}, and auh needs {wanted} or later"),
                            format!("install a newer {tool}"),
                        );
                    } else {
                        known.push(format!("{tool} {version}"));
                    }
                }
                // Said above.
                Err(OeError::Run(_)) => {}
                Err(error) => self.findings.failed(CHECK, error),
            }
        }
        if !known.is_empty() {
            self.findings.good(CHECK, known.join(", "));
        }
        Ok(complete)
    }

    /// The build directory, if the environment names a usable one.
    pub(super) fn build_dir(&mut self) -> Option<PathBuf> {
        const CHECK: &str = "build directory";
        let folder = match usable_build_dir(env::var_os("BUILDDIR")) {
            Ok(folder) => folder,
            Err(error) => {
                self.findings.failed(CHECK, error);
                return None;
            }
        };
        if !folder.join("conf/bblayers.conf").is_file() {
            self.findings.problem(
                CHECK,
                format!("there is no conf/bblayers.conf in {}", folder.display()),
                "source oe-init-build-env again, which writes it".to_owned(),
            );
            return Some(folder);
        }
        match env::var_os("BBPATH") {
            Some(path) if !names(&path, &folder) => self.findings.warning(
                CHECK,
                format!(
                    "BUILDDIR is {}, and BBPATH does not name it: two environments are mixed",
                    folder.display()
                ),
                "source oe-init-build-env in a new shell; auh goes by BUILDDIR".to_owned(),
            ),
            _ => self.findings.good(CHECK, folder.display().to_string()),
        }
        Some(folder)
    }

    pub(super) fn identity(&mut self, build_dir: Option<&Path>) -> Result<()> {
        const CHECK: &str = "git identity";
        let here = env::current_dir()?;
        let folder = build_dir.unwrap_or(&here);
        let mut known = Vec::new();
        for key in IDENTITY {
            match identity(key, folder, self.stop.work()) {
                Ok(value) => known.push(value),
                // Without git there is one finding, and it is not this one.
                Err(OeError::Run(_)) => return Ok(()),
                Err(error) => self.findings.failed(CHECK, error),
            }
        }
        if let [name, address] = &known[..] {
            self.findings.good(CHECK, format!("{name} <{address}>"));
        }
        Ok(())
    }

    /// Machine and C library have to be open to choice.
    pub(super) fn hard_assignment(&mut self, build_dir: &Path) {
        const CHECK: &str = "local.conf";
        match leaves_machines_open(build_dir) {
            Ok(()) => self
                .findings
                .good(CHECK, "it leaves MACHINE and TCLIBC open"),
            Err(error) => self.findings.failed(CHECK, error),
        }
    }
}

/// Whether a search path has a folder in it.
fn names(path: &std::ffi::OsStr, folder: &Path) -> bool {
    let same = |entry: PathBuf| entry.canonicalize().is_ok_and(|entry| entry == folder);
    env::split_paths(path).any(same)
}
