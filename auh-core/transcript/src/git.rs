//! What `git status --porcelain=v1 -z` prints. Format: git-status(1).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use thiserror::Error;

/// A path that differs from the last commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// State in the index: git's letter, or a blank.
    pub index: char,
    /// State in the work tree: git's letter, or a blank.
    pub work_tree: char,
    /// The path, relative to the repository's top.
    pub path: PathBuf,
    /// Where it was renamed or copied from.
    pub original: Option<PathBuf>,
}

impl StatusEntry {
    /// Whether git does not know the path yet.
    pub fn is_untracked(&self) -> bool {
        self.index == '?'
    }

    /// Whether a merge left the path in conflict.
    pub fn is_unmerged(&self) -> bool {
        let (x, y) = (self.index, self.work_tree);
        x == 'U' || y == 'U' || (x == y && matches!(x, 'A' | 'D'))
    }
}

/// Output that is none of `git status --porcelain=v1 -z`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not the output of git status: {entry:?}")]
pub struct StatusError {
    /// The entry that could not be read.
    pub entry: String,
}

/// Reads the whole output.
///
/// # Errors
/// An entry does not have the documented form.
pub fn parse_status(output: &[u8]) -> Result<Vec<StatusEntry>, StatusError> {
    let mut fields = output.split(|&b| b == 0).filter(|field| !field.is_empty());
    let mut entries = Vec::new();
    while let Some(field) = fields.next() {
        let error = || StatusError {
            entry: String::from_utf8_lossy(field).into_owned(),
        };
        let (index, work_tree, path) = match field {
            [x, y, b' ', path @ ..] if !path.is_empty() => (*x as char, *y as char, path),
            _ => return Err(error()),
        };
        let moved = [index, work_tree]
            .iter()
            .any(|state| matches!(state, 'R' | 'C'));
        let original = match moved {
            true => Some(to_path(fields.next().ok_or_else(error)?)),
            false => None,
        };
        entries.push(StatusEntry {
            index,
            work_tree,
            path: to_path(path),
            original,
        });
    }
    Ok(entries)
}

fn to_path(bytes: &[u8]) -> PathBuf {
    OsString::from_vec(bytes.to_vec()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_with_and_without_a_rename() {
        let output = b" M a b.bb\0R  new_2.0.bb\0old_1.0.bb\0?? x\n\xff\0UU c\0";
        let entries = parse_status(output).unwrap();
        let short: Vec<_> = entries
            .iter()
            .map(|e| format!("{}{} {:?} {:?}", e.index, e.work_tree, e.path, e.original))
            .collect();
        assert_eq!(
            short,
            [
                r#" M "a b.bb" None"#,
                r#"R  "new_2.0.bb" Some("old_1.0.bb")"#,
                r#"?? "x\n\xFF" None"#,
                r#"UU "c" None"#,
            ]
        );
        assert!(entries[2].is_untracked() && entries[3].is_unmerged() && !entries[0].is_unmerged());
        assert_eq!(parse_status(b""), Ok(Vec::new()));
    }

    #[test]
    fn something_else_is_an_error() {
        let error = parse_status(b"fatal: not a git repository\n").unwrap_err();
        assert!(error.to_string().contains("fatal: not a git repository"));
        assert!(parse_status(b"R  only-one\0").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(output: Vec<u8>) {
            let _ = parse_status(&output);
        }
    }
}
