//! The tasks that could start, kept in the scheduler's order.

use auh_graph::{Order, TaskIndex};

/// A sorted list that is cheap to take the first of, and always one slice. Taking the first moves
/// `head`; putting one in moves the shorter side when there is room at the front.
pub(crate) struct ReadyList<'o> {
    order: &'o Order,
    tasks: Vec<TaskIndex>,
    head: usize,
}

impl<'o> ReadyList<'o> {
    pub(crate) fn new(order: &'o Order) -> Self {
        Self {
            order,
            tasks: Vec::new(),
            head: 0,
        }
    }

    /// All of them, most important first.
    pub(crate) fn tasks(&self) -> &[TaskIndex] {
        &self.tasks[self.head..]
    }

    pub(crate) fn insert(&mut self, task: TaskIndex) {
        let place = match self.find(task) {
            Ok(place) | Err(place) => place,
        };
        let before = place - self.head;
        if self.head > 0 && before <= self.tasks.len() - place {
            self.tasks.copy_within(self.head..place, self.head - 1);
            self.head -= 1;
            self.tasks[place - 1] = task;
        } else {
            self.tasks.insert(place, task);
        }
    }

    /// Whether the task was there.
    pub(crate) fn remove(&mut self, task: TaskIndex) -> bool {
        let Ok(place) = self.find(task) else {
            return false;
        };
        if place - self.head <= self.tasks.len() - place {
            self.tasks.copy_within(self.head..place, self.head + 1);
            self.head += 1;
        } else {
            self.tasks.remove(place);
        }
        true
    }

    /// Takes out all tasks that `leaves` says of, in order.
    pub(crate) fn take_out(&mut self, leaves: impl Fn(TaskIndex) -> bool) -> Vec<TaskIndex> {
        self.tasks.drain(..self.head);
        self.head = 0;
        self.tasks.extract_if(.., |task| leaves(*task)).collect()
    }

    /// Puts back what was taken out, which need not be in order.
    pub(crate) fn put_back(&mut self, tasks: Vec<TaskIndex>) {
        self.tasks.drain(..self.head);
        self.head = 0;
        self.tasks.extend(tasks);
        self.tasks.sort_by_key(|&task| self.order.place(task));
    }

    /// Where the task is, or where it belongs.
    fn find(&self, task: TaskIndex) -> Result<usize, usize> {
        let place = self.order.place(task);
        let found = self
            .tasks()
            .binary_search_by_key(&place, |&task| self.order.place(task));
        match found {
            Ok(at) => Ok(self.head + at),
            Err(at) => Err(self.head + at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Against a set that is sorted by place.
        #[test]
        fn it_stays_sorted(
            sequence in Just((0..40).collect::<Vec<u32>>()).prop_shuffle(),
            steps in prop::collection::vec((0_u32..40, 0_u8..8), 0..200),
        ) {
            let order = Order::from_sequence(sequence, 40).expect("a permutation");
            let mut list = ReadyList::new(&order);
            let mut expected = BTreeSet::new();
            for (task, what) in steps {
                let entry = (order.place(task), task);
                match what {
                    0..4 if expected.insert(entry) => list.insert(task),
                    0..4 => {}
                    4..6 => {
                        let first = list.tasks().first().copied();
                        prop_assert_eq!(first, expected.pop_first().map(|(_, task)| task));
                        prop_assert!(first.is_none_or(|first| list.remove(first)));
                    }
                    6 => prop_assert_eq!(list.remove(task), expected.remove(&entry)),
                    _ => {
                        let out = list.take_out(|t| t % 3 == task % 3);
                        prop_assert!(list.tasks().iter().all(|t| t % 3 != task % 3));
                        list.put_back(out);
                    }
                }
                let tasks: Vec<u32> = expected.iter().map(|&(_, task)| task).collect();
                prop_assert_eq!(list.tasks(), &tasks[..]);
            }
        }
    }
}
