//! The one task graph: tasks, what each waits for, and what waits for it.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::names::Names;
use crate::recipe_name;

/// Which task: its place in the graph's own order, from 0.
pub type TaskIndex = u32;

/// Stands for "not known" where durations and sizes are kept as plain `u64`.
pub const UNKNOWN: u64 = u64::MAX;

/// An immutable graph of tasks without loops. Made by [`TaskGraphBuilder`](crate::TaskGraphBuilder)
/// or one of the readers.
///
/// The order of the tasks is the run queue's: ties between schedulers' priorities are broken by it.
#[derive(Clone, Debug)]
pub struct TaskGraph {
    /// Made when they are first asked for: most users get on with recipes and task names.
    pub(crate) ids: OnceLock<Names>,
    pub(crate) recipes: Names,
    /// For each recipe its name where that is known, else nothing; empty when none is.
    pub(crate) recipe_names: Names,
    pub(crate) task_names: Names,
    pub(crate) recipe_of: Vec<u32>,
    pub(crate) task_name_of: Vec<u32>,
    pub(crate) dependencies: Adjacency,
    pub(crate) dependants: Adjacency,
    pub(crate) dependants_first: Vec<TaskIndex>,
    pub(crate) durations: Vec<u64>,
    pub(crate) work_bytes: Vec<u64>,
}

impl TaskGraph {
    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.recipe_of.len()
    }

    /// Whether there is no task at all.
    pub fn is_empty(&self) -> bool {
        self.recipe_of.is_empty()
    }

    /// The tasks in the graph's own order.
    pub fn tasks(&self) -> std::ops::Range<TaskIndex> {
        0..self.len() as TaskIndex
    }

    /// The task's full id, such as `mc:arm:virtual:native:/layers/a/zlib_1.3.bb:do_compile`.
    pub fn id(&self, task: TaskIndex) -> &str {
        self.ids().get(task)
    }

    /// All ids in the graph's own order.
    pub fn ids(&self) -> &Names {
        self.ids.get_or_init(|| {
            Names::of_ids(
                &self.recipes,
                &self.recipe_of,
                &self.task_names,
                &self.task_name_of,
            )
        })
    }

    /// The task with this id. Looks at every task: meant for what a person typed.
    pub fn find(&self, id: &str) -> Option<TaskIndex> {
        self.tasks().find(|&task| self.id(task) == id)
    }

    /// Which recipe the task belongs to: an index into [`recipes`](Self::recipes).
    pub fn recipe_of(&self, task: TaskIndex) -> u32 {
        self.recipe_of[task as usize]
    }

    /// Which kind of task it is: an index into [`task_names`](Self::task_names).
    pub fn task_name_of(&self, task: TaskIndex) -> u32 {
        self.task_name_of[task as usize]
    }

    /// For each task the index of its recipe.
    pub fn recipe_indices(&self) -> &[u32] {
        &self.recipe_of
    }

    /// For each task the index of its task name.
    pub fn task_name_indices(&self) -> &[u32] {
        &self.task_name_of
    }

    /// The recipes, in the order in which the tasks first name them. A recipe is what stands before
    /// the last `:` of an id: with multiconfig, one file is as many recipes as it has configurations.
    pub fn recipes(&self) -> &Names {
        &self.recipes
    }

    /// The task names (`do_compile`), in the order in which the tasks first name them.
    pub fn task_names(&self) -> &Names {
        &self.task_names
    }

    /// The recipe's name as a text.
    pub fn recipe(&self, task: TaskIndex) -> &str {
        self.recipes.get(self.recipe_of(task))
    }

    /// The recipe's name (PN): what a graph from `task-depends.dot` says, else what follows from
    /// the file.
    pub fn recipe_name(&self, recipe: u32) -> Cow<'_, str> {
        if !self.recipe_names.is_empty() && !self.recipe_names.get(recipe).is_empty() {
            return Cow::Borrowed(self.recipe_names.get(recipe));
        }
        recipe_name::from_file(self.recipes.get(recipe))
    }

    /// The task's own name as a text, such as `do_compile`.
    pub fn task_name(&self, task: TaskIndex) -> &str {
        self.task_names.get(self.task_name_of(task))
    }

    /// What each task waits for.
    pub fn dependencies(&self) -> &Adjacency {
        &self.dependencies
    }

    /// What waits for each task.
    pub fn dependants(&self) -> &Adjacency {
        &self.dependants
    }

    /// All tasks, each after everything that depends on it. Read backwards it is an order in which
    /// the tasks could run.
    pub fn dependants_first(&self) -> &[TaskIndex] {
        &self.dependants_first
    }

    /// How long the task takes, in microseconds, where that is known.
    pub fn duration(&self, task: TaskIndex) -> Option<u64> {
        known(self.durations[task as usize])
    }

    /// How many bytes the task adds to the recipe's work folder, where that is known.
    pub fn work_bytes(&self, task: TaskIndex) -> Option<u64> {
        known(self.work_bytes[task as usize])
    }

    /// For each task its duration in microseconds or [`UNKNOWN`].
    pub fn durations(&self) -> &[u64] {
        &self.durations
    }

    /// For each task its bytes in the work folder or [`UNKNOWN`].
    pub fn work_sizes(&self) -> &[u64] {
        &self.work_bytes
    }

    /// The same graph with other durations, in microseconds.
    #[must_use]
    pub fn with_durations(mut self, of: impl Fn(&Self, TaskIndex) -> Option<u64>) -> Self {
        self.durations = self.measured(of);
        self
    }

    /// The same graph with other sizes of work folders, in bytes.
    #[must_use]
    pub fn with_work_bytes(mut self, of: impl Fn(&Self, TaskIndex) -> Option<u64>) -> Self {
        self.work_bytes = self.measured(of);
        self
    }

    fn measured(&self, of: impl Fn(&Self, TaskIndex) -> Option<u64>) -> Vec<u64> {
        self.tasks()
            .map(|task| of(self, task).unwrap_or(UNKNOWN))
            .collect()
    }
}

/// The ids say nothing that recipes and task names do not, so they are not compared.
impl PartialEq for TaskGraph {
    fn eq(&self, other: &Self) -> bool {
        self.recipes == other.recipes
            && self.recipe_names == other.recipe_names
            && self.task_names == other.task_names
            && self.recipe_of == other.recipe_of
            && self.task_name_of == other.task_name_of
            && self.dependencies == other.dependencies
            && self.dependants_first == other.dependants_first
            && self.durations == other.durations
            && self.work_bytes == other.work_bytes
    }
}

impl Eq for TaskGraph {}

/// Edges in compressed form: the neighbours of all tasks in one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjacency {
    offsets: Vec<u32>,
    targets: Vec<TaskIndex>,
}

impl Adjacency {
    /// The neighbours of a task, without repetitions.
    pub fn of(&self, task: TaskIndex) -> &[TaskIndex] {
        let task = task as usize;
        &self.targets[self.offsets[task] as usize..self.offsets[task + 1] as usize]
    }

    /// How many edges there are.
    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    /// Where each task's neighbours begin in [`targets`](Self::targets); one more than there are tasks.
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The neighbours of all tasks, task after task.
    pub fn targets(&self) -> &[TaskIndex] {
        &self.targets
    }

    /// From edges in any order; edges that are given twice count once. Each task keeps the order in
    /// which its neighbours were given. The caller has checked every index and that the number of
    /// edges fits `u32`.
    pub(crate) fn from_edges(tasks: usize, edges: &[(TaskIndex, TaskIndex)]) -> Self {
        let mut offsets = counts_to_offsets(tasks, edges.iter().map(|&(from, _)| from));
        let mut targets = vec![0; edges.len()];
        let mut next = offsets.clone();
        for &(from, to) in edges {
            let place = &mut next[from as usize];
            targets[*place as usize] = to;
            *place += 1;
        }
        drop_repetitions(&mut offsets, &mut targets);
        Self { offsets, targets }
    }

    /// From compressed form; edges that are there twice count once. The caller has checked that the
    /// offsets ascend from 0 to the number of targets, and every target.
    pub(crate) fn from_compressed(offsets: &[u32], targets: &[TaskIndex]) -> Self {
        let mut offsets = offsets.to_vec();
        let mut targets = targets.to_vec();
        drop_repetitions(&mut offsets, &mut targets);
        Self { offsets, targets }
    }

    /// The same edges seen from the other end; neighbours come in the graph's own order.
    pub(crate) fn reversed(&self) -> Self {
        let tasks = self.offsets.len() - 1;
        let offsets = counts_to_offsets(tasks, self.targets.iter().copied());
        let mut targets = vec![0; self.targets.len()];
        let mut next = offsets.clone();
        for from in 0..tasks as TaskIndex {
            for &to in self.of(from) {
                let place = &mut next[to as usize];
                targets[*place as usize] = from;
                *place += 1;
            }
        }
        Self { offsets, targets }
    }
}

fn known(value: u64) -> Option<u64> {
    (value != UNKNOWN).then_some(value)
}

fn counts_to_offsets(tasks: usize, sources: impl Iterator<Item = TaskIndex>) -> Vec<u32> {
    let mut offsets = vec![0_u32; tasks + 1];
    for source in sources {
        offsets[source as usize + 1] += 1;
    }
    for task in 0..tasks {
        offsets[task + 1] += offsets[task];
    }
    offsets
}

/// Moves the kept targets to the front. `seen[target]` is the last task that had it, plus one.
fn drop_repetitions(offsets: &mut [u32], targets: &mut Vec<TaskIndex>) {
    let tasks = offsets.len() - 1;
    let mut seen = vec![0_u32; tasks];
    let mut kept = 0;
    let mut start = 0;
    for task in 0..tasks {
        let end = offsets[task + 1] as usize;
        for place in start..end {
            let target = targets[place];
            if seen[target as usize] != task as u32 + 1 {
                seen[target as usize] = task as u32 + 1;
                targets[kept] = target;
                kept += 1;
            }
        }
        start = end;
        offsets[task + 1] = kept as u32;
    }
    targets.truncate(kept);
    targets.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_edges_count_once_and_keep_their_order() {
        let edges = [(1, 2), (0, 1), (1, 0), (1, 2), (0, 1)];
        let adjacency = Adjacency::from_edges(3, &edges);
        assert_eq!(adjacency.offsets(), [0, 1, 3, 3]);
        assert_eq!(adjacency.targets(), [1, 2, 0]);
    }

    #[test]
    fn reversed_twice_is_the_same_set_of_edges() {
        let adjacency = Adjacency::from_edges(4, &[(3, 0), (3, 1), (2, 0), (1, 0)]);
        let reversed = adjacency.reversed();
        assert_eq!(reversed.of(0), [1, 2, 3]);
        assert_eq!(reversed.of(1), [3]);
        assert_eq!(reversed.reversed(), adjacency);
    }

    #[test]
    fn no_task_has_one_offset() {
        let adjacency = Adjacency::from_edges(0, &[]);
        assert_eq!((adjacency.offsets(), adjacency.edges()), (&[0][..], 0));
    }
}
