//! Plugins in a process of their own: whatever they do to their process (abort, segmentation fault,
//! `exit`, memory without end) fails what they were asked for, and nothing else.
//!
//! The process is the program itself, which is asked to [`serve`] the plugin file; both sides talk
//! in lines of JSON (module `wire`) over its standard input and output.

mod child;
mod parent;
mod wire;

pub use child::serve;
pub use parent::Apart;
pub(crate) use parent::{Conversation, manifest};
