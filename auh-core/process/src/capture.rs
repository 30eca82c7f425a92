//! Keeping the beginning and the end of a stream of any length.

use std::borrow::Cow;

/// What was kept of one output stream: its beginning and its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Captured {
    /// The first bytes.
    pub head: Vec<u8>,
    /// How many bytes between head and tail were let go.
    pub left_out: u64,
    /// The last bytes; empty while everything fits into the head.
    pub tail: Vec<u8>,
}

impl Captured {
    /// What was kept as text; a line of its own says how much is missing. Invalid UTF-8 is replaced.
    pub fn text(&self) -> String {
        if self.left_out == 0 {
            let whole = [self.head.as_slice(), &self.tail].concat();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        let (head, tail) = (lossy(&self.head), lossy(&self.tail));
        format!("{head}\n[{} bytes left out]\n{tail}", self.left_out)
    }

    /// The complete output, or `None` if some of it had to be let go.
    pub fn complete(&self) -> Option<Vec<u8>> {
        (self.left_out == 0).then(|| [self.head.as_slice(), &self.tail].concat())
    }

    /// How many bytes the stream had.
    pub fn total(&self) -> u64 {
        self.head.len() as u64 + self.left_out + self.tail.len() as u64
    }
}

/// Fills a [`Captured`] within its limits: at most twice the tail's limit is held meanwhile.
#[derive(Debug)]
pub(crate) struct Recorder {
    kept: Captured,
    head_limit: usize,
    tail_limit: usize,
}

impl Recorder {
    pub(crate) fn new(head_limit: usize, tail_limit: usize) -> Self {
        Self {
            kept: Captured::default(),
            head_limit,
            tail_limit,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.head_limit - self.kept.head.len();
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        self.kept.head.extend_from_slice(head);
        self.kept.tail.extend_from_slice(rest);
        // Moving the tail only once it has doubled keeps the work per byte constant.
        if self.kept.tail.len() > self.tail_limit.saturating_mul(2) {
            self.trim();
        }
    }

    pub(crate) fn finish(mut self) -> Captured {
        self.trim();
        self.kept
    }

    fn trim(&mut self) {
        let surplus = self.kept.tail.len().saturating_sub(self.tail_limit);
        self.kept.tail.drain(..surplus);
        self.kept.left_out += surplus as u64;
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_how_much_is_missing() {
        let mut recorder = Recorder::new(2, 3);
        recorder.push(b"abcdefghij");
        let kept = recorder.finish();
        assert_eq!(kept.text(), "ab\n[5 bytes left out]\nhij");
        assert_eq!((kept.total(), kept.complete()), (10, None));
    }

    #[test]
    fn a_character_across_head_and_tail_stays_whole() {
        let mut recorder = Recorder::new(1, 10);
        recorder.push("ü".as_bytes());
        assert_eq!(recorder.finish().text(), "ü");
    }

    proptest! {
        #[test]
        fn keeps_exactly_the_two_ends(chunks: Vec<Vec<u8>>, head in 0_usize..20, tail in 0_usize..20) {
            let mut recorder = Recorder::new(head, tail);
            chunks.iter().for_each(|chunk| recorder.push(chunk));
            let (kept, whole) = (recorder.finish(), chunks.concat());
            prop_assert_eq!(kept.total(), whole.len() as u64);
            prop_assert!(whole.starts_with(&kept.head) && whole.ends_with(&kept.tail));
            prop_assert_eq!(kept.left_out as usize, whole.len().saturating_sub(head + tail));
        }
    }
}
