//! A build on paper, as far as it takes to compare two ways to go: crate `auh-simulate` has the one
//! for people.

use crate::folders::Folders;
use auh_graph::{Order, TaskGraph, TaskIndex};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What came of a build on paper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paper {
    /// In microseconds.
    pub(crate) makespan: u64,
    /// Most bytes of all work folders at a time, each counted in full.
    pub(crate) peak: u64,
    /// The folders in the order in which they were begun.
    pub(crate) sequence: Vec<u32>,
}

/// Runs the graph with so many tasks at a time. `pick` is given the ready tasks in this order, and
/// those that have ended since the last call.
pub(crate) fn run(
    graph: &TaskGraph,
    folders: &Folders,
    order: &Order,
    slots: usize,
    mut pick: impl FnMut(&[TaskIndex], &[TaskIndex]) -> Option<TaskIndex>,
) -> Paper {
    let mut course = Course::new(graph, folders, order);
    loop {
        while course.running.len() < slots && !course.ready.is_empty() {
            let picked = pick(&course.ready, &course.ended);
            course.ended.clear();
            let Some(task) = picked else { break };
            course.start(task);
        }
        if !course.end_next() {
            return course.paper;
        }
    }
}

struct Course<'a> {
    graph: &'a TaskGraph,
    folders: &'a Folders,
    order: &'a Order,
    waiting_for: Vec<u32>,
    ready: Vec<TaskIndex>,
    /// When running tasks end, and as which one they started.
    running: BinaryHeap<Reverse<(u64, usize, TaskIndex)>>,
    started: usize,
    ended: Vec<TaskIndex>,
    begun: Vec<bool>,
    used: u64,
    paper: Paper,
}

impl<'a> Course<'a> {
    fn new(graph: &'a TaskGraph, folders: &'a Folders, order: &'a Order) -> Self {
        let waiting_for = |task| graph.dependencies().of(task).len() as u32;
        let waiting_for: Vec<u32> = graph.tasks().map(waiting_for).collect();
        let tasks = order.sequence().iter().copied();
        Self {
            ready: tasks.filter(|&t| waiting_for[t as usize] == 0).collect(),
            graph,
            folders,
            order,
            waiting_for,
            running: BinaryHeap::new(),
            started: 0,
            ended: Vec::new(),
            begun: vec![false; folders.len()],
            used: 0,
            paper: Paper::default(),
        }
    }

    fn place(&self, task: TaskIndex) -> usize {
        let places = |&other: &TaskIndex| self.order.place(other) < self.order.place(task);
        self.ready.partition_point(places)
    }

    fn start(&mut self, task: TaskIndex) {
        self.ready.remove(self.place(task));
        let end = self.paper.makespan + self.graph.duration(task).unwrap_or(0);
        self.running.push(Reverse((end, self.started, task)));
        self.started += 1;
        if let Some(folder) = self.folders.begun_by(task)
            && !std::mem::replace(&mut self.begun[folder as usize], true)
        {
            self.used += self.folders.bytes(folder);
            self.paper.sequence.push(folder);
            self.paper.peak = self.paper.peak.max(self.used);
        }
    }

    /// Goes on to the next moment at which something ends; false when nothing runs.
    fn end_next(&mut self) -> bool {
        let Some(&Reverse((now, ..))) = self.running.peek() else {
            return false;
        };
        self.paper.makespan = now;
        while let Some(&Reverse((end, _, task))) = self.running.peek()
            && end == now
        {
            self.running.pop();
            self.end(task);
        }
        true
    }

    fn end(&mut self, task: TaskIndex) {
        self.ended.push(task);
        if let Some(folder) = self.folders.removed_by(task) {
            self.used -= self.folders.bytes(folder);
        }
        for &dependant in self.graph.dependants().of(task) {
            let waiting_for = &mut self.waiting_for[dependant as usize];
            *waiting_for -= 1;
            if *waiting_for == 0 {
                self.ready.insert(self.place(dependant), dependant);
            }
        }
    }
}
