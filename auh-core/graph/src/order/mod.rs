//! Orders: all tasks of a graph, the most important first. One module for each way to order them.

mod basic;
mod completion;
mod critical_path;
mod rm_work;
mod speed;

pub use basic::basic;
pub use completion::completion;
pub use critical_path::critical_path;
pub use rm_work::{RmWork, rm_work};
pub use speed::speed;

use crate::task_graph::TaskIndex;

/// A permutation of a graph's tasks, and its reverse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    sequence: Vec<TaskIndex>,
    places: Vec<u32>,
}

/// Why a sequence does not order the tasks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPermutation {
    /// Too few or too many.
    #[error("the order has {found} entries for {tasks} tasks")]
    Length {
        /// How many entries there are.
        found: usize,
        /// How many there should be.
        tasks: usize,
    },
    /// A task that does not exist.
    #[error("entry {place} of the order is task {task}, which does not exist")]
    Unknown {
        /// Which entry, from 0.
        place: usize,
        /// What it says.
        task: TaskIndex,
    },
    /// A task twice, so that another is missing.
    #[error("entries {first} and {second} of the order are both task {task}")]
    Repeated {
        /// One entry, from 0.
        first: u32,
        /// The other one.
        second: usize,
        /// What both say.
        task: TaskIndex,
    },
}

impl Order {
    /// Checks that `sequence` has each of the tasks `0..tasks` once.
    ///
    /// # Errors
    /// Says what is wrong at the first place that is.
    pub fn from_sequence(sequence: Vec<TaskIndex>, tasks: usize) -> Result<Self, NotAPermutation> {
        const NOWHERE: u32 = u32::MAX;
        if sequence.len() != tasks {
            let found = sequence.len();
            return Err(NotAPermutation::Length { found, tasks });
        }
        let mut places = vec![NOWHERE; tasks];
        for (place, &task) in sequence.iter().enumerate() {
            match places.get_mut(task as usize) {
                None => return Err(NotAPermutation::Unknown { place, task }),
                Some(free) if *free == NOWHERE => *free = place as u32,
                Some(&mut first) => {
                    return Err(NotAPermutation::Repeated {
                        first,
                        second: place,
                        task,
                    });
                }
            }
        }
        Ok(Self { sequence, places })
    }

    /// The tasks, most important first.
    pub fn sequence(&self) -> &[TaskIndex] {
        &self.sequence
    }

    /// The tasks, most important first, without the reverse.
    pub fn into_sequence(self) -> Vec<TaskIndex> {
        self.sequence
    }

    /// For each task its place in the order, from 0: BitBake's reverse priority map.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// The task's place in the order, from 0.
    pub fn place(&self, task: TaskIndex) -> u32 {
        self.places[task as usize]
    }

    /// From a sequence that is a permutation by construction.
    fn new(sequence: Vec<TaskIndex>) -> Self {
        let mut places = vec![0; sequence.len()];
        for (&task, place) in sequence.iter().zip(0..) {
            places[task as usize] = place;
        }
        Self { sequence, places }
    }
}

/// Sorts by rank (all below `ranks`) and keeps the order within each rank, in linear time.
fn grouped(
    sequence: &[TaskIndex],
    ranks: usize,
    rank: impl Fn(TaskIndex) -> u32,
) -> Vec<TaskIndex> {
    let mut next = vec![0_u32; ranks + 1];
    for &task in sequence {
        next[rank(task) as usize + 1] += 1;
    }
    for rank in 0..ranks {
        next[rank + 1] += next[rank];
    }
    let mut result = vec![0; sequence.len()];
    for &task in sequence {
        let place = &mut next[rank(task) as usize];
        result[*place as usize] = task;
        *place += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_reverse_of_the_sequence() {
        let order = Order::from_sequence(vec![2, 0, 1], 3).expect("a permutation");
        assert_eq!(order.places(), [1, 2, 0]);
        assert_eq!(order, Order::new(vec![2, 0, 1]));
    }

    #[test]
    fn what_is_no_permutation_is_refused() {
        let check = |sequence: Vec<u32>, message: &str| {
            let error = Order::from_sequence(sequence, 3).expect_err("no permutation");
            assert_eq!(error.to_string(), message);
        };
        check(vec![0, 1], "the order has 2 entries for 3 tasks");
        check(
            vec![0, 3, 1],
            "entry 1 of the order is task 3, which does not exist",
        );
        check(
            vec![0, 1, 0],
            "entries 0 and 2 of the order are both task 0",
        );
    }
}
