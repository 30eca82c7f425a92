//! What earlier failures mean for the next attempt at a recipe: what failed, how often in a row, and
//! when it is worth another try. Derived from the journals of earlier runs, which stay the truth.
//!
//! Not here: reading files (the journals and what recipes are made of come from the caller), deciding
//! what a run attempts (`auh-engine`), printing.

mod remembered;
mod rules;

pub use remembered::{EVENTS, Memory, Remembered};
pub use rules::{Next, Rules};
