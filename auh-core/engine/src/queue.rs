//! What of a plan is done, runs, and could start.

use crate::plan::{Assignment, Attempt, Place, Plan};
use auh_graph::TaskIndex;
use std::collections::{BTreeMap, BTreeSet};

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
    ended_so_far: usize,
    seats: Seats,
}

impl<'p> Queue<'p> {
    /// A plan of which nothing is done. `order` has all tasks, most important first.
    pub(crate) fn new(plan: &'p Plan, order: &[TaskIndex], seats: SeatNumbers) -> Self {
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
            ended_so_far: 0,
            seats: Seats {
                free: seats.groups().chain([seats.of_run]).collect(),
                numbers: seats,
                taken: BTreeMap::new(),
            },
        }
    }

    /// Tasks that could start now, most important first.
    pub(crate) fn startable(&self) -> Vec<TaskIndex> {
        // Most of what is ready waits for a seat, so this is asked once and not of each.
        let [for_groups, for_run] =
            [Place::Groups, Place::Run].map(|place| self.seats.find(place).is_some());
        let can_start = |task: &TaskIndex| {
            let assignment = &self.plan.assignments[*task as usize];
            let has_room = match assignment.place {
                Place::Groups => for_groups,
                Place::Run => for_run,
            };
            let sits = |sitter| self.seats.of(sitter).is_some();
            has_room || sitter(assignment).is_none_or(sits)
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

    /// How many tasks have ended.
    pub(crate) fn ended_so_far(&self) -> usize {
        self.ended_so_far
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
        let assignment = &self.plan.assignments[task as usize];
        if let Some(sitter) = sitter(assignment) {
            self.seats.take(sitter, assignment.place);
        }
    }

    /// The seat in which a running task is carried out.
    pub(crate) fn seat(&self, task: TaskIndex) -> usize {
        let sitter = sitter(&self.plan.assignments[task as usize]);
        let seat = sitter.and_then(|sitter| self.seats.of(sitter));
        seat.unwrap_or(self.seats.numbers.of_run)
    }

    /// Notes that a running task has ended. Returns the groups that have no task left.
    pub(crate) fn end(&mut self, task: TaskIndex) -> Vec<usize> {
        self.running.retain(|other| *other != task);
        self.ended.push(task);
        self.ended_so_far += 1;
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
        let later: Vec<&Assignment> = dependants
            .iter()
            .map(|d| &self.plan.assignments[*d as usize])
            .collect();
        if let Some(own) = sitter(assignment) {
            let goes_on = |later: &&Assignment| sitter(later) == Some(own);
            if !later.iter().any(goes_on) {
                self.seats.leave(own);
            }
        }
        // What integrates is waited for by the next group, too.
        let is_done = |group: &usize| !later.iter().any(|later| later.groups.contains(group));
        assignment.groups.iter().copied().filter(is_done).collect()
    }
}

/// Who takes a seat: a group, or the first of a company, in a stretch of steps. While a company is
/// still in its seat, one of its groups may have another for the next stretch.
type Sitter = (usize, usize);

/// Whose seat a task takes; none for a step about the whole run.
fn sitter(assignment: &Assignment) -> Option<Sitter> {
    let sits = assignment.groups.len() == 1 || assignment.attempt == Attempt::Company;
    sits.then_some((assignment.seat_of, assignment.stretch))
}

/// The numbers of the seats: places in which one group at a time is worked on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeatNumbers {
    /// How many there are for groups; they are numbered from 0.
    pub for_groups: usize,
    /// The one where the groups' commits come together; may be one of those.
    pub of_run: usize,
}

impl SeatNumbers {
    fn groups(self) -> std::ops::Range<usize> {
        0..self.for_groups
    }
}

/// A seat has layers and build directories that one group at a time can work on, or one company of
/// groups: they take one with their first task of a stretch and leave it with the last.
struct Seats {
    numbers: SeatNumbers,
    free: BTreeSet<usize>,
    /// The seats by who sits there.
    taken: BTreeMap<Sitter, usize>,
}

impl Seats {
    fn of(&self, sitter: Sitter) -> Option<usize> {
        self.taken.get(&sitter).copied()
    }

    /// A free seat for work at a place.
    fn find(&self, place: Place) -> Option<usize> {
        match place {
            Place::Groups => self.free.range(self.numbers.groups()).next().copied(),
            Place::Run => self.free.get(&self.numbers.of_run).copied(),
        }
    }

    fn take(&mut self, sitter: Sitter, place: Place) {
        if self.taken.contains_key(&sitter) {
            return;
        }
        if let Some(seat) = self.find(place) {
            self.free.remove(&seat);
            self.taken.insert(sitter, seat);
        }
    }

    fn leave(&mut self, sitter: Sitter) {
        self.free.extend(self.taken.remove(&sitter));
    }
}

fn count(tasks: &[TaskIndex]) -> u32 {
    u32::try_from(tasks.len()).expect("a graph has fewer than 2^32 tasks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_graph::TaskGraphBuilder;

    const IN_PLACE: SeatNumbers = SeatNumbers {
        for_groups: 1,
        of_run: 0,
    };
    const TWO_JOBS: SeatNumbers = SeatNumbers {
        for_groups: 2,
        of_run: 2,
    };

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
                place: Place::Groups,
                seat_of: group,
                fresh: step == 0,
                attempt: Attempt::Only,
            }));
        }
        let last = builder.task_of("run", "s2").unwrap();
        builder.depends(last, 1);
        builder.depends(last, 3);
        assignments.push(Assignment {
            step: 2,
            groups: vec![0, 1],
            stretch: 1,
            place: Place::Run,
            seat_of: 0,
            fresh: false,
            attempt: Attempt::Only,
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
        let mut queue = Queue::new(&plan, &[0, 2, 1, 3, 4], IN_PLACE);
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
        let mut queue = Queue::new(&plan, &[0, 1, 2, 3, 4], TWO_JOBS);
        for pair in [[0, 2], [1, 3]] {
            pair.iter().for_each(|task| queue.start(*task));
            assert_eq!(pair.map(|task| queue.seat(task)), [0, 1]);
            assert!(pair.iter().all(|task| queue.end(*task).is_empty()));
        }
        assert_eq!(queue.startable(), [4]);
        queue.start(4);
        assert_eq!(queue.seat(4), 2);
        assert_eq!(queue.running(), [4]);
        assert_eq!(queue.end(4), [0, 1]);
    }

    #[test]
    fn groups_are_integrated_in_turn_whatever_finished_first() {
        let mut builder = TaskGraphBuilder::new();
        let mut assignments = Vec::new();
        for group in 0..2 {
            let name = format!("g{group}");
            let work = builder.task_of(&name, "work").unwrap();
            let integrate = builder.task_of(&name, "integrate").unwrap();
            builder.depends(integrate, work);
            if group == 1 {
                builder.depends(integrate, 1);
            }
            assignments.extend([(0, Place::Groups), (1, Place::Run)].map(|(step, place)| {
                Assignment {
                    step,
                    groups: vec![group],
                    stretch: step,
                    place,
                    seat_of: group,
                    fresh: step == 0,
                    attempt: Attempt::Only,
                }
            }));
        }
        let plan = Plan {
            graph: builder.build().unwrap(),
            assignments,
        };
        let mut queue = Queue::new(&plan, &[0, 1, 2, 3], TWO_JOBS);
        queue.start(0);
        queue.start(2);
        assert!(queue.end(2).is_empty());
        assert!(
            queue.startable().is_empty(),
            "the first group is not there yet"
        );
        assert!(queue.end(0).is_empty());
        queue.start(1);
        assert_eq!(queue.seat(1), 2);
        assert_eq!(queue.end(1), [0]);
        assert_eq!(queue.startable(), [3]);
        queue.start(3);
        assert_eq!(queue.end(3), [1]);
    }
}
