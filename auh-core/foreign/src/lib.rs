//! Text from outside: which characters of it steer whoever shows it, and what of it is a secret.
//!
//! Not here: where the text comes from and where it goes. Those who write files (journal, logs) or
//! show something (terminal, pages, mails) ask.

mod secret;
mod steer;

pub use secret::{HIDDEN, hidden, hidden_bytes, is_secret_name};
pub use steer::steers;
