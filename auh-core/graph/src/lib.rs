//! Task graphs and orders over them: the one [`TaskGraph`], readers for BitBake's files, BitBake's
//! weights, the orders that schedulers are made of, and what was measured or modelled of tasks.
//! Nothing is printed and no time is read; a reader takes bytes that somebody else opened and
//! decompressed. The one thing that is opened here is a folder of buildstats.
//!
//! ```
//! use auh_graph::{Weights, order, read_task_depends};
//!
//! let dot = br#"digraph depends {
//! "zlib.do_compile" [label="zlib do_compile\n:1.3-r0\n/l/zlib_1.3.bb"]
//! "zlib.do_compile" -> "zlib.do_fetch"
//! "zlib.do_fetch" [label="zlib do_fetch\n:1.3-r0\n/l/zlib_1.3.bb"]
//! }"#;
//! let graph = read_task_depends(&mut &dot[..])?;
//! let weights = Weights::of(&graph);
//! let order = order::speed(&weights);
//! assert_eq!(graph.id(order.sequence()[0]), "/l/zlib_1.3.bb:do_fetch");
//! # Ok::<(), auh_graph::ReadError>(())
//! ```

mod builder;
mod cycle;
mod index_table;
mod measured;
pub mod model;
mod names;
pub mod order;
mod parts;
mod read;
mod recipe_name;
mod task_graph;
mod weights;
mod work_folders;

pub use builder::{GraphError, TaskGraphBuilder};
pub use cycle::{LoopTask, Loops};
pub use measured::{Buildstats, BuildstatsError, WorkSizes};
pub use names::Names;
pub use order::{NotAPermutation, Order};
pub use parts::GraphParts;
pub use read::{ReadError, RunQueue, read_run_queue, read_task_depends};
pub use task_graph::{Adjacency, TaskGraph, TaskIndex, UNKNOWN};
pub use weights::Weights;
pub use work_folders::WorkFolders;
