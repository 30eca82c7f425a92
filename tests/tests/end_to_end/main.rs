//! The built program in build environments around the stand-in tools, from the command line in to
//! exit status, streams, commits and files out. One test program, so that its tests share the
//! processors.

mod bad_input;
mod bad_plugins;
mod bitbake_scheduler;
mod build_history;
mod commands;
mod compatibility;
mod configuration;
mod crashes;
mod hostile_plugins;
mod jobs;
mod jobs_apart;
mod jobs_same;
mod mail;
mod mail_named;
mod many_recipes;
mod options;
mod report_page;
mod results;
mod runs;
mod schedule_page;
mod settings_named;
mod six_fates;
mod stopping;
mod test_image;
mod two_hundred;
mod users_edits;
