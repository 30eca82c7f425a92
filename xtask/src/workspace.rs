//! The workspace as `cargo metadata` tells it: where it is, its packages, their dependencies.

use crate::tool;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// Its top folder.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// Its members.
    pub(crate) packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: PathBuf,
    /// What its manifest asks for.
    #[serde(default)]
    pub(crate) dependencies: Vec<Dependency>,
    /// What is built of it.
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
}

/// A dependency as a manifest names it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    /// `dev` or `build`; nothing for the usual kind.
    pub(crate) kind: Option<String>,
}

/// Something that is built of a package.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Target {
    /// `lib`, `cdylib`, `bin`, `test` …
    pub(crate) kind: Vec<String>,
}

impl Workspace {
    /// Asks cargo; only the members, so that it needs no network.
    pub(crate) fn load() -> Result<Self> {
        let text = tool::output(
            cargo()
                .args(["metadata", "--format-version", "1", "--no-deps"])
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))),
        )?;
        serde_json::from_str(&text).context("cargo metadata gave an answer of another form")
    }

    /// The members whose folder is directly in `folder` (from the top, such as `plugins`).
    pub(crate) fn members_in<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a Package> {
        let parent = self.root.join(folder);
        self.packages
            .iter()
            .filter(move |p| p.folder().parent() == Some(&parent))
    }

    /// A package's folder, from the top, with `/`.
    pub(crate) fn folder_of(&self, package: &Package) -> String {
        let folder = package.folder();
        let inside = folder.strip_prefix(&self.root).unwrap_or(folder);
        inside.to_string_lossy().into_owned()
    }
}

impl Package {
    /// The folder of its `Cargo.toml`.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("/"))
    }

    /// Whether it is built as a plugin file.
    pub(crate) fn is_plugin(&self) -> bool {
        let mut kinds = self.targets.iter().flat_map(|target| &target.kind);
        kinds.any(|kind| kind == "cdylib")
    }
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_told_from_the_libraries_beside_them() {
        let text = r#"{
            "workspace_root": "/w", "target_directory": "/w/target",
            "packages": [
                {"name": "auh_step_a", "manifest_path": "/w/plugins/a/Cargo.toml", "targets": [{"kind": ["cdylib"]}]},
                {"name": "auh-b", "manifest_path": "/w/plugins/b/Cargo.toml", "targets": [{"kind": ["lib"]}, {"kind": ["test"]}]},
                {"name": "auh_step_c", "manifest_path": "/w/tests/plugins/c/Cargo.toml", "targets": [{"kind": ["cdylib"]}]}
            ]}"#;
        let workspace: Workspace = serde_json::from_str(text).unwrap();
        let plugins: Vec<_> = workspace
            .members_in("plugins")
            .map(|p| (&*p.name, p.is_plugin()))
            .collect();
        assert_eq!(plugins, [("auh_step_a", true), ("auh-b", false)]);
        assert_eq!(
            workspace.folder_of(&workspace.packages[2]),
            "tests/plugins/c"
        );
    }
}
