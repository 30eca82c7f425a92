//! Restoring and listing, with the real git.

mod real_git;

use auh_repository::{GitError, Repository};
use auh_sdk::pretend::PretendHost;
use real_git::Layer;
use std::{fs, path::PathBuf};

fn paths(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

fn layer() -> Layer {
    Layer::new(&[
        ("a/a_1.bb", "one\n"),
        ("a/fix.patch", "fix\n"),
        ("user.bb", "x\n"),
        ("user2.bb", "y\n"),
    ])
}

/// An upgrade of `a` beside three kinds of edits of the user's.
fn upgrade(layer: &Layer) -> Vec<PathBuf> {
    layer.remove("a/a_1.bb");
    layer.write("a/a_2.bb", "two\n");
    layer.write("a/new folder/more.patch", "more\n");
    layer.write("a/fix.patch", "fixed\n");
    paths(&[
        "a/a_1.bb",
        "a/a_2.bb",
        "a/fix.patch",
        "a/new folder/more.patch",
    ])
}

fn edits(layer: &Layer) -> Vec<String> {
    layer.write("user.bb", "staged\n");
    layer.git(&["add", "user.bb"]);
    layer.write("user.bb", "staged and edited\n");
    layer.write("user2.bb", "edited\n");
    layer.write("notes", "mine\n");
    layer.status()
}

#[test]
fn restores_exactly_the_given_paths() {
    let (layer, host) = (layer(), PretendHost::new(real_git::run).host());
    let before = edits(&layer);
    let changed = upgrade(&layer);
    layer.git(&["add", "a/a_2.bb"]);
    let repository = Repository::at(layer.top(), layer.beside());
    repository.restore(&host, &changed).unwrap();
    assert_eq!(layer.status(), before);
    assert_eq!(layer.read("a/a_1.bb"), "one\n");
    assert!(!layer.top().join("a/new folder").exists());
    assert_eq!(layer.git(&["show", ":user.bb"]), "staged\n");
    assert_eq!(fs::read_dir(layer.beside()).unwrap().count(), 0);
}

#[test]
fn restores_while_the_index_is_locked() {
    let (layer, host) = (layer(), PretendHost::new(real_git::run).host());
    let changed = upgrade(&layer);
    fs::write(layer.top().join(".git/index.lock"), "").unwrap();
    let repository = Repository::at(layer.top(), layer.beside());
    repository.restore(&host, &changed).unwrap();
    fs::remove_file(layer.top().join(".git/index.lock")).unwrap();
    assert_eq!(layer.status(), [""; 0]);
}

#[test]
fn snapshots_tell_the_upgrade_from_the_users_edits() {
    let (layer, host) = (layer(), PretendHost::new(real_git::run).host());
    edits(&layer);
    layer.write("build/tmp/x", "");
    let build = [layer.top().join("build"), layer.beside()];
    let repository = Repository::owning(&host, &layer.top().join("a"), layer.beside()).unwrap();
    assert_eq!(repository.top(), layer.top());
    let before = repository.status(&host, &build).unwrap();
    assert_eq!(before.first_in("build".as_ref()), None);
    assert_eq!(before.first_in("a".as_ref()), None);
    layer.write("build/tmp/y", "");
    let changed = upgrade(&layer);
    let after = repository.status(&host, &build).unwrap();
    assert_eq!(after.since(&before), changed);
}

#[test]
fn a_folder_outside_git_has_no_repository() {
    let (layer, host) = (layer(), PretendHost::new(real_git::run).host());
    let error = Repository::owning(&host, &layer.beside(), layer.beside()).unwrap_err();
    assert!(matches!(error, GitError::NoRepository(_)), "{error}");
    assert_eq!(error.failure().message, "the layer is no git repository");
}

#[test]
fn paths_that_lead_out_of_the_work_tree_are_refused() {
    let (layer, pretended) = (layer(), PretendHost::new(real_git::run));
    let repository = Repository::at(layer.top(), layer.beside());
    for bad in ["../run/x", "/etc/passwd", "", "./a", "a/\u{fffd}"] {
        let result = repository.run_on(&pretended.host(), &["add"], &paths(&[bad]), &[]);
        assert!(matches!(result, Err(GitError::Path(_))), "{bad:?}");
    }
    assert_eq!(pretended.commands(), []);
}
