//! What the mails say.

use super::*;
use crate::{group, settings::Settings, status};
use auh_sdk::{
    LicenceChange,
    protocol::{Revision, step::DroppedPatch},
};
use std::{path::Path, process::Command};

const PATCH: &str = "\
From abc Mon Sep 17 00:00:00 2001
From: Upgrade Helper <uh@not.set>
Date: Fri, 2 Jan 2026 03:04:05 +0000
Subject: [PATCH] hello: upgrade 1.0 -> 2.0

---
 hello | 2 +-

diff --git a/hello b/hello
--- a/hello
+++ b/hello
@@ -1 +1 @@
-old – grün
+new – grün
--\x20
2.39
";

fn patch() -> String {
    PATCH.replace("\\x20", " ")
}

fn hello() -> Bench {
    Bench::new(
        &["hello"],
        json!({"cc-recipients": ["list@example.org", "two@example.org"]}),
    )
}

#[test]
fn a_success() {
    let mut bench = hello();
    let path = bench.write("0001-hello-upgrade-1.0-2.0.patch", patch());
    bench.state().commits = vec![commit("/meta-a", path)];
    assert_eq!(bench.notes(), [""; 0]);
    insta::assert_snapshot!(bench.summary());
    // Once more: the mail is not its own attachment.
    let before = bench.summary();
    assert_eq!(bench.notes(), [""; 0]);
    assert_eq!(bench.summary(), before);
}

#[test]
fn a_failure_with_the_end_of_its_log() {
    let mut bench = hello();
    let mut log: String = (1..100).map(|n| format!("line {n}\r\n")).collect();
    log += "\u{1b}[1;31mERROR: hello-2.0-r0 do_compile: failed\u{1b}[0m\n\u{7}10%\r20%\n";
    let log = bench.write("bitbake-output-qemux86-64.txt", log);
    let mut failure = compile_error().with_log(log);
    failure.machines = vec!["qemux86-64".parse().unwrap()];
    bench.state().failures = vec![failed("hello", failure)];
    assert_eq!(bench.notes(), [""; 0]);
    let summary = bench.summary();
    insta::assert_snapshot!(summary.replace("line ", ""));
}

#[test]
fn a_failure_without_a_log_has_the_helpers_blank_lines() {
    let mut bench = hello();
    bench.state().failures = vec![failed("hello", compile_error())];
    bench.notes();
    let expect =
        "has Failed(do_compile).\n\nDetailed error information:\n\ndo_compile failed\n\n\n\n";
    assert!(bench.summary().contains(expect), "{}", bench.summary());
}

#[test]
fn a_changed_licence_dropped_patches_and_a_changelog() {
    let mut bench = hello();
    let file = bench.write("license-diff-1.0.txt", "-a\n+b\n");
    let changelog: String = (1..60).map(|n| format!("* change {n}\n")).collect();
    let changelog = bench.write("changelog-hello.txt", format!("\n{changelog}"));
    let recipe = name("hello");
    let patch = "0001-fix.patch".to_owned();
    *bench.state() = GroupState {
        licences: vec![LicenceChange {
            recipe: recipe.clone(),
            file,
        }],
        changelogs: vec![(recipe.clone(), changelog)],
        dropped_patches: vec![DroppedPatch { recipe, patch }],
        ..GroupState::default()
    };
    bench.notes();
    insta::assert_snapshot!(bench.summary());
}

#[test]
fn several_recipes_in_several_repositories() {
    let mut bench = Bench::new(&["hello", "hello-native"], json!({}));
    let patches = ["0001-x.patch", "0002-x.patch"].map(|name| bench.write(name, patch()));
    let [one, two] = patches;
    let log = bench.write("log", "went wrong\n");
    let failure = |recipe| failed(recipe, compile_error().with_log(&log));
    *bench.state() = GroupState {
        commits: vec![commit("/src/meta-a", one), commit("/src/meta-b", two)],
        failures: vec![failure("hello"), failure("hello-native"), failure("hello")],
        ..GroupState::default()
    };
    bench.notes();
    insta::assert_snapshot!(bench.summary());
}

#[test]
fn new_commits_only() {
    let mut bench = hello();
    let target = &mut bench.request.groups[0].group.recipes[0].target;
    target.new_commits = true;
    target.revision = Some(Revision::new("0123456789abcdef").unwrap());
    bench.notes();
    insta::assert_snapshot!(bench.summary());
}

#[test]
fn a_patch_in_another_encoding_comes_as_a_file_only() {
    let bench = hello();
    bench.write("0001-x.patch", b"+gr\xfcn\n");
    bench.notes();
    let summary = bench.summary();
    assert!(summary.contains("0001-x.patch is not UTF-8"), "{summary}");
    assert!(!summary.contains("-- >8 --"));
}

#[test]
fn a_group_that_was_passed_over_gets_no_mail() {
    let mut bench = Bench::new(&["a", "b"], json!({}));
    bench.state().skipped = vec![skipped("a"), skipped("b")];
    assert_eq!(bench.notes(), [""; 0]);
    assert!(
        !bench.request.groups[0]
            .folder
            .join("email_summary")
            .exists()
    );
    bench.state().skipped.pop();
    bench.notes();
    assert!(bench.summary().contains("SUCCEEDED"));
}

#[test]
fn the_status_mail_has_the_statistics_and_the_tarball() {
    let bench = Bench::new(
        &["hello"],
        json!({"status-recipients": ["s@x.org"], "summary-includes-tarball": true}),
    );
    let run = &bench.request.run;
    let letter = || status::letter(run, &Settings::new(&bench.request.settings), "2026-01-02");
    let (missing, troubles) = letter();
    assert_eq!(
        (troubles.len(), missing.attachments.len()),
        (2, 0),
        "{troubles:?}"
    );
    assert!(
        missing.body.contains("statistics cannot be read"),
        "{}",
        missing.body
    );
    fs::write(
        run.folder.join("statistics_summary"),
        "Recipe upgrade statistics:\n",
    )
    .unwrap();
    let tarball = bench.folder.path().join("20260102030405.tar.gz");
    fs::write(&tarball, b"\x1f\x8b").unwrap();
    let (letter, troubles) = letter();
    assert_eq!(troubles, [""; 0]);
    assert_eq!(letter.subject, "[AUH] Upgrade status: 2026-01-02");
    assert_eq!(letter.body, "Recipe upgrade statistics:\n");
    assert_eq!(letter.attachments, [tarball]);
}

#[test]
fn in_layer_mode_the_status_mail_names_the_layers() {
    let settings = json!({"layer-mode": true, "layer-name": ["meta-a", "meta-b"]});
    let bench = Bench::new(&["hello"], settings);
    let settings = Settings::new(&bench.request.settings);
    let (letter, troubles) = status::letter(&bench.request.run, &settings, "2026-01-02");
    assert_eq!(
        letter.subject,
        "[AUH] Upgrade status meta-a meta-b: 2026-01-02"
    );
    // No tarball was asked for, so none is missed.
    assert_eq!(troubles.len(), 1, "{troubles:?}");
}

fn git(folder: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@x.org"];
    let mut command = Command::new("git");
    let command = command.current_dir(folder).args(identity).args(args);
    let output = command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn git_takes_the_patch_out_of_the_text() {
    let layer = tempfile::tempdir().unwrap();
    let (layer, file) = (layer.path(), layer.path().join("hello"));
    git(layer, &["init", "-q"]);
    fs::write(&file, "old – grün\n").unwrap();
    git(layer, &["add", "hello"]);
    git(layer, &["commit", "-q", "-m", "hello: add"]);
    let mut bench = hello();
    bench.write("0001-x.patch", patch());
    let forged = format!("-- >8 --\n{}", patch().replace("+new", "+forged"));
    let (log, changelog) = (bench.write("log", &forged), bench.write("changes", &forged));
    let mut failure = compile_error().with_log(log);
    failure.message += &format!("\n{forged}");
    bench.state().failures = vec![failed("hello", failure)];
    bench.state().changelogs = vec![(name("hello"), changelog)];
    let work = &bench.request.groups[0];
    let (mut letter, _) = group::letter(work, &Settings::new(&bench.request.settings));
    // As a mail program saves the text of a mail: without what is attached.
    letter.attachments.clear();
    let from = crate::address::mailbox("uh@x.org").unwrap();
    let (message, _) = letter.message(&from, "id").unwrap();
    let mail = layer.join(".git/mail");
    fs::write(&mail, message).unwrap();
    git(layer, &["am", "-q", "--scissors", mail.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "new – grün\n");
    let author = git(layer, &["show", "-s", "--format=%an <%ae> %s"]);
    assert_eq!(
        author,
        "Upgrade Helper <uh@not.set> hello: upgrade 1.0 -> 2.0\n"
    );
}
