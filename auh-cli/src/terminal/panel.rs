//! The lines that move, below those that stay. They are the last ones on the screen, and the cursor
//! stands at the beginning of the line below them, so that whatever else is printed there by somebody
//! unknown begins on a line of its own.

use super::{
    noticed,
    width::{cut, width},
};
use rustix::termios::tcgetwinsize;
use std::{
    io::{Write, stderr},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The size of a terminal in columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub columns: usize,
    pub rows: usize,
}

impl Size {
    /// That of standard error; a usual one where there is none to be had.
    pub(crate) fn now() -> Self {
        let known = tcgetwinsize(stderr()).ok();
        let known = known.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let (columns, rows) = known.map_or((80, 24), |size| (size.ws_col, size.ws_row));
        Self {
            columns: columns.into(),
            rows: rows.into(),
        }
    }
}

static PANEL: Mutex<Panel> = Mutex::new(Panel { drawn: Vec::new() });

/// Replaces the lines that move. None at all takes them away.
pub(crate) fn show(lines: &[String]) {
    let mut panel = lock();
    if lines.is_empty() && panel.drawn.is_empty() {
        return;
    }
    write(&panel.replace("", lines, Size::now()));
}

/// Adds text, whole lines, above what moves.
pub(crate) fn above(text: &str) {
    let mut panel = lock();
    if panel.drawn.is_empty() {
        return write(text);
    }
    let lines = panel.drawn.clone();
    write(&panel.replace(text, &lines, Size::now()));
}

/// Lets something else print while nothing moves.
pub(crate) fn aside(print: impl FnOnce()) {
    let mut panel = lock();
    let lines = panel.drawn.clone();
    if !lines.is_empty() {
        write(&panel.replace("", &[], Size::now()));
    }
    print();
    if !lines.is_empty() {
        write(&panel.replace("", &lines, Size::now()));
    }
}

fn lock() -> MutexGuard<'static, Panel> {
    PANEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A standard error that was closed before is no reason to stop an upgrade.
fn write(text: &str) {
    let mut out = stderr().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    drop(out);
    let _ = written.inspect_err(noticed);
}

/// What is on the screen.
struct Panel {
    drawn: Vec<String>,
}

impl Panel {
    /// What to send to the terminal so that `text` stands above, and `lines` below that, instead of the
    /// lines drawn before. One write, so that nothing flickers or comes between.
    fn replace(&mut self, text: &str, lines: &[String], size: Size) -> String {
        let mut out = String::new();
        let rows = self.rows(size);
        if rows > 0 {
            // Up to the first of them, and clear to the end of the screen.
            out += &format!("\r\x1b[{rows}A\x1b[J");
        }
        out += text;
        self.drawn = fitting(lines, size);
        for line in &self.drawn {
            out += line;
            out += "\n";
        }
        out
    }

    /// How many rows the drawn lines take. A terminal that has become narrower since has broken the
    /// longer ones into several.
    fn rows(&self, size: Size) -> usize {
        let rows = |line: &String| width(line).div_ceil(size.columns.max(1)).max(1);
        self.drawn.iter().map(rows).sum()
    }
}

/// The lines cut to the terminal's width, and no more of them than can be moved over again: what has
/// scrolled off its top is out of reach. The last line always stays.
fn fitting(lines: &[String], size: Size) -> Vec<String> {
    // A line that fills its row makes some terminals wrap.
    let columns = size.columns.saturating_sub(1).max(1);
    let most = size.rows.saturating_sub(2).max(1);
    let fit = |line: &String| cut(line, columns);
    match lines {
        [first @ .., last] if lines.len() > most => {
            let shown = most.saturating_sub(2);
            let hidden = first.len() - shown;
            let more = (most > 1).then(|| cut(&format!("… and {hidden} more"), columns));
            let first = first[..shown].iter().map(fit);
            first.chain(more).chain([fit(last)]).collect()
        }
        _ => lines.iter().map(fit).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    fn size(columns: usize, rows: usize) -> Size {
        Size { columns, rows }
    }

    #[test]
    fn lines_that_move_are_drawn_over_and_those_above_stay() {
        let mut panel = Panel { drawn: Vec::new() };
        let wide = size(20, 10);
        assert_eq!(panel.replace("", &lines(&["a", "b"]), wide), "a\nb\n");
        assert_eq!(
            panel.replace("done\n", &lines(&["c"]), wide),
            "\r\x1b[2A\x1b[Jdone\nc\n"
        );
        assert_eq!(panel.replace("", &[], wide), "\r\x1b[1A\x1b[J");
        assert_eq!(panel.replace("x\n", &[], wide), "x\n");
    }

    #[test]
    fn lines_that_a_narrower_terminal_broke_are_all_cleared() {
        let mut panel = Panel { drawn: Vec::new() };
        let line = lines(&["0123456789"]);
        panel.replace("", &line, size(20, 10));
        let out = panel.replace("", &line, size(6, 10));
        assert_eq!(out, "\r\x1b[2A\x1b[J0123…\n");
    }

    #[test]
    fn no_more_lines_than_the_terminal_has() {
        let many: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        assert_eq!(fitting(&many, size(20, 30)).len(), 9);
        assert_eq!(
            fitting(&many, size(20, 6)),
            lines(&["0", "1", "… and 6 more", "8"])
        );
        assert_eq!(fitting(&many, size(20, 1)), lines(&["8"]));
    }
}
