//! Checked names: only what can be no option, no path and no command gets through, and it stays
//! what it is.
#![no_main]

use auh_protocol::{Machine, RecipeName, Revision, Version, size};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let names = [
        RecipeName::new(text).map(|name| (name.to_string(), again(&name))),
        Version::new(text).map(|name| (name.to_string(), again(&name))),
        Revision::new(text).map(|name| (name.to_string(), again(&name))),
    ];
    for name in names {
        match name {
            Ok((shown, again)) => check(text, &shown, again),
            Err(error) => assert!(error.to_string().len() < 4096),
        }
    }
    if let Ok(machine) = text.parse::<Machine>() {
        check(text, &machine.to_string(), again(&machine));
        assert!(text.starts_with(machine.name()));
    }
    if let Some(bytes) = size::bytes(text) {
        assert!(text.starts_with(|c: char| c.is_ascii_digit()));
        assert_eq!(size::bytes(&bytes.to_string()), Some(bytes));
    }
});

/// Whether it is the same once it went through JSON.
fn again<T>(name: &T) -> bool
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq,
{
    let json = serde_json::to_string(name).expect("a text");
    serde_json::from_str::<T>(&json).is_ok_and(|again| again == *name)
}

fn check(text: &str, shown: &str, again: bool) {
    assert_eq!(text, shown);
    assert!(again);
    assert!(text.starts_with(|c: char| c.is_ascii_alphanumeric()));
    assert!(text.len() <= 120);
    assert!(
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-._~".contains(c))
    );
}
