//! A layer of sixty recipes of which every third goes wrong, in seven ways in turn.
//! Twenty-four of them are upgraded, so that each way is met.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_protocol::FailureClass;
use auh_tests::Environment;

/// How the new release of a recipe goes wrong: the class of its failure, and whether a commit was
/// made before and taken back. Of the seven ways one is a new licence text, and one is a machine
/// that a recipe is not for; both succeed.
fn fate(number: usize) -> Option<(FailureClass, bool)> {
    if !number.is_multiple_of(3) {
        return None;
    }
    match (number / 3 - 1) % 7 {
        0 => Some((FailureClass::PatchConflict, false)),
        1 => Some((FailureClass::Compile, true)),
        2 => Some((FailureClass::Fetch, false)),
        5 => Some((FailureClass::Configure, true)),
        6 => Some((FailureClass::Package, true)),
        _ => None,
    }
}

#[test]
fn each_recipe_meets_its_own_fate() {
    let Some(environment) = Environment::made(&["--recipes", "60", "--fail-every", "3"]) else {
        return;
    };
    // A stretch in which each way to fail comes once, and the first one twice.
    let numbers = 1..=24;
    let tried: Vec<String> = numbers.clone().map(|n| format!("r{n:04}")).collect();
    let call = environment
        .upgrade(&format!("{} --machines", tried.join(" ")))
        .args(["qemux86-64 qemuarm64"]);
    let _ = call.run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.verdicts().len(), tried.len());
    for number in numbers {
        let name = format!("r{number:04}");
        let classes: Vec<_> = run
            .failures(&name)
            .into_iter()
            .map(|(class, _)| class)
            .collect();
        let state = run.state(&name);
        let commits: Vec<bool> = state
            .commits
            .iter()
            .map(|c| c.reverted_by.is_some())
            .collect();
        match fate(number) {
            None => assert_eq!((classes, commits), (vec![], vec![false]), "{name}"),
            Some((class, committed)) => {
                let commits_expected = if committed { vec![true] } else { vec![] };
                assert_eq!(
                    (classes, commits),
                    (vec![class], commits_expected),
                    "{name}"
                );
            }
        }
        let is_new_licence = number % 21 == 12;
        assert_eq!(state.licences.len(), usize::from(is_new_licence), "{name}");
        let is_for_one_machine = number % 21 == 15;
        assert_eq!(
            state.machine_skips.len(),
            usize::from(is_for_one_machine),
            "{name}"
        );
        let version = if fate(number).is_none() { "2.0" } else { "1.0" };
        assert!(environment.recipe(&name, version).exists(), "{name}");
    }
    assert_eq!((run.with(Succeeded).len(), run.with(Failed).len()), (18, 6));
    assert_eq!(
        environment.git(&["status", "--porcelain", "--untracked-files=all"]),
        ""
    );
    assert_eq!(run.full_parses().into_values().collect::<Vec<_>>(), [1, 1]);
}
