//! Output with the time of each line, since the Python helper's own log has none.

use anyhow::Result;
use std::{
    io::{BufRead, BufReader, Read, Write},
    time::Instant,
};

/// A line of output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line<'a> {
    /// When it came, seconds since the program's start.
    pub(crate) seconds: f64,
    pub(crate) text: &'a str,
}

/// Copies lines up to the end, each with the seconds since `start` and a tab before it.
pub(super) fn stamp(from: impl Read, start: Instant, mut to: impl Write) -> Result<()> {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        write!(to, "{:.3}\t", start.elapsed().as_secs_f64())?;
        to.write_all(&line)?;
        line.clear();
    }
    Ok(())
}

/// The lines of a text that [`stamp`] wrote.
pub(crate) fn read(text: &str) -> Vec<Line<'_>> {
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines
        .filter_map(|(seconds, text)| {
            let seconds = seconds.parse().ok()?;
            Some(Line { seconds, text })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_times_and_keep_their_text() {
        let mut stamped = Vec::new();
        stamp(&b"one\n\ttwo\n\nrest"[..], Instant::now(), &mut stamped).unwrap();
        let text = String::from_utf8(stamped).unwrap();
        let lines = read(&text);
        let texts: Vec<_> = lines.iter().map(|line| line.text).collect();
        assert_eq!(texts, ["one", "\ttwo", "", "rest"]);
        assert!(lines.iter().all(|line| (0.0..60.0).contains(&line.seconds)));
    }

    #[test]
    fn what_has_no_time_is_no_line() {
        assert_eq!(read("no tab\nx\ty\n"), []);
        let line = Line {
            seconds: 1.5,
            text: "a",
        };
        assert_eq!(read("1.500\ta\n"), [line]);
    }
}
