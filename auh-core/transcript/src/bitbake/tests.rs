//! Recorded runs, and wordings from BitBake that no recording has.

use super::*;
use proptest::prelude::*;

macro_rules! recorded {
    ($name:literal) => {
        BuildTranscript::from_texts(
            include_str!(concat!("../../tests/data/", $name, ".stdout")),
            include_str!(concat!("../../tests/data/", $name, ".stderr")),
        )
    };
}

fn from_stderr(text: &str) -> BuildTranscript {
    BuildTranscript::from_texts("", text)
}

fn failure(transcript: &BuildTranscript) -> (FailureClass, String) {
    let failure = transcript.failure().unwrap();
    (failure.class, failure.message)
}

#[test]
fn a_failed_task_is_named_with_recipe_and_log() {
    let transcript = recorded!("bitbake-compile-fails-k");
    let failed = transcript.failed_tasks();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&*failed[0].id.recipe, &*failed[0].id.task),
        ("bhello", "do_compile")
    );
    assert!(
        failed[0]
            .id
            .recipe_file
            .ends_with("recipes-hello/bhello/bhello_2.0.bb")
    );
    assert!(
        failed[0]
            .log
            .as_ref()
            .unwrap()
            .ends_with("temp/log.do_compile.857")
    );
    let failure = transcript.failure_of("bhello").unwrap();
    assert_eq!(failure.class, FailureClass::Compile);
    assert!(
        failure
            .message
            .starts_with("do_compile failed: bhello.c:1:10: fatal error")
    );
    assert_eq!(transcript.failure_of("ghello"), None);
}

#[test]
fn logs_are_found_without_the_summary_too() {
    let stderr = include_str!("../../tests/data/bitbake-compile-fails-k.stderr");
    let failed = from_stderr(stderr).failed_tasks();
    assert!(
        failed[0]
            .log
            .as_ref()
            .unwrap()
            .ends_with("temp/log.do_compile.857")
    );
}

#[test]
fn a_machine_that_does_not_suit_is_a_skip_of_that_recipe_only() {
    let transcript = recorded!("bitbake-incompatible");
    let skip = transcript.skip_of("mhello").unwrap();
    assert!(skip.is_incompatible());
    assert_eq!(
        skip.reason,
        "incompatible with machine qemuarm64 (not in COMPATIBLE_MACHINE)"
    );
    assert_eq!(transcript.skip_of("hello"), None);
}

#[test]
fn an_unknown_recipe_is_no_skip() {
    let transcript = recorded!("bitbake-no-provider");
    assert_eq!(transcript.skip_of("nosuchrecipe"), None);
    let expect = (
        FailureClass::Infrastructure,
        "nothing provides nosuchrecipe".to_owned(),
    );
    assert_eq!(failure(&transcript), expect);
}

#[test]
fn a_good_run_has_nothing_to_complain_of() {
    let transcript = recorded!("bitbake-ok");
    assert_eq!(transcript.failure(), None);
    assert_eq!(transcript.parses().len(), 1);
    assert!(!transcript.parses()[0].is_full());
}

#[test]
fn a_dependency_that_is_skipped_fails_the_recipe() {
    let transcript = from_stderr(
        "ERROR: Nothing PROVIDES 'dep' (but /l/hello_1.0.bb DEPENDS on or otherwise requires it)\n\
         dep was skipped: incompatible with host arm-oe-linux (not in COMPATIBLE_HOST)\n",
    );
    assert_eq!(
        (transcript.skip_of("dep"), transcript.skip_of("hello")),
        (None, None)
    );
    let failure = transcript.failure_of("hello").unwrap();
    assert_eq!(failure.class, FailureClass::Configure);
    assert_eq!(failure.message, "nothing provides its dependency dep");
}

#[test]
fn packages_can_be_missing_as_well() {
    let transcript = from_stderr(
        "ERROR: Nothing RPROVIDES 'pkg' (but /l/a.bb, /l/b.bb RDEPENDS on or otherwise requires it)\n\
         x RPROVIDES pkg but was skipped: PREFERRED_PROVIDER_virtual/x set to y, not x\n",
    );
    let missing = &transcript.no_providers()[0];
    assert!(missing.runtime && missing.is_needed_by("b"));
    assert_eq!(missing.needed_by, ["/l/a.bb", "/l/b.bb"]);
    assert_eq!(missing.skips[0].kind, SkipKind::PreferredProvider);
}

#[test]
fn the_kinds_of_skips() {
    let check = |reason: &str, kind: SkipKind, incompatible: bool| {
        let skip = Skip::parse(&format!("x was skipped: {reason}")).unwrap();
        assert_eq!(
            (skip.kind, skip.is_incompatible()),
            (kind, incompatible),
            "{reason}"
        );
    };
    check(
        "incompatible with host x-y (not in COMPATIBLE_HOST)",
        SkipKind::Host,
        true,
    );
    check(
        "grub-efi is incompatible with target riscv",
        SkipKind::Host,
        true,
    );
    check(
        "missing required machine feature 'x' (not in MACHINE_FEATURES)",
        SkipKind::MachineFeature,
        true,
    );
    check(
        "one of 'x11 wayland' needs to be in DISTRO_FEATURES",
        SkipKind::DistroFeature,
        false,
    );
    check(
        "it has incompatible license(s): GPL-3.0-only",
        SkipKind::Licence,
        false,
    );
    check(
        "because it has a restricted license 'commercial'.",
        SkipKind::Licence,
        false,
    );
    check(
        "Has a restricted license 'c' which is not listed in your LICENSE_FLAGS_ACCEPTED.",
        SkipKind::Licence,
        false,
    );
    check(
        "Recipe will be skipped because: broken",
        SkipKind::SkipList,
        false,
    );
    check("it was conflicting", SkipKind::Other, false);
}

#[test]
fn versions_that_went_backwards_are_told_per_recipe() {
    let transcript = from_stderr(
        "ERROR: my-lib-1.0-r0 do_packagedata: QA Issue: Package version for package my-lib-dev went \
         backwards which would break package feeds (from 0:2.0-r0 to 0:1.0-r0) [version-going-backwards]\n",
    );
    let expect = WentBackwards {
        recipe: Some("my-lib".into()),
        package: "my-lib-dev".into(),
        versions: "from 0:2.0-r0 to 0:1.0-r0".into(),
        is_error: true,
    };
    assert_eq!(transcript.went_backwards(), [expect]);
}

fn check_class(task: &str, report: &str, class: FailureClass) {
    let transcript = from_stderr(&format!(
        "ERROR: x-1-r0 {task}: {report}\nERROR: Task (/l/x_1.bb:{task}) failed with exit code '1'\n"
    ));
    assert_eq!(failure(&transcript).0, class, "{task}");
}

#[test]
fn tasks_have_classes() {
    check_class("do_fetch", "Bitbake Fetcher Error: x", FailureClass::Fetch);
    check_class(
        "do_patch",
        "Applying patch 'x' failed",
        FailureClass::PatchConflict,
    );
    check_class("do_configure", "meson failed", FailureClass::Configure);
    check_class("do_install", "oe_runmake failed", FailureClass::Compile);
    check_class("do_package_write_deb", "dpkg failed", FailureClass::Package);
    check_class(
        "do_package_qa",
        "QA Issue: x [installed-vs-shipped]",
        FailureClass::Package,
    );
    check_class(
        "do_package_qa",
        "QA Issue: x [license-file-missing]",
        FailureClass::Licence,
    );
    check_class(
        "do_populate_lic",
        "QA Issue: x [license-checksum]",
        FailureClass::Licence,
    );
    check_class(
        "do_compile",
        "cc: No space left on device",
        FailureClass::Infrastructure,
    );
}

#[test]
fn a_full_disk_shows_in_the_log_data_only() {
    let stdout = "Log data follows:\n| cc1: fatal error: No space left on device\n";
    let stderr = "ERROR: Task (/l/x_1.bb:do_compile) failed with exit code '1'\n";
    let transcript = BuildTranscript::from_texts(stdout, stderr);
    assert_eq!(failure(&transcript).0, FailureClass::Infrastructure);
    assert!(transcript.failure_of("any").is_some());
}

#[test]
fn the_server_and_its_workers_are_the_environment() {
    for line in [
        "ERROR: Unable to connect to bitbake server, or start one",
        "ERROR: Worker process (7) exited unexpectedly (-9), shutting down...",
    ] {
        assert_eq!(failure(&from_stderr(line)).0, FailureClass::Infrastructure);
    }
    check_class("do_compile", "Executing event: x", FailureClass::Compile);
    let parse = "ERROR: ParseError at /l/x_2.bb:3: unparsed line: 'x'";
    assert_eq!(failure(&from_stderr(parse)).0, FailureClass::Configure);
}

#[test]
fn task_names_with_prefixes() {
    let name = |text: &str| TaskId::parse(text).unwrap().recipe;
    assert_eq!(name("virtual:native:/l/a-b_1.0.bb:do_x"), "a-b-native");
    assert_eq!(name("mc:m:virtual:multilib:lib32:/l/a.bb:do_x"), "lib32-a");
    assert_eq!(name("virtual:nativesdk:/l/a_git.bb:do_x"), "nativesdk-a");
}

proptest! {
    #[test]
    fn no_output_is_too_strange(
        stdout in proptest::collection::vec(line(), 0..8),
        stderr in proptest::collection::vec(line(), 0..8),
    ) {
        let transcript = BuildTranscript::from_texts(&stdout.join("\n"), &stderr.join("\n"));
        let _ = (transcript.failure(), transcript.failure_of("a"), transcript.skip_of("a"));
        let _ = (transcript.failed_tasks(), transcript.went_backwards());
    }
}

fn line() -> impl Strategy<Value = String> {
    const STARTS: &str = "(ERROR: |WARNING: |Nothing R?PROVIDES '|Task \\(|Summary: |  |    log: |\
        Logfile of failure stored in: |x was skipped: |QA Issue: ){0,2}";
    (
        STARTS,
        "[ -~é:'()/_]{0,30}",
        "( failed:|'|\\) failed with exit code '1'| do_x: )?",
    )
        .prop_map(|(start, text, end)| start + &text + &end)
}

#[test]
fn a_failed_script_is_explained_by_its_log() {
    let transcript = recorded!("bitbake-compile-fails-k");
    let failure = transcript.failure_of("bhello").unwrap();
    assert_eq!(
        failure.message,
        "do_compile failed: bhello.c:1:10: fatal error: gone.h: No such file or directory"
    );
}

#[test]
fn a_failed_python_function_is_explained_by_its_exception() {
    let stderr = "ERROR: p-2.0-r0 do_package_write_deb: Error executing a python function in exec_func_python() autogenerated:\n\
        \n\
        The stack trace of python calls that resulted in this exception/failure was:\n\
        Exception: subprocess.CalledProcessError: Command 'tar' returned non-zero exit status 2.\n\
        \n\
        ERROR: Task (/l/p_2.0.bb:do_package_write_deb) failed with exit code '1'\n";
    let failure = from_stderr(stderr).failure_of("p").unwrap();
    assert_eq!(failure.class, FailureClass::Package);
    assert_eq!(
        failure.message,
        "do_package_write_deb failed: subprocess.CalledProcessError: Command 'tar' returned non-zero exit status 2."
    );
}

#[test]
fn a_pseudo_that_gave_up_is_no_fault_of_the_recipe() {
    let stderr = "ERROR: p-2.0-r0 do_package_write_deb: Error executing a python function in exec_func_python() autogenerated:\n\
        Exception: subprocess.CalledProcessError: Command 'tar' returned non-zero exit status 134.\n\
        \n\
        Subprocess output:\n\
        abort()ing pseudo client by server request.\n\
        ERROR: Task (/l/p_2.0.bb:do_package_write_deb) failed with exit code '1'\n";
    let failure = from_stderr(stderr).failure_of("p").unwrap();
    assert_eq!(failure.class, FailureClass::Infrastructure);
}

#[test]
fn a_pseudo_that_ended_a_task_is_known_by_its_log() {
    let stderr = "ERROR: Task (/l/p_2.0.bb:do_install) failed with exit code '134' \n\
        Pseudo log:\n\
        path mismatch [1 link]: ino 36 db '/b/sstate-cache/fe/p.siginfo' req '/b/tmp/stamps/p.do_install.fe'.\n\
        Setup complete, sending SIGUSR1 to pid 7696.\n\
        \n";
    let failure = from_stderr(stderr).failure_of("p").unwrap();
    assert_eq!(failure.class, FailureClass::Infrastructure);
    assert!(failure.message.contains("path mismatch"), "{failure:?}");
    // A task that fails by itself, beside a pseudo that has something to say.
    let other = stderr.replace("'134'", "'1'");
    let failure = from_stderr(&other).failure_of("p").unwrap();
    assert_eq!(failure.class, FailureClass::Compile);
}

#[test]
fn a_task_in_two_summaries_failed_once() {
    let stdout = "Summary: 1 task failed:\n  /l/a_1.bb:do_compile\n\
        Summary: 1 task failed:\n  /l/a_1.bb:do_compile\n    log: /t/a/1/temp/log.do_compile.7\n";
    let failed = BuildTranscript::from_texts(stdout, "").failed_tasks();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let log = Path::new("/t/a/1/temp/log.do_compile.7");
    assert_eq!(failed[0].log.as_deref(), Some(log));
}
