//! Many short texts kept in one allocation, and a table that finds them again.
//! Nothing here knows what the texts mean.

use crate::index_table::IndexTable;

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

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut names = Self::default();
        for text in texts {
            names.push(&[text]);
        }
        names
    }
}

/// A set of texts: equal texts get the same index.
#[derive(Clone, Debug)]
pub(crate) struct Interner {
    names: Names,
    table: IndexTable,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Self {
            names: Names::default(),
            table: IndexTable::new(),
        }
    }

    /// The index of `text`, and whether it is new. `None` when there can be no more.
    pub(crate) fn intern(&mut self, text: &str) -> Option<(u32, bool)> {
        let new = u32::try_from(self.names.len()).ok()?;
        if new == u32::MAX {
            return None;
        }
        let hash = self.table.hash_of(text.as_bytes());
        let same = |index| self.names.get(index) == text;
        let index = self.table.find_or_insert(hash, new, same);
        if index == new {
            self.names.push(&[text]);
        }
        Some((index, index == new))
    }

    /// The index of the text with these bytes, if it is there.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<u32> {
        let hash = self.table.hash_of(bytes);
        let same = |index| self.names.get(index).as_bytes() == bytes;
        self.table.find(hash, same)
    }

    pub(crate) fn get(&self, index: u32) -> &str {
        self.names.get(index)
    }

    pub(crate) fn into_names(mut self) -> Names {
        self.names.shrink_to_fit();
        self.names
    }
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
