//! Text from outside as people see it: nothing steers, characters stay whole, and a
//! password is hidden whatever stands before it.
#![no_main]

use auh_foreign::{hidden_bytes, steers};
use auh_transcript::plain;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let shown = plain(&text);
    assert!(!shown.contains(|c| steers(c) && c != '\n' && c != '\t'));
    let hidden = hidden_bytes(text.as_bytes());
    assert!(std::str::from_utf8(&hidden).is_ok(), "a character was cut");
    let with_password = format!("{text}\nhttps://me:s3cret@x.example/");
    assert!(!String::from_utf8_lossy(&hidden_bytes(with_password.as_bytes())).contains("s3cret@x"));
});
