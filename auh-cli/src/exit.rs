//! Exit statuses: part of what scripts rely on.

use std::process::ExitCode;

/// An exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub u8);

/// Everything went well.
pub(crate) const GOOD: Status = Status(0);
/// The run came to its end, and some recipes failed.
pub(crate) const SOME_FAILED: Status = Status(1);
/// The command line or a settings file is wrong.
pub(crate) const USAGE: Status = Status(2);
/// The build environment is not as it must be.
pub(crate) const ENVIRONMENT: Status = Status(3);
/// auh itself is at fault.
pub(crate) const INTERNAL: Status = Status(4);
/// The run was stopped.
pub(crate) const STOPPED: Status = Status(130);

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.0.into()
    }
}
