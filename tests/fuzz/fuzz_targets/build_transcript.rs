//! What BitBake prints: standard output and standard error, parted by a NUL.
#![no_main]

use auh_fuzz::streams::{check_failure, parted};
use auh_transcript::BuildTranscript;
use auh_transcript::bitbake::{TaskId, recipe_of_title};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (stdout, stderr) = parted(bytes);
    let build = BuildTranscript::from_texts(&stdout, &stderr);
    let failed = build.failed_tasks();
    for (place, task) in failed.iter().enumerate() {
        assert!(
            failed[..place].iter().all(|other| other.id != task.id),
            "a task twice"
        );
        check_failure(&task.failure());
        assert!(build.failure_of(&task.id.recipe).is_some());
    }
    for missing in build.no_providers() {
        check_failure(&missing.failure());
        assert!(build.failure_of(&missing.item).is_some());
        if let Some(skip) = build.skip_of(&missing.item) {
            assert_eq!(skip.recipe, missing.item);
        }
    }
    let failure = build.failure();
    assert!(failure.is_some() || failed.is_empty());
    assert_eq!(failure.is_some(), !failed.is_empty() || has_errors(&build));
    failure.iter().for_each(check_failure);
    let _ = build.went_backwards();
    for line in stdout.lines() {
        let _ = (TaskId::parse(line), recipe_of_title(line));
    }
});

/// Whether anything but a failed task is said to have gone wrong.
fn has_errors(build: &BuildTranscript) -> bool {
    build.failure_of("").is_some()
        || build.errors().next().is_some()
        || !build.no_providers().is_empty()
}
