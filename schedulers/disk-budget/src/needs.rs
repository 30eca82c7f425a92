//! Which recipes must be begun before a recipe can be finished.

use crate::folders::Folders;
use auh_graph::TaskGraph;

/// For each recipe the set of recipes whose work folders are needed until its own is removed, as a
/// bit set over the recipes that have work folders.
pub(crate) struct Needs {
    words: usize,
    sets: Vec<u64>,
}

impl Needs {
    /// `None` when the sets would take more than this many bytes meanwhile.
    pub(crate) fn of(graph: &TaskGraph, folders: &Folders, most_bytes: usize) -> Option<Self> {
        let words = folders.len().div_ceil(64);
        if words.checked_mul(graph.len())?.checked_mul(8)? > most_bytes {
            return None;
        }
        let mut by_task = vec![0_u64; words * graph.len()];
        for &task in graph.dependants_first().iter().rev() {
            let own = task as usize * words;
            for &dependency in graph.dependencies().of(task) {
                let other = dependency as usize * words;
                for word in 0..words {
                    by_task[own + word] |= by_task[other + word];
                }
            }
            if let Some(folder) = folders.begun_by(task) {
                by_task[own + folder as usize / 64] |= 1 << (folder % 64);
            }
        }
        let mut sets = vec![0_u64; words * folders.len()];
        for folder in 0..folders.len() {
            let task = folders.last_task(folder as u32) as usize * words;
            let own = &mut sets[folder * words..][..words];
            own.copy_from_slice(&by_task[task..task + words]);
            own[folder / 64] |= 1 << (folder % 64);
        }
        Some(Self { words, sets })
    }

    /// Whether `other` must be begun before `folder` can be removed.
    pub(crate) fn needs(&self, folder: u32, other: u32) -> bool {
        let word = self.sets[folder as usize * self.words + other as usize / 64];
        word >> (other % 64) & 1 == 1
    }

    /// Whether each must be begun before the other can be removed: then both are there at one time.
    pub(crate) fn need_each_other(&self, a: u32, b: u32) -> bool {
        self.needs(a, b) && self.needs(b, a)
    }
}
