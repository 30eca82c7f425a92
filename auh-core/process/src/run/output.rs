//! Where a command's output goes: to the reader of lines, into memory, into the log.

use std::collections::VecDeque;
use std::thread;

use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::{End, Finished};
use crate::capture::Recorder;
use crate::command::{CaptureLimits, Command};
use crate::lines::{OutputLine, Piece, Splitter, Stream};
use crate::log::Log;

/// How much is read at once; the size of a pipe.
const CHUNK: usize = 64 * 1024;

/// How many characters of each of the last lines are kept.
const LAST_LINE: usize = 2000;

pub(super) struct Output<'a> {
    on_line: &'a mut dyn FnMut(OutputLine<'_>),
    buffer: Vec<u8>,
    stdout: Sink,
    stderr: Sink,
    log: Log,
    last: LastLines,
    /// What `last` held when the command was asked to stop.
    before_stop: Vec<String>,
}

struct Sink {
    splitter: Splitter,
    kept: Recorder,
}

impl Sink {
    fn new(limits: CaptureLimits) -> Self {
        Self {
            splitter: Splitter::default(),
            kept: Recorder::new(limits.head, limits.tail),
        }
    }
}

impl<'a> Output<'a> {
    pub(super) fn new(command: &Command, on_line: &'a mut dyn FnMut(OutputLine<'_>)) -> Self {
        Self {
            on_line,
            buffer: vec![0; CHUNK],
            stdout: Sink::new(command.capture),
            stderr: Sink::new(command.capture),
            log: Log::open(command.log.as_deref()),
            last: LastLines::new(command.capture.last_lines),
            before_stop: Vec::new(),
        }
    }

    /// Reads once from a pipe that is ready; takes the pipe away at its end.
    pub(super) fn read(&mut self, stream: Stream, pipe: &mut Option<OwnedFd>) {
        let Some(fd) = pipe else {
            return;
        };
        match rustix::io::read(fd, &mut self.buffer) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => *pipe = None,
            Ok(count) => {
                let bytes = std::mem::take(&mut self.buffer);
                self.take(stream, &bytes[..count]);
                self.buffer = bytes;
            }
        }
    }

    /// From now on the command says how it takes its end, and no more what it hangs in.
    pub(super) fn asked_to_stop(&mut self) {
        self.before_stop = self.last.lines.iter().cloned().collect();
    }

    pub(super) fn finish(mut self, end: End) -> Finished {
        self.cut(Stream::Stdout, Splitter::finish);
        self.cut(Stream::Stderr, Splitter::finish);
        Finished {
            exit: end.exit,
            wall: end.wall,
            cpu: end.cpu,
            stdout: self.stdout.kept.finish(),
            stderr: self.stderr.kept.finish(),
            last_lines: self.last.lines.into(),
            lines_before_stop: self.before_stop,
            log_error: self.log.finish(),
            lingering: end.lingering,
        }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        self.sink(stream).kept.push(bytes);
        self.cut(stream, |splitter, deliver| splitter.push(bytes, deliver));
        self.log.flush();
    }

    /// Lines go into the log only when they are whole, so that the streams do not mix within one.
    fn cut(&mut self, stream: Stream, work: impl FnOnce(&mut Splitter, &mut dyn FnMut(Piece<'_>))) {
        let mut splitter = std::mem::take(&mut self.sink(stream).splitter);
        work(&mut splitter, &mut |piece| {
            self.log.write(piece.raw);
            if let Some(line) = piece.line(stream) {
                self.last.push(&line.text);
                (self.on_line)(line);
            }
        });
        self.sink(stream).splitter = splitter;
    }

    fn sink(&mut self, stream: Stream) -> &mut Sink {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

struct LastLines {
    lines: VecDeque<String>,
    limit: usize,
}

impl LastLines {
    fn new(limit: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            limit,
        }
    }

    fn push(&mut self, text: &str) {
        if self.limit == 0 || text.trim().is_empty() {
            return;
        }
        if self.lines.len() >= self.limit {
            self.lines.pop_front();
        }
        let text: String = text.chars().take(LAST_LINE).collect();
        self.lines
            .push_back(auh_foreign::hidden(&text).into_owned());
    }
}

/// Keeps reading for those who still write, and throws it away: a daemon whose output were closed
/// would die of it. The thread ends with the last of them. Tells whether there was any.
pub(super) fn discard(pipes: Vec<OwnedFd>) -> bool {
    let lingering = !pipes.is_empty();
    for pipe in pipes {
        let drain = move || {
            let mut buffer = [0; 4096];
            while matches!(
                rustix::io::read(&pipe, &mut buffer),
                Ok(1..) | Err(Errno::INTR)
            ) {}
        };
        // Without a thread the pipe is closed, which is the lesser evil.
        drop(thread::Builder::new().name("auh-drain".into()).spawn(drain));
    }
    lingering
}
