//! A layer in which upgrades go in every way that there is, for tests that compare whole runs.

use auh_tests::Environment;
use std::{fs, os::unix::fs::PermissionsExt};

/// Every second of these recipes goes wrong, in each way that `make-layer` knows.
const LAYER: [&str; 5] = ["--recipes", "28", "--fail-every", "2", "--every-way"];
/// A hook that takes no commit about r0011.
const HOOK: &str = "#!/bin/sh\n! grep -q '^r0011: ' \"$1\" || { echo not this one >&2; exit 1; }\n";

/// When all commits are made.
pub(crate) const DATE: &str = "1700000000 +0000";
/// Has the licence of r0001's new version changed.
pub(crate) const LICENCE: (&str, &str) = ("r0001", "LIC_FILES_CHKSUM = \"file://LICENSE;md5=0\"\n");
/// Has whoever builds r0003's new version die.
pub(crate) const DEATH: (&str, &str) = ("r0003", "do_compile() {\n    kill -KILL $PPID\n}\n");

/// The layer with a `.bbappend` for some recipes' new versions, and these settings.
pub(crate) fn environment(appends: &[(&str, &str)], settings: &str) -> Option<Environment> {
    let environment = Environment::made(&LAYER)?;
    for (name, text) in appends {
        let append = environment.recipe(name, "2.0").with_extension("bbappend");
        environment.append(&append, text);
    }
    let _ = environment.git(&["add", "-A"]);
    let _ = environment.git(&["commit", "-q", "--amend", "--no-edit"]);
    let hook = environment.layer().join(".git/hooks/commit-msg");
    environment.append(&hook, HOOK);
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    environment.settings(settings);
    Some(environment)
}
