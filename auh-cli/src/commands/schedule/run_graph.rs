//! A finished auh run as a task graph: groups take the part of recipes, steps that of tasks, with
//! the time that each took.

use crate::failure::Usage;
use anyhow::Result;
use auh_graph::{TaskGraph, TaskGraphBuilder, TaskIndex};
use auh_journal::{Event, Record};
use auh_protocol::step::label;
use std::collections::BTreeMap;

/// Whether the first line is an event.
pub(crate) fn is_journal(bytes: &[u8]) -> bool {
    let first = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    serde_json::from_slice::<Record>(first).is_ok()
}

/// Reads the journal of a run that came to its end. Each group's steps wait for one another in the
/// order in which they ended; a step about several groups is a task of the recipe `run`, waits for
/// all of them and is waited for by all.
pub(crate) fn read(bytes: &[u8]) -> Result<TaskGraph> {
    let mut drawing = Drawing::default();
    let mut finished = false;
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if line.is_empty() {
            continue;
        }
        let record: Record = serde_json::from_slice(line).map_err(|error| {
            Usage::new(
                format!("line {number}: this is no event: {error}"),
                "give the folder or the journal.jsonl of an auh run",
            )
        })?;
        match record.event {
            Event::StepFinished {
                groups,
                step,
                action,
                seconds,
                ..
            } => drawing.step(&groups, &step, &action, seconds)?,
            Event::RunFinished(_) => finished = true,
            _ => {}
        }
    }
    if !finished {
        let hint = "only a finished run is a graph";
        return Err(Usage::new("the run did not come to its end", hint).into());
    }
    Ok(drawing.builder.build()?)
}

#[derive(Default)]
struct Drawing {
    builder: TaskGraphBuilder,
    /// Each group's latest task.
    latest: BTreeMap<String, TaskIndex>,
}

impl Drawing {
    fn step(&mut self, groups: &[String], step: &str, action: &str, seconds: f64) -> Result<()> {
        let recipe = match groups {
            [group] => group,
            _ => "run",
        };
        let name = label(step, action);
        let task = self.task(recipe, &name)?;
        self.builder.duration(task, (seconds.max(0.0) * 1e6) as u64);
        for group in groups {
            if let Some(before) = self.latest.insert(group.clone(), task) {
                self.builder.depends(task, before);
            }
        }
        Ok(())
    }

    /// A step that a pipeline has twice is two tasks.
    fn task(&mut self, recipe: &str, name: &str) -> Result<TaskIndex> {
        let mut attempt = self.builder.task_of(recipe, name);
        for number in 2.. {
            match attempt {
                Err(auh_graph::GraphError::DuplicateId(_)) => {
                    attempt = self.builder.task_of(recipe, &format!("{name} {number}"));
                }
                other => return Ok(other?),
            }
        }
        unreachable!("a pipeline has fewer steps than there are numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: &str) -> String {
        format!("{{\"time\":\"2026-08-01T12:00:00Z\",{event}}}\n")
    }

    fn step(groups: &str, step: &str, seconds: f64) -> String {
        line(&format!(
            "\"event\":\"step-finished\",\"groups\":[{groups}],\"step\":\"{step}\",\"action\":\"run\",\
             \"outcome\":{{\"recipes\":[],\"machine_skips\":[],\"changes\":null,\"commits\":[],\"licences\":[],\"changelogs\":[],\"notes\":[]}},\"seconds\":{seconds}"
        ))
    }

    fn journal() -> String {
        let start = line(
            "\"event\":\"run-started\",\"format\":1,\"auh\":\"0\",\"build_dir\":\"/b\",\
             \"machines\":[],\"pipeline\":\"p\",\"scheduler\":\"s\",\"recipes\":[]",
        );
        let steps = [
            step("\"a\"", "fetch", 1.5),
            step("\"b\"", "fetch", 2.0),
            step("\"a\",\"b\"", "mail", 0.25),
            step("\"a\"", "fetch", 3.0),
        ];
        start + &steps.concat()
    }

    #[test]
    fn groups_and_steps_become_recipes_and_tasks() {
        let text = journal();
        assert!(is_journal(text.as_bytes()));
        let ended = text.clone() + &line(END);
        let graph = read(ended.as_bytes()).unwrap();
        let ids: Vec<&str> = graph.ids().iter().collect();
        assert_eq!(ids, ["a:fetch", "b:fetch", "run:mail", "a:fetch 2"]);
        assert_eq!(graph.dependencies().of(2), [0, 1]);
        assert_eq!(graph.dependencies().of(3), [2]);
        assert_eq!(
            graph.durations(),
            [1_500_000, 2_000_000, 250_000, 3_000_000]
        );
        let error = read(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the run did not come to its end");
    }

    const END: &str = "\"event\":\"run-finished\",\"exit_code\":0,\"stopped\":false,\"seconds\":7.0,\"command_seconds\":6.0";

    #[test]
    fn other_json_is_no_journal() {
        assert!(!is_journal(br#"{"tids": [], "depends": []}"#));
        assert!(!is_journal(b""));
    }
}
