//! `auh.toml`: settings, or errors that are at a place of the file, each with all its words.
#![no_main]

use auh_fuzz::scratch;
use auh_fuzz::settings::{check_errors, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let read = load(&scratch::file("auh.toml", text.as_bytes()));
    check_errors(text, &read);
    if let Ok(settings) = read {
        for row in settings.explain() {
            assert_eq!(settings.value(&row.key).is_some(), row.value.is_some());
        }
    }
});
