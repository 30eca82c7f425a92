//! `auh schedule explain`: where a task stands, and why it comes before its neighbours.
//!
//! A scheduler only gives an order. What is said about *why* is read off that order: whether it is
//! sorted by weight, by remaining time or as the graph is, whether it takes all tasks of one name or
//! of one recipe together.

use super::{measures, schedulers::SchedulerPlugin};
use crate::{args::schedule::Explain as Args, exit, failure::Usage, terminal};
use anyhow::Result;
use auh_graph::{Order, TaskGraph, TaskIndex, Weights, model};
use std::fmt::Write as _;

/// So many of what a task waits for are listed.
const MOST_LISTED: usize = 12;

pub(crate) fn explain(args: &Args) -> Result<exit::Status> {
    let plugin = SchedulerPlugin::load(&args.scheduler, &args.schedulers)?;
    let graph = measures::graph(&args.input)?.graph;
    let task = find(&graph, &args.task)?;
    let order = plugin.order(&graph)?;
    let graph = model::with_durations(graph, args.schedulers.seed);
    let view = View::new(&graph, &order);
    terminal::output(&view.text(task, plugin.name()));
    Ok(exit::GOOD)
}

/// The task with this id, or the only one whose id ends so behind a `/`.
fn find(graph: &TaskGraph, text: &str) -> Result<TaskIndex, Usage> {
    if let Some(task) = graph.find(text) {
        return Ok(task);
    }
    let fits = |id: &str| {
        id.strip_suffix(text)
            .is_some_and(|before| before.ends_with('/'))
    };
    let found: Vec<TaskIndex> = graph.tasks().filter(|&t| fits(graph.id(t))).collect();
    match found[..] {
        [task] => Ok(task),
        [] => Err(Usage::new(
            format!("there is no task {text:?} in the graph"),
            "an id is FILE:TASK; the end of it will do, such as zlib_1.3.bb:do_compile",
        )),
        [a, b, ..] => Err(Usage::new(
            format!(
                "{text:?} is the end of {} ids: {}, {}",
                found.len(),
                graph.id(a),
                graph.id(b)
            ),
            "give the whole id",
        )),
    }
}

/// How an order can be told to be made.
struct View<'a> {
    graph: &'a TaskGraph,
    order: &'a Order,
    weights: Weights,
    remaining: Vec<u64>,
    by_weight: bool,
    by_remaining: bool,
    as_the_graph: bool,
    by_name: bool,
    by_recipe: bool,
}

impl<'a> View<'a> {
    fn new(graph: &'a TaskGraph, order: &'a Order) -> Self {
        let weights = Weights::of(graph);
        let remaining = remaining(graph);
        let sequence = order.sequence();
        Self {
            by_weight: sequence.is_sorted_by(|&a, &b| weights.compare(a, b).is_ge()),
            by_remaining: sequence
                .is_sorted_by(|&a, &b| remaining[a as usize] >= remaining[b as usize]),
            as_the_graph: sequence.is_sorted(),
            by_name: is_grouped(sequence, graph.task_name_indices()),
            by_recipe: is_grouped(sequence, graph.recipe_indices()),
            graph,
            order,
            weights,
            remaining,
        }
    }

    fn text(&self, task: TaskIndex, scheduler: &str) -> String {
        let place = self.order.place(task) as usize;
        let mut text = format!(
            "{}\n  place {} of {} by {scheduler}\n  weight {}\n  {:.1} s from its start to the end of the longest chain\n",
            self.graph.id(task),
            place + 1,
            self.graph.len(),
            self.weights.decimal(self.graph, task),
            self.remaining[task as usize] as f64 / 1e6,
        );
        self.list(&mut text, "waits for", self.graph.dependencies().of(task));
        let dependants = self.graph.dependants().of(task).len();
        let _ = writeln!(text, "  waited for by {dependants}");
        let sequence = self.order.sequence();
        if place > 0 {
            let before = sequence[place - 1];
            let reason = self.reason(before, task);
            let _ = writeln!(text, "  behind {}: {reason}", self.graph.id(before));
        }
        if let Some(&next) = sequence.get(place + 1) {
            let reason = self.reason(task, next);
            let _ = writeln!(text, "  before {}: {reason}", self.graph.id(next));
        }
        text
    }

    fn list(&self, text: &mut String, what: &str, tasks: &[TaskIndex]) {
        let _ = writeln!(text, "  {what} {}", tasks.len());
        for &task in tasks.iter().take(MOST_LISTED) {
            let place = self.order.place(task) + 1;
            let _ = writeln!(text, "    {} (place {place})", self.graph.id(task));
        }
        if tasks.len() > MOST_LISTED {
            let _ = writeln!(text, "    and {} more", tasks.len() - MOST_LISTED);
        }
    }

    /// Why `first` comes before `second`, its neighbour.
    fn reason(&self, first: TaskIndex, second: TaskIndex) -> String {
        let same_name = self.graph.task_name_of(first) == self.graph.task_name_of(second);
        let same_recipe = self.graph.recipe_of(first) == self.graph.recipe_of(second);
        if self.by_weight {
            return self.weight_reason(first, second);
        }
        if self.by_remaining {
            return self.remaining_reason(first, second);
        }
        if self.as_the_graph {
            return "the graph has them in this order".to_owned();
        }
        if self.by_name && !same_name {
            let (first, second) = (self.graph.task_name(first), self.graph.task_name(second));
            return format!("this order takes all {first} before all {second}");
        }
        if self.by_recipe && !same_recipe {
            return "this order takes one recipe after the other, and the recipe of the first has the more important first task".to_owned();
        }
        if (self.by_name || self.by_recipe) && self.weights.compare(first, second).is_ge() {
            let together = if self.by_name { "name" } else { "recipe" };
            let reason = self.weight_reason(first, second);
            return format!("of the same {together}; {reason}");
        }
        "the order follows no rule that can be told from it".to_owned()
    }

    fn weight_reason(&self, first: TaskIndex, second: TaskIndex) -> String {
        if self.weights.compare(first, second).is_eq() {
            let direction = if first > second { "later" } else { "earlier" };
            return format!("equally heavy, and the first is {direction} in the graph");
        }
        let decimal = |task| self.weights.decimal(self.graph, task);
        format!("heavier, {} against {}", decimal(first), decimal(second))
    }

    fn remaining_reason(&self, first: TaskIndex, second: TaskIndex) -> String {
        let seconds = |task: TaskIndex| self.remaining[task as usize] as f64 / 1e6;
        let (first, second) = (seconds(first), seconds(second));
        format!("the longest chain that begins with it takes {first:.1} s, the other {second:.1} s")
    }
}

/// Whether equal groups stand together.
fn is_grouped(sequence: &[TaskIndex], group_of: &[u32]) -> bool {
    let mut seen = std::collections::HashSet::new();
    sequence
        .chunk_by(|&a, &b| group_of[a as usize] == group_of[b as usize])
        .all(|chunk| seen.insert(group_of[chunk[0] as usize]))
}

/// As the order `critical_path` of the library counts: a task takes a microsecond at least.
fn remaining(graph: &TaskGraph) -> Vec<u64> {
    let mut remaining = vec![0_u64; graph.len()];
    for &task in graph.dependants_first() {
        let dependants = graph.dependants().of(task).iter();
        let after = dependants.map(|&next| remaining[next as usize]).max();
        let own = graph.duration(task).unwrap_or(1).max(1);
        remaining[task as usize] = own.saturating_add(after.unwrap_or(0));
    }
    remaining
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_graph::{TaskGraphBuilder, order};

    fn graph() -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        for recipe in ["/l/a_1.bb", "/l/b_1.bb", "/k/a_1.bb"] {
            let first = builder.task_of(recipe, "do_fetch").unwrap();
            let second = builder.task_of(recipe, "do_build").unwrap();
            builder.depends(second, first);
        }
        builder.build().unwrap()
    }

    fn explained(order: &Order, task: &str) -> String {
        let graph = model::with_durations(graph(), 1);
        let view = View::new(&graph, order);
        view.text(find(&graph, task).unwrap(), "some")
    }

    #[test]
    fn reasons_follow_from_how_the_order_is_made() {
        let graph = graph();
        let weights = Weights::of(&graph);
        let text = explained(&order::speed(&weights), "b_1.bb:do_fetch");
        assert!(text.contains("place 2 of 6 by some"), "{text}");
        assert!(text.contains("weight 11\n"), "{text}");
        assert!(
            text.contains("behind /k/a_1.bb:do_fetch: equally heavy, and the first is later"),
            "{text}"
        );
        let text = explained(
            &order::rm_work(&graph, &weights).order,
            "/l/a_1.bb:do_build",
        );
        assert!(
            text.contains("this order takes all do_build before all do_fetch"),
            "{text}"
        );
        assert!(
            text.contains("  waits for 1\n    /l/a_1.bb:do_fetch (place 6)"),
            "{text}"
        );
        let text = explained(&order::completion(&graph, &weights), "b_1.bb:do_fetch");
        assert!(
            text.contains("of the same recipe; heavier, 11 against 10"),
            "{text}"
        );
        let text = explained(&order::basic(&graph), "b_1.bb:do_fetch");
        assert!(text.contains("the graph has them in this order"), "{text}");
    }

    #[test]
    fn the_end_of_an_id_will_do_if_it_is_the_only_one() {
        let graph = graph();
        assert_eq!(find(&graph, "b_1.bb:do_build").ok(), Some(3));
        let error = find(&graph, "a_1.bb:do_build").unwrap_err();
        assert!(
            error.message.contains("is the end of 2 ids"),
            "{}",
            error.message
        );
        assert!(find(&graph, "c:do_build").is_err());
    }
}
