//! Task graphs and orders over them: the one [`TaskGraph`], readers for BitBake's files, BitBake's
//! weights, and the orders that schedulers are made of. No files are opened here, nothing is
//! printed, no time is read; a reader takes bytes that somebody else opened and decompressed.

mod builder;
mod cycle;
mod names;
pub mod order;
mod read;
mod task_graph;
mod weights;

pub use builder::{GraphError, TaskGraphBuilder};
pub use cycle::{LoopTask, Loops};
pub use names::Names;
pub use order::{NotAPermutation, Order};
pub use read::{ReadError, RunQueue, read_run_queue, read_task_depends};
pub use task_graph::{Adjacency, TaskGraph, TaskIndex, UNKNOWN};
pub use weights::Weights;
