//! Runs external commands
