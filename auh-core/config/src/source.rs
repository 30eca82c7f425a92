//! Where a value came from.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A place in a file, as compilers write it: `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Place {
    /// The place of the byte at `offset` in `text`, which is what `file` holds.
    pub(crate) fn of_offset(file: &Path, text: &str, offset: usize) -> Self {
        let before = text.char_indices().take_while(|(at, _)| *at < offset).fold(
            (1, 1),
            |(line, column), (_, c)| match c {
                '\n' => (line + 1, 1),
                _ => (line, column + 1),
            },
        );
        Self {
            file: file.to_owned(),
            line: before.0,
            column: before.1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The defaults that ship with the program.
    Shipped,
    /// A settings file.
    File(Place),
    /// A flag of the command line, as the user writes it: `--machines`.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.pad("default"),
            Self::File(place) => place.fmt(f),
            Self::Flag(flag) => f.pad(flag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let place = Place::of_offset(Path::new("a.toml"), "x = 1\nä = 2\n", 9);
        assert_eq!(place.to_string(), "a.toml:2:3");
    }
}
