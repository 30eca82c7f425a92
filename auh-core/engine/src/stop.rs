//! Stopping a run in two stages.

use auh_process::{CancelStage, CancelToken};

/// The request to stop a run; clones are the same request.
///
/// The first request stops running commands gently and starts no new work; commands that clean
/// up still run. The second one ends those as well, at once.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    work: CancelToken,
    cleanup: CancelToken,
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
