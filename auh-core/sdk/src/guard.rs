//! Keeps panics on the plugin's side of the boundary: one that reached an `extern "C"` function
//! would end the process.

use auh_protocol::PluginFault;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    sync::{Mutex, Once},
};

/// `file:line` of this plugin's last panic. One place for all threads, because the thread that
/// panicked need not be the one that hands the panic on (thread pools do that).
static LAST_PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`; a panic in it becomes a fault with message and place.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, PluginFault>) -> Result<T, PluginFault> {
    install_hook();
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
            *LAST_PLACE
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = place;
        }));
    });
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
        place: LAST_PLACE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take(),
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
