//! The subcommands, one file each.

pub(crate) mod bitbake_layer;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod failures;
pub(crate) mod mail;
pub(crate) mod manual;
pub(crate) mod plan;
pub(crate) mod plugin;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod runs;
pub(crate) mod schedule;
pub(crate) mod show;
pub(crate) mod upgrade;
