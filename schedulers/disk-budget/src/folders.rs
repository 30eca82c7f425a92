//! The work folders that count: those of recipes with bytes, numbered anew.

use auh_graph::{Order, TaskGraph, TaskIndex, WorkFolders};

const NONE: u32 = u32::MAX;

/// The work folders that have bytes. A folder is *begun* by the first of its recipe's tasks that
/// add bytes to it, at the latest by the task that removes it, and counts in full from then on.
#[derive(Clone)]
pub(crate) struct Folders {
    /// For each task the folder that must have been begun when it starts.
    begun_by: Vec<u32>,
    /// For each task the folder that it removes.
    removed_by: Vec<u32>,
    bytes: Vec<u64>,
    recipes: Vec<u32>,
    last_tasks: Vec<TaskIndex>,
    removable: Vec<bool>,
}

impl Folders {
    pub(crate) fn of(graph: &TaskGraph) -> Self {
        let folders = WorkFolders::of(graph);
        let mut this = Self::numbered(graph, &folders);
        let mut numbers = vec![NONE; graph.recipes().len()];
        for (&recipe, number) in this.recipes.iter().zip(0..) {
            numbers[recipe as usize] = number;
        }
        for &task in graph.dependants_first().iter().rev() {
            let recipe = graph.recipe_of(task);
            let number = numbers[recipe as usize];
            if number != NONE {
                this.note(
                    task,
                    number,
                    folders.closing(recipe),
                    graph.work_bytes(task),
                );
            }
        }
        this
    }

    fn numbered(graph: &TaskGraph, folders: &WorkFolders) -> Self {
        let recipes = 0..graph.recipes().len() as u32;
        let recipes: Vec<u32> = recipes.filter(|&r| folders.bytes(r) > 0).collect();
        Self {
            begun_by: vec![NONE; graph.len()],
            removed_by: vec![NONE; graph.len()],
            // So that no sum of them can overflow.
            bytes: recipes
                .iter()
                .map(|&r| folders.bytes(r).min(u64::MAX / (recipes.len() as u64 + 1)))
                .collect(),
            last_tasks: vec![0; recipes.len()],
            removable: vec![false; recipes.len()],
            recipes,
        }
    }

    /// Called for the tasks in an order in which they could run.
    fn note(
        &mut self,
        task: TaskIndex,
        folder: u32,
        closing: Option<TaskIndex>,
        bytes: Option<u64>,
    ) {
        let removes = closing == Some(task);
        if removes {
            self.removed_by[task as usize] = folder;
            self.removable[folder as usize] = true;
        }
        if removes || bytes.unwrap_or(0) > 0 {
            self.begun_by[task as usize] = folder;
        }
        if removes || closing.is_none() {
            self.last_tasks[folder as usize] = task;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The folder that must have been begun when this task starts.
    pub(crate) fn begun_by(&self, task: TaskIndex) -> Option<u32> {
        Some(self.begun_by[task as usize]).filter(|&folder| folder != NONE)
    }

    /// The folder that this task removes.
    pub(crate) fn removed_by(&self, task: TaskIndex) -> Option<u32> {
        Some(self.removed_by[task as usize]).filter(|&folder| folder != NONE)
    }

    /// All that it will ever have.
    pub(crate) fn bytes(&self, folder: u32) -> u64 {
        self.bytes[folder as usize]
    }

    /// The recipe whose folder it is.
    pub(crate) fn recipe(&self, folder: u32) -> u32 {
        self.recipes[folder as usize]
    }

    /// The task that removes the folder, else one after which none of the recipe must come.
    pub(crate) fn last_task(&self, folder: u32) -> TaskIndex {
        self.last_tasks[folder as usize]
    }

    /// For each folder the place in the order of the first task that can begin it.
    pub(crate) fn urgency(&self, order: &Order) -> Vec<u32> {
        let mut urgency = vec![u32::MAX; self.len()];
        for (&task, place) in order.sequence().iter().zip(0..) {
            if let Some(folder) = self.begun_by(task) {
                let first = &mut urgency[folder as usize];
                *first = place.min(*first);
            }
        }
        urgency
    }

    /// Whether there is a task that removes it.
    pub(crate) fn removable(&self, folder: u32) -> bool {
        self.removable[folder as usize]
    }
}
