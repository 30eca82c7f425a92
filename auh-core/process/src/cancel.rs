//! Asking running commands to stop, from any thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::event::EventfdFlags;
use rustix::fd::OwnedFd;
use rustix::io;

/// How urgent a cancellation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CancelStage {
    /// Ask to stop, and kill what has not stopped after its grace period.
    Soft,
    /// Kill now.
    Hard,
}

/// Stops the commands that run with it, at once, and keeps new ones from starting. Clones are the
/// same token; a token that has been cancelled stays so.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    stage: Option<CancelStage>,
    wakers: Vec<Weak<OwnedFd>>,
}

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels; `Soft` after `Hard` changes nothing.
    pub fn cancel(&self, stage: CancelStage) {
        let mut shared = self.lock();
        shared.stage = shared.stage.max(Some(stage));
        for waker in shared.wakers.iter().filter_map(Weak::upgrade) {
            // A full counter would refuse the write, but then its reader is awake anyway.
            let _ = io::write(&*waker, &1_u64.to_ne_bytes());
        }
    }

    /// How far the cancellation has gone; `None` if there was none.
    pub fn stage(&self) -> Option<CancelStage> {
        self.lock().stage
    }

    /// Whether anybody has cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.stage().is_some()
    }

    /// A file descriptor that becomes readable with each cancellation from now on.
    pub(crate) fn waker(&self) -> io::Result<Arc<OwnedFd>> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let waker = Arc::new(rustix::event::eventfd(0, flags)?);
        let mut shared = self.lock();
        shared.wakers.retain(|waker| waker.strong_count() > 0);
        shared.wakers.push(Arc::downgrade(&waker));
        Ok(waker)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_never_goes_back() {
        let token = CancelToken::new();
        assert!(!token.is_cancelled());
        token.clone().cancel(CancelStage::Hard);
        token.cancel(CancelStage::Soft);
        assert_eq!(token.stage(), Some(CancelStage::Hard));
    }

    #[test]
    fn forgets_the_wakers_of_runs_that_are_over() {
        let token = CancelToken::new();
        for _ in 0..10 {
            drop(token.waker().unwrap());
        }
        assert_eq!(token.lock().wakers.len(), 1);
    }
}
