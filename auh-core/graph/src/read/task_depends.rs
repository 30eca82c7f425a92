//! `task-depends.dot`, which `bitbake -g` writes.
//!
//! ```text
//! digraph depends {
//! "PN.TASK" [label="PN TASK\nVERSION\nFILE"]
//! "PN.TASK" -> "PN.TASK"
//! }
//! ```
//!
//! The `\n` in labels are a backslash and a letter. BitBake escapes nothing, so a quotation mark
//! or a line break in a name makes a line of another form, and that is an error. With multiconfig
//! both PN and FILE begin with `mc:NAME:`.

use std::io::{BufRead, Read};

use super::{ReadError, at, shown, shown_bytes};
use crate::builder::TaskGraphBuilder;
use crate::names::Interner;
use crate::task_graph::{TaskGraph, TaskIndex};

/// Names and paths are short; what is longer than this is no line of such a file.
const LONGEST_LINE: usize = 1 << 20;

/// Reads a graph whose tasks are in the file's order. Their ids are `FILE:TASK`, as in the run queue.
///
/// # Errors
/// When reading fails; with the line, when one is not as BitBake writes it, a task is described
/// twice or not at all, or the end is missing; when tasks wait for one another.
pub fn read_task_depends(input: &mut dyn BufRead) -> Result<TaskGraph, ReadError> {
    let mut lines = Lines::new(input);
    match lines.next()? {
        Some((_, b"digraph depends {")) => {}
        Some((number, other)) => {
            let problem = format!(
                "expected `digraph depends {{`, found {}",
                shown_bytes(other)
            );
            return Err(at(number, problem));
        }
        None => return Err(at(1, "the file is empty")),
    }
    let mut statements = Statements::new();
    loop {
        match lines.next()? {
            Some((_, b"}")) => break,
            Some((number, line)) => statements.add(line, number).map_err(|p| at(number, p))?,
            None => {
                return Err(at(
                    lines.number,
                    "the file is cut off: it does not end with `}`",
                ));
            }
        }
    }
    while let Some((number, line)) = lines.next()? {
        if !line.is_empty() {
            let problem = format!("expected nothing after `}}`, found {}", shown_bytes(line));
            return Err(at(number, problem));
        }
    }
    statements.into_graph()
}

/// Lines without their ends, copied only where the input's own buffer does not have them whole.
struct Lines<'a> {
    input: &'a mut dyn BufRead,
    /// How much of the input's buffer is the line that was read last.
    used: usize,
    copy: Vec<u8>,
    /// Which line was read last, from 1.
    number: u64,
}

impl<'a> Lines<'a> {
    fn new(input: &'a mut dyn BufRead) -> Self {
        Self {
            input,
            used: 0,
            copy: Vec::new(),
            number: 0,
        }
    }

    fn next(&mut self) -> Result<Option<(u64, &[u8])>, ReadError> {
        self.input.consume(std::mem::take(&mut self.used));
        let whole = memchr::memchr(b'\n', self.input.fill_buf()?);
        let line = match whole {
            Some(end) => {
                self.used = end + 1;
                &self.input.fill_buf()?[..end]
            }
            None if self.read_parts()? => &self.copy,
            None => return Ok(None),
        };
        self.number += 1;
        if line.len() > LONGEST_LINE {
            let problem = format!("the line is longer than {LONGEST_LINE} bytes");
            return Err(at(self.number, problem));
        }
        Ok(Some((self.number, line)))
    }

    /// Collects a line in `copy`; false when there is none. One that is too long is not read on.
    fn read_parts(&mut self) -> std::io::Result<bool> {
        self.copy.clear();
        let mut limited = (&mut *self.input).take(LONGEST_LINE as u64 + 1);
        if limited.read_until(b'\n', &mut self.copy)? == 0 {
            return Ok(false);
        }
        if self.copy.last() == Some(&b'\n') {
            self.copy.pop();
        }
        Ok(true)
    }
}

/// What one line says. Names are `PN.TASK`.
enum Statement<'a> {
    Task { name: &'a str, label: &'a str },
    Dependency { name: &'a str, on: &'a str },
}

/// What the lines so far have said.
struct Statements {
    builder: TaskGraphBuilder,
    names: Interner,
    /// For each name its task, once that was described.
    described: Vec<Option<TaskIndex>>,
    /// For each name the line that has it first.
    first_lines: Vec<u64>,
    /// As indices of names, since a name may be used before it is described.
    dependencies: Vec<(u32, u32)>,
    /// The name that the last line began with. Mostly the next line does too.
    last: Option<u32>,
}

impl Statements {
    fn new() -> Self {
        Self {
            builder: TaskGraphBuilder::new(),
            names: Interner::new(),
            described: Vec::new(),
            first_lines: Vec::new(),
            dependencies: Vec::new(),
            last: None,
        }
    }

    fn add(&mut self, line: &[u8], number: u64) -> Result<(), String> {
        if let Some(dependency) = self.between_known_names(line) {
            self.dependencies.push(dependency);
            return Ok(());
        }
        let line = std::str::from_utf8(line).map_err(|error| format!("not UTF-8: {error}"))?;
        let statement = parse(line).ok_or_else(|| {
            let found = shown(line);
            format!("neither a task nor a dependency as `bitbake -g` writes them: {found}")
        })?;
        match statement {
            Statement::Task { name, label } => {
                let index = self.first_name(name, number)?;
                self.describe(index, name, label)
            }
            Statement::Dependency { name, on } => {
                let name = self.first_name(name, number)?;
                let on = self.name(on, number)?;
                self.dependencies.push((name, on));
                Ok(())
            }
        }
    }

    /// The short way for most lines: one more dependency of the task that the last line was about, on
    /// something that was named before. What is equal to a name that was checked needs no checks.
    fn between_known_names(&self, line: &[u8]) -> Option<(u32, u32)> {
        let last = self.last?;
        let name = self.names.get(last).as_bytes();
        let rest = line.strip_prefix(b"\"")?.strip_prefix(name)?;
        let on = rest.strip_prefix(b"\" -> \"")?.strip_suffix(b"\"")?;
        Some((last, self.names.find(on)?))
    }

    fn describe(&mut self, index: u32, name: &str, label: &str) -> Result<(), String> {
        if self.described[index as usize].is_some() {
            return Err(format!("{} is described a second time", shown(name)));
        }
        let (file, task) = file_and_task(name, label).ok_or_else(|| {
            let (name, label) = (shown(name), shown(label));
            format!("the label of {name} is not its recipe and task, version and file: {label}")
        })?;
        let task = self.builder.task_of(file, task);
        let task = task.map_err(|error| error.to_string())?;
        if let Some((recipe, _)) = name.rsplit_once('.') {
            self.builder.recipe_name(task, recipe);
        }
        self.described[index as usize] = Some(task);
        Ok(())
    }

    fn first_name(&mut self, name: &str, line: u64) -> Result<u32, String> {
        match self.last {
            Some(last) if self.names.get(last) == name => Ok(last),
            _ => {
                let index = self.name(name, line)?;
                self.last = Some(index);
                Ok(index)
            }
        }
    }

    fn name(&mut self, name: &str, line: u64) -> Result<u32, String> {
        let (index, new) = self.names.intern(name).ok_or("too many tasks")?;
        if new {
            self.described.push(None);
            self.first_lines.push(line);
        }
        Ok(index)
    }

    fn into_graph(self) -> Result<TaskGraph, ReadError> {
        let Self {
            mut builder,
            names,
            described,
            first_lines,
            dependencies,
            ..
        } = self;
        let tasks: Vec<TaskIndex> = described
            .iter()
            .enumerate()
            .map(|(index, task)| {
                task.ok_or_else(|| {
                    let name = shown(names.get(index as u32));
                    at(
                        first_lines[index],
                        format!("{name} is not described anywhere"),
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        drop(names);
        for (task, dependency) in dependencies {
            builder.depends(tasks[task as usize], tasks[dependency as usize]);
        }
        Ok(builder.build()?)
    }
}

fn parse(line: &str) -> Option<Statement<'_>> {
    let (name, rest) = split_at_quote(line.strip_prefix('"')?)?;
    let (statement, last) = if let Some(on) = rest.strip_prefix(" -> \"") {
        let on = on.strip_suffix('"')?;
        (Statement::Dependency { name, on }, on)
    } else {
        let label = rest.strip_prefix(" [label=\"")?.strip_suffix("\"]")?;
        (Statement::Task { name, label }, label)
    };
    split_at_quote(last).is_none().then_some(statement)
}

fn split_at_quote(text: &str) -> Option<(&str, &str)> {
    let quote = memchr::memchr(b'"', text.as_bytes())?;
    Some((&text[..quote], &text[quote + 1..]))
}

/// Parts the label `PN TASK\nVERSION\nFILE` of the task `PN.TASK`.
fn file_and_task<'a>(name: &'a str, label: &'a str) -> Option<(&'a str, &'a str)> {
    let (recipe, task) = name.rsplit_once('.')?;
    let mut parts = label.splitn(3, "\\n");
    let head = parts.next()?;
    let _version = parts.next()?;
    let file = parts.next()?;
    let same = head.strip_prefix(recipe)?.strip_prefix(' ')? == task;
    same.then_some((file, task))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: &str = r#"digraph depends {
"mc:arm:a.do_build" [label="mc:arm:a do_build\n:1.0-r0\nmc:arm:virtual:native:/l/a_1.0.bb"]
"mc:arm:a.do_build" -> "zlib.do_fetch"
"zlib.do_fetch" [label="zlib do_fetch\n1:1.3-r0\n/l/zlib_1.3.bb"]
}
"#;

    fn check_error(input: &[u8], expect: &str) {
        let error = read_task_depends(&mut &*input).expect_err("malformed");
        assert_eq!(error.to_string(), expect);
    }

    /// `SMALL` with something else in it.
    fn check_changed(from: &str, to: &str, expect: &str) {
        let changed = SMALL.replace(from, to);
        assert_ne!(changed, SMALL);
        check_error(changed.as_bytes(), expect);
    }

    #[test]
    fn reads_what_bitbake_writes() {
        let graph = read_task_depends(&mut SMALL.as_bytes()).expect("well formed");
        let ids: Vec<&str> = graph.ids().iter().collect();
        assert_eq!(
            ids,
            [
                "mc:arm:virtual:native:/l/a_1.0.bb:do_build",
                "/l/zlib_1.3.bb:do_fetch"
            ]
        );
        assert_eq!(graph.dependencies().of(0), [1]);
        assert_eq!(graph.recipe(0), "mc:arm:virtual:native:/l/a_1.0.bb");
        assert_eq!(graph.recipe_name(0), "mc:arm:a");
    }

    #[test]
    fn no_task_is_a_graph() {
        let graph = read_task_depends(&mut "digraph depends {\n}".as_bytes());
        assert!(graph.expect("well formed").is_empty());
    }

    #[test]
    fn what_is_cut_off_is_an_error_wherever_it_was_cut() {
        for end in 0..SMALL.len() - 2 {
            let error = read_task_depends(&mut &SMALL.as_bytes()[..end]).expect_err("cut off");
            assert!(matches!(error, ReadError::Line { .. }), "{error}");
        }
        let end = SMALL.len() - 2;
        check_error(
            &SMALL.as_bytes()[..end],
            "line 4: the file is cut off: it does not end with `}`",
        );
        check_error(b"", "line 1: the file is empty");
    }

    #[test]
    fn malformed_lines_are_named() {
        check_changed(
            "digraph depends",
            "graph",
            "line 1: expected `digraph depends {`, found \"graph {\"",
        );
        check_changed(
            "> \"zlib.do_fetch",
            "> \"zl.do_fetch",
            "line 3: \"zl.do_fetch\" is not described anywhere",
        );
        check_changed(
            "}\n",
            "\"zlib.do_fetch\" [label=\"zlib do_fetch\\n1\\n/l/z.bb\"]\n}\n",
            "line 5: \"zlib.do_fetch\" is described a second time",
        );
        check_changed(
            "}\n",
            "\"z.do_fetch\" [label=\"z do_fetch\\n1\\n/l/zlib_1.3.bb\"]\n}\n",
            "line 5: task id \"/l/zlib_1.3.bb:do_fetch\" is given twice",
        );
        check_changed(
            "\"zlib do_fetch",
            "\"zlib do_patch",
            "line 4: the label of \"zlib.do_fetch\" is not its recipe and task, version and file: \
             \"zlib do_patch\\\\n1:1.3-r0\\\\n/l/zlib_1.3.bb\"",
        );
        check_changed(
            "}\n",
            "}\nmore\n",
            "line 6: expected nothing after `}`, found \"more\"",
        );
    }

    #[test]
    fn quotes_line_breaks_and_nul_in_names_are_errors() {
        let neither = "neither a task nor a dependency as `bitbake -g` writes them";
        check_changed(
            "-> \"zlib.",
            "-> \"zl\"ib.",
            &format!(
                "line 3: {neither}: \"\\\"mc:arm:a.do_build\\\" -> \\\"zl\\\"ib.do_fetch\\\"\""
            ),
        );
        check_changed(
            "-> \"zlib.",
            "-> \"zl\nib.",
            &format!("line 3: {neither}: \"\\\"mc:arm:a.do_build\\\" -> \\\"zl\""),
        );
        check_changed(
            "/l/zlib",
            "/l/zl\0ib",
            "line 4: task id \"/l/zl\\0ib_1.3.bb:do_fetch\" has a quotation mark, a line break or \
             another control character in it",
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_errors() {
        let mut bytes = SMALL.as_bytes().to_vec();
        bytes[100] = 0xff;
        check_error(
            &bytes,
            "line 2: not UTF-8: invalid utf-8 sequence of 1 bytes from index 82",
        );
    }

    #[test]
    fn a_line_of_ten_megabytes_is_an_error() {
        let long = format!("digraph depends {{\n\"{}\n", "a".repeat(10 << 20));
        check_error(
            long.as_bytes(),
            "line 2: the line is longer than 1048576 bytes",
        );
    }

    #[test]
    fn a_loop_is_named() {
        let closing = "\"zlib.do_fetch\" -> \"mc:arm:a.do_build\"\n}\n";
        check_changed(
            "}\n",
            closing,
            "2 tasks can never run because of circular dependencies\n\
             dependency loop #1:\n  \
             /l/zlib_1.3.bb:do_fetch (waits for a_1.0.bb:do_build)\n  \
             mc:arm:virtual:native:/l/a_1.0.bb:do_build (waits for zlib_1.3.bb:do_fetch)",
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_graph_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_task_depends(&mut &bytes[..]);
        }

        /// A well-formed file in which some bytes were changed.
        #[test]
        fn damaged_files_are_a_graph_or_an_error(
            changes in prop::collection::vec((0..SMALL.len(), any::<u8>()), 1..4),
        ) {
            let mut bytes = SMALL.as_bytes().to_vec();
            for (place, byte) in changes {
                bytes[place] = byte;
            }
            let _ = read_task_depends(&mut &bytes[..]);
        }
    }
}
