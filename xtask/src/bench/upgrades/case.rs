//! What is measured: the cases, the programs in each, what is aimed at.

use crate::{
    e2e::{Environment, RECIPES},
    helper_runs::Scenario,
};
use serde::{Deserialize, Serialize};

/// So many groups at a time where there are several.
pub(crate) const JOBS: usize = 2;

/// One comparison of two programs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Case {
    /// Two recipes, with build history, in build directories that were used before
    Warm,
    /// The same in build directories that were never used
    Fresh,
    /// Six recipes, in build directories that were used before
    Six,
    /// The same with two groups at a time, against the same run of the other program
    SixJobs,
    /// One recipe, with build history, against the calls by hand
    Floor,
}

/// What does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The Python helper.
    Python,
    /// auh, under the helper's name.
    Auh,
    /// Somebody who types the commands.
    Hand,
}

/// The state of the environment that a case starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Start {
    /// Both programs have upgraded something in these build directories before.
    Used,
    /// That, and auh has worked with [`JOBS`] jobs before.
    UsedByJobs,
    /// Nothing but configuration, downloads and shared state.
    Fresh,
    /// auh and the calls by hand have upgraded something before, under auh's own configuration.
    ByHand,
}

impl Case {
    /// Every case, in the order in which they are measured.
    pub(crate) const ALL: [Self; 5] = [
        Self::Warm,
        Self::Fresh,
        Self::Six,
        Self::SixJobs,
        Self::Floor,
    ];

    /// Name of its folder, and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Fresh => "fresh",
            Self::Six => "six",
            Self::SixJobs => "six-jobs",
            Self::Floor => "floor",
        }
    }

    /// What it is, for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Warm => "two recipes, two machines, build history, warm",
            Self::Fresh => "two recipes, two machines, build history, fresh",
            Self::Six => "six recipes, two machines, warm",
            Self::SixJobs => "six recipes, two machines, warm, `--jobs 2`",
            Self::Floor => "one recipe, two machines, build history, warm",
        }
    }

    /// What auh is measured against, and auh.
    pub(crate) fn sides(self) -> [Side; 2] {
        match self {
            Self::Floor => [Side::Hand, Side::Auh],
            Self::Warm | Self::Fresh | Self::Six | Self::SixJobs => [Side::Python, Side::Auh],
        }
    }

    pub(crate) fn recipes(self) -> &'static [&'static str] {
        match self {
            Self::Warm | Self::Fresh => &["hello", "ghello"],
            Self::Six | Self::SixJobs => &RECIPES,
            Self::Floor => &["hello"],
        }
    }

    /// What a side starts from. What only auh's jobs use is there for no other program.
    pub(crate) fn start(self, side: Side) -> Start {
        match (self, side) {
            (Self::SixJobs, Side::Auh) => Start::UsedByJobs,
            (Self::Warm | Self::Six | Self::SixJobs, _) => Start::Used,
            (Self::Fresh, _) => Start::Fresh,
            (Self::Floor, _) => Start::ByHand,
        }
    }

    /// The case whose runs of a side are this one's too: the Python helper knows no jobs.
    pub(crate) fn recorded_with(self, side: Side) -> Self {
        match (self, side) {
            (Self::SixJobs, Side::Python) => Self::Six,
            _ => self,
        }
    }

    /// The largest share of the other's wall time that auh's may be, and how it is written.
    pub(crate) fn aim(self) -> (f64, &'static str) {
        match self {
            Self::Warm | Self::Six | Self::SixJobs => (1.0 / 8.0, "1/8"),
            Self::Fresh => (1.0 / 3.0, "1/3"),
            Self::Floor => (1.15, "1.15"),
        }
    }

    /// What the helpers are asked to do.
    pub(crate) fn scenario(self, environment: &Environment) -> Scenario {
        let buildhistory = !matches!(self, Self::Six | Self::SixJobs);
        Scenario::plain(environment, self.name(), self.recipes(), buildhistory)
    }
}

impl Side {
    /// Name of its folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Auh => "auh",
            Self::Hand => "hand",
        }
    }

    /// Name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Python => "Python helper",
            Self::Auh => "auh",
            Self::Hand => "by hand",
        }
    }
}

impl Start {
    /// What its copy's name ends in.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Used => "bench-used",
            Self::UsedByJobs => "bench-used-by-jobs",
            Self::Fresh => "bench-fresh",
            Self::ByHand => "bench-by-hand",
        }
    }
}
