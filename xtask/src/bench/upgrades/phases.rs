//! What a run spent its time on: for the Python helper and the calls by hand from the lines that they
//! print, for auh from its journal.

use crate::{
    bench::spans::{Span, covered, of_command},
    helper_runs::Line,
};
use auh_journal::{Event, Record};
use std::{collections::BTreeMap, fmt, time::Duration};

/// A kind of work. In the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Reading the build configuration, of all and of a recipe (`bitbake -e`).
    Environment,
    UpstreamCheck,
    /// What the Python helper builds before anything else.
    GccRuntime,
    /// The build of the old version, which build history is compared with.
    Baseline,
    Upgrade,
    Finish,
    /// The build of the new version for a machine.
    Compile(String),
    BuildhistoryDiff,
    Commit,
    /// Everything else.
    Rest,
}

/// Seconds by kind of work.
pub(crate) type Phases = BTreeMap<Phase, f64>;

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::UpstreamCheck => f.write_str("upstream check"),
            Self::GccRuntime => f.write_str("gcc-runtime build"),
            Self::Baseline => f.write_str("baseline build"),
            Self::Upgrade => f.write_str("devtool upgrade"),
            Self::Finish => f.write_str("devtool finish"),
            Self::Compile(machine) => write!(f, "build for {machine}"),
            Self::BuildhistoryDiff => f.write_str("buildhistory-diff"),
            Self::Commit => f.write_str("commit"),
            Self::Rest => f.write_str("rest"),
        }
    }
}

/// The Python helper's phases, which follow one another; `seconds` is its wall time.
pub(crate) fn of_python(lines: &[Line<'_>], seconds: f64) -> Phases {
    one_after_another(lines, seconds, Phase::Environment, python_phase)
}

/// The phases of the calls by hand.
pub(crate) fn of_hand(lines: &[Line<'_>], seconds: f64) -> Phases {
    one_after_another(lines, seconds, Phase::Rest, hand_phase)
}

/// auh's phases; `seconds` is its wall time. Of commands that ran side by side each counts in full for
/// its phase, so that all phases together may be more than the wall time; the rest is the time in
/// which none ran.
pub(crate) fn of_journal(records: &[Record], seconds: f64) -> Phases {
    let mut spans: BTreeMap<Phase, Vec<Span>> = BTreeMap::new();
    let mut steps = Vec::new();
    let mut started = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::StepStarted { groups, action, .. } => steps.push((groups, action)),
            Event::StepFinished { groups, action, .. } => {
                steps.retain(|step| *step != (groups, action));
            }
            Event::CommandStarted {
                id, label, argv, ..
            } => {
                let is_baseline = is_baseline(&steps, argv);
                started.insert(*id, command_phase(label, argv, is_baseline));
            }
            Event::CommandFinished(end) => {
                // The upstream check is recorded when it is done, without a beginning.
                let phase = started.remove(&end.id);
                let phase = phase.unwrap_or_else(|| command_phase(&end.label, &[], false));
                let span = of_command(record, end);
                spans.entry(phase).or_default().push(span);
            }
            _ => {}
        }
    }
    let all = covered(spans.values().flatten().cloned().collect());
    let none_ran = seconds - all.as_secs_f64();
    let mut phases: Phases = spans
        .into_iter()
        .map(|(phase, spans)| (phase, covered(spans)))
        .map(|(phase, time): (Phase, Duration)| (phase, time.as_secs_f64()))
        .collect();
    *phases.entry(Phase::Rest).or_default() += none_ran.max(0.0);
    phases
}

/// Each phase lasts until a line begins another one.
fn one_after_another(
    lines: &[Line<'_>],
    seconds: f64,
    first: Phase,
    begins: fn(&str, &Phase) -> Option<Phase>,
) -> Phases {
    let mut phases = Phases::new();
    let mut current = first;
    let mut since = 0.0;
    for line in lines {
        if let Some(next) = begins(line.text, &current) {
            *phases.entry(current).or_default() += line.seconds - since;
            (current, since) = (next, line.seconds);
        }
    }
    *phases.entry(current).or_default() += seconds - since;
    phases
}

/// The phase that a line of the Python helper's output begins, by its own messages.
fn python_phase(line: &str, current: &Phase) -> Option<Phase> {
    const BEGINNINGS: [(&str, Phase); 11] = [
        ("list of recipes to be upgraded", Phase::Rest),
        ("Building gcc runtimes", Phase::GccRuntime),
        ("ATTEMPT PACKAGE GROUP", Phase::Rest),
        (": Loading environment ...", Phase::Environment),
        (": Initial buildhistory for ", Phase::Baseline),
        (": Running 'devtool upgrade' ...", Phase::Upgrade),
        (": Running 'devtool finish' ...", Phase::Finish),
        (": Checking buildhistory ...", Phase::BuildhistoryDiff),
        (": Auto commit changes ...", Phase::Commit),
        (": Save patch in directory", Phase::Rest),
        ("Generating work tarball", Phase::Rest),
    ];
    // What the tools printed goes through the log too, but not at its level.
    let message = line.strip_prefix("INFO:")?;
    // Only the upstream check talks to a server from the helper's own process.
    if *current == Phase::Environment && message.ends_with("bitbake server...") {
        return Some(Phase::UpstreamCheck);
    }
    if let Some((_, rest)) = message.split_once(": compiling upgraded version for ") {
        let machine = rest.split_whitespace().next().unwrap_or_default();
        return Some(Phase::Compile(machine.to_owned()));
    }
    let mut beginnings = BEGINNINGS.into_iter();
    beginnings
        .find(|(text, _)| message.contains(text))
        .map(|(_, phase)| phase)
}

/// The phase that a line of the script with the calls by hand begins.
fn hand_phase(line: &str, _current: &Phase) -> Option<Phase> {
    let step = line.strip_prefix("by hand: ")?;
    if let Some(machine) = step.strip_prefix("compile ") {
        return Some(Phase::Compile(machine.to_owned()));
    }
    match step {
        "baseline" => Some(Phase::Baseline),
        "devtool upgrade" => Some(Phase::Upgrade),
        "devtool finish" => Some(Phase::Finish),
        "buildhistory-diff" => Some(Phase::BuildhistoryDiff),
        "commit" => Some(Phase::Commit),
        "end" => Some(Phase::Rest),
        _ => None,
    }
}

/// What a command of auh's is for, by its words and by the name that the journal gives it.
fn command_phase(label: &str, argv: &[String], is_baseline: bool) -> Phase {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words[..] {
        _ if label == "upstream check" => Phase::UpstreamCheck,
        _ if label.ends_with("of the build history") => Phase::BuildhistoryDiff,
        ["bitbake", ..] if is_baseline => Phase::Baseline,
        ["bitbake", ..] => match label.rsplit_once(" for ") {
            Some((_, machine)) => Phase::Compile(machine.to_owned()),
            None => Phase::Rest,
        },
        ["devtool", "upgrade" | "reset", ..] => Phase::Upgrade,
        ["devtool", "finish", ..] => Phase::Finish,
        ["buildhistory-diff" | "bitbake-getvar", ..] => Phase::BuildhistoryDiff,
        ["git", ..] => Phase::Commit,
        _ => Phase::Rest,
    }
}

/// Whether a build is of the old versions: one of the steps under way has that for its action, and
/// a group whose recipes it builds.
fn is_baseline(steps: &[(&Vec<String>, &String)], argv: &[String]) -> bool {
    let builds = |group: &String| {
        let mut recipes = group.split(',');
        recipes.all(|recipe| argv.iter().any(|word| word == recipe))
    };
    steps
        .iter()
        .any(|(groups, action)| *action == "baseline" && groups.iter().any(builds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helper_runs::read_stamped;

    fn seconds(phases: &Phases) -> Vec<(String, f64)> {
        let rounded = |seconds: &f64| (seconds * 10.0).round() / 10.0;
        phases
            .iter()
            .map(|(phase, seconds)| (phase.to_string(), rounded(seconds)))
            .collect()
    }

    fn expected(phases: &[(&str, f64)]) -> Vec<(String, f64)> {
        let phases = phases.iter();
        phases
            .map(|(phase, seconds)| ((*phase).to_owned(), *seconds))
            .collect()
    }

    /// Two groups; the second fails in its upgrade. What the tools print goes through the log as it is.
    const PYTHON: &str = "\
        5.0\tINFO:Starting bitbake server...\n\
        7.0\tNOTE: Starting bitbake server...\n\
        20.0\tINFO: ########### The list of recipes to be upgraded #############\n\
        20.0\tINFO: Building gcc runtimes ...\n\
        20.0\tINFO:  building gcc runtime for m1\n\
        80.0\tERROR: Can't build gcc-runtime for m1.\n\
        80.0\tERROR:NOTE: Starting bitbake server...\n\
        150.0\tINFO: ATTEMPT PACKAGE GROUP 1/2\n\
        150.0\tINFO: a: Loading environment ...\n\
        155.0\tINFO: a: Initial buildhistory for ['m1'] ...\n\
        215.0\tINFO: a: Running 'devtool upgrade' ...\n\
        285.0\tINFO: a: Running 'devtool finish' ...\n\
        290.0\tINFO: a: compiling upgraded version for m1 ...\n\
        365.0\tINFO: a: Checking buildhistory ...\n\
        367.0\tINFO: a: compiling upgraded version for m2 ...\n\
        440.0\tINFO: a: Upgrade SUCCESSFUL! Please test!\n\
        440.0\tINFO: a: Auto commit changes ...\n\
        441.0\tINFO: a: Save patch in directory: /b/all/a.\n\
        441.0\tINFO: ATTEMPT PACKAGE GROUP 2/2\n\
        441.0\tINFO: b: Loading environment ...\n\
        508.0\tINFO: b: Initial buildhistory for ['m1'] ...\n\
        570.0\tINFO: b: Running 'devtool upgrade' ...\n\
        630.0\tERROR: b: Running 'devtool upgrade' for recipe b failed.\n\
        630.0\tINFO: b: Auto commit changes ...\n\
        631.0\tINFO: b: nothing to commit\n\
        632.0\tINFO: Generating work tarball in /b/1.tar.gz ...\n";

    #[test]
    fn the_helpers_phases_follow_one_another_and_cover_its_time() {
        let phases = of_python(&read_stamped(PYTHON), 635.0);
        assert_eq!(
            seconds(&phases),
            expected(&[
                ("environment", 5.0 + 5.0 + 67.0),
                ("upstream check", 15.0),
                ("gcc-runtime build", 130.0),
                ("baseline build", 60.0 + 62.0),
                ("devtool upgrade", 70.0 + 60.0),
                ("devtool finish", 5.0),
                ("build for m1", 75.0),
                ("build for m2", 73.0),
                ("buildhistory-diff", 2.0),
                ("commit", 1.0 + 2.0),
                ("rest", 3.0),
            ])
        );
        assert_eq!(phases.values().sum::<f64>(), 635.0);
    }

    #[test]
    fn calls_by_hand_say_what_they_are() {
        let text = "0.5\tby hand: baseline\n3.0\tNOTE: by hand: end\n4.5\tby hand: devtool upgrade\n\
            20.0\tby hand: devtool finish\n25.0\tby hand: compile m1\n31.0\tby hand: compile m2\n\
            37.0\tby hand: buildhistory-diff\n38.0\tby hand: commit\n38.5\tby hand: end\n";
        assert_eq!(
            seconds(&of_hand(&read_stamped(text), 39.0)),
            expected(&[
                ("baseline build", 4.0),
                ("devtool upgrade", 15.5),
                ("devtool finish", 5.0),
                ("build for m1", 6.0),
                ("build for m2", 6.0),
                ("buildhistory-diff", 1.0),
                ("commit", 0.5),
                ("rest", 1.0),
            ])
        );
    }

    fn record(second: u32, event: &str) -> Record {
        let line = format!(r#"{{"time":"2026-01-01T00:00:{second:02}Z",{event}}}"#);
        serde_json::from_str(&line).unwrap()
    }

    fn step(second: u32, action: &str) -> Record {
        record(
            second,
            &format!(r#""event":"step-started","groups":["a,b"],"step":"s","action":"{action}""#),
        )
    }

    fn step_ends(second: u32, action: &str) -> Record {
        record(
            second,
            &format!(
                r#""event":"step-finished","groups":["a,b"],"step":"s","action":"{action}","outcome":{{"recipes":[]}},"seconds":1.0"#
            ),
        )
    }

    /// The two records of a command that runs from one second to another.
    fn command(id: u32, label: &str, argv: &str, from: u32, to: u32) -> [Record; 2] {
        let argv: Vec<&str> = argv.split(' ').collect();
        let argv = serde_json::to_string(&argv).unwrap();
        [
            record(
                from,
                &format!(
                    r#""event":"command-started","id":{id},"label":"{label}","argv":{argv},"folder":"/b""#
                ),
            ),
            record(to, &finished(id, label, to - from)),
        ]
    }

    fn finished(id: u32, label: &str, seconds: u32) -> String {
        format!(
            r#""event":"command-finished","id":{id},"label":"{label}","folder":"/b","exit":{{"code":0}},"seconds":{seconds}.0"#
        )
    }

    #[test]
    fn builds_side_by_side_each_count_in_full_and_the_rest_is_what_is_left() {
        let [m1, m1_ends] = command(5, "bitbake a b for m1", "bitbake -k a b", 30, 40);
        let [m2, m2_ends] = command(6, "bitbake a b for m2", "bitbake -k a b", 30, 42);
        let records = [
            vec![record(10, &finished(0, "upstream check", 8))],
            vec![step(10, "baseline")],
            command(1, "bitbake a b for m1", "bitbake -k a b", 10, 15).to_vec(),
            vec![step_ends(15, "baseline"), step(15, "run")],
            command(2, "devtool upgrade a", "devtool upgrade a -V 2", 15, 22).to_vec(),
            command(3, "devtool finish a", "devtool finish -f a /l", 22, 26).to_vec(),
            command(4, "git status", "git status", 26, 27).to_vec(),
            vec![m1, m2, m1_ends, m2_ends],
            command(7, "buildhistory-diff -a", "buildhistory-diff -a", 42, 44).to_vec(),
            command(8, "git log of the build history", "git log", 44, 45).to_vec(),
            vec![step_ends(45, "run")],
        ]
        .concat();
        assert_eq!(
            seconds(&of_journal(&records, 50.0)),
            expected(&[
                ("upstream check", 8.0),
                ("baseline build", 5.0),
                ("devtool upgrade", 7.0),
                ("devtool finish", 4.0),
                ("build for m1", 10.0),
                ("build for m2", 12.0),
                ("buildhistory-diff", 3.0),
                ("commit", 1.0),
                ("rest", 50.0 - 40.0),
            ])
        );
    }

    #[test]
    fn a_build_of_other_recipes_is_no_baseline() {
        let (groups, action) = (vec!["a,b".to_owned()], "baseline".to_owned());
        let steps = [(&groups, &action)];
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        assert!(is_baseline(&steps, &words("bitbake -k a b")));
        assert!(!is_baseline(&steps, &words("bitbake -k a")));
        assert!(!is_baseline(&[], &words("bitbake -k a b")));
    }
}
