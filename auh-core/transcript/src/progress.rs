//! How far BitBake is: its `Running task N of M` lines, task states and parse counts.

use crate::message::without_progress;

/// `NOTE: Running task 3 of 25 (FILE:do_compile)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskProgress {
    /// Which task this is, counted from 1; setscene tasks are counted apart.
    pub current: u32,
    /// How many there are.
    pub total: u32,
    /// What kind of task is running.
    pub kind: TaskKind,
    /// The recipe file, with BitBake's `virtual:` or `mc:` prefix if it has one.
    pub recipe_file: String,
    /// The task, `do_…`.
    pub task: String,
}

impl TaskProgress {
    /// Whether this is a setscene task: one that takes its result from shared state.
    pub fn is_setscene(&self) -> bool {
        self.kind == TaskKind::Setscene
    }
}

/// What BitBake runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// A real task.
    Task,
    /// A task without work of its own.
    Noexec,
    /// A task that takes its result from shared state.
    Setscene,
}

/// `NOTE: recipe PN-PV-PR: task do_compile: Started`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskState {
    /// `PN-PV-PR`.
    pub title: String,
    /// The task, `do_…`.
    pub task: String,
    /// What happened to it.
    pub change: TaskChange,
}

/// What happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskChange {
    /// It began.
    Started,
    /// It ended well.
    Succeeded,
    /// It failed.
    Failed,
}

/// `Parsing of N .bb files complete (C cached, P parsed). T targets, S skipped, M masked, E errors.`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseCounts {
    /// Recipe files in all.
    pub files: u32,
    /// Files whose parse result was in the cache.
    pub cached: u32,
    /// Files that were parsed.
    pub parsed: u32,
    /// Recipes, variants included.
    pub targets: u32,
    /// Recipes that cannot be built in this configuration.
    pub skipped: u32,
    /// Files that `BBMASK` hides.
    pub masked: u32,
    /// Files that could not be parsed.
    pub errors: u32,
}

impl ParseCounts {
    /// Whether the cache was of no use: nothing cached and at least one file parsed. That is what a
    /// changed configuration costs; a parse of a few changed recipes is not full.
    pub fn is_full(&self) -> bool {
        self.cached == 0 && self.parsed > 0
    }
}

/// Reads a line that says which task BitBake starts.
pub fn task_progress(line: &str) -> Option<TaskProgress> {
    let rest = line.strip_prefix("NOTE: Running ")?;
    let (kind, rest) = rest.split_once("task ")?;
    let (current, rest) = rest.split_once(" of ")?;
    let (total, rest) = rest.split_once(" (")?;
    let (recipe_file, task) = rest.strip_suffix(')')?.rsplit_once(':')?;
    Some(TaskProgress {
        current: current.parse().ok()?,
        total: total.parse().ok()?,
        kind: match kind {
            "" => TaskKind::Task,
            "noexec " => TaskKind::Noexec,
            "setscene " => TaskKind::Setscene,
            _ => return None,
        },
        recipe_file: recipe_file.to_owned(),
        task: task.to_owned(),
    })
}

/// Reads a line that says what happened to a task.
pub fn task_state(line: &str) -> Option<TaskState> {
    let rest = line.strip_prefix("NOTE: recipe ")?;
    let (title, rest) = rest.split_once(": task ")?;
    let (task, change) = rest.split_once(": ")?;
    let change = match change {
        "Started" => TaskChange::Started,
        "Succeeded" => TaskChange::Succeeded,
        "Failed" => TaskChange::Failed,
        _ => return None,
    };
    Some(TaskState {
        title: title.to_owned(),
        task: task.to_owned(),
        change,
    })
}

/// Reads the line that sums a parse up.
pub fn parse_counts(line: &str) -> Option<ParseCounts> {
    let rest = without_progress(line).strip_prefix("Parsing of ")?;
    let (files, rest) = rest.split_once(" .bb files complete (")?;
    let (cached, rest) = rest.split_once(" cached, ")?;
    let (parsed, rest) = rest.split_once(" parsed). ")?;
    let (targets, rest) = rest.split_once(" targets, ")?;
    let (skipped, rest) = rest.split_once(" skipped, ")?;
    let (masked, rest) = rest.split_once(" masked, ")?;
    let (errors, _) = rest.split_once(" errors")?;
    Some(ParseCounts {
        files: files.parse().ok()?,
        cached: cached.parse().ok()?,
        parsed: parsed.parse().ok()?,
        targets: targets.parse().ok()?,
        skipped: skipped.parse().ok()?,
        masked: masked.parse().ok()?,
        errors: errors.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, expect: (u32, u32, TaskKind, &str, &str)) {
        let got = task_progress(line).unwrap();
        let got = (got.current, got.total, got.kind, got.recipe_file, got.task);
        let (current, total, kind, file, task) = expect;
        assert_eq!(got, (current, total, kind, file.into(), task.into()));
    }

    #[test]
    fn the_three_kinds_of_tasks() {
        check(
            "NOTE: Running task 12 of 25 (/l/bhello_2.0.bb:do_create_recipe_spdx)",
            (
                12,
                25,
                TaskKind::Task,
                "/l/bhello_2.0.bb",
                "do_create_recipe_spdx",
            ),
        );
        check(
            "NOTE: Running noexec task 25 of 25 (/l/hello_2.0.bb:do_build)",
            (25, 25, TaskKind::Noexec, "/l/hello_2.0.bb", "do_build"),
        );
        check(
            "NOTE: Running setscene task 1 of 3 (virtual:native:/l/a_1.bb:do_recipe_qa_setscene)",
            (
                1,
                3,
                TaskKind::Setscene,
                "virtual:native:/l/a_1.bb",
                "do_recipe_qa_setscene",
            ),
        );
        assert_eq!(task_progress("NOTE: Running tasks"), None);
    }

    #[test]
    fn task_states() {
        let state = task_state("NOTE: recipe bhello-2.0-r0: task do_compile: Failed").unwrap();
        assert_eq!(
            (&*state.title, &*state.task),
            ("bhello-2.0-r0", "do_compile")
        );
        assert_eq!(state.change, TaskChange::Failed);
        assert_eq!(task_state("NOTE: recipe a: task do_b: Dreaming"), None);
    }

    #[test]
    fn a_full_parse_is_one_without_a_cache() {
        let counts = |cached, parsed| {
            let line = format!(
                "Parsing of 961 .bb files complete ({cached} cached, {parsed} parsed). \
                 1991 targets, 61 skipped, 2 masked, 1 errors."
            );
            parse_counts(&line).unwrap()
        };
        assert!(counts(0, 961).is_full());
        assert!(!counts(960, 1).is_full() && !counts(0, 0).is_full());
        let all = counts(960, 1);
        assert_eq!(
            (all.files, all.cached, all.parsed, all.targets),
            (961, 960, 1, 1991)
        );
        assert_eq!((all.skipped, all.masked, all.errors), (61, 2, 1));
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in "(NOTE: Running |NOTE: recipe |Parsing of )?[ -~é:().]{0,60}") {
            let _ = (task_progress(&line), task_state(&line), parse_counts(&line));
        }
    }
}
