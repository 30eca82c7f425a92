//! Scheduler `hostile-order`: misbehaves as the variable `AUH_HOSTILE_ORDER` says, so that tests can pin what
//! becomes of a scheduler's faults. Never shipped.
//!
//! | `AUH_HOSTILE_ORDER` | what it does |
//! |---|---|
//! | absent | orders as the graph does |
//! | `panic-in-create`, `panic-in-restricts`, `panic-in-order`, `panic-in-pick`, `panic-in-drop` | panics there |
//! | `error-in-create`, `error-in-order` | returns an error from there |
//! | `twice`, `stranger`, `short` | names a task twice, one that there is not, or leaves one out |
//! | `pick-stranger`, `pick-nothing` | starts what is not ready, or nothing, from the second time on |
//! | `loop-in-create`, `loop-in-order`, `loop-in-pick`, `loop-in-drop` | never comes back from there |
//! | `abort-in-order`, `abort-in-pick` | ends its process there |

use auh_sdk::{FailureClass, GraphView, Host, Moment, Options, Scheduler, StepError};
use std::sync::atomic::{AtomicUsize, Ordering};

struct HostileOrder {
    how: String,
    picked: AtomicUsize,
}

impl HostileOrder {
    fn is(&self, how: &str) -> bool {
        self.how == how
    }
}

impl Scheduler for HostileOrder {
    fn order(&self, graph: &GraphView<'_>, _host: &Host) -> Result<Vec<u32>, StepError> {
        let mut order: Vec<u32> = (0..).take(graph.len()).collect();
        match self.how.as_str() {
            "panic-in-order" => panic!("hostile in order"),
            "abort-in-order" => std::process::abort(),
            "loop-in-order" => never_come_back(),
            "error-in-order" => return Err(error("hostile in order")),
            "twice" => order[0] = 1,
            "stranger" => order[0] = 7_000_000,
            "short" => order.truncate(1),
            _ => {}
        }
        Ok(order)
    }

    fn pick(&self, moment: &Moment<'_>) -> Option<u32> {
        let first = moment.ready.first().copied();
        if self.picked.fetch_add(1, Ordering::Relaxed) == 0 {
            return first;
        }
        match self.how.as_str() {
            "panic-in-pick" => panic!("hostile in pick"),
            "abort-in-pick" => std::process::abort(),
            "loop-in-pick" => never_come_back(),
            "pick-stranger" => Some(7_000_000),
            "pick-nothing" => None,
            _ => first,
        }
    }

    fn restricts(&self) -> bool {
        assert!(!self.is("panic-in-restricts"), "hostile in restricts");
        true
    }
}

impl Drop for HostileOrder {
    fn drop(&mut self) {
        assert!(!self.is("panic-in-drop"), "hostile in drop");
        if self.is("loop-in-drop") {
            never_come_back()
        }
    }
}

fn create(_options: &Options) -> Result<HostileOrder, StepError> {
    let how = std::env::var("AUH_HOSTILE_ORDER").unwrap_or_default();
    match how.as_str() {
        "panic-in-create" => panic!("hostile in create"),
        "loop-in-create" => never_come_back(),
        "error-in-create" => Err(error("hostile in create")),
        _ => Ok(HostileOrder {
            how,
            picked: AtomicUsize::new(0),
        }),
    }
}

fn never_come_back() -> ! {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

fn error(message: &str) -> StepError {
    StepError::new(FailureClass::Plugin, message)
}

auh_sdk::export_scheduler! {
    manifest: auh_sdk::scheduler_manifest(
        "hostile-order",
        env!("CARGO_PKG_VERSION"),
        "misbehaves as its environment says",
    ),
    create: create,
}
