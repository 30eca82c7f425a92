//! What was measured in real builds: durations from the folder that OE's `buildstats` class writes,
//! and sizes of work folders from a list.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use crate::read::{ReadError, at, each_line, shown};
use crate::task_graph::{TaskGraph, TaskIndex};

/// How long tasks took, by recipe name and task name.
///
/// The class makes a folder for each build (`tmp/buildstats/20260801120000`), in it one for each
/// recipe (`PN-PV-PR`, with `PE_` before PV where there is an epoch), and in that a file for each
/// task that ran (`do_compile`), with lines such as `Elapsed time: 12.34 seconds` and
/// `Status: PASSED`. Tasks that were taken from shared state, and those without code, have no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buildstats {
    recipes: HashMap<String, HashMap<String, Span>>,
}

/// When a task ran, in microseconds: since 1970, and how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    started: u64,
    elapsed: u64,
}

impl Span {
    fn ended(self) -> u64 {
        self.started.saturating_add(self.elapsed)
    }
}

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BuildstatsError {
    /// A folder or file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no measured task in the folder.
    #[error("{0} has no task that buildstats measured")]
    Empty(PathBuf),
}

impl Buildstats {
    /// Reads the folder of one build, or the one with a folder for each build: then a later build
    /// replaces what an earlier one says of the same task.
    ///
    /// # Errors
    /// When something cannot be read, or nothing was measured.
    pub fn read(folder: &Path) -> Result<Self, BuildstatsError> {
        let mut this = Self::default();
        for entry in entries(folder)? {
            if !this.read_recipe(&entry)? && entry.is_dir() {
                for inner in entries(&entry)? {
                    this.read_recipe(&inner)?;
                }
            }
        }
        if this.recipes.is_empty() {
            return Err(BuildstatsError::Empty(folder.to_owned()));
        }
        Ok(this)
    }

    /// How long the task took, in microseconds.
    #[must_use]
    pub fn duration(&self, recipe: &str, task: &str) -> Option<u64> {
        Some(self.recipes.get(recipe)?.get(task)?.elapsed)
    }

    /// The graph with these durations. A task that was not measured takes no time when another of
    /// its recipe was measured, as it had no code; otherwise its duration stays what it was.
    #[must_use]
    pub fn apply(&self, graph: TaskGraph) -> TaskGraph {
        graph.with_durations(|graph, task| {
            let name = graph.recipe_name(graph.recipe_of(task));
            match self.recipes.get(without_configuration(&name)) {
                Some(tasks) => Some(
                    tasks
                        .get(graph.task_name(task))
                        .map_or(0, |span| span.elapsed),
                ),
                None => graph.duration(task),
            }
        })
    }

    /// What a start cost in that build, in microseconds: the median time from the moment at which
    /// both a slot was free and all was done that the task waited for, to the start that
    /// buildstats notes. In between BitBake's loop comes to the task, its worker forks, and the
    /// new process parses the recipe (`bin/bitbake-worker`, `fork_off_task`), while the task's slot
    /// is taken (`lib/bb/runqueue.py`, `RunQueueExecutor.execute`).
    ///
    /// As many slots are assumed as tasks ran at the same time; tasks that were fetched from shared
    /// state are left out. None when no task had to wait for a slot.
    #[must_use]
    pub fn start_cost(&self, graph: &TaskGraph) -> Option<u64> {
        let mut started: Vec<(u64, u64)> = Vec::new();
        let mut ends: Vec<u64> = Vec::new();
        // For each task when it was done: without code, as soon as what it waits for was.
        let mut done = vec![0; graph.len()];
        for &task in graph.dependants_first().iter().rev() {
            let dependencies = graph.dependencies().of(task).iter();
            let ready = dependencies.map(|&before| done[before as usize]).max();
            let ready = ready.unwrap_or(0);
            let span = self.span(graph, task);
            done[task as usize] = span.map_or(ready, Span::ended);
            if let Some(span) = span {
                started.push((span.started, ready));
                ends.push(span.ended());
            }
        }
        started.sort_unstable();
        ends.sort_unstable();
        let slots = most_at_a_time(&started, &ends);
        // Before the task with number `slots` starts one has ended, before the next one two, and so on.
        let waiting = started.iter().skip(slots).zip(&ends);
        let mut costs: Vec<u64> = waiting
            .map(|(&(started, ready), &free)| started.saturating_sub(ready.max(free)))
            .collect();
        costs.sort_unstable();
        costs.get(costs.len() / 2).copied()
    }

    fn span(&self, graph: &TaskGraph, task: TaskIndex) -> Option<Span> {
        let name = graph.recipe_name(graph.recipe_of(task));
        let tasks = self.recipes.get(without_configuration(&name))?;
        tasks.get(graph.task_name(task)).copied()
    }

    /// False when this is no recipe's folder.
    fn read_recipe(&mut self, folder: &Path) -> Result<bool, BuildstatsError> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        // PN-PV-PR: neither PV nor PR has a dash.
        let Some(recipe) = name.rsplitn(3, '-').nth(2).filter(|_| folder.is_dir()) else {
            return Ok(false);
        };
        for file in entries(folder)? {
            let task = file.file_name().unwrap_or_default().to_string_lossy();
            if !task.starts_with("do_") {
                continue;
            }
            let bytes = fs::read(&file).map_err(|source| io_error(&file, source))?;
            if let Some(span) = span(&String::from_utf8_lossy(&bytes)) {
                let tasks = self.recipes.entry(recipe.to_owned()).or_default();
                tasks.insert(task.into_owned(), span);
            }
        }
        Ok(true)
    }
}

/// How many tasks ran at the same time at most; both lists are sorted. One that ends at the moment
/// at which another starts does not count.
fn most_at_a_time(started: &[(u64, u64)], ends: &[u64]) -> usize {
    let mut ended = 0;
    let running = started.iter().zip(1..).map(|(&(start, _), begun)| {
        ended += ends[ended..]
            .iter()
            .take_while(|&&end| end <= start)
            .count();
        // Times are rounded, so that a task can end when it starts.
        usize::saturating_sub(begun, ended)
    });
    running.max().unwrap_or(0)
}

/// The last time that passed. A file is appended to when a task is run again.
fn span(text: &str) -> Option<Span> {
    let mut latest = Span::default();
    let mut passed = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Started: ") {
            latest.started = microseconds(rest.trim(), LATEST).unwrap_or(0);
        } else if let Some(rest) = line.strip_prefix("Elapsed time: ") {
            let elapsed = rest.trim().strip_suffix(" seconds");
            let elapsed = elapsed.and_then(|seconds| microseconds(seconds, LONGEST));
            // Shown in hundredths of a second: no time at all is what a task without code takes.
            latest.elapsed = elapsed.map_or(0, |elapsed| elapsed.max(1));
        } else if line.trim_end() == "Status: PASSED" && latest.elapsed > 0 {
            passed = Some(std::mem::take(&mut latest));
        }
    }
    passed
}

/// `most` in seconds.
fn microseconds(seconds: &str, most: f64) -> Option<u64> {
    let seconds: f64 = seconds.parse().ok()?;
    let sensible = (0.0..most).contains(&seconds);
    sensible.then_some((seconds * 1e6).round() as u64)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, BuildstatsError> {
    let list = fs::read_dir(folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<io::Result<Vec<_>>>()
    });
    let mut list = list.map_err(|source| io_error(folder, source))?;
    list.sort();
    Ok(list)
}

fn io_error(path: &Path, source: io::Error) -> BuildstatsError {
    BuildstatsError::Io {
        path: path.to_owned(),
        source,
    }
}

fn without_configuration(name: &str) -> &str {
    match name
        .strip_prefix("mc:")
        .and_then(|rest| rest.split_once(':'))
    {
        Some((_, name)) => name,
        None => name,
    }
}

/// Seconds that a task can take: sums stay far from overflow.
const LONGEST: f64 = 1e9;
/// Seconds since 1970 at which a task can start.
const LATEST: f64 = 1e11;
/// A pebibyte: sums of sizes stay far from overflow.
const MOST_BYTES: u64 = 1 << 50;

/// How large work folders become, in bytes, by recipe name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkSizes {
    recipes: HashMap<String, u64>,
    /// By recipe name and task name.
    tasks: HashMap<(String, String), u64>,
}

impl WorkSizes {
    /// Reads lines `PN<TAB>bytes`, the size of a work folder at its largest; or
    /// `PN:TASK<TAB>bytes`, what one task adds to it.
    ///
    /// # Errors
    /// With the line, when it is neither, or says something a second time.
    pub fn read(input: &mut dyn BufRead) -> Result<Self, ReadError> {
        let mut this = Self::default();
        each_line(input, |line, number| {
            let added = match std::str::from_utf8(line) {
                Ok("") => Ok(()),
                Ok(line) => this.add(line),
                Err(error) => Err(format!("not UTF-8: {error}")),
            };
            added.map_err(|problem| at(number, problem))
        })?;
        Ok(this)
    }

    /// The graph with these sizes, each at the task that begins the recipe's work folder; what
    /// tasks add by themselves, at these. Of recipes that are not in the list nothing changes.
    #[must_use]
    pub fn apply(&self, graph: TaskGraph) -> TaskGraph {
        let whole = graph.clone().with_work_folders(|graph, recipe| {
            self.recipes.get(&*graph.recipe_name(recipe)).copied()
        });
        let by_task = |name: &str, task: &str| {
            let key = (name.to_owned(), task.to_owned());
            self.tasks.get(&key).copied()
        };
        let mut names: HashSet<&str> = self.recipes.keys().map(String::as_str).collect();
        names.extend(self.tasks.keys().map(|(recipe, _)| recipe.as_str()));
        let recipes = 0..graph.recipes().len() as u32;
        let listed: Vec<bool> = recipes
            .map(|recipe| names.contains(&*graph.recipe_name(recipe)))
            .collect();
        graph.with_work_bytes(|graph, task| {
            let recipe = graph.recipe_of(task);
            if !listed[recipe as usize] {
                return graph.work_bytes(task);
            }
            let own = by_task(&graph.recipe_name(recipe), graph.task_name(task));
            own.or_else(|| whole.work_bytes(task)).or(Some(0))
        })
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let form = || {
            format!(
                "expected PN, a tab and a number of bytes, found {}",
                shown(line)
            )
        };
        let (name, bytes) = line.split_once('\t').ok_or_else(form)?;
        let bytes: u64 = bytes.parse().map_err(|_| form())?;
        if bytes > MOST_BYTES {
            return Err(format!(
                "{bytes} bytes are more than a work folder can have"
            ));
        }
        let before = match name.rsplit_once(":do_") {
            Some((recipe, task)) => {
                let key = (recipe.to_owned(), format!("do_{task}"));
                self.tasks.insert(key, bytes)
            }
            None if name.is_empty() => return Err(form()),
            None => self.recipes.insert(name.to_owned(), bytes),
        };
        match before {
            None => Ok(()),
            Some(_) => Err(format!("{} is given a second time", shown(name))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TaskGraphBuilder, WorkFolders};
    use proptest::prelude::*;

    fn graph() -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        for recipe in [
            "/l/hello_1.0.bb",
            "virtual:native:/l/hello_1.0.bb",
            "/l/other_2.bb",
        ] {
            for name in ["do_unpack", "do_compile", "do_build"] {
                let task = builder.task_of(recipe, name).expect("a new task");
                builder.duration(task, 5);
            }
        }
        builder.build().expect("no loop")
    }

    fn write(folder: &Path, build: &str, recipe: &str, task: &str, text: &str) {
        let folder = folder.join(build).join(recipe);
        fs::create_dir_all(&folder).expect("a writable folder");
        fs::write(folder.join(task), text).expect("a writable folder");
    }

    #[test]
    fn a_later_build_replaces_what_an_earlier_one_says() {
        let folder = std::env::temp_dir().join(format!("auh-buildstats-{}", std::process::id()));
        let passed = |seconds: &str| {
            format!(
                "Event: TaskStarted \nStarted: 1.0 \nhello-1.0-r0: do_compile\nElapsed time: {seconds} seconds\nutime: 8\nStatus: PASSED \nEnded: 2.0 \n"
            )
        };
        write(
            &folder,
            "20260101000000",
            "hello-1.0-r0",
            "do_compile",
            &passed("1.50"),
        );
        write(
            &folder,
            "20260102000000",
            "hello-1.0-r0",
            "do_compile",
            &passed("2.25"),
        );
        write(
            &folder,
            "20260102000000",
            "hello-native-1_1.0-r0",
            "do_unpack",
            &passed("0.09"),
        );
        write(
            &folder,
            "20260102000000",
            "reduced_proc_pressure",
            "cpu.log",
            "x",
        );
        fs::write(
            folder.join("20260102000000/build_stats"),
            "Elapsed time: 3 seconds\n",
        )
        .expect("a writable folder");
        let all = Buildstats::read(&folder).expect("well formed");
        let first = Buildstats::read(&folder.join("20260101000000")).expect("well formed");
        let nothing = Buildstats::read(&folder.join("20260102000000/reduced_proc_pressure"));
        fs::remove_dir_all(&folder).expect("it is ours");
        assert_eq!(all.duration("hello", "do_compile"), Some(2_250_000));
        assert_eq!(first.duration("hello", "do_compile"), Some(1_500_000));
        let durations = all.apply(graph()).durations().to_vec();
        assert_eq!(durations, [0, 2_250_000, 0, 90_000, 0, 0, 5, 5, 5]);
        assert!(matches!(nothing, Err(BuildstatsError::Empty(_))));
        assert!(matches!(
            Buildstats::read(&folder),
            Err(BuildstatsError::Io { .. })
        ));
    }

    #[test]
    fn only_a_passed_run_counts_and_of_several_the_last() {
        let run = |seconds, status| {
            format!("Started: 5.25 \nElapsed time: {seconds} seconds\nStatus: {status} \n")
        };
        let of = |elapsed| {
            Some(Span {
                started: 5_250_000,
                elapsed,
            })
        };
        assert_eq!(span(&run("3.00", "FAILED")), None);
        let (failed, passed) = (run("3.00", "FAILED"), run("1.00", "PASSED"));
        assert_eq!(span(&(failed.clone() + &passed)), of(1_000_000));
        assert_eq!(span(&(passed + &failed)), of(1_000_000));
        assert_eq!(span(&run("0.00", "PASSED")), of(1));
        assert_eq!(span(&run("x", "PASSED")), None);
        assert_eq!(span(&run("-1", "PASSED")), None);
    }

    /// One recipe per task, of these starts and durations in seconds.
    fn stats(tasks: &[(u64, u64)]) -> Buildstats {
        let of = |&(started, elapsed): &(u64, u64)| {
            let span = Span {
                started: started * 1_000_000,
                elapsed: elapsed * 1_000_000,
            };
            HashMap::from([("do_compile".to_owned(), span)])
        };
        let names = (0..).map(|number| format!("r{number}"));
        Buildstats {
            recipes: names.zip(tasks.iter().map(of)).collect(),
        }
    }

    fn chain(tasks: usize, edges: &[(u32, u32)]) -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        for number in 0..tasks {
            let recipe = format!("/l/r{number}_1.bb");
            builder.task_of(&recipe, "do_compile").expect("a new task");
        }
        edges.iter().for_each(|&(a, b)| builder.depends(a, b));
        builder.build().expect("no loop")
    }

    #[test]
    fn a_start_costs_what_passes_between_a_free_slot_and_the_start() {
        // Two slots: 10 to 14 and 10 to 20, then from 14 on 15 to 19, then from 19 on 22 to 30.
        let stats = stats(&[(10, 4), (10, 10), (15, 4), (22, 8)]);
        let cost = |edges: &[(u32, u32)]| stats.start_cost(&chain(4, edges));
        assert_eq!(cost(&[]), Some(3_000_000));
        // The last one waits for the second, too, which ends at 20.
        assert_eq!(cost(&[(3, 1)]), Some(2_000_000));
        assert_eq!(Buildstats::default().start_cost(&chain(4, &[])), None);
    }

    #[test]
    fn what_waits_for_tasks_without_code_waits_for_those_before_them() {
        // One slot; the task in between was not measured.
        let mut stats = stats(&[(10, 4), (0, 0), (19, 1)]);
        stats.recipes.remove("r1");
        let graph = chain(3, &[(1, 0), (2, 1)]);
        assert_eq!(stats.start_cost(&graph), Some(5_000_000));
    }

    #[test]
    fn sizes_are_of_recipes_or_of_tasks() {
        let text = "hello\t100\nhello-native:do_compile\t7\n\nnobody\t1\n";
        let sizes = WorkSizes::read(&mut text.as_bytes()).expect("well formed");
        let graph = sizes.apply(graph());
        let folders = WorkFolders::of(&graph);
        assert_eq!((folders.bytes(0), folders.bytes(1)), (100, 7));
        assert_eq!(
            (graph.work_bytes(0), graph.work_bytes(4)),
            (Some(100), Some(7))
        );
        assert_eq!(graph.work_bytes(6), None);
    }

    #[test]
    fn lines_of_another_form_are_named() {
        let refused = |mut bytes: &[u8]| {
            let error = WorkSizes::read(&mut bytes).expect_err("malformed");
            error.to_string()
        };
        let error = |text: &str| refused(text.as_bytes());
        let form = "expected PN, a tab and a number of bytes, found";
        assert_eq!(error("a\t1\nb 2\n"), format!("line 2: {form} \"b 2\""));
        assert_eq!(error("a\t-1"), format!("line 1: {form} \"a\\t-1\""));
        let text = "line 1: 99999999999999999 bytes are more than a work folder can have";
        assert_eq!(error("a\t99999999999999999"), text);
        assert_eq!(error("\t1"), format!("line 1: {form} \"\\t1\""));
        assert_eq!(error("a\t1\na\t1"), "line 2: \"a\" is given a second time");
        let text = "line 2: not UTF-8: invalid utf-8 sequence of 1 bytes from index 0";
        assert_eq!(refused(b"a\t1\n\xff\t1"), text);
        let text = "line 1: the line is longer than 1048576 bytes";
        assert_eq!(error(&"a".repeat(10 << 20)), text);
    }

    proptest! {
        #[test]
        fn any_text_of_buildstats_is_a_time_or_none_and_what_passed_behind_it_counts(
            bytes in any::<Vec<u8>>(), lines in "((Started|Elapsed time|Status|Ended|x): [0-9a-zA-Z.:-]{0,12} ?[a-zA-Z]{0,7}\n){0,8}"
        ) {
            for text in [bytes, lines.into_bytes()] {
                let folder = tempfile::tempdir().unwrap();
                let recipe = folder.path().join("a-1.0-r0");
                fs::create_dir(&recipe).unwrap();
                let file = recipe.join("do_compile");
                fs::write(&file, &text).unwrap();
                if let Ok(stats) = Buildstats::read(folder.path()) {
                    let duration = stats.duration("a", "do_compile").unwrap();
                    prop_assert!((1..=1_000_000_000_000_000).contains(&duration));
                }
                let passed = b"\nStarted: 1700000000.25 \nElapsed time: 1.50 seconds\nStatus: PASSED \n";
                fs::write(&file, [&text[..], passed].concat()).unwrap();
                let stats = Buildstats::read(folder.path()).unwrap();
                prop_assert_eq!(stats.duration("a", "do_compile"), Some(1_500_000));
            }
        }

        #[test]
        fn any_list_of_sizes_is_read_or_an_error_at_a_line(text in "([a-z/:.]{0,8}[ \t][0-9KMGi.]{0,6}\n?){0,6}|\\PC{0,40}") {
            if let Err(error) = WorkSizes::read(&mut text.as_bytes()) {
                prop_assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}
