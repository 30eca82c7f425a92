//! `auh upgrade all` on a layer of two hundred recipes of which every third goes wrong, in each way
//! that there is, in turn; each ends with its own status in the journal, the results and the mails.

use auh_journal::GroupVerdict;
use auh_protocol::FailureClass;
use auh_tests::{Environment, Finished};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path, process::Command};

/// What is to become of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Upgraded,
    Failed(FailureClass),
    /// Not tried, with the beginning of the reason.
    NotTried(&'static str),
    /// Not checked, with the beginning of the reason.
    Unchecked(&'static str),
}

/// In the order in which `make-layer` has them.
const WAYS: [Fate; 14] = [
    Fate::Failed(FailureClass::PatchConflict),
    Fate::Failed(FailureClass::Compile),
    Fate::Failed(FailureClass::Fetch),
    // A new licence text, and a machine that the run does not build for: both succeed.
    Fate::Upgraded,
    Fate::Upgraded,
    Fate::Failed(FailureClass::Configure),
    Fate::Failed(FailureClass::Package),
    Fate::NotTried("UPSTREAM_CHECK_UNRELIABLE is set"),
    Fate::Unchecked("Fetcher failure"),
    Fate::NotTried("its recipe says why not: 2.0 is no better"),
    Fate::NotTried("it has no maintainer"),
    Fate::NotTried("it is up to date (1.0)"),
    Fate::Unchecked("Could not find a fetcher"),
    Fate::Failed(FailureClass::Compile),
];

fn fates() -> BTreeMap<String, Fate> {
    let fate = |number: usize| match number % 3 {
        0 => WAYS[(number / 3 - 1) % WAYS.len()],
        _ => Fate::Upgraded,
    };
    (1..=200)
        .map(|number| (format!("r{number:04}"), fate(number)))
        .collect()
}

#[test]
fn each_of_two_hundred_has_its_right_status_everywhere() {
    let options = ["--recipes", "200", "--fail-every", "3", "--every-way"];
    let Some(environment) = Environment::made(&options) else {
        return;
    };
    let output = environment
        .upgrade("all --machines qemux86-64")
        .run()
        .expect_code(1);
    let run = environment.latest_run();
    let fates = fates();
    in_the_journal(&run, &fates);
    in_the_summary(&run, &fates);
    in_junit(&run, &fates);
    in_the_statistics(&run, &fates);
    in_the_mails(&run, &fates);
    let count = |wanted: fn(&Fate) -> bool| fates.values().filter(|fate| wanted(fate)).count();
    let said = format!(
        "\n{} succeeded, {} failed, {} unchecked, {} not tried in ",
        count(|f| *f == Fate::Upgraded),
        count(|f| matches!(f, Fate::Failed(_))),
        count(|f| matches!(f, Fate::Unchecked(_))),
        count(|f| matches!(f, Fate::NotTried(_)))
    );
    assert!(output.stdout.contains(&said), "{said}: {}", output.stdout);
    for (name, fate) in &fates {
        let version = if *fate == Fate::Upgraded {
            "2.0"
        } else {
            "1.0"
        };
        assert!(environment.recipe(name, version).exists(), "{name}");
    }
    assert_eq!(
        environment.git(&["status", "--porcelain", "--untracked-files=all"]),
        ""
    );
    assert_eq!(run.full_parses().into_values().collect::<Vec<_>>(), [1]);
}

fn in_the_journal(run: &Finished, fates: &BTreeMap<String, Fate>) {
    let left_out = |name: &str| {
        let left = run.story.left_out.iter().find(|left| left.recipe == name);
        left.unwrap_or_else(|| panic!("{name} was tried"))
    };
    for (name, fate) in fates {
        match fate {
            Fate::Upgraded => {
                assert_eq!(verdict(run, name), Some(GroupVerdict::Succeeded), "{name}");
            }
            Fate::Failed(class) => {
                assert_eq!(verdict(run, name), Some(GroupVerdict::Failed), "{name}");
                let classes: Vec<_> = run
                    .failures(name)
                    .into_iter()
                    .map(|(class, _)| class)
                    .collect();
                assert_eq!(classes, [*class], "{name}");
            }
            Fate::NotTried(reason) | Fate::Unchecked(reason) => {
                let left = left_out(name);
                assert!(left.reason.starts_with(reason), "{name}: {}", left.reason);
                assert_eq!(left.failed, matches!(fate, Fate::Unchecked(_)), "{name}");
            }
        }
    }
}

fn verdict(run: &Finished, name: &str) -> Option<GroupVerdict> {
    let mut verdicts = run.verdicts().into_iter();
    verdicts.find(|(group, _)| group == name)?.1
}

fn in_the_summary(run: &Finished, fates: &BTreeMap<String, Fate>) {
    let summary: Value = serde_json::from_str(&run.text("summary.json")).unwrap();
    let recipes = summary["recipes"].as_array().unwrap();
    let left_out = summary["left_out"].as_array().unwrap();
    assert_eq!(recipes.len() + left_out.len(), fates.len());
    for (name, fate) in fates {
        let of = |list: &[Value]| list.iter().find(|r| r["recipe"] == **name).cloned();
        match fate {
            Fate::Upgraded => assert_eq!(of(recipes).unwrap()["status"], "Succeeded", "{name}"),
            Fate::Failed(class) => {
                let recipe = of(recipes).unwrap();
                assert_eq!(recipe["class"], class.as_str(), "{name}");
                assert_eq!(recipe["status"], class.auh_status(), "{name}");
            }
            Fate::NotTried(_) => assert_eq!(of(left_out).unwrap()["failed"], false, "{name}"),
            Fate::Unchecked(_) => assert_eq!(of(left_out).unwrap()["failed"], true, "{name}"),
        }
    }
}

fn in_junit(run: &Finished, fates: &BTreeMap<String, Fate>) {
    let cases = junit(&run.path.join("junit.xml"));
    assert_eq!(cases.len(), fates.len());
    for (name, fate) in fates {
        let expected = match fate {
            Fate::Upgraded => "passed".to_owned(),
            Fate::Failed(class) => format!("failure {class}"),
            Fate::NotTried(_) => "skipped None".to_owned(),
            Fate::Unchecked(_) => "error upstream".to_owned(),
        };
        assert_eq!(cases[name], expected, "{name}");
    }
}

/// What Python's reader of XML finds: each test case with its result.
fn junit(file: &Path) -> BTreeMap<String, String> {
    let program = "import sys, xml.etree.ElementTree as tree\n\
                   for case in tree.parse(sys.argv[1]).getroot().find('testsuite'):\n    \
                   parts = [p for p in case if p.tag != 'system-out']\n    \
                   print(case.get('name'), *([parts[0].tag, parts[0].get('type')] if parts else ['passed']))";
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().map(|line| line.split_once(' ').unwrap());
    pairs
        .map(|(name, result)| (name.to_owned(), result.to_owned()))
        .collect()
}

fn in_the_statistics(run: &Finished, fates: &BTreeMap<String, Fate>) {
    let text = run.text("statistics_summary");
    let mut status = "";
    let mut found = BTreeMap::new();
    let per_recipe = text.split("\n    TOTAL: ").next().unwrap();
    for line in per_recipe.lines() {
        if let Some(line) = line.strip_prefix("    * ") {
            status = line.rsplit_once(": ").unwrap().0;
        } else if let Some(line) = line.strip_prefix("        ") {
            found.insert(line.split(", ").next().unwrap().to_owned(), status);
        }
    }
    let expected: BTreeMap<_, _> = fates
        .iter()
        .filter_map(|(name, fate)| match fate {
            Fate::Upgraded => Some((name.clone(), "Succeeded")),
            Fate::Failed(class) => Some((name.clone(), class.auh_status())),
            Fate::NotTried(_) | Fate::Unchecked(_) => None,
        })
        .collect();
    assert_eq!(found, expected);
    let good = expected
        .values()
        .filter(|status| **status == "Succeeded")
        .count();
    let total = format!("TOTAL: attempted={} succeeded={good}(", expected.len());
    assert!(text.contains(&total), "{text}");
}

fn in_the_mails(run: &Finished, fates: &BTreeMap<String, Fate>) {
    for (name, fate) in fates {
        let word = match fate {
            Fate::Upgraded => "SUCCEEDED",
            Fate::Failed(_) => "FAILED",
            Fate::NotTried(_) | Fate::Unchecked(_) => {
                assert!(!run.path.join("all").join(name).exists(), "{name}");
                continue;
            }
        };
        let mail = run.text(&format!("all/{name}/email_summary"));
        let subject = format!("\nSubject: [AUH] {name}: upgrading to 2.0 {word}\n");
        assert!(mail.contains(&subject), "{mail}");
        if let Fate::Failed(class) = fate {
            let status = format!("has {}", class.auh_status());
            assert!(mail.contains(&status), "{mail}");
        }
    }
}
