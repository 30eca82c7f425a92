//! What devtool prints: standard output and standard error, parted by a NUL.
#![no_main]

use auh_fuzz::streams::{check_failure, parted};
use auh_transcript::devtool::{finish_report, upgrade_report, workspace_entries};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (stdout, stderr) = parted(bytes);
    for exit_code in [Some(0), Some(1), None] {
        let upgrade = upgrade_report(exit_code, &stdout, &stderr);
        assert_eq!(upgrade.is_success(), upgrade.problem.is_none());
        assert!(!upgrade.is_success() || exit_code == Some(0));
        assert!(!upgrade.is_success() || upgrade.conflicts.is_empty());
        if let Some(problem) = upgrade.problem {
            check_failure(&problem.failure());
        }
        let finish = finish_report(exit_code, &stdout, &stderr);
        assert_eq!(finish.failure.is_none(), exit_code == Some(0));
        finish.failure.iter().for_each(check_failure);
    }
    for entry in workspace_entries(&stdout) {
        assert!(!entry.recipe.is_empty());
        assert!(entry.source_tree.is_absolute());
    }
});
