//! Machines: `NAME` or `NAME_LIBC`.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The C library part of a machine, BitBake's `TCLIBC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it all: they are TCLIBC's values"
)]
pub enum Libc {
    Musl,
    Glibc,
    Newlib,
    Picolibc,
    Baremetal,
}

impl Libc {
    /// Every C library that may follow a machine's name.
    pub const ALL: [Self; 5] = [
        Self::Musl,
        Self::Glibc,
        Self::Newlib,
        Self::Picolibc,
        Self::Baremetal,
    ];

    /// The value of `TCLIBC`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Musl => "musl",
            Self::Glibc => "glibc",
            Self::Newlib => "newlib",
            Self::Picolibc => "picolibc",
            Self::Baremetal => "baremetal",
        }
    }
}

/// A machine to build for, with the C library when one was named. Written `NAME` or
/// `NAME_LIBC` (`qemuarm_musl`); an underscore before anything else belongs to the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Machine {
    name: String,
    libc: Option<Libc>,
}

impl Machine {
    /// BitBake's `MACHINE`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// BitBake's `TCLIBC`, when the machine names one.
    #[must_use]
    pub fn libc(&self) -> Option<Libc> {
        self.libc
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.libc {
            Some(libc) => f.pad(&format!("{}_{}", self.name, libc.as_str())),
            None => f.pad(&self.name),
        }
    }
}

impl FromStr for Machine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, libc) = Libc::ALL
            .iter()
            .find_map(|libc| {
                let name = text.strip_suffix(libc.as_str())?.strip_suffix('_')?;
                Some((name, Some(*libc)))
            })
            .unwrap_or((text, None));
        let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.len() <= 80
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c));
        if !valid {
            return Err(format!(
                "{text:?} is no valid machine: letters, digits and \"+-._\" only, a letter or digit first"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            libc,
        })
    }
}

impl TryFrom<String> for Machine {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Machine> for String {
    fn from(machine: Machine) -> String {
        machine.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libc_part_is_split_off() {
        let machine: Machine = "qemuarm_musl".parse().unwrap();
        assert_eq!(
            (machine.name(), machine.libc()),
            ("qemuarm", Some(Libc::Musl))
        );
        assert_eq!(machine.to_string(), "qemuarm_musl");
    }

    #[test]
    fn other_underscores_belong_to_the_name() {
        let machine: Machine = "my_board".parse().unwrap();
        assert_eq!((machine.name(), machine.libc()), ("my_board", None));
    }

    #[test]
    fn paths_options_and_blanks_are_refused() {
        for bad in ["", "-x", "../x", "a b", "_musl", "a/b"] {
            assert!(bad.parse::<Machine>().is_err(), "{bad:?}");
        }
    }
}
