//! The subcommands, one file each.

pub(crate) mod check;
pub(crate) mod plugin;
pub(crate) mod upgrade;
