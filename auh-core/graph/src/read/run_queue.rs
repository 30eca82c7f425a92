//! A dump of BitBake's run queue as JSON.
//!
//! One object: `tids`, the task ids in run-queue order; `depends`, for each task the indices of what
//! it waits for; and, where the dump has them, BitBake's own answers: `weights` (of any length),
//! and the orders `speed` and `completion` (indices, most important first). Other members are
//! skipped.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{ReadError, at, shown};
use crate::builder::{GraphError, TaskGraphBuilder};
use crate::order::Order;
use crate::task_graph::{TaskGraph, TaskIndex};

/// What a dump holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunQueue {
    /// The tasks in run-queue order.
    pub graph: TaskGraph,
    /// For each task the weight that BitBake gave it, in decimal digits.
    pub weights: Option<Vec<String>>,
    /// BitBake's order of that name.
    pub speed: Option<Order>,
    /// BitBake's order of that name, which is [`rm_work`](crate::order::rm_work) here.
    pub completion: Option<Order>,
}

/// Reads a dump. It is held in memory as a whole meanwhile.
///
/// # Errors
/// When reading fails; with the line, when it is not such JSON, an id is given twice, an index is of
/// no task, or a list has not as many entries as there are tasks; when tasks wait for one another.
pub fn read_run_queue(input: &mut dyn BufRead) -> Result<RunQueue, ReadError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let dump: Dump<'_> = serde_json::from_slice(&bytes).map_err(|error| at_line(1, &error))?;
    let mut builder = TaskGraphBuilder::new();
    let part = |raw| Part::new(&bytes, raw);
    part(dump.tids).each(|id: Text<'_>| builder.task(&id.0).map(drop))?;
    let tasks = builder.len();
    read_depends(part(dump.depends), &mut builder)?;
    let weights = dump.weights.map(|raw| read_weights(part(raw), tasks));
    let order = |raw: Option<_>| raw.map(|raw| read_order(part(raw), tasks)).transpose();
    Ok(RunQueue {
        weights: weights.transpose()?,
        speed: order(dump.speed)?,
        completion: order(dump.completion)?,
        graph: builder.build()?,
    })
}

/// The members, unread: they may come in any order, but the ids must be known to check the others.
#[derive(Deserialize)]
struct Dump<'a> {
    #[serde(borrow)]
    tids: &'a RawValue,
    #[serde(borrow)]
    depends: &'a RawValue,
    #[serde(borrow)]
    weights: Option<&'a RawValue>,
    #[serde(borrow)]
    speed: Option<&'a RawValue>,
    #[serde(borrow)]
    completion: Option<&'a RawValue>,
}

/// A text that is copied only when it has escapes in it.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn read_depends(part: Part<'_>, builder: &mut TaskGraphBuilder) -> Result<(), ReadError> {
    let tasks = builder.len();
    let mut task: TaskIndex = 0;
    let rows = part.each(|row: Vec<TaskIndex>| {
        for dependency in row {
            if task as usize >= tasks || dependency as usize >= tasks {
                let unknown = GraphError::UnknownTask {
                    task,
                    dependency,
                    tasks,
                };
                return Err(unknown);
            }
            builder.depends(task, dependency);
        }
        task += 1;
        Ok(())
    })?;
    part.expect_length(rows, tasks)
}

fn read_weights(part: Part<'_>, tasks: usize) -> Result<Vec<String>, ReadError> {
    let mut weights = Vec::new();
    let found = part.each(|number: &RawValue| {
        let digits = number.get();
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("a weight is not a whole number: {}", shown(digits)));
        }
        weights.push(digits.to_owned());
        Ok(())
    })?;
    part.expect_length(found, tasks)?;
    Ok(weights)
}

fn read_order(part: Part<'_>, tasks: usize) -> Result<Order, ReadError> {
    let mut sequence = Vec::new();
    part.each(|task: TaskIndex| {
        sequence.push(task);
        Ok::<_, String>(())
    })?;
    Order::from_sequence(sequence, tasks).map_err(|error| at(part.line, error.to_string()))
}

/// One member of the dump: a JSON array, and the line in which it begins.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    line: u64,
}

impl<'a> Part<'a> {
    /// `raw` is a piece of `bytes`.
    fn new(bytes: &[u8], raw: &'a RawValue) -> Self {
        let text = raw.get();
        let start = text.as_ptr() as usize - bytes.as_ptr() as usize;
        let line_breaks = bytes[..start].iter().filter(|&&byte| byte == b'\n').count();
        Self {
            text,
            line: 1 + line_breaks as u64,
        }
    }

    /// Hands each element to `take`, and says how many there were.
    fn each<T: Deserialize<'a>, E: fmt::Display>(
        self,
        take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<usize, ReadError> {
        let elements = Elements {
            take,
            element: PhantomData,
        };
        elements
            .deserialize(&mut serde_json::Deserializer::from_str(self.text))
            .map_err(|error| at_line(self.line, &error))
    }

    fn expect_length(self, found: usize, tasks: usize) -> Result<(), ReadError> {
        match found == tasks {
            true => Ok(()),
            false => Err(at(
                self.line,
                format!("a list of {found} entries for {tasks} tasks"),
            )),
        }
    }
}

/// Reads an array element by element.
struct Elements<T, F> {
    take: F,
    element: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, E: fmt::Display, F: FnMut(T) -> Result<(), E>> DeserializeSeed<'de>
    for Elements<T, F>
{
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, E: fmt::Display, F: FnMut(T) -> Result<(), E>> Visitor<'de>
    for Elements<T, F>
{
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(element) = elements.next_element()? {
            (self.take)(element).map_err(A::Error::custom)?;
            count += 1;
        }
        Ok(count)
    }
}

/// The error with its line counted from the file's beginning.
fn at_line(first_line: u64, error: &serde_json::Error) -> ReadError {
    let text = error.to_string();
    let problem = match text.rsplit_once(" at line ") {
        Some((problem, _)) => problem,
        None => &text,
    };
    at(
        first_line + (error.line() as u64).saturating_sub(1),
        problem,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::malformed::Sample;
    use super::*;

    const SMALL: Sample = Sample {
        text: r#"{
"depends": [[1], []],
"times": [0.5, {"x": null}],
"tids": ["mc:a:virtual:native:/l/x.bb:do_build",
  "/l/\u0079.bb:do_fetch"],
"weights": [10, 340282366920938463463374607431768211467],
"speed": [1, 0], "completion": [0, 1]
}"#,
        read: |bytes| read_run_queue(&mut &*bytes).map(|queue| queue.graph),
    };

    #[test]
    fn reads_all_members() {
        let queue = read_run_queue(&mut SMALL.text.as_bytes()).expect("well formed");
        assert_eq!(queue.graph.id(1), "/l/y.bb:do_fetch");
        assert_eq!(queue.graph.dependencies().of(0), [1]);
        let weights = queue.weights.expect("there are weights");
        assert_eq!(weights, ["10", "340282366920938463463374607431768211467"]);
        assert_eq!(queue.speed.expect("there is one").sequence(), [1, 0]);
        assert_eq!(queue.completion.expect("there is one").sequence(), [0, 1]);
    }

    #[test]
    fn answers_may_be_missing() {
        let text = br#"{"tids": [], "depends": [], "speed": null}"#;
        let queue = read_run_queue(&mut &text[..]).expect("well formed");
        assert!(queue.graph.is_empty());
        assert_eq!(
            (queue.weights, queue.speed, queue.completion),
            (None, None, None)
        );
    }

    #[test]
    fn what_is_cut_off_is_an_error_wherever_it_was_cut() {
        SMALL.check_cut_off();
    }

    #[test]
    fn missing_members_and_wrong_lengths_are_named() {
        SMALL.check_changed("\"tids\"", "\"ids\"", "line 8: missing field `tids`");
        SMALL.check_changed("\"times\"", "\"tids\"", "line 4: duplicate field `tids`");
        SMALL.check_changed(
            "[[1], []]",
            "[[1], [], []]",
            "line 2: a list of 3 entries for 2 tasks",
        );
        SMALL.check_changed(
            "[[1], []]",
            "[[1]]",
            "line 2: a list of 1 entries for 2 tasks",
        );
        SMALL.check_changed(
            "[[1], []]",
            "[[1], 7]",
            "line 2: invalid type: integer `7`, expected a sequence",
        );
        SMALL.check_changed(
            "[10,",
            "[-10,",
            "line 6: a weight is not a whole number: \"-10\"",
        );
        SMALL.check_changed(
            "[1, 0]",
            "[1, 1]",
            "line 7: entries 0 and 1 of the order are both task 1",
        );
        SMALL.check_changed("[10,", "[10", "line 6: expected `,` or `]`");
    }

    #[test]
    fn unknown_and_repeated_tasks_are_named() {
        SMALL.check_changed(
            "[[1], []]",
            "[[2], []]",
            "line 2: dependency of task 0 on task 2, but there are only 2 tasks",
        );
        SMALL.check_changed(
            "[[1], []]",
            "[[-1], []]",
            "line 2: invalid value: integer `-1`, expected u32",
        );
        SMALL.check_changed(
            "/l/\\u0079.bb:do_fetch",
            "mc:a:virtual:native:/l/x.bb:do_build",
            "line 5: task id \"mc:a:virtual:native:/l/x.bb:do_build\" is given twice",
        );
        SMALL.check_changed(
            "/l/\\u0079.bb:",
            "",
            "line 5: task id \"do_fetch\" is not of the form RECIPE:TASK",
        );
    }

    #[test]
    fn quotes_line_breaks_and_nul_in_ids_are_errors() {
        for (escaped, shown) in [("\\\"", "\\\""), ("\\n", "\\n"), ("\\u0000", "\\0")] {
            SMALL.check_changed(
                "/l/\\u0079.bb",
                &format!("mc:a:/l/x{escaped}.bb"),
                &format!(
                    "line 5: task id \"mc:a:/l/x{shown}.bb:do_fetch\" has a quotation mark, a \
                     line break or another control character in it"
                ),
            );
        }
        for raw in ["\n", "\0"] {
            let expect = "line 5: control character (\\u0000-\\u001F) found while parsing a string";
            SMALL.check_changed("\\u0079", raw, expect);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_errors() {
        let mut bytes = SMALL.text.as_bytes().to_vec();
        let place = SMALL.text.find("/l/x").expect("it is there");
        bytes[place] = 0xff;
        SMALL.check_error(&bytes, "line 4: invalid unicode code point");
    }

    #[test]
    fn an_id_of_ten_megabytes_is_an_error() {
        let long = "x".repeat(10 << 20);
        for id in [format!("{long}:do_fetch"), format!("x:{long}"), long] {
            let expect = format!(
                "line 5: task id {}... is longer than 8192 bytes",
                shown(&id[..120])
            );
            SMALL.check_changed("/l/\\u0079.bb:do_fetch", &id, &expect);
        }
    }

    #[test]
    fn a_loop_is_an_error() {
        SMALL.check_changed(
            "[[1], []]",
            "[[1], [0]]",
            "2 tasks can never run because of circular dependencies\n\
             dependency loop #1:\n  \
             /l/y.bb:do_fetch (waits for x.bb:do_build)\n  \
             mc:a:virtual:native:/l/x.bb:do_build (waits for y.bb:do_fetch)",
        );
    }

    #[test]
    fn deep_nesting_and_long_lines_do_no_harm() {
        for open in ["[", "{\"a\":", "{\"times\":[[", "{\"tids\":["] {
            let text = open.repeat(1 << 20);
            SMALL.check_any(text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn damaged_files_are_a_graph_or_an_error(bytes in SMALL.damage()) {
            SMALL.check_any(&bytes);
        }
    }
}
