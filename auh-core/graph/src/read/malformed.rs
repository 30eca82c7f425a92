//! What the tests of all readers ask of files that are not as they should be.

use proptest::prelude::*;

use super::ReadError;
use crate::task_graph::TaskGraph;

/// A small file that is well formed, and what reads it.
pub(super) struct Sample {
    pub(super) text: &'static str,
    pub(super) read: fn(&[u8]) -> Result<TaskGraph, ReadError>,
}

impl Sample {
    /// These bytes are refused with this text.
    pub(super) fn check_error(&self, bytes: &[u8], expect: &str) {
        let error = self.refused(bytes).to_string();
        let start = error.chars().take(500).collect::<String>();
        assert!(error == expect, "{start}\ninstead of\n{expect}");
    }

    /// The sample with something else in it is refused with this text.
    pub(super) fn check_changed(&self, from: &str, to: &str, expect: &str) {
        let changed = self.text.replace(from, to);
        assert_ne!(changed, self.text);
        self.check_error(changed.as_bytes(), expect);
    }

    /// Wherever the file ends before its last character but blanks, that is an error in a line.
    pub(super) fn check_cut_off(&self) {
        for end in 0..self.text.trim_end().len() {
            let error = self.refused(&self.text.as_bytes()[..end]);
            assert!(matches!(error, ReadError::Line { .. }), "{end}: {error}");
        }
    }

    /// Bytes in other places, each with what stands there then.
    pub(super) fn damage(&self) -> impl Strategy<Value = Vec<u8>> + use<> {
        let text = self.text.as_bytes();
        prop::collection::vec((0..text.len(), any::<u8>()), 1..4).prop_map(move |changes| {
            let mut bytes = text.to_vec();
            for (place, byte) in changes {
                bytes[place] = byte;
            }
            bytes
        })
    }

    /// Whatever the bytes are, they are a graph, or an error in one of their lines.
    pub(super) fn check_any(&self, bytes: &[u8]) {
        match (self.read)(bytes) {
            Ok(graph) => assert_eq!(graph.ids().len(), graph.len()),
            Err(error) => check_line(&error, bytes),
        }
    }

    fn refused(&self, bytes: &[u8]) -> ReadError {
        let error = (self.read)(bytes).expect_err("malformed");
        check_line(&error, bytes);
        error
    }
}

/// The line of the error exists; the end of a file counts as the beginning of one more.
fn check_line(error: &ReadError, bytes: &[u8]) {
    let lines = 1 + bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    if let ReadError::Line { line, .. } = error {
        assert!((1..=lines).contains(line), "{error}");
    }
}
