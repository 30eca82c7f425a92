//! Finds plugin files, checks whether they may and can be loaded, and loads them. A loaded
//! plugin stays loaded: its code may be running in threads that nobody knows of. Plugins that nobody
//! trusts are loaded by a process of their own (module `apart`).
//!
//! Not here: any plugin's name, and what steps and schedulers are for.

mod apart;
mod elf;
mod error;
mod file;
mod object;
mod plugin;
mod search;

pub use apart::{Apart, serve};
pub use error::LoadError;
pub use file::Trust;
pub use object::{HostCalls, Object};
pub use plugin::{Plugin, load, load_apart};
pub use search::{PLUGIN_PATH_VARIABLE, Search, file_name};
