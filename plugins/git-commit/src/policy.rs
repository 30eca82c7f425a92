//! When a commit is taken back.

use auh_sdk::{FailureClass, GroupState, OptionKey, OptionKind, Options, serde_json::Value};

/// The setting's key.
const KEY: &str = "revert-policy";

/// When a commit is taken back: the Python helper's `commit_revert_policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RevertPolicy {
    /// When the group failed before any test: other recipes shall not be built on it.
    #[default]
    FailedToBuild,
    /// When a test failed; a group that was not built keeps its commit.
    FailedToTest,
    /// Always: each upgrade is tried against the same base.
    All,
    /// Never: somebody is there to mend what failed.
    Never,
}

impl RevertPolicy {
    const NAMES: [(&str, Self); 4] = [
        ("failed_to_build", Self::FailedToBuild),
        ("failed_to_test", Self::FailedToTest),
        ("all", Self::All),
        ("never", Self::Never),
    ];

    /// The setting `revert-policy`.
    pub(crate) fn key() -> OptionKey {
        let names = Self::NAMES.map(|(name, _)| name);
        let doc = "which commits of upgrades that failed are taken back";
        OptionKey::new(KEY, OptionKind::one_of(&names), doc).with_default(names[0])
    }

    /// Its value, which the host has checked.
    pub(crate) fn from_options(options: &Options) -> Self {
        let value = options.get(KEY).and_then(Value::as_str);
        let known = Self::NAMES.iter().find(|(name, _)| value == Some(name));
        known.map_or_else(Self::default, |(_, policy)| *policy)
    }

    /// Whether the commits of a group that fared so are to be taken back.
    pub(crate) fn reverts(self, state: &GroupState) -> bool {
        let in_test = |class| class == FailureClass::Test;
        let mut classes = state.failures.iter().map(|f| f.failure.class);
        match self {
            Self::FailedToBuild => classes.any(|class| !in_test(class)),
            Self::FailedToTest => classes.any(in_test),
            Self::All => true,
            Self::Never => false,
        }
    }
}
