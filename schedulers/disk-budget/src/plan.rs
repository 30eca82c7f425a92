//! A way through the graph, one task after the other, that has few work folders at a time.

use crate::folders::Folders;
use crate::needs::Needs;
use auh_graph::{TaskGraph, TaskIndex};

/// In which order folders are begun, and when each is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The folders in the order in which they are begun.
    pub(crate) sequence: Vec<u32>,
    /// For each folder its place in `sequence`.
    pub(crate) places: Vec<u32>,
    /// For each folder the last place of `sequence` at which it is there.
    pub(crate) until: Vec<u32>,
    /// For each place of `sequence` the bytes of all folders that are there once that one was begun.
    pub(crate) used: Vec<u64>,
}

/// Which recipe is begun when none is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    /// The most urgent one.
    Urgent,
    /// The one that needs the least until it is finished.
    Small,
}

impl Plan {
    /// The most bytes at a time.
    pub(crate) fn peak(&self) -> u64 {
        self.used.iter().copied().max().unwrap_or(0)
    }
}

/// Walks through the graph: runs whatever begins no folder, then begins one, and so on.
/// `urgency`: for each folder, lower is more urgent.
pub(crate) fn plan(
    graph: &TaskGraph,
    folders: &Folders,
    needs: Option<&Needs>,
    urgency: &[u32],
    roots: Roots,
) -> Plan {
    let mut planning = Planning::new(graph, folders, needs, urgency);
    while planning.sequence.len() < folders.len() {
        let folder = planning.choose(roots);
        planning.begin(folder);
    }
    planning.into_plan()
}

/// The walk that begins folders in the order in which some build begins them. Its peak is no higher
/// than that of the build: what this has removed when it begins a folder, the walk has removed, too.
pub(crate) fn along(graph: &TaskGraph, folders: &Folders, sequence: &[u32]) -> Plan {
    let urgency = vec![0; folders.len()];
    let mut planning = Planning::new(graph, folders, None, &urgency);
    for &folder in sequence {
        planning.begin(folder);
    }
    planning.into_plan()
}

struct Planning<'a> {
    graph: &'a TaskGraph,
    folders: &'a Folders,
    needs: Option<&'a Needs>,
    urgency: &'a [u32],
    waiting_for: Vec<u32>,
    /// Tasks that could run.
    ready: Vec<TaskIndex>,
    /// For each folder the tasks that could run once it is begun.
    held_back: Vec<Vec<TaskIndex>>,
    begun: Vec<bool>,
    /// The folders that are not removed yet.
    left: Vec<u32>,
    /// Of these, those that are there and that a task removes.
    removable: Vec<u32>,
    /// Of these, those that a task which could run would begin.
    beginnable: Vec<u32>,
    /// For each folder the bytes of all folders that must still be begun to remove it; of itself
    /// alone where needs are not known.
    cost: Vec<u64>,
    sequence: Vec<u32>,
    until: Vec<u32>,
    used: Vec<u64>,
    now: u64,
}

impl<'a> Planning<'a> {
    fn new(
        graph: &'a TaskGraph,
        folders: &'a Folders,
        needs: Option<&'a Needs>,
        urgency: &'a [u32],
    ) -> Self {
        let count = folders.len();
        let waiting_for = graph
            .tasks()
            .map(|t| graph.dependencies().of(t).len() as u32);
        let needed = |folder, other| match needs {
            Some(needs) => needs.needs(folder, other),
            None => folder == other,
        };
        let cost = |folder| {
            let others = (0..count as u32).filter(|&other| needed(folder, other));
            others.map(|other| folders.bytes(other)).sum()
        };
        let mut this = Self {
            graph,
            folders,
            needs,
            urgency,
            waiting_for: waiting_for.collect(),
            ready: Vec::new(),
            held_back: vec![Vec::new(); count],
            begun: vec![false; count],
            left: (0..count as u32).collect(),
            removable: Vec::new(),
            beginnable: Vec::new(),
            cost: (0..count as u32).map(cost).collect(),
            sequence: Vec::with_capacity(count),
            until: vec![(count as u32).saturating_sub(1); count],
            used: Vec::with_capacity(count),
            now: 0,
        };
        for task in graph.tasks() {
            if this.waiting_for[task as usize] == 0 {
                this.make_ready(task);
            }
        }
        this.run();
        this
    }

    fn make_ready(&mut self, task: TaskIndex) {
        match self.folders.begun_by(task) {
            Some(folder) if !self.begun[folder as usize] => {
                let held_back = &mut self.held_back[folder as usize];
                if held_back.is_empty() {
                    self.beginnable.push(folder);
                }
                held_back.push(task);
            }
            _ => self.ready.push(task),
        }
    }

    /// Runs everything that needs no new folder.
    fn run(&mut self) {
        while let Some(task) = self.ready.pop() {
            if let Some(folder) = self.folders.removed_by(task) {
                self.now -= self.folders.bytes(folder);
                self.left.retain(|&other| other != folder);
                self.removable.retain(|&other| other != folder);
                self.until[folder as usize] = self.sequence.len() as u32 - 1;
            }
            for &dependant in self.graph.dependants().of(task) {
                self.waiting_for[dependant as usize] -= 1;
                if self.waiting_for[dependant as usize] == 0 {
                    self.make_ready(dependant);
                }
            }
        }
    }

    fn begin(&mut self, folder: u32) {
        let bytes = self.folders.bytes(folder);
        self.begun[folder as usize] = true;
        self.now += bytes;
        self.sequence.push(folder);
        self.used.push(self.now);
        self.beginnable.retain(|&other| other != folder);
        if self.folders.removable(folder) {
            self.removable.push(folder);
        }
        for place in 0..self.left.len() {
            let other = self.left[place];
            if self.needed(other, folder) {
                self.cost[other as usize] -= bytes;
            }
        }
        let tasks = std::mem::take(&mut self.held_back[folder as usize]);
        self.ready.extend(tasks);
        self.run();
    }

    /// The folder to begin next. The *goal* is, of the folders that are there, the one that can be
    /// removed at the least cost, and when none is there, one by `roots`. Of the folders that the
    /// goal needs, the one comes first that can itself be removed at the least cost.
    fn choose(&self, roots: Roots) -> u32 {
        let cost = |folder: &u32| (self.cost[*folder as usize], self.urgency[*folder as usize]);
        let urgency = |folder: &u32| self.urgency[*folder as usize];
        let beginnable = || self.beginnable.iter().copied();
        let goal = self.removable.iter().copied().min_by_key(cost);
        let goal = goal.or_else(|| match roots {
            Roots::Small => beginnable().min_by_key(cost),
            Roots::Urgent => beginnable().min_by_key(urgency),
        });
        let needed = |folder: &u32| goal.is_some_and(|goal| self.needed(goal, *folder));
        let next = beginnable().filter(needed).min_by_key(cost);
        // Where needs are not known, the goal may wait for anything.
        next.or_else(|| beginnable().min_by_key(urgency))
            .expect("a graph without loops has something that could begin")
    }

    fn needed(&self, folder: u32, other: u32) -> bool {
        match self.needs {
            Some(needs) => needs.needs(folder, other),
            None => folder == other,
        }
    }

    fn into_plan(self) -> Plan {
        let mut places = vec![0; self.sequence.len()];
        for (place, &folder) in (0..).zip(&self.sequence) {
            places[folder as usize] = place;
        }
        Plan {
            sequence: self.sequence,
            places,
            until: self.until,
            used: self.used,
        }
    }
}
