//! Which task makes a recipe's work folder, which one removes it, and how large it becomes.

use crate::builder::{GraphError, TaskGraphBuilder};
use crate::task_graph::{TaskGraph, TaskIndex};

/// The task that fills a work folder with sources.
const OPENING: &str = "do_unpack";
/// The task of OE's `rm_work` class that removes a work folder.
const CLOSING: &str = "do_rm_work";
/// The task for "everything of this recipe", with which BitBake ends by default.
const EVERYTHING: &str = "do_build";

/// The work folders of a graph's recipes, each recipe by its index.
///
/// A folder grows at the start of each task that has bytes of its own
/// ([`TaskGraph::work_bytes`]), and is gone at the end of the recipe's `do_rm_work`. A recipe
/// without that task keeps its folder for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkFolders {
    openings: Vec<Option<TaskIndex>>,
    closings: Vec<Option<TaskIndex>>,
    bytes: Vec<u64>,
}

impl WorkFolders {
    /// Looks at every task of the graph. Tasks without known bytes add nothing.
    pub fn of(graph: &TaskGraph) -> Self {
        let recipes = graph.recipes().len();
        let mut bytes = vec![0_u64; recipes];
        for task in graph.tasks() {
            let sum = &mut bytes[graph.recipe_of(task) as usize];
            *sum = sum.saturating_add(graph.work_bytes(task).unwrap_or(0));
        }
        Self {
            openings: openings(graph),
            closings: tasks_named(graph, CLOSING),
            bytes,
        }
    }

    /// The task that begins the work folder: `do_unpack`, where a recipe has none its first task in
    /// an order in which the tasks could run.
    pub fn opening(&self, recipe: u32) -> Option<TaskIndex> {
        self.openings[recipe as usize]
    }

    /// The recipe's `do_rm_work`.
    pub fn closing(&self, recipe: u32) -> Option<TaskIndex> {
        self.closings[recipe as usize]
    }

    /// How large the folder is at the end, in bytes.
    pub fn bytes(&self, recipe: u32) -> u64 {
        self.bytes[recipe as usize]
    }
}

/// For each recipe the task that begins its work folder.
fn openings(graph: &TaskGraph) -> Vec<Option<TaskIndex>> {
    let mut openings = tasks_named(graph, OPENING);
    for &task in graph.dependants_first().iter().rev() {
        openings[graph.recipe_of(task) as usize].get_or_insert(task);
    }
    openings
}

fn tasks_named(graph: &TaskGraph, name: &str) -> Vec<Option<TaskIndex>> {
    let mut found = vec![None; graph.recipes().len()];
    if let Some(name) = (0..)
        .zip(graph.task_names().iter())
        .find(|(_, n)| *n == name)
    {
        for task in graph.tasks().filter(|&t| graph.task_name_of(t) == name.0) {
            found[graph.recipe_of(task) as usize] = Some(task);
        }
    }
    found
}

impl TaskGraph {
    /// The same graph, with these bytes at the task that begins each recipe's work folder and none
    /// elsewhere. `of` is given the recipe's index; nothing is known of a recipe without an answer.
    #[must_use]
    pub fn with_work_folders(self, of: impl Fn(&Self, u32) -> Option<u64>) -> Self {
        let openings = openings(&self);
        self.with_work_bytes(|graph, task| {
            let recipe = graph.recipe_of(task);
            if openings[recipe as usize] == Some(task) {
                of(graph, recipe)
            } else {
                Some(0)
            }
        })
    }

    /// The graph as it would be with OE's `rm_work` class: each recipe that has a `do_unpack` and no
    /// `do_rm_work` gets one behind all its other tasks, and before its `do_build` where nothing
    /// waits for that. New tasks come behind all others, so that these keep their numbers.
    ///
    /// # Errors
    /// When the graph would become larger than one can be.
    pub fn with_rm_work(&self) -> Result<Self, GraphError> {
        let mut builder = self.to_builder()?;
        let unpacks = tasks_named(self, OPENING);
        let present = tasks_named(self, CLOSING);
        let builds = tasks_named(self, EVERYTHING);
        let ends = builds
            .into_iter()
            .map(|build| build.filter(|&build| self.dependants().of(build).is_empty()));
        let ends: Vec<Option<TaskIndex>> = ends.collect();
        let mut new = vec![None; self.recipes().len()];
        for recipe in 0..self.recipes().len() {
            if unpacks[recipe].is_some() && present[recipe].is_none() {
                let task = builder.task_of(self.recipes().get(recipe as u32), CLOSING)?;
                new[recipe] = Some(task);
                if let Some(build) = ends[recipe] {
                    builder.depends(build, task);
                }
            }
        }
        for task in self.tasks() {
            let recipe = self.recipe_of(task) as usize;
            if let Some(rm_work) = new[recipe].filter(|_| ends[recipe] != Some(task)) {
                builder.depends(rm_work, task);
            }
        }
        builder.build()
    }

    fn to_builder(&self) -> Result<TaskGraphBuilder, GraphError> {
        let mut builder = TaskGraphBuilder::new();
        for task in self.tasks() {
            let recipe_name = self.recipe_name(self.recipe_of(task));
            builder.task_of(self.recipe(task), self.task_name(task))?;
            builder.recipe_name(task, &recipe_name);
            for &dependency in self.dependencies().of(task) {
                builder.depends(task, dependency);
            }
            if let Some(duration) = self.duration(task) {
                builder.duration(task, duration);
            }
            if let Some(bytes) = self.work_bytes(task) {
                builder.work_bytes(task, bytes);
            }
        }
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` has all tasks, `b` neither `do_unpack` nor `do_rm_work`.
    fn graph() -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        let ids = [
            "/l/a.bb:do_build",
            "/l/a.bb:do_unpack",
            "/l/a.bb:do_fetch",
            "/l/b.bb:do_install",
            "/l/b.bb:do_fetch",
        ];
        let tasks = ids.map(|id| builder.task(id).expect("a new task"));
        for (task, dependency) in [(0, 1), (1, 2), (3, 4), (0, 3)] {
            builder.depends(tasks[task], tasks[dependency]);
        }
        builder.build().expect("no loop")
    }

    #[test]
    fn a_folder_begins_with_the_unpacking_or_else_with_the_first_task() {
        let graph = graph().with_work_folders(|_, recipe| Some(u64::from(recipe) + 7));
        let folders = WorkFolders::of(&graph);
        assert_eq!((folders.opening(0), folders.opening(1)), (Some(1), Some(4)));
        assert_eq!((folders.bytes(0), folders.bytes(1)), (7, 8));
        assert_eq!(folders.closing(0), None);
    }

    #[test]
    fn rm_work_comes_behind_a_recipes_tasks_and_before_do_build() {
        let graph = graph().with_rm_work().expect("small");
        assert_eq!(graph.len(), 6);
        assert_eq!(graph.id(5), "/l/a.bb:do_rm_work");
        assert_eq!(graph.dependencies().of(5), [1, 2]);
        assert!(graph.dependencies().of(0).contains(&5));
        assert_eq!(WorkFolders::of(&graph).closing(0), Some(5));
        assert_eq!(graph.with_rm_work().expect("small"), graph);
    }
}
