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

use std::io::BufRead;

use super::lines::each_line;
use super::{ReadError, at, shown, shown_bytes};
use crate::builder::TaskGraphBuilder;
use crate::names::{Interner, Missing};
use crate::task_graph::{TaskGraph, TaskIndex};

/// Reads a graph whose tasks are in the file's order. Their ids are `FILE:TASK`, as in the run queue.
///
/// # Errors
/// When reading fails; with the line, when one is not as BitBake writes it, a task is described
/// twice or not at all, or the end is missing; when tasks wait for one another.
pub fn read_task_depends(input: &mut dyn BufRead) -> Result<TaskGraph, ReadError> {
    let mut statements = Statements::new();
    let mut place = Place::Before;
    let lines = each_line(input, |line, number| {
        match place {
            Place::Within if line == b"}" => place = Place::Behind,
            Place::Within => statements.add(line, number)?,
            Place::Before if line == b"digraph depends {" => place = Place::Within,
            Place::Before => {
                let found = shown_bytes(line);
                let problem = format!("expected `digraph depends {{`, found {found}");
                return Err(at(number, problem));
            }
            Place::Behind if line.is_empty() => {}
            Place::Behind => {
                let problem = format!("expected nothing after `}}`, found {}", shown_bytes(line));
                return Err(at(number, problem));
            }
        }
        Ok(())
    })?;
    match place {
        Place::Before => Err(at(1, "the file is empty")),
        Place::Within => Err(at(lines, "the file is cut off: it does not end with `}`")),
        Place::Behind => statements.into_graph(),
    }
}

/// Where in the file a line is: before, within or behind the braces.
enum Place {
    Before,
    Within,
    Behind,
}

/// What one line says. Names are `PN.TASK`.
enum Statement<'a> {
    Task { name: &'a str, label: &'a str },
    Dependency { name: &'a str, on: &'a str },
}

/// What is known of a name.
struct Named {
    /// The task, once it was described.
    task: Option<TaskIndex>,
    /// The line that has the name first.
    first_line: u64,
}

/// What the lines so far have said.
struct Statements {
    builder: TaskGraphBuilder,
    names: Interner,
    /// For each name what is known of it.
    known: Vec<Named>,
    /// As indices of names, since a name may be used before it is described.
    dependencies: Vec<(u32, u32)>,
    /// The name that the last line began with. Mostly the next lines do too.
    last: u32,
    /// How a line begins that says one more dependency of `last`. At first there is no such name;
    /// then this is a line break, with which no line begins.
    last_depends: Vec<u8>,
}

impl Statements {
    fn new() -> Self {
        Self {
            builder: TaskGraphBuilder::new(),
            names: Interner::new(),
            known: Vec::new(),
            dependencies: Vec::new(),
            last: 0,
            last_depends: b"\n".to_vec(),
        }
    }

    fn add(&mut self, line: &[u8], number: u64) -> Result<(), ReadError> {
        match self.add_dependency_of_last(line, number) {
            Some(()) => Ok(()),
            None => self
                .add_any(line, number)
                .map_err(|problem| at(number, problem)),
        }
    }

    /// The short way for most lines: one more dependency of the task that the last line was about.
    fn add_dependency_of_last(&mut self, line: &[u8], number: u64) -> Option<()> {
        let on = line
            .strip_prefix(&self.last_depends[..])?
            .strip_suffix(b"\"")?;
        let on = match self.names.find(on) {
            Ok(known) => known,
            Err(missing) => {
                let on = std::str::from_utf8(on).ok()?;
                self.add_name(missing, on, number).ok()?
            }
        };
        self.dependencies.push((self.last, on));
        Some(())
    }

    /// The long way for every line that is right, and the problem of one that is not.
    fn add_any(&mut self, line: &[u8], number: u64) -> Result<(), String> {
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

    fn describe(&mut self, index: u32, name: &str, label: &str) -> Result<(), String> {
        let known = &mut self.known[index as usize];
        if known.task.is_some() {
            return Err(format!("{} is described a second time", shown(name)));
        }
        let parts = Parts::of(name, label).ok_or_else(|| {
            let (name, label) = (shown(name), shown(label));
            format!("the label of {name} is not its recipe and task, version and file: {label}")
        })?;
        let task = self.builder.task_of(parts.file, parts.task);
        let task = task.map_err(|error| error.to_string())?;
        self.builder.recipe_name(task, parts.recipe);
        known.task = Some(task);
        Ok(())
    }

    fn first_name(&mut self, name: &str, line: u64) -> Result<u32, String> {
        self.last = self.name(name, line)?;
        self.last_depends.clear();
        for part in ["\"", name, "\" -> \""] {
            self.last_depends.extend_from_slice(part.as_bytes());
        }
        Ok(self.last)
    }

    fn name(&mut self, name: &str, line: u64) -> Result<u32, String> {
        match self.names.find(name.as_bytes()) {
            Ok(known) => Ok(known),
            Err(missing) => self.add_name(missing, name, line),
        }
    }

    fn add_name(&mut self, missing: Missing, name: &str, line: u64) -> Result<u32, String> {
        let bad = |byte: u8| byte == b'"' || byte.is_ascii_control();
        if name.bytes().fold(false, |found, byte| found | bad(byte)) {
            let name = shown(name);
            return Err(format!(
                "{name} has a quotation mark or a control character in it"
            ));
        }
        self.known.push(Named {
            task: None,
            first_line: line,
        });
        self.names
            .insert(missing, name)
            .ok_or_else(|| "too many tasks".to_owned())
    }

    fn into_graph(self) -> Result<TaskGraph, ReadError> {
        let task_of = |(index, named): (usize, &Named)| {
            named.task.ok_or_else(|| {
                let name = shown(self.names.get(index as u32));
                at(
                    named.first_line,
                    format!("{name} is not described anywhere"),
                )
            })
        };
        let tasks = self.known.iter().enumerate().map(task_of);
        let tasks: Vec<TaskIndex> = tasks.collect::<Result<_, _>>()?;
        let mut edges = self.dependencies;
        for (task, dependency) in &mut edges {
            *task = tasks[*task as usize];
            *dependency = tasks[*dependency as usize];
        }
        // What the graph is made in can be where these were.
        drop((self.names, self.known, tasks));
        Ok(self.builder.with_edges(edges).build()?)
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

/// What name and label say of a task.
struct Parts<'a> {
    recipe: &'a str,
    task: &'a str,
    file: &'a str,
}

impl<'a> Parts<'a> {
    /// Of the name `PN.TASK` and the label `PN TASK\nVERSION\nFILE`.
    fn of(name: &'a str, label: &'a str) -> Option<Self> {
        let dot = memchr::memrchr(b'.', name.as_bytes())?;
        let (recipe, task) = (&name[..dot], &name[dot + 1..]);
        let rest = label.strip_prefix(recipe)?.strip_prefix(' ')?;
        let rest = rest.strip_prefix(task)?.strip_prefix("\\n")?;
        let mut breaks = memchr::memchr_iter(b'\\', rest.as_bytes());
        let file = breaks.find_map(|at| rest[at..].strip_prefix("\\n"))?;
        Some(Self { recipe, task, file })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::malformed::Sample;
    use super::*;

    const SMALL: Sample = Sample {
        text: r#"digraph depends {
"mc:arm:a.do_build" [label="mc:arm:a do_build\n:1.0-r0\nmc:arm:virtual:native:/l/a_1.0.bb"]
"mc:arm:a.do_build" -> "zlib.do_fetch"
"zlib.do_fetch" [label="zlib do_fetch\n1:1.3-r0\n/l/zlib_1.3.bb"]
}
"#,
        read: |bytes| read_task_depends(&mut &*bytes),
    };

    #[test]
    fn reads_what_bitbake_writes() {
        let graph = read_task_depends(&mut SMALL.text.as_bytes()).expect("well formed");
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
    fn lines_come_in_any_order() {
        let text = "digraph depends {\n\
            \"b.do_x\" -> \"a.do_x\"\n\
            \"c.do_x\" -> \"b.do_x\"\n\
            \"c.do_x\" -> \"a.do_x\"\n\
            \"a.do_x\" [label=\"a do_x\\n1\\n/l/a.bb\"]\n\
            \"c.do_x\" [label=\"c do_x\\n1\\n/l/c.bb\"]\n\
            \"c.do_x\" -> \"b.do_x\"\n\
            \"b.do_x\" [label=\"b do_x\\n1\\n/l/b.bb\"]\n}";
        let graph = read_task_depends(&mut text.as_bytes()).expect("well formed");
        let ids: Vec<&str> = graph.ids().iter().collect();
        assert_eq!(ids, ["/l/a.bb:do_x", "/l/c.bb:do_x", "/l/b.bb:do_x"]);
        let dependencies = graph.tasks().map(|task| graph.dependencies().of(task));
        assert!(dependencies.eq([&[][..], &[2, 0], &[0]]));
    }

    #[test]
    fn no_task_is_a_graph() {
        let graph = read_task_depends(&mut "digraph depends {\n}".as_bytes());
        assert!(graph.expect("well formed").is_empty());
    }

    #[test]
    fn what_is_cut_off_is_an_error_wherever_it_was_cut() {
        SMALL.check_cut_off();
        let end = SMALL.text.len() - 2;
        SMALL.check_error(
            &SMALL.text.as_bytes()[..end],
            "line 4: the file is cut off: it does not end with `}`",
        );
        SMALL.check_error(b"", "line 1: the file is empty");
    }

    #[test]
    fn malformed_lines_are_named() {
        SMALL.check_changed(
            "digraph depends",
            "graph",
            "line 1: expected `digraph depends {`, found \"graph {\"",
        );
        SMALL.check_changed(
            "\"zlib do_fetch",
            "\"zlib do_patch",
            "line 4: the label of \"zlib.do_fetch\" is not its recipe and task, version and file: \
             \"zlib do_patch\\\\n1:1.3-r0\\\\n/l/zlib_1.3.bb\"",
        );
        SMALL.check_changed(
            "}\n",
            "}\nmore\n",
            "line 6: expected nothing after `}`, found \"more\"",
        );
    }

    #[test]
    fn unknown_and_repeated_tasks_are_named() {
        SMALL.check_changed(
            "> \"zlib.do_fetch",
            "> \"zl.do_fetch",
            "line 3: \"zl.do_fetch\" is not described anywhere",
        );
        SMALL.check_changed(
            "}\n",
            "\"zlib.do_fetch\" [label=\"zlib do_fetch\\n1\\n/l/z.bb\"]\n}\n",
            "line 5: \"zlib.do_fetch\" is described a second time",
        );
        SMALL.check_changed(
            "}\n",
            "\"z.do_fetch\" [label=\"z do_fetch\\n1\\n/l/zlib_1.3.bb\"]\n}\n",
            "line 5: task id \"/l/zlib_1.3.bb:do_fetch\" is given twice",
        );
    }

    #[test]
    fn quotes_line_breaks_and_nul_in_names_are_errors() {
        let neither = "neither a task nor a dependency as `bitbake -g` writes them";
        SMALL.check_changed(
            "-> \"zlib.",
            "-> \"zl\"ib.",
            &format!(
                "line 3: {neither}: \"\\\"mc:arm:a.do_build\\\" -> \\\"zl\\\"ib.do_fetch\\\"\""
            ),
        );
        SMALL.check_changed(
            "-> \"zlib.",
            "-> \"zl\nib.",
            &format!("line 3: {neither}: \"\\\"mc:arm:a.do_build\\\" -> \\\"zl\""),
        );
        SMALL.check_changed(
            "zlib.",
            "zl\0ib.",
            "line 3: \"zl\\0ib.do_fetch\" has a quotation mark or a control character in it",
        );
        SMALL.check_changed(
            "/l/zlib",
            "/l/zl\0ib",
            "line 4: task id \"/l/zl\\0ib_1.3.bb:do_fetch\" has a quotation mark, a line break or \
             another control character in it",
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_errors() {
        for (text, expect) in [
            (
                "/l/a",
                "line 2: not UTF-8: invalid utf-8 sequence of 1 bytes from index 78",
            ),
            (
                "zlib",
                "line 3: not UTF-8: invalid utf-8 sequence of 1 bytes from index 24",
            ),
        ] {
            let mut bytes = SMALL.text.as_bytes().to_vec();
            let place = SMALL.text.find(text).expect("it is there");
            bytes[place] = 0xff;
            SMALL.check_error(&bytes, expect);
        }
    }

    #[test]
    fn a_line_of_ten_megabytes_is_an_error() {
        let long = format!("digraph depends {{\n\"{}\n", "a".repeat(10 << 20));
        SMALL.check_error(
            long.as_bytes(),
            "line 2: the line is longer than 1048576 bytes",
        );
    }

    #[test]
    fn a_loop_is_named() {
        let closing = "\"zlib.do_fetch\" -> \"mc:arm:a.do_build\"\n}\n";
        SMALL.check_changed(
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
            SMALL.check_any(&bytes);
        }

        #[test]
        fn damaged_files_are_a_graph_or_an_error(bytes in SMALL.damage()) {
            SMALL.check_any(&bytes);
        }
    }
}
