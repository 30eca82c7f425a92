//! What came of a run.

use crate::bounds::Bounds;
use auh_graph::TaskIndex;

/// What came of a run. Times are microseconds from its start, sizes bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// When the last task ended.
    pub makespan: u64,
    /// All tasks' time together, with what their starts cost.
    pub work: u64,
    /// Most bytes that the work folders had at a time.
    pub peak_disk: u64,
    /// Most recipes that were in progress at a time: unpacked, and neither removed by `do_rm_work`
    /// nor, where that is missing, done with all tasks.
    pub peak_recipes: u32,
    /// What no scheduler can beat.
    pub bounds: Bounds,
    /// Each task's time, in the order in which they started.
    pub runs: Vec<TaskRun>,
    /// The course of the run: one sample for each moment at which something changed.
    pub samples: Vec<Sample>,
}

/// When a task ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRun {
    /// Which one.
    pub task: TaskIndex,
    /// When it got its slot.
    pub start: u64,
    /// Its end.
    pub end: u64,
}

/// How things stand from a moment on, until the next sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// From when on.
    pub time: u64,
    /// How many tasks run.
    pub running: u32,
    /// How many recipes are in progress.
    pub recipes: u32,
    /// How many bytes the work folders have.
    pub disk: u64,
}

impl Outcome {
    /// How many tasks ran on average.
    #[must_use]
    pub fn mean_parallelism(&self) -> f64 {
        if self.makespan == 0 {
            return 0.0;
        }
        self.work as f64 / self.makespan as f64
    }

    /// How far the makespan is above this bound: 0.1 for a tenth.
    #[must_use]
    pub fn distance_to(&self, bound: u64) -> f64 {
        if bound == 0 {
            return 0.0;
        }
        self.makespan as f64 / bound as f64 - 1.0
    }
}
