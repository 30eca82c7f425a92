//! What asks a run to stop: signals, and that nobody hears it any more.

use auh_engine::Stop;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::fs;

/// From now on each of Ctrl-C, TERM and HUP is a request to stop; and one more comes when whoever reads
/// standard error or output has gone. A terminal that closes is none for what `nohup` started.
pub(crate) fn listen(stop: &Stop) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    crate::terminal::when_unheard({
        let stop = stop.clone();
        move || {
            if !stop.requested() {
                stop.request();
            }
        }
    });
    let stop = stop.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            crate::terminal::note(if stop.requested() {
                "stopping at once"
            } else {
                "stopping: running commands are ended and the layers put in order; once more to stop at once"
            });
            stop.request();
        }
    })?;
    Ok(())
}

/// Whether whoever started this process wants it to ignore the signal. Format: proc_pid_status(5).
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
