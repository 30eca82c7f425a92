//! What of a plan is done, runs, and could start.

use crate::plan::Plan;
use auh_graph::TaskIndex;
use std::collections::BTreeSet;

/// The state of a plan that is being carried out.
pub(crate) struct Queue<'p> {
    plan: &'p Plan,
    /// How many tasks each task still waits for.
    waiting_for: Vec<u32>,
    /// Each task's place in the scheduler's order.
    places: Vec<u32>,
    /// Tasks whose dependencies are done, by place.
    ready: BTreeSet<(u32, TaskIndex)>,
    running: Vec<TaskIndex>,
    ended: Vec<TaskIndex>,
    seats: Seats,
}

impl<'p> Queue<'p> {
    /// A plan of which nothing is done. `order` has all tasks, most important first; `seats` is how
    /// many groups may be under way at the same time.
    pub(crate) fn new(plan: &'p Plan, order: &[TaskIndex], seats: usize) -> Self {
        let graph = &plan.graph;
        let mut places = vec![0; graph.len()];
        for (place, &task) in (0..).zip(order) {
            places[task as usize] = place;
        }
        let waiting_for: Vec<u32> = graph
            .tasks()
            .map(|task| count(graph.dependencies().of(task)))
            .collect();
        let ready = graph
            .tasks()
            .filter(|t| waiting_for[*t as usize] == 0)
            .map(|t| (places[t as usize], t))
            .collect();
        Self {
            plan,
            waiting_for,
            places,
            ready,
            running: Vec::new(),
            ended: Vec::new(),
            seats: Seats {
                free: seats,
                taken: BTreeSet::new(),
            },
        }
    }

    /// Tasks that could start now, most important first.
    pub(crate) fn startable(&self) -> Vec<TaskIndex> {
        let can_start = |task: &TaskIndex| match self.plan.assignments[*task as usize].groups[..] {
            [group] => self.seats.free > 0 || self.seats.taken.contains(&group),
            _ => true,
        };
        self.ready
            .iter()
            .map(|(_, task)| *task)
            .filter(can_start)
            .collect()
    }

    /// Tasks that run.
    pub(crate) fn running(&self) -> &[TaskIndex] {
        &self.running
    }

    /// Tasks that have ended since this was last asked.
    pub(crate) fn take_ended(&mut self) -> Vec<TaskIndex> {
        std::mem::take(&mut self.ended)
    }

    /// The first startable task that is of no more use, as `useless` says.
    pub(crate) fn find(&self, useless: impl Fn(TaskIndex) -> bool) -> Option<TaskIndex> {
        self.startable().into_iter().find(|task| useless(*task))
    }

    /// Notes that a startable task was started.
    pub(crate) fn start(&mut self, task: TaskIndex) {
        self.ready.remove(&(self.places[task as usize], task));
        self.running.push(task);
        if let [group] = self.plan.assignments[task as usize].groups[..] {
            self.seats.take(group);
        }
    }

    /// Notes that a running task has ended. Returns the groups that have no task left.
    pub(crate) fn end(&mut self, task: TaskIndex) -> Vec<usize> {
        self.running.retain(|other| *other != task);
        self.ended.push(task);
        let dependants = self.plan.graph.dependants().of(task);
        for &dependant in dependants {
            let waiting = &mut self.waiting_for[dependant as usize];
            *waiting -= 1;
            if *waiting == 0 {
                self.ready
                    .insert((self.places[dependant as usize], dependant));
            }
        }
        let assignment = &self.plan.assignments[task as usize];
        let stretch_goes_on = dependants
            .iter()
            .any(|d| self.plan.assignments[*d as usize].stretch == assignment.stretch);
        if let ([group], false) = (&assignment.groups[..], stretch_goes_on) {
            self.seats.leave(*group);
        }
        if dependants.is_empty() {
            assignment.groups.clone()
        } else {
            Vec::new()
        }
    }
}

/// Groups work on the user's own layers and build directory, so only so many can be under way: a
/// group takes a seat with its first task of a stretch and leaves it with the last.
struct Seats {
    free: usize,
    taken: BTreeSet<usize>,
}

impl Seats {
    fn take(&mut self, group: usize) {
        if self.taken.insert(group) {
            self.free -= 1;
        }
    }

    fn leave(&mut self, group: usize) {
        if self.taken.remove(&group) {
            self.free += 1;
        }
    }
}

fn count(tasks: &[TaskIndex]) -> u32 {
    u32::try_from(tasks.len()).expect("a graph has fewer than 2^32 tasks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Assignment;
    use auh_graph::TaskGraphBuilder;

    /// Two groups of two steps, and a step about the whole run behind them.
    fn plan() -> Plan {
        let mut builder = TaskGraphBuilder::new();
        let mut assignments = Vec::new();
        for group in 0..2 {
            let tasks: Vec<_> = (0..2)
                .map(|step| {
                    builder
                        .task_of(&format!("g{group}"), &format!("s{step}"))
                        .unwrap()
                })
                .collect();
            builder.depends(tasks[1], tasks[0]);
            assignments.extend((0..2).map(|step| Assignment {
                step,
                groups: vec![group],
                stretch: 0,
            }));
        }
        let last = builder.task_of("run", "s2").unwrap();
        builder.depends(last, 1);
        builder.depends(last, 3);
        assignments.push(Assignment {
            step: 2,
            groups: vec![0, 1],
            stretch: 1,
        });
        Plan {
            graph: builder.build().unwrap(),
            assignments,
        }
    }

    #[test]
    fn one_seat_lets_one_group_finish_before_the_next_begins() {
        let plan = plan();
        // A scheduler that wants all first steps first.
        let mut queue = Queue::new(&plan, &[0, 2, 1, 3, 4], 1);
        assert_eq!(queue.startable(), [0, 2]);
        queue.start(0);
        assert!(queue.startable().is_empty());
        assert!(queue.end(0).is_empty());
        assert_eq!(queue.startable(), [1], "group 1 has no seat");
        queue.start(1);
        queue.end(1);
        assert_eq!(queue.startable(), [2]);
        assert_eq!(queue.take_ended(), [0, 1]);
    }

    #[test]
    fn a_step_about_the_run_waits_for_all_groups_and_ends_them() {
        let plan = plan();
        let mut queue = Queue::new(&plan, &[0, 1, 2, 3, 4], 2);
        for task in [0, 2, 1, 3] {
            queue.start(task);
            assert!(queue.end(task).is_empty());
        }
        assert_eq!(queue.startable(), [4]);
        queue.start(4);
        assert_eq!(queue.running(), [4]);
        assert_eq!(queue.end(4), [0, 1]);
    }
}
