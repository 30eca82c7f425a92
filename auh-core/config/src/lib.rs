//! Settings: flags over `auh.toml` over `upgrade-helper.conf` over the shipped defaults, read,
//! checked and put into one [`Settings`], each value knowing where it came from.
//!
//! Not here: command-line parsing, environment variables, printing, and what a plugin does
//! with its settings. No step and no scheduler is named in this crate's code; the shipped
//! pipelines are in `defaults.toml`, other names of plugins' settings in `names.toml`.

mod error;
mod flags;
pub mod ini;
mod legacy;
mod load;
mod names;
mod native;
mod nearest;
mod options;
mod pipeline;
mod record;
mod schema;
mod settings;
mod source;
mod tree;
mod value;

pub use error::{ConfigError, Warning};
pub use flags::Flags;
pub use legacy::{Imported, import};
pub use load::{LEGACY_FILE, Load, NATIVE_FILE};
pub use pipeline::{Pipeline, PipelineEntry};
pub use settings::{Build, Layers, Limits, Row, Settings};
pub use source::{Place, Source};
pub use value::{Integrate, SmtpServer, Threads};
