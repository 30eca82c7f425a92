//! Stopping a run in two stages.

use auh_process::{CancelStage, CancelToken};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The request to stop a run; clones are the same request.
///
/// The first request stops running commands gently and starts no new work; commands that clean
/// up still run. The second one ends those as well, at once.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    work: CancelToken,
    cleanup: CancelToken,
    out_of_time: Arc<AtomicBool>,
}

impl Stop {
    /// Asks to stop; asked again, it becomes urgent.
    pub fn request(&self) {
        if self.work.is_cancelled() {
            self.work.cancel(CancelStage::Hard);
            self.cleanup.cancel(CancelStage::Hard);
        } else {
            self.work.cancel(CancelStage::Soft);
        }
    }

    /// The run's time is up: the same as a first request, and nothing in a run that is asked to stop
    /// already.
    pub fn time_is_up(&self) {
        if !self.requested() {
            self.out_of_time.store(true, Ordering::Relaxed);
            self.request();
        }
    }

    /// Whether the run stops because its time is up.
    #[must_use]
    pub fn is_out_of_time(&self) -> bool {
        self.out_of_time.load(Ordering::Relaxed)
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.work.is_cancelled()
    }

    /// What ordinary commands run with.
    #[must_use]
    pub fn work(&self) -> &CancelToken {
        &self.work
    }

    /// What commands that clean up run with.
    #[must_use]
    pub fn cleanup(&self) -> &CancelToken {
        &self.cleanup
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_time_is_up_is_a_first_request_and_no_second_one() {
        let stop = Stop::default();
        stop.time_is_up();
        stop.time_is_up();
        assert_eq!(stop.work().stage(), Some(CancelStage::Soft));
        assert!(stop.is_out_of_time());
        let asked = Stop::default();
        asked.request();
        asked.time_is_up();
        assert_eq!(asked.work().stage(), Some(CancelStage::Soft));
        assert!(!asked.is_out_of_time());
    }

    #[test]
    fn only_the_second_request_reaches_cleaning_up() {
        let stop = Stop::default();
        stop.request();
        assert_eq!(stop.work().stage(), Some(CancelStage::Soft));
        assert_eq!(stop.cleanup().stage(), None);
        stop.request();
        assert_eq!(stop.work().stage(), Some(CancelStage::Hard));
        assert_eq!(stop.cleanup().stage(), Some(CancelStage::Hard));
    }
}
