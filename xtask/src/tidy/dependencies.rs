//! Rules about who depends on whom, from what the manifests say.

use super::{Violation, words::ABI_CRATES};
use crate::workspace::{Dependency, Package, Workspace};
use std::{collections::BTreeMap, fs};

/// The shared crates from the bottom up: each may depend only on those before it.
const LAYERS: [&str; 3] = ["auh-protocol", "auh-abi", "auh-sdk"];
/// What plugins may use beside libraries of their own: nothing here does input or output.
const FOR_PLUGINS: [&str; 5] = [
    "auh-protocol",
    "auh-sdk",
    "auh-graph",
    "auh-transcript",
    "auh-foreign",
];
const PLUGIN_FOLDERS: [&str; 3] = ["plugins/", "schedulers/", "tests/plugins/"];
/// Lives beside the schedulers and is a host of theirs: BitBake loads it, and it loads them.
const SCHEDULER_HOST: &str = "schedulers/bridge";

/// Checks every member's dependencies.
pub(crate) fn check(workspace: &Workspace) -> Vec<Violation> {
    let folders: BTreeMap<&str, String> = workspace
        .packages
        .iter()
        .map(|package| (&*package.name, workspace.folder_of(package)))
        .collect();
    let mut violations = Vec::new();
    for package in &workspace.packages {
        for dependency in &package.dependencies {
            let folder = folders.get(&*dependency.name).map(String::as_str);
            if let Some(why) = why_not(package, &folders[&*package.name], dependency, folder) {
                violations.push(at_manifest(
                    package,
                    &folders[&*package.name],
                    dependency,
                    &why,
                ));
            }
        }
    }
    violations
}

/// Why a package in folder `from` must not have this dependency, which lies in folder `to` if it is ours.
fn why_not(
    package: &Package,
    from: &str,
    dependency: &Dependency,
    to: Option<&str>,
) -> Option<String> {
    if dependency.name == "abi_stable" && !ABI_CRATES.contains(&from) {
        return Some("only abi, sdk and loader may depend on abi_stable".to_owned());
    }
    let to = to?;
    let upward = || -> Option<String> {
        let layer = LAYERS.iter().position(|name| *name == package.name)?;
        let below = LAYERS[..layer].contains(&&*dependency.name);
        (!below && !is_dev(dependency)).then(|| {
            format!(
                "{} may only use what is below it: {:?}",
                package.name,
                &LAYERS[..layer]
            )
        })
    };
    let host_names_plugin = || {
        let host = from.starts_with("auh-core/") || from == "auh-cli" || from == SCHEDULER_HOST;
        (host && is_plugin_folder(to)).then(|| "the host knows no plugin".to_owned())
    };
    let plugin_uses_host = || {
        let allowed = is_plugin_folder(to) || FOR_PLUGINS.contains(&&*dependency.name);
        (is_plugin_folder(from) && !allowed && !is_dev(dependency)).then(|| {
            format!("a plugin reaches the host through auh-sdk; it may use {FOR_PLUGINS:?}")
        })
    };
    upward()
        .or_else(host_names_plugin)
        .or_else(plugin_uses_host)
}

fn is_plugin_folder(folder: &str) -> bool {
    folder != SCHEDULER_HOST && PLUGIN_FOLDERS.iter().any(|start| folder.starts_with(start))
}

fn is_dev(dependency: &Dependency) -> bool {
    dependency.kind.as_deref() == Some("dev")
}

fn at_manifest(package: &Package, folder: &str, dependency: &Dependency, why: &str) -> Violation {
    let text = fs::read_to_string(&package.manifest_path).unwrap_or_default();
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with(&dependency.name))
        .map_or(1, |index| index + 1);
    let what = format!("{} depends on {}: {why}", package.name, dependency.name);
    Violation::new(&format!("{folder}/Cargo.toml"), line, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Members by folder, each with the names it depends on (`~` before a dev-dependency).
    fn found(members: &[(&str, &str, &[&str])]) -> Vec<String> {
        let packages = members.iter().map(|(folder, name, dependencies)| Package {
            name: (*name).to_owned(),
            manifest_path: Path::new("/w").join(folder).join("Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|text| Dependency {
                    name: text.trim_start_matches('~').to_owned(),
                    kind: text.starts_with('~').then(|| "dev".to_owned()),
                })
                .collect(),
            targets: vec![],
        });
        let workspace = Workspace {
            root: "/w".into(),
            target: "/w/target".into(),
            packages: packages.collect(),
        };
        check(&workspace).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_intended_shape_is_accepted() {
        let found = found(&[
            ("auh-core/protocol", "auh-protocol", &["serde"]),
            ("auh-core/abi", "auh-abi", &["abi_stable"]),
            ("auh-core/sdk", "auh-sdk", &["auh-protocol", "auh-abi"]),
            ("auh-core/process", "auh-process", &[]),
            (
                "auh-core/engine",
                "auh-engine",
                &["auh-protocol", "auh-process"],
            ),
            (
                "plugins/compile",
                "auh-compile",
                &["auh-sdk", "~auh-process"],
            ),
            ("plugins/x", "auh_step_x", &["auh-sdk", "auh-compile"]),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_its_violation() {
        for (package, other, expect) in [
            (
                ("auh-core/engine", "auh-engine", "abi_stable"),
                ("auh-core/oe", "auh-oe"),
                "only abi, sdk and loader",
            ),
            (
                ("auh-core/protocol", "auh-protocol", "auh-sdk"),
                ("auh-core/sdk", "auh-sdk"),
                "what is below it",
            ),
            (
                ("auh-core/abi", "auh-abi", "auh-graph"),
                ("auh-core/graph", "auh-graph"),
                "what is below it",
            ),
            (
                ("auh-cli", "auh-cli", "auh_step_x"),
                ("plugins/x", "auh_step_x"),
                "the host knows no plugin",
            ),
            (
                ("auh-core/engine", "auh-engine", "~auh_scheduler_x"),
                ("schedulers/x", "auh_scheduler_x"),
                "the host knows no plugin",
            ),
            (
                ("plugins/x", "auh_step_x", "auh-process"),
                ("auh-core/process", "auh-process"),
                "through auh-sdk",
            ),
        ] {
            let (folder, name, dependency) = package;
            let found = found(&[(folder, name, &[dependency]), (other.0, other.1, &[])]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].starts_with(&format!("{folder}/Cargo.toml:1: {name} depends on")),
                "{found:?}"
            );
            assert!(found[0].contains(expect), "{found:?}");
        }
    }
}
