//! Counts disk and recipes in progress while a run goes on.

use crate::outcome::Sample;
use auh_graph::{TaskGraph, TaskIndex, WorkFolders};

/// The work folders of a run, and the samples taken.
pub(crate) struct Meter<'g> {
    graph: &'g TaskGraph,
    folders: WorkFolders,
    /// For each recipe the bytes that its folder has now.
    sizes: Vec<u64>,
    /// For each recipe whether its folder was removed: a task that starts later adds nothing.
    removed: Vec<bool>,
    opened: Vec<bool>,
    /// For each recipe how many of its tasks have not ended.
    left: Vec<u32>,
    now: Sample,
    pub(crate) peak_disk: u64,
    pub(crate) peak_recipes: u32,
    pub(crate) samples: Vec<Sample>,
}

impl<'g> Meter<'g> {
    pub(crate) fn new(graph: &'g TaskGraph) -> Self {
        let recipes = graph.recipes().len();
        let mut left = vec![0; recipes];
        for &recipe in graph.recipe_indices() {
            left[recipe as usize] += 1;
        }
        Self {
            graph,
            folders: WorkFolders::of(graph),
            sizes: vec![0; recipes],
            removed: vec![false; recipes],
            opened: vec![false; recipes],
            left,
            now: Sample {
                time: 0,
                running: 0,
                recipes: 0,
                disk: 0,
            },
            peak_disk: 0,
            peak_recipes: 0,
            samples: Vec::new(),
        }
    }

    pub(crate) fn start(&mut self, task: TaskIndex) {
        let recipe = self.graph.recipe_of(task);
        self.now.running += 1;
        if self.folders.opening(recipe) == Some(task) {
            self.opened[recipe as usize] = true;
            self.now.recipes += 1;
            self.peak_recipes = self.peak_recipes.max(self.now.recipes);
        }
        if !self.removed[recipe as usize] {
            let bytes = self.graph.work_bytes(task).unwrap_or(0);
            self.sizes[recipe as usize] += bytes;
            self.now.disk += bytes;
            self.peak_disk = self.peak_disk.max(self.now.disk);
        }
    }

    pub(crate) fn end(&mut self, task: TaskIndex) {
        let recipe = self.graph.recipe_of(task);
        let index = recipe as usize;
        self.now.running -= 1;
        self.left[index] -= 1;
        let closing = self.folders.closing(recipe);
        if closing == Some(task) {
            self.now.disk -= std::mem::take(&mut self.sizes[index]);
            self.removed[index] = true;
        }
        let done = closing == Some(task) || (closing.is_none() && self.left[index] == 0);
        if done && std::mem::take(&mut self.opened[index]) {
            self.now.recipes -= 1;
        }
    }

    /// Notes how things stand from this moment on.
    pub(crate) fn sample(&mut self, time: u64) {
        self.now.time = time;
        self.samples.push(self.now);
    }
}
