//! Bytes as numbered lines.

use std::io::{BufRead, ErrorKind};

use super::{ReadError, at};

/// Names and paths are short; what is longer than this is no line of such a file.
const LONGEST_LINE: usize = 1 << 20;

/// Hands each line, without its end, to `take` with its number from 1, and says how many there were.
/// A line is copied only where the input's own buffer does not have it whole.
pub(crate) fn each_line(
    input: &mut dyn BufRead,
    mut take: impl FnMut(&[u8], u64) -> Result<(), ReadError>,
) -> Result<u64, ReadError> {
    let mut number = 0;
    // A line whose end was not in the buffer.
    let mut begun = Vec::new();
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if buffer.is_empty() {
            break;
        }
        let mut rest = buffer;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            number += 1;
            let line = completed(&mut begun, &rest[..end]);
            check_length(line, number)?;
            take(line, number)?;
            begun.clear();
            rest = &rest[end + 1..];
        }
        begun.extend_from_slice(rest);
        check_length(&begun, number + 1)?;
        let used = buffer.len();
        input.consume(used);
    }
    if !begun.is_empty() {
        number += 1;
        take(&begun, number)?;
    }
    Ok(number)
}

fn completed<'a>(begun: &'a mut Vec<u8>, end: &'a [u8]) -> &'a [u8] {
    if begun.is_empty() {
        return end;
    }
    begun.extend_from_slice(end);
    begun
}

fn check_length(line: &[u8], number: u64) -> Result<(), ReadError> {
    match line.len() {
        0..=LONGEST_LINE => Ok(()),
        _ => Err(at(
            number,
            format!("the line is longer than {LONGEST_LINE} bytes"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn lines_of(input: &mut dyn BufRead) -> Vec<Vec<u8>> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let count = each_line(input, |line, number| {
            lines.push(line.to_vec());
            assert_eq!(number, lines.len() as u64);
            Ok(())
        });
        assert_eq!(count.expect("short lines"), lines.len() as u64);
        lines
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(lines_of(&mut &b""[..]), Vec::<Vec<u8>>::new());
        assert_eq!(lines_of(&mut &b"a\n\nb"[..]), [&b"a"[..], b"", b"b"]);
        assert_eq!(lines_of(&mut &b"a\n\n"[..]), [&b"a"[..], b""]);
    }

    #[test]
    fn the_longest_line_is_read_and_one_byte_more_is_an_error() {
        let line = "a".repeat(LONGEST_LINE);
        for capacity in [1 << 10, 4 << 20] {
            let text = format!("\n{line}\n");
            let mut input = BufReader::with_capacity(capacity, text.as_bytes());
            assert_eq!(lines_of(&mut input)[1].len(), LONGEST_LINE);
            for end in ["", "\n"] {
                let text = format!("\n{line}b{end}");
                let mut input = BufReader::with_capacity(capacity, text.as_bytes());
                let error = each_line(&mut input, |_, _| Ok(())).expect_err("too long");
                let expect = "line 2: the line is longer than 1048576 bytes";
                assert_eq!(error.to_string(), expect);
            }
        }
    }

    #[test]
    fn an_error_of_the_input_is_handed_on() {
        struct Broken;
        impl std::io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the disk is gone"))
            }
        }
        let error = each_line(&mut BufReader::new(Broken), |_, _| Ok(())).expect_err("broken");
        assert!(matches!(error, ReadError::Io(_)), "{error}");
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_the_buffer(text in "[ab\n]{0,40}", capacity in 1_usize..50) {
            let mut input = BufReader::with_capacity(capacity, text.as_bytes());
            prop_assert!(lines_of(&mut input).iter().map(Vec::as_slice).eq(text.lines().map(str::as_bytes)));
        }
    }
}
