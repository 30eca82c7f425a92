//! `git status --porcelain=v1 -z`: entries that say the same when they are written again, or an error.
#![no_main]

use std::os::unix::ffi::OsStrExt;

use auh_transcript::git::{StatusEntry, parse_status};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(entries) = parse_status(bytes) else {
        return;
    };
    let written: Vec<u8> = entries.iter().flat_map(written).collect();
    assert_eq!(parse_status(&written).as_ref(), Ok(&entries));
});

fn written(entry: &StatusEntry) -> Vec<u8> {
    let mut bytes = vec![entry.index as u8, entry.work_tree as u8, b' '];
    bytes.extend(entry.path.as_os_str().as_bytes());
    bytes.push(0);
    if let Some(original) = &entry.original {
        bytes.extend(original.as_os_str().as_bytes());
        bytes.push(0);
    }
    bytes
}
