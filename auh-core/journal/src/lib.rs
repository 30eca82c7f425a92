//! The run directory and its event log
