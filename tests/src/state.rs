//! Everything that a failing call must leave alone, to be compared before and after.

use crate::{Environment, tree_of};
use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// What BitBake leaves when it only reads, and the lock file, whose content means nothing.
const PASSING: [&str; 4] = [
    "build/bitbake.lock",
    "build/cache",
    "build/upgrade-helper",
    "build/upgrade-helper/auh.lock",
];

/// Files, folders and git's view of the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(BTreeMap<String, String>);

impl State {
    /// As it is now.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let mut facts = BTreeMap::new();
        for path in tree_of(environment.top()) {
            if !is_passing(&path) {
                facts.insert(
                    path.display().to_string(),
                    fact(&environment.top().join(&path)),
                );
            }
        }
        for args in [
            &["for-each-ref"][..],
            &["status", "--porcelain=v1", "--untracked-files=all"],
            &["diff", "HEAD"],
            &["diff", "--cached"],
            &["stash", "list"],
            &["rev-parse", "--symbolic-full-name", "HEAD"],
        ] {
            facts.insert(format!("git {}", args.join(" ")), environment.git(args));
        }
        Self(facts)
    }

    /// Checks that nothing has changed since.
    ///
    /// # Panics
    /// When something has; names what.
    #[track_caller]
    pub fn assert_unchanged(&self, environment: &Environment) {
        let now = Self::of(environment);
        let names: Vec<&String> = self.0.keys().chain(now.0.keys()).collect();
        let differs = |name: &&&String| self.0.get(**name) != now.0.get(**name);
        let changed: Vec<String> = names
            .iter()
            .filter(differs)
            .map(|name| format!("{name}: {:?} -> {:?}", self.0.get(*name), now.0.get(*name)))
            .collect();
        assert!(changed.is_empty(), "changed: {changed:#?}");
    }
}

fn is_passing(path: &Path) -> bool {
    let in_cache = path.starts_with("build/cache");
    in_cache || PASSING.iter().any(|passing| path == Path::new(passing))
}

fn fact(path: &Path) -> String {
    let metadata = fs::symlink_metadata(path).unwrap();
    if metadata.is_symlink() {
        return format!("link to {}", fs::read_link(path).unwrap().display());
    }
    let mode = metadata.permissions().mode();
    if metadata.is_dir() {
        return format!("folder, mode {mode:o}");
    }
    let mut hasher = DefaultHasher::new();
    fs::read(path).unwrap().hash(&mut hasher);
    format!("file, mode {mode:o}, content {:x}", hasher.finish())
}
