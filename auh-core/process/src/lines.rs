//! Cutting a stream of bytes into lines of bounded length.

use std::borrow::Cow;

/// Which of a command's two output streams something came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line of output as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine<'a> {
    /// Where it was written to.
    pub stream: Stream,
    /// The text without its line ending; invalid UTF-8 is replaced.
    pub text: Cow<'a, str>,
    /// Whether the line ended here. `false` for a piece of a line of more than 64 KiB, and for a
    /// last line that nothing ends.
    pub ended: bool,
}

/// The longest piece of a line that is delivered at once, in bytes.
pub(crate) const LONGEST_PIECE: usize = 64 * 1024;

/// A piece of a stream: the bytes as they were, line ending included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) raw: &'a [u8],
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Newline,
    CarriageReturn,
    /// The `\n` of a `\r\n` whose line was delivered at the `\r`, or a `\r` that ends no text.
    Nothing,
    Open,
}

impl<'a> Piece<'a> {
    /// The line for a reader; none if the piece is but a line ending's second half.
    pub(crate) fn line(&self, stream: Stream) -> Option<OutputLine<'a>> {
        let text = match self.end {
            End::Newline | End::CarriageReturn => &self.raw[..self.raw.len() - 1],
            End::Open => self.raw,
            End::Nothing => return None,
        };
        Some(OutputLine {
            stream,
            text: String::from_utf8_lossy(text),
            ended: self.end != End::Open,
        })
    }
}

/// Cuts at `\n` and `\r`. Progress bars end their lines with a bare `\r` and may never send more, so
/// a line is delivered at its `\r`; the `\n` that may follow belongs to it.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    pending: Vec<u8>,
    after_return: bool,
}

impl Splitter {
    pub(crate) fn push(&mut self, mut bytes: &[u8], deliver: &mut dyn FnMut(Piece<'_>)) {
        while let Some(at) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let (line, rest) = bytes.split_at(at + 1);
            self.end_line(line, deliver);
            bytes = rest;
        }
        if !bytes.is_empty() {
            self.after_return = false;
            self.pending.extend_from_slice(bytes);
            self.cut_long(deliver);
        }
    }

    /// Delivers what no line ending followed.
    pub(crate) fn finish(&mut self, deliver: &mut dyn FnMut(Piece<'_>)) {
        if !self.pending.is_empty() {
            let raw = &std::mem::take(&mut self.pending);
            deliver(Piece {
                raw,
                end: End::Open,
            });
        }
    }

    fn end_line(&mut self, line: &[u8], deliver: &mut dyn FnMut(Piece<'_>)) {
        self.pending.extend_from_slice(line);
        self.cut_long(deliver);
        let returned = line.ends_with(b"\r");
        let end = match self.pending.len() {
            1 if returned || self.after_return => End::Nothing,
            _ if returned => End::CarriageReturn,
            _ => End::Newline,
        };
        self.after_return = returned;
        deliver(Piece {
            raw: &self.pending,
            end,
        });
        self.pending.clear();
    }

    fn cut_long(&mut self, deliver: &mut dyn FnMut(Piece<'_>)) {
        // One more than a piece: a line ending may follow the longest line.
        while self.pending.len() > LONGEST_PIECE + 1 {
            let rest = self.pending.split_off(whole_characters(&self.pending));
            deliver(Piece {
                raw: &self.pending,
                end: End::Open,
            });
            self.pending = rest;
        }
    }
}

/// Where to cut a long line so that no character of valid UTF-8 is torn.
fn whole_characters(bytes: &[u8]) -> usize {
    (LONGEST_PIECE - 3..=LONGEST_PIECE)
        .rev()
        .find(|&at| bytes[at] & 0b1100_0000 != 0b1000_0000)
        .unwrap_or(LONGEST_PIECE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(chunks: &[&[u8]]) -> (Vec<(String, bool)>, Vec<u8>) {
        let (mut splitter, mut lines, mut raw) = (Splitter::default(), Vec::new(), Vec::new());
        let mut deliver = |piece: Piece<'_>| {
            raw.extend_from_slice(piece.raw);
            lines.extend(
                piece
                    .line(Stream::Stdout)
                    .map(|line| (line.text.into_owned(), line.ended)),
            );
        };
        chunks.iter().for_each(|c| splitter.push(c, &mut deliver));
        splitter.finish(&mut deliver);
        (lines, raw)
    }

    fn check(input: &[&[u8]], expect: &[(&str, bool)]) {
        let lines = split(input).0;
        let lines: Vec<_> = lines.iter().map(|(l, e)| (l.as_str(), *e)).collect();
        assert_eq!(lines, expect, "{input:?}");
    }

    #[test]
    fn cuts_at_newlines_and_returns() {
        check(
            &[b"a\nb\n\nc"],
            &[("a", true), ("b", true), ("", true), ("c", false)],
        );
        check(
            &[b"\r10%\r20%\rdone\n"],
            &[("10%", true), ("20%", true), ("done", true)],
        );
        check(
            &[b"a\r\n\r\nb\r", b"\nc"],
            &[("a", true), ("b", true), ("c", false)],
        );
    }

    #[test]
    fn replaces_invalid_utf8() {
        check(&[b"a\xffb\n"], &[("a\u{fffd}b", true)]);
    }

    #[test]
    fn an_endless_line_comes_in_whole_characters() {
        let long = "xü".repeat(LONGEST_PIECE);
        let (lines, _) = split(&[long.as_bytes(), b"\n"]);
        assert!(lines.iter().all(|(l, _)| l.len() <= LONGEST_PIECE + 1));
        assert_eq!(
            lines.iter().map(|(l, _)| l.as_str()).collect::<String>(),
            long
        );
        assert_eq!(lines.iter().filter(|(_, ended)| *ended).count(), 1);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_and_chunks_do_not_matter(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            size in 1_usize..20,
        ) {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            let (lines, raw) = split(&chunks);
            prop_assert_eq!(&raw, &bytes);
            prop_assert_eq!(lines, split(&[&bytes]).0);
        }
    }
}
