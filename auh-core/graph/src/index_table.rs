//! A hash table of indices into something that its owner keeps.
//!
//! A standard map would hold a second copy of each key and allocate for it; this holds eight bytes
//! for each, and asks its owner whether the thing with an index is the one that is looked for.

use std::hash::{BuildHasher, RandomState};

const EMPTY: u32 = u32::MAX;
const FIRST_SIZE: usize = 64;

/// Open addressing, at most half full.
#[derive(Clone, Debug)]
pub(crate) struct IndexTable {
    /// Hash and index.
    slots: Vec<(u32, u32)>,
    used: usize,
    /// Random, so that nobody can write a file whose names all land in one slot.
    seed: u64,
}

impl IndexTable {
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![(0, EMPTY); FIRST_SIZE],
            used: 0,
            seed: RandomState::new().hash_one(0_u8),
        }
    }

    /// The hash of a key made of bytes.
    pub(crate) fn hash_of(&self, bytes: &[u8]) -> u32 {
        let mut chunks = bytes.chunks_exact(8);
        let mut hash = self.seed ^ bytes.len() as u64;
        for chunk in &mut chunks {
            hash = mixed(hash, chunk.try_into().map_or(0, u64::from_le_bytes));
        }
        let mut tail = [0; 8];
        tail[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        finished(mixed(hash, u64::from_le_bytes(tail)))
    }

    /// The hash of a key made of numbers.
    pub(crate) fn hash_of_numbers(&self, numbers: &[u32]) -> u32 {
        let start = self.seed ^ numbers.len() as u64;
        let add = |hash, &number: &u32| mixed(hash, u64::from(number));
        finished(numbers.iter().fold(start, add))
    }

    /// The index that `is_it`, if there is one.
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.search(hash, is_it).ok()
    }

    /// The index that `is_it`, or else `new`, which is put in.
    pub(crate) fn find_or_insert(
        &mut self,
        hash: u32,
        new: u32,
        is_it: impl Fn(u32) -> bool,
    ) -> u32 {
        if (self.used + 1) * 2 > self.slots.len() {
            self.grow();
        }
        match self.search(hash, is_it) {
            Ok(index) => index,
            Err(slot) => {
                self.slots[slot] = (hash, new);
                self.used += 1;
                new
            }
        }
    }

    /// The index that `is_it`, or the empty slot where it belongs.
    fn search(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                (_, EMPTY) => return Err(slot),
                (other, index) if other == hash && is_it(index) => return Ok(index),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![(0, EMPTY); size]);
        let mask = size - 1;
        for entry in old.into_iter().filter(|&(_, index)| index != EMPTY) {
            let mut slot = entry.0 as usize & mask;
            while self.slots[slot].1 != EMPTY {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = entry;
        }
    }
}

/// A multiplication whose two halves are folded together.
fn mixed(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
    (product as u64) ^ ((product >> 64) as u64)
}

fn finished(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}
