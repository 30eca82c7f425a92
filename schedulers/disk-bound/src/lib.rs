//! Scheduler `disk-bound`: keeps the work folders of all recipes in progress within a budget, and is
//! as fast as that allows. How, and why it never stands still: crate `auh-disk-budget`.
//!
//! Options: `budget`, such as `"20G"` (K, M, G, T for powers of 1000, Ki to Ti for powers of 1024) or
//! a number of bytes; `seed` of the model that stands in for unknown durations and sizes.
//!
//! Not here: the algorithm.

use auh_disk_budget::Build;
use auh_graph::model;
use auh_sdk::{GraphView, Host, Moment, Options, Scheduler, StepError};
use std::sync::{Mutex, PoisonError};

struct DiskBound {
    budget: u64,
    seed: u64,
    /// The build that `order` was asked for last.
    build: Mutex<Option<Build>>,
}

impl Scheduler for DiskBound {
    fn order(&self, view: &GraphView<'_>, host: &Host) -> Result<Vec<u32>, StepError> {
        let graph = auh_graph_view::task_graph(view)?;
        let graph = model::with_durations(graph, self.seed);
        let graph = model::with_work_bytes(graph, self.seed);
        let build = Build::new(&graph, self.budget)
            .map_err(|error| StepError::infrastructure(error.to_string()))?;
        host.debug(&format!(
            "{} bytes would be enough, {} may be used",
            build.least_budget(),
            self.budget
        ));
        let order = build.order().sequence().to_vec();
        *self.build.lock().unwrap_or_else(PoisonError::into_inner) = Some(build);
        Ok(order)
    }

    /// The budget is kept by waiting, which no order can say.
    fn restricts(&self) -> bool {
        true
    }

    fn pick(&self, moment: &Moment<'_>) -> Option<u32> {
        let mut build = self.build.lock().unwrap_or_else(PoisonError::into_inner);
        build.as_mut()?.pick(moment.ready, moment.ended)
    }
}

fn create(options: &Options) -> Result<DiskBound, StepError> {
    Ok(DiskBound {
        budget: budget(options)?,
        seed: auh_graph_view::model_seed(options)?,
        build: Mutex::new(None),
    })
}

fn budget(options: &Options) -> Result<u64, StepError> {
    let Some(value) = options.get("budget") else {
        let text = "option budget is missing, for example budget = \"20G\"";
        return Err(StepError::infrastructure(text));
    };
    let bytes = value.as_u64().or_else(|| bytes(value.as_str()?));
    bytes.ok_or_else(|| {
        StepError::infrastructure(format!(
            "option budget is no size such as \"20G\" or \"512Mi\": {value}"
        ))
    })
}

/// A whole number with a unit or without.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = &text[digits.len()..];
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024_u64),
        None => (unit, 1000),
    };
    let power = match letter {
        "" if unit.is_empty() => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(base.pow(power))
}

auh_sdk::export_scheduler! {
    manifest: auh_sdk::scheduler_manifest(
        "disk-bound",
        env!("CARGO_PKG_VERSION"),
        "as fast as a disk budget allows (option budget)",
    ),
    create: create,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_have_units() {
        assert_eq!(bytes("20G"), Some(20_000_000_000));
        assert_eq!(bytes("512Mi"), Some(512 << 20));
        assert_eq!(bytes("7"), Some(7));
        for wrong in [
            "",
            "G",
            "1.5G",
            "20g",
            "20GB",
            "-1",
            "7i",
            "99999999999T",
            "²",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_budget_is_needed() {
        let error = |options: Options| create(&options).err().map(|error| error.to_string());
        let missing = "option budget is missing, for example budget = \"20G\"";
        assert_eq!(error(Options::new()).as_deref(), Some(missing));
        let with = |value: &str| [("budget".to_owned(), value.into())].into_iter().collect();
        let wrong = "option budget is no size such as \"20G\" or \"512Mi\": \"much\"";
        assert_eq!(error(with("much")).as_deref(), Some(wrong));
        assert_eq!(error(with("20G")), None);
    }
}
