//! What was measured in real builds: durations from the folder that OE's `buildstats` class writes,
//! and sizes of work folders from a list.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use crate::read::{ReadError, at, shown};
use crate::task_graph::TaskGraph;

/// How long tasks took, by recipe name and task name.
///
/// The class makes a folder for each build (`tmp/buildstats/20260801120000`), in it one for each
/// recipe (`PN-PV-PR`, with `PE_` before PV where there is an epoch), and in that a file for each
/// task that ran (`do_compile`), with lines such as `Elapsed time: 12.34 seconds` and
/// `Status: PASSED`. Tasks that were taken from shared state, and those without code, have no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buildstats {
    /// In microseconds.
    recipes: HashMap<String, HashMap<String, u64>>,
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
        self.recipes.get(recipe)?.get(task).copied()
    }

    /// The graph with these durations. A task that was not measured takes no time when another of
    /// its recipe was measured, as it had no code; otherwise its duration stays what it was.
    #[must_use]
    pub fn apply(&self, graph: TaskGraph) -> TaskGraph {
        graph.with_durations(|graph, task| {
            let name = graph.recipe_name(graph.recipe_of(task));
            match self.recipes.get(without_configuration(&name)) {
                Some(tasks) => Some(tasks.get(graph.task_name(task)).copied().unwrap_or(0)),
                None => graph.duration(task),
            }
        })
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
            if let Some(elapsed) = elapsed(&String::from_utf8_lossy(&bytes)) {
                let tasks = self.recipes.entry(recipe.to_owned()).or_default();
                tasks.insert(task.into_owned(), elapsed);
            }
        }
        Ok(true)
    }
}

/// The last time that passed, in microseconds. A file is appended to when a task is run again.
fn elapsed(text: &str) -> Option<u64> {
    let mut latest = None;
    let mut passed = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Elapsed time: ") {
            latest = rest.trim().strip_suffix(" seconds").and_then(microseconds);
        } else if line.trim_end() == "Status: PASSED" {
            passed = latest.take().or(passed);
        }
    }
    passed
}

fn microseconds(seconds: &str) -> Option<u64> {
    let seconds: f64 = seconds.parse().ok()?;
    let sensible = (0.0..1e9).contains(&seconds);
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
        for (line, number) in input.lines().zip(1..) {
            let line = line?;
            if !line.is_empty() {
                this.add(&line).map_err(|problem| at(number, problem))?;
            }
        }
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
        let run = |seconds, status| format!("Elapsed time: {seconds} seconds\nStatus: {status} \n");
        assert_eq!(elapsed(&run("3.00", "FAILED")), None);
        assert_eq!(
            elapsed(&(run("3.00", "FAILED") + &run("1.00", "PASSED"))),
            Some(1_000_000)
        );
        assert_eq!(
            elapsed(&(run("1.00", "PASSED") + &run("3.00", "FAILED"))),
            Some(1_000_000)
        );
        assert_eq!(elapsed("Elapsed time: x seconds\nStatus: PASSED \n"), None);
        assert_eq!(elapsed("Elapsed time: -1 seconds\nStatus: PASSED \n"), None);
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
        let error = |text: &str| {
            let error = WorkSizes::read(&mut text.as_bytes()).expect_err("malformed");
            error.to_string()
        };
        let form = "expected PN, a tab and a number of bytes, found";
        assert_eq!(error("a\t1\nb 2\n"), format!("line 2: {form} \"b 2\""));
        assert_eq!(error("a\t-1"), format!("line 1: {form} \"a\\t-1\""));
        let text = "line 1: 99999999999999999 bytes are more than a work folder can have";
        assert_eq!(error("a\t99999999999999999"), text);
        assert_eq!(error("\t1"), format!("line 1: {form} \"\\t1\""));
        assert_eq!(error("a\t1\na\t1"), "line 2: \"a\" is given a second time");
    }
}
