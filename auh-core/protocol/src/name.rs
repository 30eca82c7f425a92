//! Recipe names, versions and revisions that were checked: no other crate may hand an
//! unchecked one to a command.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not a valid recipe name, version or revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName {
    what: &'static str,
    text: String,
    reason: String,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, text, reason } = self;
        write!(f, "{text:?} is no valid {what}: {reason}")
    }
}

impl std::error::Error for InvalidName {}

/// Longest accepted name. File systems end at 255 bytes, and `PN_PV.bb` has to fit.
const LONGEST: usize = 120;

/// A checked text: starts with a letter or digit (so it is never an option of a command nor a
/// hidden or parent folder), holds only letters, digits and `extra`, and no two dots in a row.
fn check(what: &'static str, text: &str, extra: &str) -> Result<(), InvalidName> {
    let fail = |reason: String| {
        Err(InvalidName {
            what,
            text: text.chars().take(LONGEST).collect(),
            reason,
        })
    };
    let Some(first) = text.chars().next() else {
        return fail("it is empty".into());
    };
    if text.len() > LONGEST {
        return fail(format!("it is longer than {LONGEST} characters"));
    }
    if !first.is_ascii_alphanumeric() {
        return fail(format!(
            "it starts with {first:?}, not with a letter or digit"
        ));
    }
    // To git `a..b` is not one commit but all between two.
    if text.contains("..") {
        return fail("it contains \"..\"".into());
    }
    match text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !extra.contains(*c))
    {
        Some(c) => fail(format!("it contains {c:?}")),
        None => Ok(()),
    }
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $extra:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text`; the error names the first thing that is wrong with it.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                check($what, &text, $extra)?;
                Ok(Self(text))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

checked_text! {
    /// A recipe's name (`PN`), as BitBake allows it: letters, digits and `+ - . _`.
    RecipeName, "recipe name", "+-._"
}
checked_text! {
    /// A version (`PV`): letters, digits and `+ - . _ ~`.
    Version, "version", "+-._~"
}
checked_text! {
    /// A source revision (`SRCREV`): a git hash or another system's number.
    Revision, "revision", "._-"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_names_are_accepted() {
        for pn in [
            "hello",
            "gtk+3",
            "python3-pip",
            "libxml2.0",
            "gcc-cross-x86_64",
        ] {
            assert_eq!(RecipeName::new(pn).expect(pn).as_str(), pn);
        }
        for pv in ["1.0", "2.0~rc1", "1.2+git", "20240101", "9.9p1"] {
            Version::new(pv).expect(pv);
        }
    }

    #[test]
    fn text_with_a_meaning_for_shells_options_or_paths_is_refused() {
        for bad in [
            "",
            "--upload-pack=x",
            "../x",
            "a/b",
            "1.2$(touch${IFS}x)",
            "a b",
            "a\nb",
            "a..b",
            ".x",
            "é",
        ] {
            assert!(RecipeName::new(bad).is_err(), "{bad:?}");
            assert!(Version::new(bad).is_err(), "{bad:?}");
            assert!(Revision::new(bad).is_err(), "{bad:?}");
        }
        assert!(RecipeName::new("x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn the_error_names_text_and_reason() {
        let error = Version::new("1.2$(x)").unwrap_err();
        assert_eq!(
            error.to_string(),
            r#""1.2$(x)" is no valid version: it contains '$'"#
        );
    }

    #[test]
    fn json_goes_through_the_check() {
        assert!(serde_json::from_str::<Version>("\"1.0\"").is_ok());
        let error = serde_json::from_str::<Version>("\"-1\"").unwrap_err();
        assert!(error.to_string().contains("starts with '-'"), "{error}");
    }

    proptest! {
        #[test]
        fn what_gets_through_is_no_option_no_path_and_no_command(
            any in any::<String>(), near in "[-.a-z0-9+_~/@{ $]{0,12}"
        ) {
            for text in [any, near] {
                for shown in [
                    RecipeName::new(&text).map(String::from),
                    Version::new(&text).map(String::from),
                    Revision::new(&text).map(String::from),
                ] {
                    let Ok(shown) = shown else { continue };
                    prop_assert_eq!(&shown, &text);
                    prop_assert!(text.starts_with(|c: char| c.is_ascii_alphanumeric()));
                    prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "+-._~".contains(c)));
                }
                if let Ok(revision) = Revision::new(&text) {
                    prop_assert!(!revision.as_str().contains(".."), "a range of commits");
                }
            }
        }
    }
}
