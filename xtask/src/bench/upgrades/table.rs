//! The figures as Markdown.

use super::{
    case::{Case, Side},
    compare::{Comparison, Ratio},
    measure::Run,
    phases::{Phase, Phases},
};
use std::{collections::BTreeSet, fmt::Write};

/// Everything that was compared, as it stands in the documentation.
pub(super) fn markdown(comparisons: &[Comparison]) -> String {
    let mut text = circumstances(comparisons);
    text.push_str(&ratios(comparisons));
    text.push_str(&runs(comparisons));
    for comparison in comparisons.iter().filter(|c| !c.rounds.is_empty()) {
        text.push_str(&phases(comparison));
    }
    text
}

fn circumstances(comparisons: &[Comparison]) -> String {
    let runs = || {
        let rounds = comparisons.iter().flat_map(|c| {
            let sides = c.case.sides();
            c.rounds
                .iter()
                .map(move |round| sides.into_iter().zip(round))
        });
        rounds.flatten()
    };
    let joined = |values: BTreeSet<String>| Vec::from_iter(values).join(", ");
    let commits = |side: Side| {
        let of_side = runs().filter(|(other, _)| *other == side);
        joined(
            of_side
                .filter_map(|(_, run)| run.circumstances.commit.clone())
                .collect(),
        )
    };
    let hosts = runs().map(|(_, run)| run.circumstances.host.to_string());
    let days = runs().map(|(_, run)| {
        let date = &run.circumstances.date;
        date.split('T').next().unwrap_or(date).to_owned()
    });
    let mut text = format!(
        "Measured on {}; {}. auh {}",
        joined(hosts.collect()),
        joined(days.collect()),
        commits(Side::Auh)
    );
    let python = commits(Side::Python);
    if !python.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, ", Python helper {python}");
    }
    text + ".\n"
}

fn ratios(comparisons: &[Comparison]) -> String {
    let mut text =
        "\n| case | against | its time | auh | ratio | aim | | without gcc-runtime | |\n\
        |---|---|---:|---:|---:|---:|---|---:|---|\n"
            .to_owned();
    for comparison in comparisons {
        let case = comparison.case;
        let time = |side| {
            let run = comparison.middle(side);
            run.map_or("–".to_owned(), |run| {
                format!("{:.1} s", run.about.seconds)
            })
        };
        let comparable = comparison.obstacles().is_empty();
        let shown = |ratio: Option<Ratio>| match ratio.filter(|_| comparable) {
            Some(ratio) => (share(case, ratio), ratio.word()),
            None => ("–".to_owned(), ""),
        };
        let (all, word) = shown(comparison.ratio());
        let (without, word_without) = shown(comparison.ratio_without_gcc_runtime());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {all} | {} | {word} | {without} | {word_without} |",
            case.title(),
            case.sides()[0].title(),
            time(0),
            time(1),
            case.aim().1,
        );
    }
    for comparison in comparisons {
        let obstacles = comparison.obstacles();
        let notes = if obstacles.is_empty() {
            comparison.notes()
        } else {
            Vec::new()
        };
        for obstacle in obstacles {
            let _ = writeln!(text, "\nNo ratio: {obstacle}.");
        }
        for note in notes {
            let _ = writeln!(text, "\n{}: {note}.", comparison.case.title());
        }
    }
    text
}

/// A ratio in the terms of its aim: as one part of so many, or as so many times.
fn share(case: Case, ratio: Ratio) -> String {
    match case {
        Case::Floor => format!("{:.2}", ratio.value),
        Case::Warm | Case::Fresh | Case::Six | Case::SixJobs => {
            format!("1/{:.2}", 1.0 / ratio.value)
        }
    }
}

fn runs(comparisons: &[Comparison]) -> String {
    let mut text = "\n| case | round | program | wall time | exit | full parses | other parses | \
        load before | load after |\n|---|---:|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for comparison in comparisons {
        for (index, round) in comparison.rounds.iter().enumerate() {
            for (side, run) in comparison.case.sides().into_iter().zip(round) {
                let row = run_row(run);
                let (case, round) = (comparison.case.name(), index + 1);
                let _ = writeln!(text, "| {case} | {round} | {} | {row} |", side.title());
            }
        }
    }
    text
}

fn run_row(run: &Run) -> String {
    let about = &run.about;
    let exit = about
        .exit
        .map_or("signal".to_owned(), |exit| exit.to_string());
    // The average over the last minute (proc_loadavg(5)).
    let load = |load: &str| load.split(' ').next().unwrap_or_default().to_owned();
    let (full, partial) = match run.parses() {
        Some(parses) => (parses.full.to_string(), parses.partial.to_string()),
        None => ("–".to_owned(), "–".to_owned()),
    };
    let journal = match run.journal_full_parses {
        Some(count) if count.to_string() != full => format!(" (journal: {count})"),
        _ => String::new(),
    };
    format!(
        "{:.1} s | {exit} | {full}{journal} | {partial} | {} | {}",
        about.seconds,
        load(&about.load[0]),
        load(&about.load[1]),
    )
}

/// Seconds by phase, of each side's middle run.
fn phases(comparison: &Comparison) -> String {
    let [other, auh] = [0, 1].map(|side| comparison.middle(side).map(|run| &run.phases));
    let names: BTreeSet<&Phase> = [other, auh]
        .iter()
        .flatten()
        .flat_map(|p| p.keys())
        .collect();
    let [their_title, our_title] = comparison.case.sides().map(Side::title);
    let mut text = format!(
        "\n{}, seconds:\n\n| phase | {their_title} | {our_title} |\n|---|---:|---:|\n",
        comparison.case.title()
    );
    for name in names {
        let seconds = |phases: Option<&Phases>| {
            let seconds = phases.and_then(|phases| phases.get(name));
            seconds.map_or("–".to_owned(), |seconds| format!("{seconds:.1}"))
        };
        let _ = writeln!(text, "| {name} | {} | {} |", seconds(other), seconds(auh));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::upgrades::compare::tests::run;

    #[test]
    fn the_table() {
        let compile = || Phase::Compile("m1".to_owned());
        let python = [
            (Phase::Environment, 77.0),
            (Phase::GccRuntime, 131.0),
            (Phase::Upgrade, 130.25),
            (compile(), 500.0),
        ];
        let auh = [
            (Phase::Upgrade, 40.0),
            (compile(), 60.0),
            (Phase::Rest, 1.5),
        ];
        let mut differing = run(Case::Fresh, &auh, 2);
        differing
            .verdicts
            .insert("ghello".to_owned(), "failed".to_owned());
        let mut by_hand = run(Case::Floor, &[(Phase::Upgrade, 40.0)], 0);
        by_hand.circumstances.commit = None;
        let comparisons = [
            Comparison {
                case: Case::Warm,
                rounds: vec![[run(Case::Warm, &python, 11), run(Case::Warm, &auh, 0)]],
            },
            Comparison {
                case: Case::Fresh,
                rounds: vec![[run(Case::Fresh, &python, 12), differing]],
            },
            Comparison {
                case: Case::Six,
                rounds: Vec::new(),
            },
            Comparison {
                case: Case::Floor,
                rounds: vec![[by_hand, run(Case::Floor, &[(Phase::Upgrade, 47.0)], 0)]],
            },
        ];
        insta::assert_snapshot!(markdown(&comparisons));
    }
}
