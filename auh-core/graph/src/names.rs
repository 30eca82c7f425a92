//! Many short texts kept in one allocation, and a table that finds them again.
//! Nothing here knows what the texts mean.

use std::hash::{BuildHasher, RandomState};

/// Texts in the order in which they came, each known by its index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text with this index.
    ///
    /// # Panics
    /// When there are not that many.
    pub fn get(&self, index: u32) -> &str {
        let index = index as usize;
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1],
        };
        &self.text[start..self.ends[index]]
    }

    /// All texts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.get(index as u32))
    }

    /// Adds a text made of parts. The caller sees to it that there are never more than `u32::MAX`.
    pub(crate) fn push(&mut self, parts: &[&str]) -> u32 {
        let index = self.ends.len() as u32;
        for part in parts {
            self.text.push_str(part);
        }
        self.ends.push(self.text.len());
        index
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// A set of texts: equal texts get the same index.
///
/// An open-addressing table of indices into [`Names`]: looking a text up allocates nothing, and a
/// text is stored once (a standard map would own a second copy of each).
#[derive(Clone, Debug)]
pub(crate) struct Interner {
    names: Names,
    /// The upper half of the text's hash beside its index; `EMPTY` where nothing is.
    slots: Vec<(u32, u32)>,
    /// Random, so that nobody can write a file whose names all land in one slot.
    seed: u64,
}

const EMPTY: u32 = u32::MAX;
const FIRST_SIZE: usize = 64;

impl Interner {
    pub(crate) fn new() -> Self {
        Self {
            names: Names::default(),
            slots: vec![(0, EMPTY); FIRST_SIZE],
            seed: RandomState::new().hash_one(0_u8),
        }
    }

    /// The index of `text`, and whether it is new. `None` when the table is full.
    pub(crate) fn intern(&mut self, text: &str) -> Option<(u32, bool)> {
        if (self.names.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = hash_of(text.as_bytes(), self.seed);
        let slot = self.slot_of(hash, text);
        if self.slots[slot].1 != EMPTY {
            return Some((self.slots[slot].1, false));
        }
        if self.names.len() >= EMPTY as usize {
            return None;
        }
        let index = self.names.push(&[text]);
        self.slots[slot] = (upper(hash), index);
        Some((index, true))
    }

    pub(crate) fn get(&self, index: u32) -> &str {
        self.names.get(index)
    }

    pub(crate) fn into_names(mut self) -> Names {
        self.names.shrink_to_fit();
        self.names
    }

    /// The slot that holds `text`, or the empty one where it belongs.
    fn slot_of(&self, hash: u64, text: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = place(hash, mask);
        loop {
            let (tag, index) = self.slots[slot];
            if index == EMPTY || (tag == upper(hash) && self.names.get(index) == text) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let mask = size - 1;
        let mut slots = vec![(0, EMPTY); size];
        for (index, text) in self.names.iter().enumerate() {
            let hash = hash_of(text.as_bytes(), self.seed);
            let mut slot = place(hash, mask);
            while slots[slot].1 != EMPTY {
                slot = (slot + 1) & mask;
            }
            slots[slot] = (upper(hash), index as u32);
        }
        self.slots = slots;
    }
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn place(hash: u64, mask: usize) -> usize {
    hash as usize & mask
}

/// Eight bytes at a time, each mixed in by a multiplication whose two halves are folded together.
fn hash_of(bytes: &[u8], seed: u64) -> u64 {
    let mut hash = seed ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.try_into().map_or(0, u64::from_le_bytes);
        hash = fold(hash ^ word, 0x9e37_79b9_7f4a_7c15);
    }
    let mut tail = [0; 8];
    tail[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    fold(hash ^ u64::from_le_bytes(tail), 0xd1b5_4a32_d192_ed03)
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_an_index_through_growth() {
        let mut interner = Interner::new();
        let texts: Vec<String> = (0..1000).map(|n| format!("text number {n}")).collect();
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(interner.intern(text), Some((index as u32, true)));
        }
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(interner.intern(text), Some((index as u32, false)));
        }
        assert!(interner.into_names().iter().eq(texts.iter()));
    }

    #[test]
    fn the_empty_text_is_a_text() {
        let mut interner = Interner::new();
        assert_eq!(interner.intern(""), Some((0, true)));
        assert_eq!(interner.intern(""), Some((0, false)));
        assert_eq!(interner.into_names().get(0), "");
    }

    #[test]
    fn lengths_tell_texts_apart_that_differ_only_in_trailing_zero_bytes() {
        let mut interner = Interner::new();
        assert_eq!(interner.intern("a"), Some((0, true)));
        assert_eq!(interner.intern("a\0"), Some((1, true)));
    }
}
