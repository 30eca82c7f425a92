//! The answer of the script that reads recipes: understood, or an error of one line.
#![no_main]

use auh_oe::SessionResponse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match SessionResponse::read(bytes) {
        Ok(response) => {
            for name in response.base.variables.keys() {
                assert_eq!(response.base.get(name), response.base.variables[name].as_deref());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
