//! Faults on purpose, for tests of what survives them: only in debug builds, and only when the variable
//! `AUH_FAULT` asks for one.
//!
//! | value | |
//! |---|---|
//! | `kill-before:N`, `kill-after:N` | SIGKILL just before or after event N is written (from 1) |
//! | `kill-torn:N` | SIGKILL when the first half of event N is written |
//! | `stop:N` | two interrupts after event N |
//! | `full:N` | from write N into the run directory on, the disk is full; half of that write still fits |

#[cfg(debug_assertions)]
pub(crate) use on_purpose::{after_event, before_event, before_line, check_room};

#[cfg(not(debug_assertions))]
pub(crate) use never::{after_event, before_event, before_line, check_room};

#[cfg(not(debug_assertions))]
mod never {
    use std::{fs::File, io};

    pub(crate) fn before_event() {}
    pub(crate) fn after_event() {}
    pub(crate) fn before_line(_file: &mut File, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }
    pub(crate) fn check_room() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(debug_assertions)]
mod on_purpose {
    use rustix::{
        io::Errno,
        process::{Signal, getpid, kill_process},
    };
    use std::{
        fs::File,
        io::{self, Write},
        sync::{
            OnceLock,
            atomic::{AtomicU64, Ordering},
        },
        thread::sleep,
        time::Duration,
    };

    static EVENTS: AtomicU64 = AtomicU64::new(0);
    static WRITES: AtomicU64 = AtomicU64::new(0);

    /// What is asked for, and at which event or write.
    fn asked() -> Option<&'static (String, u64)> {
        static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
        let read = || {
            let text = std::env::var("AUH_FAULT").ok()?;
            let (kind, number) = text.split_once(':')?;
            Some((kind.to_owned(), number.parse().ok()?))
        };
        ASKED.get_or_init(read).as_ref()
    }

    fn is_due(kind: &str, number: u64) -> bool {
        asked().is_some_and(|(asked, at)| asked == kind && *at == number)
    }

    pub(crate) fn before_event() {
        if is_due("kill-before", EVENTS.load(Ordering::Relaxed) + 1) {
            die();
        }
    }

    pub(crate) fn after_event() {
        let number = EVENTS.fetch_add(1, Ordering::Relaxed) + 1;
        if is_due("kill-after", number) {
            die();
        }
        if is_due("stop", number) {
            for _ in 0..2 {
                let _ = kill_process(getpid(), Signal::INT);
                // Two of one signal at the same time would be one.
                sleep(Duration::from_millis(40));
            }
        }
    }

    fn write_half(file: &mut File, line: &[u8]) {
        let _ = file.write_all(&line[..line.len() / 2]);
    }

    /// A disk that gets full in the middle of a line takes its first half.
    pub(crate) fn before_line(file: &mut File, line: &[u8]) -> io::Result<()> {
        if is_due("kill-torn", EVENTS.load(Ordering::Relaxed) + 1) {
            write_half(file, line);
            die();
        }
        let was_room = WRITES.load(Ordering::Relaxed) + 1;
        check_room().inspect_err(|_| {
            if is_due("full", was_room) {
                write_half(file, line);
            }
        })
    }

    pub(crate) fn check_room() -> io::Result<()> {
        let number = WRITES.fetch_add(1, Ordering::Relaxed) + 1;
        match asked() {
            Some((kind, at)) if kind == "full" && number >= *at => Err(Errno::NOSPC.into()),
            _ => Ok(()),
        }
    }

    fn die() -> ! {
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            sleep(Duration::from_secs(1));
        }
    }
}
