//! Scheduler `disk-bound`: keeps the work folders of all recipes in progress within a budget, and is
//! as fast as that allows. How, and why it never stands still: crate `auh-disk-budget`.
//!
//! Options: `budget`, such as `"20G"` (K, M, G, T for powers of 1000, Ki to Ti for powers of 1024) or
//! a number of bytes; `threads`, how many tasks run at the same time, which hosts give where they know
//! it; `seed` of the model that stands in for unknown durations and sizes.
//!
//! Not here: the algorithm.

use auh_disk_budget::Build;
use auh_graph::model;
use auh_sdk::{
    GraphView, Host, Moment, OptionKey, OptionKind, Options, Scheduler, StepError,
    protocol::{PluginManifest, size},
};
use std::sync::{Mutex, PoisonError};

struct DiskBound {
    budget: u64,
    threads: Option<u32>,
    seed: u64,
    /// The build that `order` was asked for last.
    build: Mutex<Option<Build>>,
}

impl Scheduler for DiskBound {
    fn order(&self, view: &GraphView<'_>, host: &Host) -> Result<Vec<u32>, StepError> {
        let graph = auh_graph_view::task_graph(view)?;
        let graph = model::with_durations(graph, self.seed);
        let graph = model::with_work_bytes(graph, self.seed);
        let build = match self.threads {
            Some(threads) => Build::for_slots(&graph, self.budget, threads),
            None => Build::new(&graph, self.budget),
        };
        let build = build.map_err(|error| StepError::infrastructure(error.to_string()))?;
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
        threads: threads(options)?,
        seed: auh_graph_view::model_seed(options)?,
        build: Mutex::new(None),
    })
}

fn budget(options: &Options) -> Result<u64, StepError> {
    let Some(value) = options.get("budget") else {
        let text = "option budget is missing, for example budget = \"20G\"";
        return Err(StepError::infrastructure(text));
    };
    let bytes = value.as_u64().or_else(|| size::bytes(value.as_str()?));
    bytes.ok_or_else(|| {
        StepError::infrastructure(format!(
            "option budget is no size such as \"20G\" or \"512Mi\": {value}"
        ))
    })
}

fn threads(options: &Options) -> Result<Option<u32>, StepError> {
    let Some(value) = options.get("threads") else {
        return Ok(None);
    };
    let threads = value.as_u64().and_then(|threads| threads.try_into().ok());
    let threads = threads.filter(|&threads| threads > 0).ok_or_else(|| {
        StepError::infrastructure(format!("option threads is no number of tasks: {value}"))
    })?;
    Ok(Some(threads))
}

/// `auh schedule` and BitBake's bridge give options without a table that a host could have checked,
/// so what cannot be done without is looked at here, too.
fn keys() -> Vec<OptionKey> {
    let budget = "bytes that the work folders of recipes in progress may take together";
    let threads = "tasks that run at the same time, where the host does not know it";
    vec![
        OptionKey::new("budget", OptionKind::Size, budget).required(),
        OptionKey::new("threads", OptionKind::Whole { least: 1 }, threads),
        auh_graph_view::seed_key(),
    ]
}

fn manifest() -> PluginManifest {
    let summary = "as fast as a disk budget allows (option budget)";
    PluginManifest {
        saves_disk: true,
        ..auh_sdk::scheduler_manifest("disk-bound", env!("CARGO_PKG_VERSION"), summary)
            .with_options(keys())
    }
}

auh_sdk::export_scheduler! {
    manifest: manifest(),
    create: create,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_needed() {
        let error = |options: Options| create(&options).err().map(|error| error.to_string());
        let missing = "option budget is missing, for example budget = \"20G\"";
        assert_eq!(error(Options::new()).as_deref(), Some(missing));
        let with = |value: &str| [("budget".to_owned(), value.into())].into_iter().collect();
        let wrong = "option budget is no size such as \"20G\" or \"512Mi\": \"much\"";
        assert_eq!(error(with("much")).as_deref(), Some(wrong));
        assert_eq!(error(with("20G")), None);
        let mut options: Options = with("20G");
        options.insert("threads".to_owned(), 0.into());
        let wrong = "option threads is no number of tasks: 0";
        assert_eq!(error(options).as_deref(), Some(wrong));
    }
}
