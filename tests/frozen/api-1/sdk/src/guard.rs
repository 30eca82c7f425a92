//! Keeps panics on the plugin's side of the boundary: one that reached an `extern "C"` function
//! would end the process.

use auh_protocol::PluginFault;
use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

thread_local! {
    /// `file:line` of this thread's last panic.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// `file:line` of the last panic on any thread: a thread pool hands a panic on to the thread that
/// waits for it, which has none of its own.
static PLACE_ELSEWHERE: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`; a panic in it becomes a fault with message and place.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, PluginFault>) -> Result<T, PluginFault> {
    install_hook();
    PLACE.set(None);
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(fault(payload)))
}

/// A plugin has a panic hook of its own, which would write to the host's terminal.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        set_hook(Box::new(|info| {
            let place = info
                .location()
                .map(|l| format!("{}:{}", l.file(), l.line()));
            PLACE.set(place.clone());
            *elsewhere() = place;
        }));
    });
}

fn elsewhere() -> MutexGuard<'static, Option<String>> {
    PLACE_ELSEWHERE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn fault(payload: Box<dyn Any + Send>) -> PluginFault {
    let message = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    };
    // The payload's destructor is the plugin's code too and could panic again.
    std::mem::forget(payload);
    PluginFault {
        panicked: true,
        message,
        place: PLACE.take().or_else(|| elsewhere().take()),
        class: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_fault_with_message_and_place() {
        let line = line!() + 1;
        let result: Result<(), _> = guarded(|| panic!("lost {}", 1));
        let fault = result.unwrap_err();
        assert!(fault.panicked);
        assert_eq!(fault.message, "lost 1");
        let place = fault.place.unwrap();
        assert!(place.ends_with(&format!("guard.rs:{line}")), "{place}");
    }

    #[test]
    fn panics_at_the_same_time_keep_their_places() {
        let place = |here: bool| {
            let result: Result<(), _> = guarded(|| {
                if here {
                    panic!("here")
                } else {
                    panic!("there")
                }
            });
            result.unwrap_err().place.unwrap()
        };
        let expect = [place(false), place(true)];
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (place, expect) = (&place, &expect);
                scope.spawn(move || {
                    for _ in 0..200 {
                        assert_eq!(&place(number % 2 == 1), &expect[number % 2]);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_of_another_thread_that_is_handed_on_keeps_its_place() {
        let result: Result<(), _> = guarded(|| {
            let panicked = std::thread::spawn(|| panic!("elsewhere")).join();
            std::panic::resume_unwind(panicked.unwrap_err())
        });
        let fault = result.unwrap_err();
        assert_eq!(fault.message, "elsewhere");
        let place = fault.place.unwrap();
        assert!(place.contains("guard.rs:"), "{place}");
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_kept_in() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        let result: Result<(), _> = guarded(|| std::panic::panic_any(Bomb));
        assert_eq!(result.unwrap_err().message, "a panic without a message");
    }
}
