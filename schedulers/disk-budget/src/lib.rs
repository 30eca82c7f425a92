//! Which task to start next so that the work folders stay within a budget, and the build never
//! comes to a stop.
//!
//! Not here: the plugin boundary (`disk-bound`, beside this crate), where sizes come from, and how a
//! build runs.
//!
//! # The problem
//! A recipe's work folder is *begun* by the first of its tasks that adds bytes to it (as a rule
//! `do_unpack`) and *removed* by its `do_rm_work`. From the one to the other it is counted with all
//! the bytes it will ever have, so what is really there is never more. Whoever just begins folders
//! while there is room will sooner or later stand still: to remove a folder, other recipes' tasks
//! may be needed (`do_package_qa` waits for the `do_packagedata` of what a package needs at run
//! time), whose folders must be begun first, and then there is no room for them.
//!
//! # Why this never stands still
//! It is Dijkstra's banker with a plan as his proof. Before the build, [`Build::new`] walks through
//! the whole graph once, one task after the other, beginning folders as late and removing them as
//! early as it can (module `plan`). That walk, the *plan*, has a peak; a budget below it is an
//! error. A state of the build is *safe* when what remains of the plan, walked from here, fits into
//! the budget: folders that were begun ahead of the plan count until they are removed. A folder is
//! begun only if the state stays safe; all other tasks take no room and may always start.
//!
//! The first state is safe, as the plan's peak is within the budget; beginning keeps it safe, since
//! that is checked; removing only makes room. Now let nothing run in a safe state, and look at the
//! first task of the plan that was not run. What it waits for comes earlier in the plan, was run,
//! and so the task is ready. Either it begins no folder, or its folder is the next of the plan and
//! everything before was walked, so the room in use is what the plan has there, or less: it may
//! begin. So there is always a ready task that may start.
//!
//! # Why it is fast
//! Among the tasks that may start, the one with the longest remaining time comes first. Once a more
//! urgent task has to wait for room, though, what counts is to make room: then the task comes first
//! that the rm-work order puts first, which finishes recipes. The plan serves only as a proof and is
//! not followed: with room enough, this is the critical-path order.
//!
//! A greedy order can be beaten by luck. [`Build::for_slots`], which knows how many tasks run at the
//! same time, runs rm-work's order on paper, too. Where that keeps the budget and is faster, it is taken,
//! with the course on paper as the plan; so, as long as tasks take the time that was expected, nobody
//! is slower than rm-work with the budget that rm-work needs.
//!
//! # When a budget is too small
//! Two folders of which each needs the other to be begun before it can be removed are there at the
//! same time, whatever the order: both intervals begin before either ends. Intervals that overlap
//! pairwise have a moment in common, so the bytes of recipes that all need one another so are a
//! lower bound that no scheduler can beat. [`TooSmall`] names such recipes, and says whether the
//! budget is below that bound or only below the best plan that was found: finding the best one of
//! all is a hard problem (it contains register allocation), and is not tried.

mod folders;
mod ledger;
mod needs;
mod paper;
mod plan;
mod together;

use auh_graph::{Order, TaskGraph, TaskIndex, Weights, order};
use folders::Folders;
use ledger::Ledger;
use needs::Needs;
use plan::Roots;

/// Sets of needed folders may take this many bytes while the plan is made; else it is made without.
const MOST_BYTES_FOR_NEEDS: usize = 1 << 29;

/// An error names at most this many recipes beside the one that does not fit.
const MOST_NAMES: usize = 4;

/// Why no build within the budget is offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooSmall {
    /// Nobody could build within it.
    #[error(
        "recipe {recipe} cannot fit into {budget} bytes: {} at the same time, {bytes} bytes together{}",
        in_progress(with),
        never_removed(*kept)
    )]
    Impossible {
        /// The largest of the recipes.
        recipe: String,
        /// The others, largest first.
        with: Vec<String>,
        /// How many of all these recipes have no task that removes their work folder.
        kept: usize,
        /// The bytes of all of them.
        bytes: u64,
        /// The budget.
        budget: u64,
    },
    /// No way was found, which is no proof that there is none.
    #[error(
        "no way was found to fit recipe {recipe} into {budget} bytes: with {} others in progress {bytes} bytes are needed; at least {bound} would be, whatever the order",
        with.len()
    )]
    NoWayFound {
        /// The recipe at which the best plan does not fit.
        recipe: String,
        /// The recipes that the plan has in progress then, largest first.
        with: Vec<String>,
        /// The bytes of all of them: with this budget it works.
        bytes: u64,
        /// A budget below which nobody could build.
        bound: u64,
        /// The budget.
        budget: u64,
    },
}

fn in_progress(with: &[String]) -> String {
    match with {
        [] => "it is in progress by itself".to_owned(),
        _ => format!("it must be in progress with {}", first_of(with)),
    }
}

/// As many names as a reader can use, and the number of the rest.
fn first_of(names: &[String]) -> String {
    let (shown, rest) = names.split_at(names.len().min(MOST_NAMES));
    let shown = shown.join(", ");
    match rest.len() {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
}

fn never_removed(recipes: usize) -> String {
    match recipes {
        0 => String::new(),
        n => format!(
            "; {n} of them never remove their work folders: they have no do_rm_work, \
             which OE's class rm_work adds (on paper, --rm-work)"
        ),
    }
}

/// A build within a budget, while it goes on.
#[derive(Clone)]
pub struct Build {
    order: Order,
    /// rm-work's order, which finishes recipes.
    finishing: Order,
    ledger: Ledger,
    /// How many folders were removed.
    removals: u32,
    /// For each task the number of removals, plus one, at which it was last found to have no room.
    /// Room comes only from removals.
    no_room_at: Vec<u32>,
}

impl Build {
    /// Plans the build. The graph's durations and bytes count as they are; an unknown duration is
    /// next to none, unknown bytes are none.
    ///
    /// # Errors
    /// When no way to build within `budget` bytes is found.
    pub fn new(graph: &TaskGraph, budget: u64) -> Result<Self, TooSmall> {
        let order = order::critical_path(graph);
        let folders = Folders::of(graph);
        let needs = Needs::of(graph, &folders, MOST_BYTES_FOR_NEEDS);
        let urgency = folders.urgency(&order);
        let plan = |roots| plan::plan(graph, &folders, needs.as_ref(), &urgency, roots);
        let mut plan_made = plan(Roots::Urgent);
        if plan_made.peak() > budget {
            let other = plan(Roots::Small);
            if other.peak() < plan_made.peak() {
                plan_made = other;
            }
        }
        if plan_made.peak() > budget {
            let names = graph.recipes();
            return Err(together::too_small(
                names,
                &folders,
                needs.as_ref(),
                &plan_made,
                budget,
            ));
        }
        let finishing = order::rm_work(graph, &Weights::of(graph)).order;
        let ledger = Ledger::new(folders, plan_made, budget);
        Ok(Self::of(order, finishing, ledger))
    }

    fn of(order: Order, finishing: Order, ledger: Ledger) -> Self {
        Self {
            no_room_at: vec![0; order.sequence().len()],
            removals: 0,
            order,
            finishing,
            ledger,
        }
    }

    /// As [`new`](Self::new), for a build with so many tasks at the same time: where rm-work's order
    /// keeps the budget by itself and is faster on paper, it is the order of the build, and its course
    /// the plan.
    ///
    /// # Errors
    /// When no way to build within `budget` bytes is found.
    pub fn for_slots(graph: &TaskGraph, budget: u64, slots: u32) -> Result<Self, TooSmall> {
        let slots = slots.max(1) as usize;
        let folders = Folders::of(graph);
        let finishing = order::rm_work(graph, &Weights::of(graph)).order;
        let first = |ready: &[TaskIndex], _: &[TaskIndex]| ready.first().copied();
        let rm_work = paper::run(graph, &folders, &finishing, slots, first);
        let fits = rm_work.peak <= budget;
        match Self::new(graph, budget) {
            Err(error) if !fits => Err(error),
            Ok(urgent) if !fits || urgent.makespan(graph, slots) <= rm_work.makespan => Ok(urgent),
            _ => {
                let plan = plan::along(graph, &folders, &rm_work.sequence);
                let ledger = Ledger::new(folders, plan, budget);
                Ok(Self::of(finishing.clone(), finishing, ledger))
            }
        }
    }

    /// Of a build on paper, in microseconds.
    fn makespan(&self, graph: &TaskGraph, slots: usize) -> u64 {
        let mut build = self.clone();
        let pick = |ready: &[TaskIndex], ended: &[TaskIndex]| build.pick(ready, ended);
        paper::run(graph, self.ledger.folders(), &self.order, slots, pick).makespan
    }

    /// The tasks, most important first: as a rule by urgency, longest remaining time first.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The peak of the plan, in bytes: with this budget the build would work, too.
    #[must_use]
    pub fn least_budget(&self) -> u64 {
        self.ledger.planned_peak()
    }

    /// Which of the ready tasks to start, `None` to wait. `ready` comes in [`order`](Self::order),
    /// `ended` are the tasks that ended since the last call. The task that is returned counts as
    /// started.
    pub fn pick(&mut self, ready: &[TaskIndex], ended: &[TaskIndex]) -> Option<TaskIndex> {
        for &task in ended {
            if let Some(folder) = self.ledger.folders().removed_by(task) {
                self.ledger.remove(folder);
                self.removals += 1;
            }
        }
        let picked = self.choose(ready)?;
        if let Some(folder) = self.ledger.begun_by(picked) {
            self.ledger.begin(folder);
        }
        Some(picked)
    }

    fn choose(&mut self, ready: &[TaskIndex]) -> Option<TaskIndex> {
        let (&first, others) = ready.split_first()?;
        if self.has_room(first) {
            return Some(first);
        }
        let mut best = None;
        for &task in others {
            let place = self.finishing.place(task);
            if best.is_none_or(|(best, _)| place < best) && self.has_room(task) {
                best = Some((place, task));
            }
        }
        best.map(|(_, task)| task)
    }

    fn has_room(&mut self, task: TaskIndex) -> bool {
        let no_room_at = &mut self.no_room_at[task as usize];
        if *no_room_at == self.removals + 1 {
            return false;
        }
        let has_room = self
            .ledger
            .begun_by(task)
            .is_none_or(|folder| self.ledger.may_begin(folder));
        if !has_room {
            *no_room_at = self.removals + 1;
        }
        has_room
    }
}

#[cfg(test)]
mod tests;
