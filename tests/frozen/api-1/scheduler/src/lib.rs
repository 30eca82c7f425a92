//! Scheduler `frozen-api-1`: the last task first, one at a time; says what it does not get. Built
//! against the SDK of its day, which lies beside it. Never edited.

use auh_sdk::{FailureClass, GraphView, Host, Moment, Options, Scheduler, StepError};

struct Frozen;

impl Scheduler for Frozen {
    fn order(&self, graph: &GraphView<'_>, host: &Host) -> Result<Vec<u32>, StepError> {
        let tasks = graph.len();
        let (offsets, dependencies) = graph.adjacency();
        let is_task = |task: &u32| (*task as usize) < tasks;
        for (there, what) in [
            (!graph.is_empty(), "tasks"),
            (
                offsets.len() == tasks + 1,
                "an offset per task and one more",
            ),
            (
                dependencies.iter().all(is_task),
                "dependencies among the tasks",
            ),
            (
                graph.dependencies(0).iter().all(is_task),
                "a task's dependencies",
            ),
            (graph.recipe_of().len() == tasks, "a recipe per task"),
            (graph.name_of().len() == tasks, "a name per task"),
            (
                graph.recipes().all(|recipe| !recipe.is_empty()),
                "the recipes",
            ),
            (graph.names().all(|name| !name.is_empty()), "the names"),
            ([0, tasks].contains(&graph.duration_us().len()), "durations"),
            ([0, tasks].contains(&graph.work_bytes().len()), "work sizes"),
        ] {
            if !there {
                return Err(StepError::new(
                    FailureClass::Plugin,
                    format!("a scheduler of API 1 does not get {what}"),
                ));
            }
        }
        host.debug("frozen: an order");
        Ok((0..)
            .take(tasks)
            .collect::<Vec<u32>>()
            .into_iter()
            .rev()
            .collect())
    }

    fn pick(&self, moment: &Moment<'_>) -> Option<u32> {
        moment.running.is_empty().then(|| moment.ready[0])
    }

    fn restricts(&self) -> bool {
        true
    }
}

fn create(_options: &Options) -> Result<Frozen, StepError> {
    Ok(Frozen)
}

auh_sdk::export_scheduler! {
    manifest: auh_sdk::scheduler_manifest("frozen-api-1", "1.0.0", "the last task first, one at a time"),
    create: create,
}
