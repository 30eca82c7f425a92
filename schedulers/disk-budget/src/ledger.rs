//! Who has begun, how much that takes, and whether the rest of the plan still fits.

use crate::folders::Folders;
use crate::plan::Plan;
use auh_graph::TaskIndex;

/// The budget while a build goes on.
#[derive(Clone)]
pub(crate) struct Ledger {
    folders: Folders,
    plan: Plan,
    budget: u64,
    begun: Vec<bool>,
    /// Bytes of all folders that were begun and not removed.
    used: u64,
    /// The first place of the plan whose folder was not begun. Everything before it was.
    next: usize,
    /// For each place of the plan from `next` on: the bytes of the folders that would be there if
    /// from now on everything went by the plan, with what was begun or removed early.
    future: Vec<u64>,
    /// For each place of the plan from `next` on: the most that `used` and `future` come to before
    /// that place.
    highest_before: Vec<u64>,
}

impl Ledger {
    pub(crate) fn new(folders: Folders, plan: Plan, budget: u64) -> Self {
        let count = folders.len();
        let mut this = Self {
            begun: vec![false; count],
            used: 0,
            next: 0,
            future: plan.used.clone(),
            highest_before: vec![0; count],
            folders,
            plan,
            budget,
        };
        this.look_ahead();
        this
    }

    /// The most bytes at a time when everything goes by the plan.
    pub(crate) fn planned_peak(&self) -> u64 {
        self.plan.peak()
    }

    pub(crate) fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The folder that this task would begin now.
    pub(crate) fn begun_by(&self, task: TaskIndex) -> Option<u32> {
        let folder = self.folders.begun_by(task)?;
        (!self.begun[folder as usize]).then_some(folder)
    }

    /// Whether the folder may be begun now: what is there leaves room for it, and so does all that
    /// will be there until the plan would have begun it.
    pub(crate) fn may_begin(&self, folder: u32) -> bool {
        let place = self.plan.places[folder as usize] as usize;
        self.highest_before[place].saturating_add(self.folders.bytes(folder)) <= self.budget
    }

    /// Takes the folder's room, for good or until it is removed.
    pub(crate) fn begin(&mut self, folder: u32) {
        let bytes = self.folders.bytes(folder);
        let place = self.plan.places[folder as usize] as usize;
        self.begun[folder as usize] = true;
        self.used += bytes;
        for future in &mut self.future[self.next..place] {
            *future += bytes;
        }
        while let Some(&next) = self.plan.sequence.get(self.next)
            && self.begun[next as usize]
        {
            self.next += 1;
        }
        self.look_ahead();
    }

    /// Gives its room back.
    pub(crate) fn remove(&mut self, folder: u32) {
        let bytes = self.folders.bytes(folder);
        let until = self.plan.until[folder as usize] as usize;
        self.used -= bytes;
        if self.next <= until {
            for future in &mut self.future[self.next..=until] {
                *future -= bytes;
            }
        }
        self.look_ahead();
    }

    fn look_ahead(&mut self) {
        let mut highest = self.used;
        for place in self.next..self.future.len() {
            self.highest_before[place] = highest;
            highest = highest.max(self.future[place]);
        }
    }
}
