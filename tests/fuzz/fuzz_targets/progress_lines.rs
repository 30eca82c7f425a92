//! BitBake's lines about its progress: what is read is what the line says.
#![no_main]

use auh_transcript::progress::{TaskChange, TaskKind, parse_counts, task_progress, task_state};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    if let Some(task) = task_progress(line) {
        let kind = match task.kind {
            TaskKind::Task => "",
            TaskKind::Noexec => "noexec ",
            TaskKind::Setscene => "setscene ",
        };
        assert_eq!(task.is_setscene(), kind == "setscene ");
        let (file, name) = (&task.recipe_file, &task.task);
        let (current, total) = (task.current, task.total);
        let again = format!("NOTE: Running {kind}task {current} of {total} ({file}:{name})");
        assert_eq!(task_progress(&again).as_ref(), Some(&task));
    }
    if let Some(state) = task_state(line) {
        let change = match state.change {
            TaskChange::Started => "Started",
            TaskChange::Succeeded => "Succeeded",
            TaskChange::Failed => "Failed",
        };
        assert_eq!(
            line,
            format!(
                "NOTE: recipe {}: task {}: {change}",
                state.title, state.task
            )
        );
    }
    if let Some(counts) = parse_counts(line) {
        let numbers = [counts.files, counts.cached, counts.parsed, counts.errors];
        assert!(
            numbers
                .iter()
                .all(|number| line.contains(&number.to_string()))
        );
        assert!(!counts.is_full() || counts.cached == 0);
    }
});
