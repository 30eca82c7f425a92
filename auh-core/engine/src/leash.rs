//! How long one call of a step may take. When its time is up its commands end, so that a step that
//! waits for one comes back by itself; one that does not come back then is given up.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a step whose time is up may take for what needs no command.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long commands that clean up may still run when the time is up.
const CLEANUP: Duration = Duration::from_secs(120);

/// The time of one call of one step, shared by the dispatcher and the step's host.
#[derive(Debug)]
pub(crate) struct Leash {
    limit: Option<Duration>,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Commands that run.
    commands: usize,
    /// When the last one ended.
    idle_since: Instant,
    given_up: bool,
}

impl Leash {
    /// The time begins now; none is no limit.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        let began = Instant::now();
        Self {
            limit,
            began,
            state: Mutex::new(State {
                commands: 0,
                idle_since: began,
                given_up: false,
            }),
        }
    }

    /// How long a command may run that begins now: its own limit, or what is left of the step's.
    pub(crate) fn time_for(&self, own: Option<Duration>, cleanup: bool) -> Option<Duration> {
        let more = if cleanup { CLEANUP } else { Duration::ZERO };
        let left = self
            .limit
            .map(|limit| (limit + more).saturating_sub(self.began.elapsed()));
        match (own, left) {
            (Some(own), Some(left)) => Some(own.min(left)),
            (own, left) => own.or(left),
        }
    }

    /// Notes that a command begins, for as long as the answer lives; none when the step was given up.
    pub(crate) fn hold(&self) -> Option<Held<'_>> {
        let mut state = self.state();
        if state.given_up {
            return None;
        }
        state.commands += 1;
        Some(Held(self))
    }

    /// Whether a step that has not come back is to be given up. `urgent` is since when the run has
    /// been asked to stop at once.
    pub(crate) fn is_overdue(&self, urgent: Option<Instant>) -> bool {
        let end = self.limit.and_then(|limit| self.began.checked_add(limit));
        let Some(end) = [end, urgent].into_iter().flatten().min() else {
            return false;
        };
        let state = self.state();
        let quiet_since = end.max(state.idle_since);
        state.commands == 0 && Instant::now().saturating_duration_since(quiet_since) >= PATIENCE
    }

    /// From now on the step gets nothing any more.
    pub(crate) fn give_up(&self) {
        self.state().given_up = true;
    }

    pub(crate) fn given_up(&self) -> bool {
        self.state().given_up
    }

    /// How long the call has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The same for people, or the limit that it passed, for people.
    pub(crate) fn span(&self) -> String {
        let elapsed = self.elapsed();
        let shown = self.limit.filter(|limit| elapsed >= *limit);
        match shown.unwrap_or(elapsed).as_secs() {
            seconds if seconds >= 3600 && seconds.is_multiple_of(3600) => {
                format!("{} h", seconds / 3600)
            }
            seconds if seconds >= 60 && seconds.is_multiple_of(60) => {
                format!("{} min", seconds / 60)
            }
            seconds => format!("{seconds} s"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command under way.
pub(crate) struct Held<'l>(&'l Leash);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.commands -= 1;
        state.idle_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    /// A leash of a call that began some time ago.
    fn leash(limit: Option<Duration>, ago: u64) -> Leash {
        let began = Instant::now() - Duration::from_secs(ago);
        let leash = Leash {
            began,
            ..Leash::new(limit)
        };
        leash.state().idle_since = began;
        leash
    }

    #[test]
    fn a_command_gets_what_is_left_of_the_steps_time() {
        let own = seconds(50);
        assert_eq!(leash(None, 7).time_for(own, false), own);
        assert_eq!(leash(None, 7).time_for(None, false), None);
        assert_eq!(leash(seconds(1000), 7).time_for(own, false), own);
        let left = leash(seconds(60), 20).time_for(own, false).unwrap();
        assert!(left <= Duration::from_secs(40), "{left:?}");
        assert_eq!(leash(seconds(60), 61).time_for(None, false), seconds(0));
        assert_eq!(leash(seconds(60), 61).time_for(own, true), own);
    }

    #[test]
    fn a_step_is_given_up_when_its_time_is_up_and_no_command_runs() {
        assert!(!leash(None, 1000).is_overdue(None));
        assert!(!leash(seconds(60), 62).is_overdue(None), "some patience");
        let late = leash(seconds(60), 66);
        assert!(late.is_overdue(None));
        let held = late.hold().unwrap();
        assert!(!late.is_overdue(None), "a command that is being ended");
        drop(held);
        assert!(!late.is_overdue(None), "what follows the command's end");
    }

    #[test]
    fn who_is_in_a_hurry_gives_up_sooner() {
        let now = Instant::now();
        assert!(!leash(None, 60).is_overdue(Some(now)));
        assert!(leash(None, 60).is_overdue(Some(now - PATIENCE)));
    }

    #[test]
    fn a_step_that_was_given_up_runs_nothing_more() {
        let leash = leash(seconds(7200), 7300);
        assert!(leash.hold().is_some());
        leash.give_up();
        assert!(leash.hold().is_none() && leash.given_up());
        assert_eq!(leash.span(), "2 h");
    }
}
