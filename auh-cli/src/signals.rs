//! What asks a run to stop: signals, and that nobody hears it any more.

use auh_engine::Stop;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// From now on each of Ctrl-C, TERM and HUP is a request to stop; and one more comes when whoever reads
/// standard error or output has gone.
pub(crate) fn listen(stop: &Stop) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
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
