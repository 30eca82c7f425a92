//! Runs a task graph on paper, as BitBake would run it: a task starts when all that it waits for has
//! ended and a slot is free; which one, the scheduler says. Nothing is random, so the same graph,
//! scheduler and slots give the same run.
//!
//! Not here: orders and models (`auh-graph`), what a scheduler prefers (plugins), and anything that
//! is shown to people.
//!
//! ```
//! use auh_graph::TaskGraphBuilder;
//! use auh_simulate::{FixedOrder, Slots, simulate};
//!
//! let mut builder = TaskGraphBuilder::new();
//! let fetch = builder.task("zlib.bb:do_fetch")?;
//! let unpack = builder.task("zlib.bb:do_unpack")?;
//! builder.depends(unpack, fetch);
//! builder.duration(fetch, 2_000_000);
//! builder.duration(unpack, 1_000_000);
//! let graph = builder.build()?;
//! let outcome = simulate(&graph, &mut FixedOrder(vec![1, 0]), &Slots::of(4)).expect("it runs");
//! assert_eq!(outcome.makespan, 3_000_000);
//! # Ok::<(), auh_graph::GraphError>(())
//! ```

mod bounds;
mod meter;
mod outcome;
mod plugin;
mod ready;
mod run;
mod scheduler;

pub use bounds::Bounds;
pub use outcome::{Outcome, Sample, TaskRun};
pub use plugin::{PluginScheduler, order_of};
pub use run::{SimulateError, Slots, simulate};
pub use scheduler::{Fault, FixedOrder, Moment, Scheduler};
