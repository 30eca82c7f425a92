//! What the HTML pages share: the frame of a page that needs nothing but itself, text that is
//! safe within it, and round steps for the axes of charts.
//!
//! Not here: what any page is about, and opening files.

mod document;
mod escape;
mod scale;

pub use document::{Document, Script};
pub use escape::{escaped, path_in_link};
pub use scale::{round_step, short};
