//! Many short texts kept in one allocation, and a table that finds them again.
//! Nothing here knows what the texts mean.

use std::ops::Range;

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
        &self.text[self.range(index)]
    }

    /// All texts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.get(index as u32))
    }

    /// The ids of tasks whose recipes and names are given as indices.
    pub(crate) fn of_ids(
        recipes: &Self,
        recipe_of: &[u32],
        task_names: &Self,
        task_name_of: &[u32],
    ) -> Self {
        let parts = || {
            recipe_of
                .iter()
                .zip(task_name_of)
                .map(|(&recipe, &name)| [recipes.get(recipe), ":", task_names.get(name)])
        };
        let length = parts().flatten().map(str::len).sum();
        let mut ids = Self {
            text: String::with_capacity(length),
            ends: Vec::with_capacity(recipe_of.len()),
        };
        for id in parts() {
            ids.push(&id);
        }
        ids
    }

    /// The bytes of the text with this index: no checks for whole characters.
    fn bytes(&self, index: u32) -> &[u8] {
        &self.text.as_bytes()[self.range(index)]
    }

    fn range(&self, index: u32) -> Range<usize> {
        let index = index as usize;
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1],
        };
        start..self.ends[index]
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

/// That a text is not in an [`Interner`], and its hash, so that nobody need take it again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    hash: u32,
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

    /// The index of the text with these bytes, or what [`insert`](Self::insert) wants.
    pub(crate) fn find(&self, bytes: &[u8]) -> Result<u32, Missing> {
        let hash = self.table.hash_of(bytes);
        let same = |index| self.names.bytes(index) == bytes;
        self.table.find(hash, same).ok_or(Missing { hash })
    }

    /// Adds a text that was just found to be missing. `None` when there can be no more.
    pub(crate) fn insert(&mut self, missing: Missing, text: &str) -> Option<u32> {
        let new = u32::try_from(self.names.len()).ok()?;
        if new == u32::MAX {
            return None;
        }
        self.table.insert(missing.hash, new);
        Some(self.names.push(&[text]))
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

    /// Adds what is missing; says whether it was.
    fn intern(interner: &mut Interner, text: &str) -> (u32, bool) {
        match interner.find(text.as_bytes()) {
            Ok(index) => (index, false),
            Err(missing) => (interner.insert(missing, text).expect("room"), true),
        }
    }

    #[test]
    fn equal_texts_share_an_index_through_growth() {
        let mut interner = Interner::new();
        let texts: Vec<String> = (0..1000).map(|n| format!("text number {n}")).collect();
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(intern(&mut interner, text), (index as u32, true));
        }
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(intern(&mut interner, text), (index as u32, false));
        }
        assert!(interner.into_names().iter().eq(texts.iter()));
    }

    #[test]
    fn the_empty_text_is_a_text() {
        let mut interner = Interner::new();
        assert_eq!(intern(&mut interner, ""), (0, true));
        assert_eq!(intern(&mut interner, ""), (0, false));
        assert_eq!(interner.into_names().get(0), "");
    }

    #[test]
    fn lengths_tell_texts_apart_that_differ_only_in_trailing_zero_bytes() {
        let mut interner = Interner::new();
        assert_eq!(intern(&mut interner, "a"), (0, true));
        assert_eq!(intern(&mut interner, "a\0"), (1, true));
    }
}
