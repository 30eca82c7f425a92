//! Scheduler `basic`: the graph's own order.
//!
//! Not here: anything that looks at the graph. (BitBake's class of this name raises an error; what
//! is meant by it is the order in which the run queue holds the tasks.)

use auh_sdk::{GraphView, Host, Options, Scheduler, StepError};

struct Basic;

impl Scheduler for Basic {
    fn order(&self, graph: &GraphView<'_>, _host: &Host) -> Result<Vec<u32>, StepError> {
        Ok(own_order(graph.len()))
    }
}

/// The graph's own order is that of its numbers, which are u32 throughout.
fn own_order(tasks: usize) -> Vec<u32> {
    (0..).take(tasks).collect()
}

fn create(_options: &Options) -> Result<Basic, StepError> {
    Ok(Basic)
}

auh_sdk::export_scheduler! {
    manifest: auh_sdk::scheduler_manifest(
        "basic",
        env!("CARGO_PKG_VERSION"),
        "the graph's own order",
    )
    .with_options(Vec::new()),
    create: create,
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_sdk::Moment;

    #[test]
    fn the_order_is_that_of_the_numbers() {
        assert_eq!(own_order(0), [0; 0]);
        assert_eq!(own_order(4), [0, 1, 2, 3]);
    }

    #[test]
    fn the_first_ready_task_is_started() {
        let moment = Moment {
            ready: &[3, 5],
            running: &[1],
            ended: &[],
        };
        assert_eq!(Basic.pick(&moment), Some(3));
    }
}
