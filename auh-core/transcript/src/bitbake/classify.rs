//! Which class of failure a task, an error or a line of a log speaks of.

use auh_protocol::{Failure, FailureClass};

use super::shortened;
use crate::message::Message;

/// Signs that the host ran out of something, wherever they stand.
const EXHAUSTED: [&str; 4] = [
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "Cannot allocate memory",
];

/// What pseudo's client prints when its server no longer agrees with the files on disk. The task
/// that it happens to did nothing wrong, and mostly succeeds the next time.
const PSEUDO_GAVE_UP: &str = "abort()ing pseudo client by server request";

/// Signs that BitBake's server, its workers or its locks failed. Only in BitBake's own messages: a
/// recipe's log may say such things of other servers.
const SERVER: [&str; 14] = [
    "since the disk space monitor action is",
    "Unable to start bitbake server",
    "Unable to connect to bitbake server",
    "Server didn't start",
    "No reply after pinging server",
    "Unable to ping server",
    "Timeout while waiting for a reply from the bitbake server",
    "Attempting to set server environment:",
    "Attempting to set event mask:",
    "Fetching command line:",
    "Executing event:",
    "Failed to start bitbake environment",
    "Failed to spawn fakeroot worker",
    "Unable to acquire lock",
];

/// The line of a task's log without its bar, if it shows that the host ran out of something.
pub(super) fn trouble_in_log(line: &str) -> Option<&str> {
    let line = line.trim_start().trim_start_matches("| ");
    EXHAUSTED
        .iter()
        .any(|sign| line.contains(sign))
        .then_some(line)
}

/// The line of an error message that shows that the build environment failed and not a recipe.
pub(super) fn trouble_in_message(message: &Message) -> Option<&str> {
    let of_task = message.of_task().is_some();
    let server = |line: &str| {
        !of_task && (is_lost_worker(line) || SERVER.iter().any(|sign| line.contains(sign)))
    };
    let mut lines = message.lines.iter().map(String::as_str);
    lines.find(|line| server(line) || trouble_in_log(line).is_some())
}

fn is_lost_worker(line: &str) -> bool {
    line.contains(" process (") && line.contains(") exited unexpectedly (")
}

/// The line that shows that pseudo ended a task, by aborting it: BitBake puts what pseudo's server said
/// below the message that the task failed.
pub(super) fn ended_by_pseudo(message: &Message) -> Option<&str> {
    let aborted = message.first().contains(" failed with exit code '134'");
    let mut lines = message.lines.iter().filter(|_| aborted);
    lines
        .find(|line| line.starts_with("path mismatch ["))
        .map(String::as_str)
}

/// The class of a failed task, given what it reported.
pub(super) fn of_task(task: &str, messages: &[&Message]) -> FailureClass {
    if messages
        .iter()
        .any(|message| message.contains(PSEUDO_GAVE_UP))
    {
        return FailureClass::Infrastructure;
    }
    let texts = messages
        .iter()
        .filter_map(|message| Some(message.of_task()?.text));
    let mut checks = texts.filter_map(quality_check).peekable();
    if checks.peek().is_some() && checks.all(is_licence_check) {
        return FailureClass::Licence;
    }
    of_task_name(task.strip_suffix("_setscene").unwrap_or(task))
}

/// The failure that an error message speaks of when no task failed.
pub(super) fn of_error(message: &Message) -> Failure {
    let names_recipe = [".bb:", ".inc:", ".bbappend:", ".bb "]
        .iter()
        .any(|name| message.contains(name));
    let class = match names_recipe {
        // The recipe as it is now cannot even be parsed.
        true => FailureClass::Configure,
        false => FailureClass::Infrastructure,
    };
    Failure::new(class, shortened(message.first()))
}

/// The check in `QA Issue: text [check]`.
fn quality_check(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("QA Issue: ")?;
    let (_, check) = rest.strip_suffix(']')?.rsplit_once('[')?;
    Some(check)
}

fn is_licence_check(check: &str) -> bool {
    check.starts_with("license-") || check == "incompatible-license"
}

fn of_task_name(task: &str) -> FailureClass {
    let starts = |names: &[&str]| names.iter().any(|name| task.starts_with(name));
    match () {
        () if starts(&["do_fetch", "do_unpack", "do_checkuri", "do_kernel_checkout"]) => {
            FailureClass::Fetch
        }
        () if starts(&["do_patch"]) => FailureClass::PatchConflict,
        () if starts(&["do_populate_lic"]) => FailureClass::Licence,
        () if starts(&[
            "do_configure",
            "do_prepare_recipe_sysroot",
            "do_kernel_config",
        ]) =>
        {
            FailureClass::Configure
        }
        () if starts(&[
            "do_kernel_metadata",
            "do_generate_toolchain_file",
            "do_write_config",
        ]) =>
        {
            FailureClass::Configure
        }
        () if starts(&[
            "do_package",
            "do_recipe_qa",
            "do_create_",
            "do_rootfs",
            "do_image",
        ]) =>
        {
            FailureClass::Package
        }
        () if starts(&["do_testimage", "do_testsdk"]) => FailureClass::Test,
        () => FailureClass::Compile,
    }
}
