//! A hash table of indices into something that its owner keeps.
//!
//! A standard map would hold a second copy of each key and allocate for it; this holds eight bytes
//! for each, and asks its owner whether the thing with an index is the one that is looked for.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

const EMPTY: u32 = u32::MAX;
const FIRST_SIZE: usize = 64;

/// Open addressing, at most three quarters full.
#[derive(Clone, Debug)]
pub(crate) struct IndexTable {
    /// Hash and index.
    slots: Vec<(u32, u32)>,
    used: usize,
    /// Random, so that nobody can write a file whose names all land in one slot.
    hasher: RandomState,
}

impl IndexTable {
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![(0, EMPTY); FIRST_SIZE],
            used: 0,
            hasher: RandomState::default(),
        }
    }

    /// The hash of a key, by which this table alone finds it.
    pub(crate) fn hash_of(&self, key: &(impl Hash + ?Sized)) -> u32 {
        self.hasher.hash_one(key) as u32
    }

    /// The index that `is_it`, if there is one.
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                (_, EMPTY) => return None,
                (other, index) if other == hash && is_it(index) => return Some(index),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// The index that `is_it`, or else `new`, which is put in.
    pub(crate) fn find_or_insert(
        &mut self,
        hash: u32,
        new: u32,
        is_it: impl Fn(u32) -> bool,
    ) -> u32 {
        match self.find(hash, is_it) {
            Some(index) => index,
            None => {
                self.insert(hash, new);
                new
            }
        }
    }

    /// Puts in an index that is not there.
    pub(crate) fn insert(&mut self, hash: u32, new: u32) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.used += 1;
        put(&mut self.slots, (hash, new));
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![(0, EMPTY); size]);
        for entry in old.into_iter().filter(|&(_, index)| index != EMPTY) {
            put(&mut self.slots, entry);
        }
    }
}

/// Puts an entry into the first empty slot that is its own or follows.
fn put(slots: &mut [(u32, u32)], entry: (u32, u32)) {
    let mask = slots.len() - 1;
    let mut slot = entry.0 as usize & mask;
    while slots[slot].1 != EMPTY {
        slot = (slot + 1) & mask;
    }
    slots[slot] = entry;
}
