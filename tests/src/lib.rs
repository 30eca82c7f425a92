//! End-to-end tests over the built program.
