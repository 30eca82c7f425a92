//! What recorded runs come to: whether they may be compared, and the ratio of their times.

use super::{
    case::{Case, Side},
    measure::{Run, is_recorded},
    phases::Phase,
};
use crate::differential::MISJUDGED;
use anyhow::Result;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The recorded rounds of a case.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) case: Case,
    /// For each round the run that auh is measured against, and auh's.
    pub(super) rounds: Vec<[Run; 2]>,
}

/// A share of the other's time, beside what is aimed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub(super) value: f64,
    aim: f64,
}

impl Ratio {
    pub(super) fn is_above(self) -> bool {
        self.value > self.aim
    }

    /// `above` or `below` the aim; what is exactly at it is not above.
    pub(super) fn word(self) -> &'static str {
        if self.is_above() { "above" } else { "below" }
    }
}

impl Comparison {
    /// The rounds of a case of which both runs are recorded below `results`.
    pub(super) fn read(case: Case, results: &Path) -> Result<Self> {
        let mut rounds = Vec::new();
        for round in 1.. {
            let folder = |side: Side| folder(results, case, round, side);
            let [other, auh] = case.sides();
            if !is_recorded(&folder(other)) || !is_recorded(&folder(auh)) {
                break;
            }
            rounds.push([
                Run::read(case, other, &folder(other))?,
                Run::read(case, auh, &folder(auh))?,
            ]);
        }
        Ok(Self { case, rounds })
    }

    /// Why there is no ratio, if there is none.
    pub(super) fn obstacles(&self) -> Vec<String> {
        let mut obstacles = Vec::new();
        let name = self.case.name();
        if self.rounds.is_empty() {
            obstacles.push(format!("{name}: not both programs are recorded"));
        }
        let runs = || self.rounds.iter().flatten();
        let starts: BTreeSet<_> = runs().map(|run| &run.circumstances.start).collect();
        if starts.len() > 1 {
            obstacles.push(format!("{name}: the runs began from {starts:?}"));
        }
        let hosts: BTreeSet<_> = runs()
            .map(|run| run.circumstances.host.to_string())
            .collect();
        if hosts.len() > 1 {
            obstacles.push(format!("{name}: the runs were on {hosts:?}"));
        }
        for (index, [other, auh]) in self.rounds.iter().enumerate() {
            for recipe in self.case.recipes() {
                let verdict = |run: &Run| run.verdicts.get(*recipe).cloned();
                let (theirs, ours) = (verdict(other), verdict(auh));
                if theirs != ours && !is_misjudged(recipe, theirs.as_deref(), ours.as_deref()) {
                    let shown = |verdict: Option<String>| verdict.unwrap_or("missing".to_owned());
                    obstacles.push(format!(
                        "{name}, round {}: verdict of {recipe}: {} {}, auh {}",
                        index + 1,
                        self.case.sides()[0].title(),
                        shown(theirs),
                        shown(ours),
                    ));
                }
            }
        }
        obstacles
    }

    /// What the ratio leaves out of account, though it is known.
    pub(super) fn notes(&self) -> Vec<String> {
        let recipes = self.case.recipes().iter();
        let misjudged = recipes.filter(|recipe| {
            let verdict = |run: &Run| run.verdicts.get(**recipe).cloned();
            let mut rounds = self.rounds.iter();
            rounds.any(|[other, auh]| verdict(other) != verdict(auh))
        });
        misjudged
            .map(|recipe| {
                format!(
                    "{recipe} fails with the {} and is upgraded by auh, which so has more to do",
                    self.case.sides()[0].title()
                )
            })
            .collect()
    }

    /// The middle one of the runs of what auh is measured against (0) or of auh's (1), the slower of two.
    pub(super) fn middle(&self, side: usize) -> Option<&Run> {
        let mut runs: Vec<_> = self.rounds.iter().map(|round| &round[side]).collect();
        runs.sort_by(|a, b| a.about.seconds.total_cmp(&b.about.seconds));
        runs.get(runs.len() / 2).copied()
    }

    /// auh's share of the other's wall time.
    pub(super) fn ratio(&self) -> Option<Ratio> {
        self.ratio_without(0.0)
    }

    /// The same without the gcc-runtime build of the other; none when it built none.
    pub(super) fn ratio_without_gcc_runtime(&self) -> Option<Ratio> {
        let left_out = self.middle(0)?.phases.get(&Phase::GccRuntime)?;
        self.ratio_without(*left_out)
    }

    fn ratio_without(&self, seconds: f64) -> Option<Ratio> {
        let other = self.middle(0)?.about.seconds - seconds;
        Some(Ratio {
            value: self.middle(1)?.about.seconds / other,
            aim: self.case.aim().0,
        })
    }

    /// Everything for programs.
    pub(super) fn document(&self) -> Value {
        let rounds = self.rounds.iter().map(|round| {
            let runs = self.case.sides().into_iter().zip(round);
            runs.map(|(side, run)| (side.name().to_owned(), document_of(run)))
                .collect::<serde_json::Map<_, _>>()
        });
        let obstacles = self.obstacles();
        let ratio = |ratio: Option<Ratio>| {
            ratio
                .filter(|_| obstacles.is_empty())
                .map(|ratio| ratio.value)
        };
        json!({
            "case": self.case,
            "aim": self.case.aim().0,
            "ratio": ratio(self.ratio()),
            "ratio_without_gcc_runtime": ratio(self.ratio_without_gcc_runtime()),
            "obstacles": obstacles,
            "notes": self.notes(),
            "rounds": rounds.collect::<Vec<_>>(),
        })
    }
}

/// Where a run is recorded.
pub(super) fn folder(results: &Path, case: Case, round: usize, side: Side) -> PathBuf {
    let case = case.recorded_with(side);
    let round = format!("round-{round}");
    results.join(case.name()).join(round).join(side.name())
}

/// Whether the Python helper is known to fail a recipe that it should not.
fn is_misjudged(recipe: &str, theirs: Option<&str>, ours: Option<&str>) -> bool {
    let known = MISJUDGED.iter().any(|known| known.recipe == recipe);
    known && theirs == Some("failed") && ours == Some("succeed")
}

fn document_of(run: &Run) -> Value {
    let phases = run.phases.iter();
    let phases = phases.map(|(phase, seconds)| (phase.to_string(), json!(seconds)));
    json!({
        "about": run.about,
        "circumstances": run.circumstances,
        "verdicts": run.verdicts,
        "journal_full_parses": run.journal_full_parses,
        "phases": phases.collect::<serde_json::Map<_, _>>(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        bench::upgrades::{
            host::Host,
            measure::Circumstances,
            parses::{ByFolder, Parses},
        },
        helper_runs::About,
    };

    /// A run of so many seconds with these phases; every recipe of the case succeeds.
    pub(in crate::bench::upgrades) fn run(case: Case, phases: &[(Phase, f64)], full: u64) -> Run {
        let recipes = case.recipes().iter();
        Run {
            about: About {
                command: Vec::new(),
                exit: Some(0),
                seconds: phases.iter().map(|(_, seconds)| seconds).sum(),
                load: ["0.10 0.2 0.3 1/99 1", "1.90 0.9 0.5 1/99 2"].map(str::to_owned),
            },
            circumstances: Circumstances {
                date: "2026-01-02T03:04:05Z".to_owned(),
                start: "2026-01-02T00:00:00Z".to_owned(),
                commit: Some("abc1234".to_owned()),
                host: Host {
                    cpu: "A CPU".to_owned(),
                    cores: 2,
                    memory_kib: 8 << 20,
                },
                parses: ByFolder::from([("build".to_owned(), Parses { full, partial: 9 })]),
            },
            verdicts: recipes
                .map(|recipe| ((*recipe).to_owned(), "succeed".to_owned()))
                .collect(),
            phases: phases.iter().cloned().collect(),
            journal_full_parses: None,
        }
    }

    fn comparison(case: Case, rounds: &[(f64, f64)]) -> Comparison {
        let rounds = rounds.iter().map(|(theirs, ours)| {
            let theirs = [(Phase::GccRuntime, 100.0), (Phase::Rest, theirs - 100.0)];
            [run(case, &theirs, 9), run(case, &[(Phase::Rest, *ours)], 1)]
        });
        Comparison {
            case,
            rounds: rounds.collect(),
        }
    }

    #[test]
    fn the_ratio_is_that_of_the_middle_runs_and_stands_beside_the_aim() {
        let comparison = comparison(
            Case::Warm,
            &[(900.0, 90.0), (800.0, 500.0), (1000.0, 100.0)],
        );
        assert!(comparison.obstacles().is_empty());
        let ratio = comparison.ratio().unwrap();
        assert!((ratio.value - 100.0 / 900.0).abs() < 1e-9);
        assert_eq!(ratio.word(), "below");
        let without = comparison.ratio_without_gcc_runtime().unwrap();
        assert!((without.value - 100.0 / 800.0).abs() < 1e-9);
        assert_eq!(without.word(), "below");
    }

    #[test]
    fn a_hair_more_than_the_aim_is_above() {
        let ratio = comparison(Case::Warm, &[(800.0, 100.01)]).ratio().unwrap();
        assert_eq!(ratio.word(), "above");
    }

    #[test]
    fn other_verdicts_starts_and_machines_are_obstacles() {
        let mut changed = comparison(Case::Warm, &[(800.0, 90.0)]);
        let run = &mut changed.rounds[0][1];
        run.verdicts.insert("hello".to_owned(), "failed".to_owned());
        run.circumstances.start = "later".to_owned();
        run.circumstances.host.cores = 64;
        let obstacles = changed.obstacles();
        assert_eq!(obstacles.len(), 3, "{obstacles:?}");
        assert_eq!(changed.document()["ratio"], Value::Null);
        assert_eq!(comparison(Case::Warm, &[]).obstacles().len(), 1);
    }

    #[test]
    fn only_the_recipe_that_the_helper_misjudges_may_differ_and_only_that_way() {
        let mut six = comparison(Case::Six, &[(800.0, 90.0)]);
        let verdicts = &mut six.rounds[0][0].verdicts;
        verdicts.insert("mhello".to_owned(), "failed".to_owned());
        assert!(six.obstacles().is_empty());
        assert_eq!(six.notes().len(), 1);
        six.rounds[0].swap(0, 1);
        assert_eq!(six.obstacles().len(), 1);
    }
}
