//! Puts a [`TaskGraph`] together and refuses what is none: unknown tasks, ids given twice, loops.

use std::sync::OnceLock;

use crate::cycle::{Loops, find_loops};
use crate::index_table::IndexTable;
use crate::names::{Interner, Missing, Names};
use crate::task_graph::{Adjacency, TaskGraph, TaskIndex, UNKNOWN};

/// Collects tasks and dependencies, in any order, and checks them.
#[derive(Clone, Debug)]
pub struct TaskGraphBuilder {
    recipes: Interner,
    /// For each recipe its name, empty where it is not known; may end early.
    recipe_names: Vec<String>,
    task_names: Interner,
    recipe_of: Vec<u32>,
    task_name_of: Vec<u32>,
    /// Finds a task by its recipe and task name.
    known: IndexTable,
    edges: Vec<(TaskIndex, TaskIndex)>,
    durations: Vec<u64>,
    work_bytes: Vec<u64>,
}

/// In bytes. Linux ends paths at 4096; in an id there are a configuration and a variant before one,
/// and a task's name behind it.
const LONGEST_ID: usize = 8192;

/// Why something is no task graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// An id without the colon that parts recipe and task name, or with nothing before or behind it.
    #[error("task id {0:?} is not of the form RECIPE:TASK")]
    NotAnId(String),
    /// An id that would break every listing it appears in.
    #[error("task id {0:?} has a quotation mark, a line break or another control character in it")]
    UnprintableId(String),
    /// An id that is no recipe file's, by how it begins.
    #[error("task id {0:?}... is longer than {LONGEST_ID} bytes")]
    LongId(String),
    /// Two tasks with one id.
    #[error("task id {0:?} is given twice")]
    DuplicateId(String),
    /// A dependency from or to a task that does not exist.
    #[error("dependency of task {task} on task {dependency}, but there are only {tasks} tasks")]
    UnknownTask {
        /// The task that waits.
        task: TaskIndex,
        /// What it waits for.
        dependency: TaskIndex,
        /// How many tasks there are.
        tasks: usize,
    },
    /// Slices that do not fit one another.
    #[error("the parts make no task graph: {0}")]
    Misshapen(&'static str),
    /// More than 4,294,967,294 tasks or dependencies.
    #[error("more tasks or dependencies than a task graph can hold")]
    TooLarge,
    /// Tasks that wait for one another.
    #[error("{0}")]
    Cycle(Loops),
}

impl Default for TaskGraphBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl TaskGraphBuilder {
    /// Begins without any task.
    pub fn new() -> Self {
        Self {
            recipes: Interner::new(),
            recipe_names: Vec::new(),
            task_names: Interner::new(),
            recipe_of: Vec::new(),
            task_name_of: Vec::new(),
            known: IndexTable::new(),
            edges: Vec::new(),
            durations: Vec::new(),
            work_bytes: Vec::new(),
        }
    }

    /// Adds a task by its full id, `RECIPE:TASK`, which is parted at the last colon as BitBake does.
    ///
    /// # Errors
    /// When the text is no id, or is there already.
    pub fn task(&mut self, id: &str) -> Result<TaskIndex, GraphError> {
        check_length(id.len(), || id.to_owned())?;
        let (recipe, name) = id
            .rsplit_once(':')
            .ok_or_else(|| GraphError::NotAnId(id.to_owned()))?;
        self.task_of(recipe, name)
    }

    /// Adds the task `name` of a recipe (or of whatever else has tasks of its own).
    ///
    /// # Errors
    /// When recipe and name make no id, or the task is there already.
    pub fn task_of(&mut self, recipe: &str, name: &str) -> Result<TaskIndex, GraphError> {
        let length = recipe.len() + 1 + name.len();
        check_length(length, || format!("{recipe}:{name}"))?;
        let known_recipe = self.find_recipe(recipe);
        let known_name = self.task_names.find(name.as_bytes());
        // What is equal to something that was checked needs no check.
        if known_recipe.is_err() || known_name.is_err() {
            check_id(recipe, name)?;
        }
        if self.len() >= (u32::MAX - 1) as usize {
            return Err(GraphError::TooLarge);
        }
        let recipe_index = found_or_added(known_recipe, &mut self.recipes, recipe)?;
        let name_index = found_or_added(known_name, &mut self.task_names, name)?;
        let new = self.len() as TaskIndex;
        let hash = self.known.hash_of(&[recipe_index, name_index]);
        let found = self.known.find_or_insert(hash, new, |task| {
            let task = task as usize;
            (self.recipe_of[task], self.task_name_of[task]) == (recipe_index, name_index)
        });
        if found != new {
            return Err(GraphError::DuplicateId(format!("{recipe}:{name}")));
        }
        self.recipe_of.push(recipe_index);
        self.task_name_of.push(name_index);
        Ok(new)
    }

    /// Mostly a task is of the same recipe as the one before it.
    fn find_recipe(&self, recipe: &str) -> Result<u32, Missing> {
        match self.recipe_of.last() {
            Some(&last) if self.recipes.get(last) == recipe => Ok(last),
            _ => self.recipes.find(recipe.as_bytes()),
        }
    }

    /// How many tasks were added so far.
    pub fn len(&self) -> usize {
        self.recipe_of.len()
    }

    /// Whether no task was added yet.
    pub fn is_empty(&self) -> bool {
        self.recipe_of.is_empty()
    }

    /// Says that `task` waits for `dependency`. Either may be added later; saying it twice is
    /// saying it once.
    pub fn depends(&mut self, task: TaskIndex, dependency: TaskIndex) {
        self.edges.push((task, dependency));
    }

    /// As if [`depends`](Self::depends) had been said of each and of nothing else.
    pub(crate) fn with_edges(self, edges: Vec<(TaskIndex, TaskIndex)>) -> Self {
        Self { edges, ..self }
    }

    /// Says what the task's recipe is called (PN). What is said first counts.
    ///
    /// # Panics
    /// When the task was not added.
    pub fn recipe_name(&mut self, task: TaskIndex, name: &str) {
        let recipe = self.recipe_of[task as usize] as usize;
        if self.recipe_names.len() <= recipe {
            self.recipe_names.resize(recipe + 1, String::new());
        }
        if self.recipe_names[recipe].is_empty() {
            name.clone_into(&mut self.recipe_names[recipe]);
        }
    }

    /// Says how long a task takes, in microseconds.
    pub fn duration(&mut self, task: TaskIndex, microseconds: u64) {
        set(&mut self.durations, task, microseconds);
    }

    /// Says how many bytes a task adds to its recipe's work folder.
    pub fn work_bytes(&mut self, task: TaskIndex, bytes: u64) {
        set(&mut self.work_bytes, task, bytes);
    }

    /// Checks everything and makes the graph.
    ///
    /// # Errors
    /// When a dependency names a task that was not added, or tasks wait for one another.
    pub fn build(mut self) -> Result<TaskGraph, GraphError> {
        let tasks = self.len();
        check_edges(&self.edges, tasks)?;
        let dependencies = Adjacency::from_edges(tasks, &self.edges);
        drop(std::mem::take(&mut self.edges));
        let recipes = self.recipes.into_names();
        let task_names = self.task_names.into_names();
        let ids = || Names::of_ids(&recipes, &self.recipe_of, &task_names, &self.task_name_of);
        let (dependants, dependants_first) = without_loops(&dependencies, ids)?;
        if !self.recipe_names.is_empty() {
            self.recipe_names.resize(recipes.len(), String::new());
        }
        self.durations.resize(tasks, UNKNOWN);
        self.work_bytes.resize(tasks, UNKNOWN);
        Ok(TaskGraph {
            ids: OnceLock::new(),
            recipes,
            recipe_names: self.recipe_names.iter().map(String::as_str).collect(),
            task_names,
            recipe_of: self.recipe_of,
            task_name_of: self.task_name_of,
            dependencies,
            dependants,
            dependants_first,
            durations: self.durations,
            work_bytes: self.work_bytes,
        })
    }
}

/// The dependants, and all tasks in an order in which each comes after its dependants. `ids` is
/// asked only when there is a loop.
pub(crate) fn without_loops(
    dependencies: &Adjacency,
    ids: impl FnOnce() -> Names,
) -> Result<(Adjacency, Vec<TaskIndex>), GraphError> {
    let dependants = dependencies.reversed();
    let first = dependants_first(dependencies, &dependants);
    if first.len() + 1 < dependencies.offsets().len() {
        let loops = find_loops(&ids(), dependencies, &dependants, &first);
        return Err(GraphError::Cycle(loops));
    }
    Ok((dependants, first))
}

fn found_or_added(
    found: Result<u32, Missing>,
    names: &mut Interner,
    text: &str,
) -> Result<u32, GraphError> {
    found.or_else(|missing| names.insert(missing, text).ok_or(GraphError::TooLarge))
}

fn set(values: &mut Vec<u64>, task: TaskIndex, value: u64) {
    let task = task as usize;
    if values.len() <= task {
        values.resize(task + 1, UNKNOWN);
    }
    values[task] = value;
}

fn check_id(recipe: &str, name: &str) -> Result<(), GraphError> {
    let id = || format!("{recipe}:{name}");
    if recipe.is_empty() || name.is_empty() || name.contains(':') {
        return Err(GraphError::NotAnId(id()));
    }
    // Looks at every byte, even behind a bad one: so the compiler takes many at a time.
    let unprintable = |text: &str| {
        let bad = |byte: u8| byte == b'"' || byte.is_ascii_control();
        text.bytes().fold(false, |found, byte| found | bad(byte))
    };
    if unprintable(recipe) || unprintable(name) {
        return Err(GraphError::UnprintableId(id()));
    }
    Ok(())
}

fn check_length(length: usize, id: impl Fn() -> String) -> Result<(), GraphError> {
    const SHOWN: usize = 120;
    if length > LONGEST_ID {
        return Err(GraphError::LongId(id().chars().take(SHOWN).collect()));
    }
    Ok(())
}

fn check_edges(edges: &[(TaskIndex, TaskIndex)], tasks: usize) -> Result<(), GraphError> {
    if edges.len() >= u32::MAX as usize {
        return Err(GraphError::TooLarge);
    }
    let unknown = |&&(from, to): &&(TaskIndex, TaskIndex)| from.max(to) as usize >= tasks;
    match edges.iter().find(unknown) {
        Some(&(task, dependency)) => Err(GraphError::UnknownTask {
            task,
            dependency,
            tasks,
        }),
        None => Ok(()),
    }
}

/// Kahn's algorithm from the tasks on which nothing depends; tasks in or behind a loop are missing.
fn dependants_first(dependencies: &Adjacency, dependants: &Adjacency) -> Vec<TaskIndex> {
    let tasks = (dependants.offsets().len() - 1) as TaskIndex;
    let mut waiting: Vec<u32> = (0..tasks).map(|t| dependants.of(t).len() as u32).collect();
    let mut order: Vec<TaskIndex> = (0..tasks).filter(|&t| waiting[t as usize] == 0).collect();
    let mut done = 0;
    while let Some(&task) = order.get(done) {
        done += 1;
        for &dependency in dependencies.of(task) {
            waiting[dependency as usize] -= 1;
            if waiting[dependency as usize] == 0 {
                order.push(dependency);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(id: &str, message: &str) {
        let error = TaskGraphBuilder::new().task(id).expect_err("no id");
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn ids_are_parted_at_the_last_colon() {
        let mut builder = TaskGraphBuilder::new();
        let id = "mc:arm:virtual:native:/l/x_1.0.bb:do_compile";
        let task = builder.task(id).expect("a new task");
        builder
            .task("/l/x_1.0.bb:do_compile")
            .expect("another recipe");
        let graph = builder.build().expect("no loop");
        assert_eq!(graph.id(task), id);
        assert_eq!(graph.recipe(task), "mc:arm:virtual:native:/l/x_1.0.bb");
        assert_eq!(graph.task_name(task), "do_compile");
        assert_eq!((graph.recipes().len(), graph.task_names().len()), (2, 1));
        assert_eq!(graph.find(id), Some(task));
        assert_eq!(graph.find("x:do_compile"), None);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        check_refused("do_x", "task id \"do_x\" is not of the form RECIPE:TASK");
        check_refused(":do_x", "task id \":do_x\" is not of the form RECIPE:TASK");
        check_refused("a:", "task id \"a:\" is not of the form RECIPE:TASK");
        check_refused(
            "a\nb:do_x",
            "task id \"a\\nb:do_x\" has a quotation mark, a line break or another control character in it",
        );
        let mut builder = TaskGraphBuilder::new();
        let error = builder
            .task_of("a", "b:c")
            .expect_err("it would be parted elsewhere");
        assert_eq!(error, GraphError::NotAnId("a:b:c".to_owned()));
    }

    #[test]
    fn an_id_of_the_greatest_length_is_one_and_a_longer_one_is_not() {
        let part = "ä".repeat(LONGEST_ID / 4 - 1);
        let [shown, behind_colon] = [120, 118].map(|count| "ä".repeat(count));
        let refused = |id: &str, shown: &str| {
            check_refused(
                id,
                &format!("task id \"{shown}\"... is longer than 8192 bytes"),
            );
        };
        refused(&part.repeat(3), &shown);
        refused(
            &format!("a:{}", part.repeat(3)),
            &format!("a:{behind_colon}"),
        );
        refused(&format!("{part}b:{part}bcd"), &shown);
        let mut builder = TaskGraphBuilder::new();
        let id = format!("{part}b:{part}bc");
        assert_eq!(id.len(), LONGEST_ID);
        builder.task(&id).expect("not too long");
        // Parts that are known make a longer one.
        builder.task(&format!("{part}bcd:b")).expect("not too long");
        let error = builder.task_of(&format!("{part}bcd"), &format!("{part}bc"));
        assert_eq!(error, Err(GraphError::LongId(shown)));
    }

    #[test]
    fn the_same_task_twice_is_refused_however_it_is_given() {
        let mut builder = TaskGraphBuilder::new();
        builder.task("mc:a:do_x").expect("a new task");
        let error = builder.task_of("mc:a", "do_x").expect_err("it is there");
        assert_eq!(error, GraphError::DuplicateId("mc:a:do_x".to_owned()));
    }

    #[test]
    fn tasks_that_do_not_exist_are_refused() {
        let mut builder = TaskGraphBuilder::new();
        let task = builder.task("a:do_x").expect("a new task");
        builder.depends(task, 1);
        let error = builder.build().expect_err("there is one task");
        let expect = "dependency of task 0 on task 1, but there are only 1 tasks";
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn measurements_are_kept_where_there_are_some() {
        let mut builder = TaskGraphBuilder::new();
        let a = builder.task("a:do_x").expect("a new task");
        let b = builder.task("b:do_x").expect("a new task");
        builder.duration(b, 7);
        builder.work_bytes(a, 9);
        let graph = builder.build().expect("no loop");
        assert_eq!((graph.duration(a), graph.duration(b)), (None, Some(7)));
        assert_eq!((graph.work_bytes(a), graph.work_bytes(b)), (Some(9), None));
        let graph = graph.with_durations(|graph, task| Some(graph.id(task).len() as u64));
        assert_eq!(graph.durations(), [6, 6]);
    }
}
