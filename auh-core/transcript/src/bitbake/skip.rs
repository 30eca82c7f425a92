//! Recipes that BitBake will not build in this configuration, and its reasons.

use auh_protocol::{Failure, FailureClass};

use super::shortened;
use crate::message::Message;

/// `Nothing PROVIDES 'x'`: a name that no recipe stands for, with the reasons BitBake gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoProvider {
    /// The recipe, virtual target or package asked for.
    pub item: String,
    /// Whether it is a package that should be there at run time.
    pub runtime: bool,
    /// Recipes or recipe files that need it; empty if it was asked for by name.
    pub needed_by: Vec<String>,
    /// Recipes that would have provided it.
    pub skips: Vec<Skip>,
}

/// A recipe that is left out of this configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The recipe.
    pub recipe: String,
    /// BitBake's reason.
    pub reason: String,
    /// What kind of reason that is.
    pub kind: SkipKind,
}

/// Why a recipe is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipKind {
    /// `COMPATIBLE_MACHINE` does not match.
    Machine,
    /// `COMPATIBLE_HOST` does not match, or the architecture is unknown to the recipe.
    Host,
    /// A machine or tune feature is missing or in the way.
    MachineFeature,
    /// A feature of the distribution or image is missing or in the way.
    DistroFeature,
    /// Its licence is not accepted in this configuration.
    Licence,
    /// `PREFERRED_PROVIDER` names another recipe.
    PreferredProvider,
    /// `SKIP_RECIPE` names it.
    SkipList,
    /// Any other reason.
    Other,
}

impl Skip {
    /// Whether the recipe does not suit the machine, so that not building it there is no failure.
    pub fn is_incompatible(&self) -> bool {
        use SkipKind::{Host, Machine, MachineFeature};
        matches!(self.kind, Machine | Host | MachineFeature)
    }

    /// Reads `R was skipped: …`, `R PROVIDES X but was skipped: …`, `R RPROVIDES X but …`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (before, reason) = line.trim().split_once("was skipped: ")?;
        let (recipe, _) = before.split_once(' ')?;
        Some(Self {
            recipe: recipe.to_owned(),
            reason: reason.to_owned(),
            kind: kind_of(reason),
        })
    }

    pub(crate) fn failure(&self) -> Failure {
        let class = match self.kind {
            SkipKind::Licence => FailureClass::Licence,
            _ => FailureClass::Infrastructure,
        };
        Failure::new(
            class,
            format!("BitBake leaves it out: {}", shortened(&self.reason)),
        )
    }
}

impl NoProvider {
    /// Whether `recipe` is among those that need it. BitBake names either recipes or their files.
    pub fn is_needed_by(&self, recipe: &str) -> bool {
        let file = |name: &str| {
            let stem = name.rsplit('/').next().unwrap_or(name);
            stem.split(['_', '.']).next() == Some(recipe) && name.ends_with(".bb")
        };
        self.needed_by
            .iter()
            .any(|name| name == recipe || file(name))
    }

    /// The same in the words of reports. A recipe's missing dependency is its own fault.
    pub fn failure(&self) -> Failure {
        let own = self.skips.iter().find(|skip| skip.recipe == self.item);
        match own {
            Some(skip) if self.needed_by.is_empty() => skip.failure(),
            _ if self.needed_by.is_empty() => Failure::new(
                FailureClass::Infrastructure,
                format!("nothing provides {}", self.item),
            ),
            _ => Failure::new(
                FailureClass::Configure,
                format!("nothing provides its dependency {}", self.item),
            ),
        }
    }
}

pub(super) fn no_provider(message: &Message) -> Option<NoProvider> {
    let rest = message.first().strip_prefix("Nothing ")?;
    let (runtime, rest) = match rest.strip_prefix("RPROVIDES '") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("PROVIDES '")?),
    };
    let (item, rest) = rest.split_once('\'')?;
    Some(NoProvider {
        item: item.to_owned(),
        runtime,
        needed_by: needed_by(rest),
        skips: skips(&message.lines[1..]),
    })
}

/// ` (but a, b DEPENDS on or otherwise requires it)`; `RDEPENDS` for a package.
fn needed_by(rest: &str) -> Vec<String> {
    let names = rest.strip_prefix(" (but ").and_then(|rest| {
        let (names, _) = rest.split_once("DEPENDS on or otherwise requires it)")?;
        Some(names.trim_end_matches('R').trim_end())
    });
    let names = names.map_or_else(Vec::new, |names| names.split(", ").collect());
    names.into_iter().map(str::to_owned).collect()
}

/// A line that starts no reason goes on with the one before.
fn skips(lines: &[String]) -> Vec<Skip> {
    let mut skips: Vec<Skip> = Vec::new();
    for line in lines {
        match (Skip::parse(line), skips.last_mut()) {
            (Some(skip), _) => skips.push(skip),
            (None, Some(last)) if !line.trim().is_empty() => {
                last.reason = format!("{} {}", last.reason, line.trim());
            }
            (None, _) => {}
        }
    }
    skips
}

/// The wordings are OE-core's: base.bbclass, features_check.bbclass, and single recipes.
fn kind_of(reason: &str) -> SkipKind {
    let has = |text: &str| reason.contains(text);
    let starts = |text: &str| reason.starts_with(text);
    let feature = ["missing required ", "conflicting ", "one of ", "using "];
    match () {
        () if has("(not in COMPATIBLE_MACHINE)") => SkipKind::Machine,
        () if has("(not in COMPATIBLE_HOST)") || has("is incompatible with target") => {
            SkipKind::Host
        }
        () if starts("Unsupported CPU architecture") || starts("Cannot map architecture") => {
            SkipKind::Host
        }
        () if starts("PREFERRED_PROVIDER_") || starts("Set PREFERRED_PROVIDER_") => {
            SkipKind::PreferredProvider
        }
        () if starts("Recipe will be skipped because:") => SkipKind::SkipList,
        // "because it has a restricted license" is how releases before 2023 put it.
        () if has("incompatible license") || has("restricted license") => SkipKind::Licence,
        () if feature.iter().any(|text| starts(text)) => match () {
            () if has("MACHINE_FEATURES") || has("TUNE_FEATURES") => SkipKind::MachineFeature,
            () if has("_FEATURES") => SkipKind::DistroFeature,
            () => SkipKind::Other,
        },
        () => SkipKind::Other,
    }
}
