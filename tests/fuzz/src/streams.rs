//! The output of a command as one file, and what holds for everything that is read out of it.

use auh_protocol::Failure;

/// Standard output and standard error, parted by a NUL.
pub fn parted(bytes: &[u8]) -> (String, String) {
    let end = bytes.iter().position(|&byte| byte == 0);
    let (stdout, stderr) = match end {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[][..]),
    };
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(stdout), text(stderr))
}

/// A failure is one line that fits into a report.
pub fn check_failure(failure: &Failure) {
    assert!(!failure.message.contains('\n'), "{:?}", failure.message);
}
