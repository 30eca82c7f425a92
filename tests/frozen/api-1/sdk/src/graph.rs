//! A task graph and a moment of its run, as schedulers see them: views without copies.

use auh_abi::abi_stable::std_types::RStr;

/// A task graph. Tasks are numbered from 0 in the graph's own order.
#[derive(Clone, Copy)]
pub struct GraphView<'a> {
    flat: &'a auh_abi::FlatGraph<'a>,
}

impl<'a> GraphView<'a> {
    pub(crate) fn new(flat: &'a auh_abi::FlatGraph<'a>) -> Self {
        Self { flat }
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flat.recipe_of.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tasks that `task` waits for.
    #[must_use]
    pub fn dependencies(&self, task: u32) -> &'a [u32] {
        let offsets = self.flat.dependency_offsets.as_slice();
        let range = offsets[task as usize] as usize..offsets[task as usize + 1] as usize;
        &self.flat.dependencies.as_slice()[range]
    }

    /// The adjacency as it crossed: offsets (one more than tasks) and dependencies.
    #[must_use]
    pub fn adjacency(&self) -> (&'a [u32], &'a [u32]) {
        (
            self.flat.dependency_offsets.as_slice(),
            self.flat.dependencies.as_slice(),
        )
    }

    /// Each task's recipe number.
    #[must_use]
    pub fn recipe_of(&self) -> &'a [u32] {
        self.flat.recipe_of.as_slice()
    }

    /// Each task's name number.
    #[must_use]
    pub fn name_of(&self) -> &'a [u32] {
        self.flat.name_of.as_slice()
    }

    /// The recipes, by file or name.
    pub fn recipes(&self) -> impl ExactSizeIterator<Item = &'a str> {
        self.flat.recipes.as_slice().iter().map(RStr::as_str)
    }

    /// The task names.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'a str> {
        self.flat.names.as_slice().iter().map(RStr::as_str)
    }

    /// Expected durations in microseconds; empty when unknown.
    #[must_use]
    pub fn duration_us(&self) -> &'a [u64] {
        self.flat.duration_us.as_slice()
    }

    /// Bytes that each task adds to its recipe's work folder; empty when unknown.
    #[must_use]
    pub fn work_bytes(&self) -> &'a [u64] {
        self.flat.work_bytes.as_slice()
    }
}

/// A moment at which a task could be started.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Tasks that could start, most important first by the scheduler's own order; never empty.
    pub ready: &'a [u32],
    /// Tasks that run.
    pub running: &'a [u32],
    /// Tasks that have ended since the last call.
    pub ended: &'a [u32],
}
