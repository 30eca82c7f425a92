//! The built program in build environments around the stand-in tools, from the command line in to
//! exit status, streams, commits and files out. One test program, so that its tests share the
//! processors.

mod bad_input;
mod bad_plugins;
mod bitbake_scheduler;
mod commands;
mod hostile_plugins;
mod many_recipes;
mod options;
mod six_fates;
mod stopping;
mod users_edits;
