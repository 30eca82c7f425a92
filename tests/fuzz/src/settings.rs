//! Settings from one file, and what holds for their errors.

use std::path::{Path, PathBuf};

use auh_config::{ConfigError, Load, Settings};

/// The settings of one file over the defaults, or all that is wrong with it.
pub fn load(file: &Path) -> Result<Settings, Vec<ConfigError>> {
    Settings::load_or_all_errors(&Load {
        build_dir: PathBuf::from("/build"),
        config_file: Some(file.to_owned()),
        ..Load::default()
    })
}

/// There is an error when there are errors; each is printable and at a place of the text.
pub fn check_errors(text: &str, read: &Result<Settings, Vec<ConfigError>>) {
    let Err(errors) = read else { return };
    assert!(!errors.is_empty());
    for error in errors {
        let _ = (error.to_string(), error.hint());
        if let Some(place) = error.place() {
            check_position(text, place.line, place.column);
        }
    }
}

/// A line and a character of the text; the end of a line and of the text are places, too. Whether a
/// carriage return alone ends a line is a matter of taste: each may.
pub fn check_position(text: &str, line: usize, column: usize) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    assert!(line >= 1 && column >= 1, "{line}:{column}");
    let most = text.split(['\n', '\r']).count();
    assert!(line <= most, "line {line} of {most}");
    let longest = text.split('\n').map(|line| line.chars().count()).max();
    assert!(column <= longest.unwrap_or(0) + 2, "column {column}");
}

/// Both refuse, or both say the same; where it stands may differ.
pub fn same_but_for_places(
    one: &Result<Settings, Vec<ConfigError>>,
    other: &Result<Settings, Vec<ConfigError>>,
) {
    match (one, other) {
        (Ok(one), Ok(other)) => {
            let rows = |settings: &Settings| -> Vec<_> {
                let rows = settings.explain().into_iter();
                rows.map(|row| (row.key, row.value)).collect()
            };
            assert_eq!(rows(one), rows(other));
        }
        (Err(_), Err(_)) => {}
        _ => panic!("{one:?}\n{other:?}"),
    }
}
