//! Something that takes a while and says nothing by itself.

use super::SILENCE;
use crate::terminal::{self, Loudness, panel};
use auh_report::duration;
use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Says that something goes on, until it is dropped.
pub(crate) struct Waiting {
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Waiting {
    /// Says what is being waited for, and from time to time that it goes on.
    pub(crate) fn begin(what: &'static str) -> Self {
        if terminal::loudness() == Loudness::Quiet {
            return Self { ticker: None };
        }
        let (end, ended) = channel();
        let ticker = match terminal::is_watched() {
            true => std::thread::spawn(move || move_on(what, &ended)),
            false => {
                terminal::note(what);
                std::thread::spawn(move || repeat(what, &ended))
            }
        };
        Self {
            ticker: Some((end, ticker)),
        }
    }

    /// It is over.
    pub(crate) fn end(self) {}
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((end, ticker)) = self.ticker.take() {
            drop(end);
            let _ = ticker.join();
        }
    }
}

/// On a terminal: one line that moves.
fn move_on(what: &str, ended: &Receiver<()>) {
    let began = Instant::now();
    loop {
        let so_far = duration(began.elapsed().as_secs_f64());
        panel::show(&[format!("{what}, {so_far}")]);
        if is_over(ended, Duration::from_millis(500)) {
            return panel::show(&[]);
        }
    }
}

fn repeat(what: &str, ended: &Receiver<()>) {
    let began = Instant::now();
    while !is_over(ended, SILENCE) {
        let so_far = duration(began.elapsed().as_secs_f64());
        terminal::note(&format!("  {what}, {so_far} so far"));
    }
}

fn is_over(ended: &Receiver<()>, patience: Duration) -> bool {
    ended.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
}
