//! `upgrade-helper.conf`: errors are at a place of the file, and what is taken over into an
//! `auh.toml` sets the same.
#![no_main]

use std::path::Path;

use auh_config::ini::Ini;
use auh_config::{ConfigError, import};
use auh_fuzz::scratch;
use auh_fuzz::settings::{check_errors, check_position, load, same_but_for_places};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check_ini(text);
    let imported = import(Path::new("upgrade-helper.conf"), text);
    // Reading the defaults each time takes long; what is no INI needs none.
    if let Err(ConfigError::Ini { .. }) = imported {
        return;
    }
    let read = load(&scratch::file("upgrade-helper.conf", text.as_bytes()));
    check_errors(text, &read);
    match imported {
        Err(error) => assert!(read.is_err(), "{error}"),
        Ok(imported) => {
            let native = load(&scratch::file("auh.toml", imported.toml.as_bytes()));
            same_but_for_places(&read, &native);
        }
    }
});

fn check_ini(text: &str) {
    match Ini::parse(text) {
        Err(error) => check_position(text, error.at.line, error.at.column),
        Ok(ini) => {
            for section in ini.sections() {
                check_position(text, section.at.line, section.at.column);
                let mut keys: Vec<&str> = ini.entries(section).map(|entry| &*entry.key).collect();
                keys.sort_unstable();
                assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
                for entry in ini.entries(section) {
                    let at = entry.value_at();
                    check_position(text, at.line, at.column);
                    if let Err(error) = ini.value(section, entry) {
                        check_position(text, error.at.line, error.at.column);
                    }
                }
            }
        }
    }
}
