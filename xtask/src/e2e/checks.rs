//! What must have come of the scenario, check by check.

use super::{
    MACHINES, RECIPES, UPGRADED,
    environment::{Environment, Snapshot},
};
use anyhow::Result;
use auh_journal::{Event, GroupVerdict, Record};
use auh_protocol::{Failure, FailureClass, GroupState, RecipeStatus, StepOutcome};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// BitBake's servers go when their last client went, not at the same instant.
const SERVERS_LEAVE: Duration = Duration::from_secs(5);

/// One check and what came of it.
#[derive(Debug)]
pub(crate) struct Check {
    what: String,
    /// What was found instead.
    wrong: Option<String>,
}

impl Check {
    fn new(what: impl Into<String>, holds: bool, found: impl FnOnce() -> String) -> Self {
        Self {
            what: what.into(),
            wrong: (!holds).then(found),
        }
    }

    fn equal<T: fmt::Debug + PartialEq>(what: impl Into<String>, found: &T, expected: &T) -> Self {
        Self::new(what, found == expected, || {
            format!("found {found:?}, expected {expected:?}")
        })
    }

    /// Whether all is well.
    pub(crate) fn holds(&self) -> bool {
        self.wrong.is_none()
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wrong {
            None => write!(f, "  ok      {}", self.what),
            Some(wrong) => write!(f, "  FAILED  {}: {wrong}", self.what),
        }
    }
}

/// Some recipes fail, and the exit code says so.
pub(crate) fn of_exit(status: Option<i32>) -> Vec<Check> {
    vec![Check::equal("exit code is 1", &status, &Some(1))]
}

/// What the journal says of each recipe.
pub(crate) fn of_journal(records: &[Record]) -> Vec<Check> {
    let groups = Groups::of(records);
    let mut checks: Vec<_> = RECIPES
        .iter()
        .map(|recipe| {
            let expected = match UPGRADED.contains(recipe) {
                true => GroupVerdict::Succeeded,
                false => GroupVerdict::Failed,
            };
            Check::equal(
                format!("{recipe}: {expected:?}"),
                &groups.verdicts.get(*recipe),
                &Some(&expected),
            )
        })
        .collect();
    checks.push(skipped_for_machine(&groups));
    checks.push(failed_as(
        "chello",
        FailureClass::PatchConflict,
        &[],
        &groups,
    ));
    checks.push(failed_as(
        "bhello",
        FailureClass::Compile,
        &MACHINES,
        &groups,
    ));
    checks
}

fn skipped_for_machine(groups: &Groups) -> Check {
    let skips: Vec<_> = groups.state("mhello").machine_skips;
    let holds = matches!(skips.as_slice(), [skip]
        if skip.recipe.as_str() == "mhello" && skip.machine.to_string() == MACHINES[1] && skip.reason.contains("COMPATIBLE_MACHINE"));
    let what = format!("mhello: skipped for {}, with BitBake's reason", MACHINES[1]);
    Check::new(what, holds, || format!("{skips:?}"))
}

fn failed_as(recipe: &str, class: FailureClass, machines: &[&str], groups: &Groups) -> Check {
    let failures: Vec<Failure> = groups
        .state(recipe)
        .failures
        .into_iter()
        .map(|f| f.failure)
        .collect();
    let on: BTreeSet<String> = failures
        .iter()
        .flat_map(|f| &f.machines)
        .map(ToString::to_string)
        .collect();
    let expected: BTreeSet<String> = machines.iter().map(|&machine| machine.to_owned()).collect();
    let classes = !failures.is_empty() && failures.iter().all(|failure| failure.class == class);
    let place = if machines.is_empty() {
        String::new()
    } else {
        format!(" on {}", machines.join(" and "))
    };
    Check::new(
        format!("{recipe}: failed as {class}{place}"),
        classes && on == expected,
        || format!("{failures:?}"),
    )
}

/// The journal's story by group.
#[derive(Debug, Default)]
struct Groups {
    verdicts: BTreeMap<String, GroupVerdict>,
    outcomes: Vec<StepOutcome>,
}

impl Groups {
    fn of(records: &[Record]) -> Self {
        let mut groups = Self::default();
        for record in records {
            match &record.event {
                Event::GroupFinished { group, verdict, .. } => {
                    groups.verdicts.insert(group.clone(), *verdict);
                }
                Event::StepFinished { outcome, .. } => groups.outcomes.push(outcome.clone()),
                _ => {}
            }
        }
        groups
    }

    /// What all steps together found out about one recipe.
    fn state(&self, recipe: &str) -> GroupState {
        let mut state = GroupState::default();
        for outcome in &self.outcomes {
            let mut about = outcome.clone();
            about.recipes.retain(|o| {
                o.recipe.as_str() == recipe && !matches!(o.status, RecipeStatus::Succeeded)
            });
            about
                .machine_skips
                .retain(|skip| skip.recipe.as_str() == recipe);
            state.absorb(&about);
        }
        state
    }
}

/// The files that the run directory must hold.
pub(crate) fn of_run_folder(run: &Path) -> Vec<Check> {
    let all = run.join("all");
    let mut checks = Vec::new();
    for recipe in UPGRADED {
        let patches = files_ending(&all.join(recipe), ".patch");
        checks.push(Check::new(
            format!("{recipe}: one patch"),
            patches.len() == 1,
            || format!("{patches:?}"),
        ));
        checks.push(linked(run, "succeed", recipe));
    }
    for recipe in ["chello", "bhello"] {
        checks.push(linked(run, "failed", recipe));
    }
    for recipe in UPGRADED.into_iter().chain(["bhello"]) {
        let file = all.join(recipe).join("license-diff-1.0.txt");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let what = format!("{recipe}: license-diff-1.0.txt");
        checks.push(Check::new(what, !text.trim().is_empty(), || {
            format!("{} is missing or empty", file.display())
        }));
    }
    for machine in MACHINES {
        let file = all.join(format!("bhello/bitbake-output-{machine}.txt"));
        let text = fs::read_to_string(&file).unwrap_or_default();
        let what = format!("bhello: build log of {machine} kept");
        checks.push(Check::new(what, text.contains("bhello"), || {
            format!("{} does not tell of bhello", file.display())
        }));
    }
    checks
}

fn linked(run: &Path, folder: &str, recipe: &str) -> Check {
    let link = run.join(folder).join(recipe);
    let leads = fs::canonicalize(&link).ok() == fs::canonicalize(run.join("all").join(recipe)).ok()
        && link.is_dir();
    Check::new(format!("{recipe}: linked in {folder}/"), leads, || {
        format!("{} leads nowhere", link.display())
    })
}

fn files_ending(folder: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(end)).collect()
}

/// The layer's history and state.
pub(crate) fn of_layer(environment: &Environment) -> Result<Vec<Check>> {
    let since = format!("{}..HEAD", environment.first_commit()?);
    let subjects = environment.git(&["log", "--reverse", "--format=%s", &since])?;
    let changes = environment.git(&["log", "--patch", "--format=", &since])?;
    let paths = environment.git(&["diff", "--name-only", "--no-renames", &since])?;
    let status = environment.git(&["status", "--porcelain", "--ignored"])?;
    Ok(vec![
        check_history(&subjects),
        Check::new(
            "no commit adds a # FIXME block",
            !adds_fixme(&changes),
            || "one does".to_owned(),
        ),
        check_paths(&paths),
        Check::new("the layer is clean", status.is_empty(), || {
            status.replace('\n', "; ")
        }),
    ])
}

/// A commit for each upgrade in any order, and bhello's before its revert.
fn check_history(subjects: &str) -> Check {
    let upgrade = |recipe: &str| format!("{recipe}: upgrade 1.0 -> 2.0");
    let revert = format!("Revert \"{}\"", upgrade("bhello"));
    let mut expected: Vec<String> = UPGRADED
        .into_iter()
        .chain(["bhello"])
        .map(upgrade)
        .collect();
    expected.push(revert.clone());
    expected.sort();
    let in_order: Vec<&str> = subjects.lines().collect();
    let mut sorted = in_order.clone();
    sorted.sort_unstable();
    let place = |subject: &str| in_order.iter().position(|found| *found == subject);
    let holds = sorted == expected && place(&upgrade("bhello")) < place(&revert);
    Check::new(
        "history: five upgrades, bhello's reverted by git revert",
        holds,
        || format!("{in_order:?}"),
    )
}

fn adds_fixme(patch: &str) -> bool {
    patch
        .lines()
        .any(|line| line.starts_with('+') && line.contains("# FIXME"))
}

fn check_paths(paths: &str) -> Check {
    let of_upgraded = |path: &&str| {
        UPGRADED
            .iter()
            .any(|recipe| path.starts_with(&format!("recipes-hello/{recipe}/")))
    };
    let others: Vec<&str> = paths.lines().filter(|path| !of_upgraded(path)).collect();
    Check::new(
        "only the upgraded recipes' files differ",
        others.is_empty(),
        || format!("{others:?}"),
    )
}

/// Configuration, workspace, servers, branch.
pub(crate) fn of_rest(environment: &Environment, before: &Snapshot) -> Result<Vec<Check>> {
    let mut checks = of_conf(&before.conf, &environment.conf()?);
    let left = environment.workspace_files();
    checks.push(Check::new(
        "the workspace is empty",
        left.is_empty(),
        || format!("{left:?}"),
    ));
    let servers = new_servers(environment, before)?;
    checks.push(Check::new(
        "no BitBake server is left behind",
        servers.is_empty(),
        || format!("process {servers:?}"),
    ));
    let same = environment.same_branch(before)?;
    checks.push(Check::new(
        "the layer is on the branch it was on",
        same,
        || "it is on another".to_owned(),
    ));
    Ok(checks)
}

fn new_servers(environment: &Environment, before: &Snapshot) -> Result<Vec<u32>> {
    let start = Instant::now();
    loop {
        let new: Vec<_> = environment
            .servers()?
            .difference(&before.servers)
            .copied()
            .collect();
        if new.is_empty() || start.elapsed() > SERVERS_LEAVE {
            return Ok(new);
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// One check a file of `conf`, and one for those that came.
fn of_conf(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<Check> {
    let mut checks: Vec<_> = before
        .iter()
        .map(|(name, old)| {
            let new = after.get(name);
            let same = new == Some(old)
                || (name == "bblayers.conf"
                    && new.is_some_and(|new| only_workspace_added(old, new)));
            let found = || new.map_or("it is gone".to_owned(), |new| first_difference(old, new));
            Check::new(format!("conf/{name} is as before"), same, found)
        })
        .collect();
    let came: Vec<_> = after
        .keys()
        // devtool keeps the place of its workspace there, which may stay.
        .filter(|name| *name != "devtool.conf" && !before.contains_key(*name))
        .collect();
    checks.push(Check::new("no file came to conf", came.is_empty(), || {
        format!("{came:?}")
    }));
    checks
}

/// Whether nothing but lines with the workspace layer came. devtool writes the whole assignment
/// anew, so spacing may differ.
fn only_workspace_added(old: &[u8], new: &[u8]) -> bool {
    let words = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        text.split([' ', '\t', '\n', '\\'])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let new: Vec<_> = words(new)
        .into_iter()
        .filter(|word| !word.ends_with("/workspace"))
        .collect();
    words(old) == new
}

fn first_difference(old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let mut pairs = old
        .lines()
        .map(Some)
        .chain([None])
        .zip(new.lines().map(Some).chain([None]))
        .enumerate();
    match pairs.find(|(_, (a, b))| a != b) {
        Some((index, (a, b))) => format!(
            "line {}: {:?} became {:?}",
            index + 1,
            a.unwrap_or("the end"),
            b.unwrap_or("the end")
        ),
        None => "line ends differ".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(event: &str) -> Record {
        serde_json::from_str(&format!(r#"{{"time":"2026-01-01T00:00:00Z",{event}}}"#)).unwrap()
    }

    fn finished(group: &str, verdict: &str) -> Record {
        record(&format!(
            r#""event":"group-finished","group":"{group}","verdict":"{verdict}","seconds":1"#
        ))
    }

    fn step(group: &str, outcome: &str) -> Record {
        record(&format!(
            r#""event":"step-finished","groups":["{group}"],"step":"s","action":"run","seconds":1,"outcome":{outcome}"#
        ))
    }

    fn good_journal() -> Vec<Record> {
        vec![
            step(
                "mhello",
                r#"{"machine_skips":[{"recipe":"mhello","machine":"qemuarm64","reason":"mhello was skipped: incompatible with machine qemuarm64 (not in COMPATIBLE_MACHINE)"}]}"#,
            ),
            step(
                "chello",
                r#"{"recipes":[{"recipe":"chello","status":"failed","class":"patch-conflict","message":"m"}]}"#,
            ),
            step(
                "bhello",
                r#"{"recipes":[{"recipe":"bhello","status":"failed","class":"compile","message":"m","machines":["qemux86-64","qemuarm64"]}]}"#,
            ),
            finished("hello", "succeeded"),
            finished("ghello", "succeeded"),
            finished("phello", "succeeded"),
            finished("mhello", "succeeded"),
            finished("chello", "failed"),
            finished("bhello", "failed"),
        ]
    }

    fn failing(checks: &[Check]) -> Vec<&str> {
        checks
            .iter()
            .filter(|check| !check.holds())
            .map(|check| &*check.what)
            .collect()
    }

    #[test]
    fn a_journal_as_it_should_be_passes() {
        assert_eq!(failing(&of_journal(&good_journal())), Vec::<&str>::new());
    }

    #[test]
    fn what_is_missing_in_a_journal_is_named() {
        for (index, expect) in [
            (0, "mhello: skipped for qemuarm64, with BitBake's reason"),
            (1, "chello: failed as patch-conflict"),
            (2, "bhello: failed as compile on qemux86-64 and qemuarm64"),
            (3, "hello: Succeeded"),
            (8, "bhello: Failed"),
        ] {
            let mut journal = good_journal();
            journal.remove(index);
            assert_eq!(failing(&of_journal(&journal)), [expect]);
        }
    }

    #[test]
    fn histories() {
        let good = "hello: upgrade 1.0 -> 2.0\nbhello: upgrade 1.0 -> 2.0\nRevert \"bhello: upgrade 1.0 -> 2.0\"\n\
                    phello: upgrade 1.0 -> 2.0\nghello: upgrade 1.0 -> 2.0\nmhello: upgrade 1.0 -> 2.0\n";
        assert!(check_history(good).holds());
        assert!(!check_history(&format!("{good}chello: upgrade 1.0 -> 2.0\n")).holds());
        assert!(!check_history(&good.replace("Revert", "Drop")).holds());
        let lines: Vec<&str> = good.lines().rev().collect();
        assert!(
            !check_history(&lines.join("\n")).holds(),
            "a revert must come after its commit"
        );
    }

    #[test]
    fn a_fixme_counts_where_it_is_added() {
        assert!(adds_fixme("+# FIXME: the LIC_FILES_CHKSUM values\n"));
        assert!(!adds_fixme("-# FIXME: old\n # FIXME: context\n"));
    }

    #[test]
    fn paths_of_other_recipes_are_found() {
        assert!(
            check_paths("recipes-hello/hello/hello_2.0.bb\nrecipes-hello/hello/hello_1.0.bb\n")
                .holds()
        );
        assert!(!check_paths("recipes-hello/chello/chello_1.0.bb\n").holds());
        assert!(!check_paths("conf/layer.conf\n").holds());
    }

    #[test]
    fn configuration_may_only_gain_the_workspace() {
        let old = b"BBLAYERS ?= \" \\\n  /a/meta \\\n  /a/meta-tiny \\\n  \"\n";
        let new =
            b"BBLAYERS ?= \" \\\n  /a/meta \\\n  /a/meta-tiny \\\n  /b/build/workspace \\\n  \"\n";
        assert!(only_workspace_added(old, new));
        assert!(!only_workspace_added(new, old), "a layer must not go");
        let conf = |text: &[u8]| {
            BTreeMap::from([
                ("bblayers.conf".to_owned(), text.to_vec()),
                ("local.conf".to_owned(), text.to_vec()),
            ])
        };
        assert_eq!(
            failing(&of_conf(&conf(old), &conf(new))),
            ["conf/local.conf is as before"]
        );
        let more = BTreeMap::from([("auto.conf".to_owned(), vec![])]);
        assert_eq!(
            failing(&of_conf(&BTreeMap::new(), &more)),
            ["no file came to conf"]
        );
        assert_eq!(
            first_difference(b"a\nb\n", b"a\nc\n"),
            "line 2: \"b\" became \"c\""
        );
        assert_eq!(
            first_difference(b"a\n", b"a\nc\n"),
            "line 2: \"the end\" became \"c\""
        );
    }

    #[test]
    fn a_run_folder_as_it_should_be_passes_and_an_empty_one_does_not() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(
            failing(&of_run_folder(run.path())).len(),
            of_run_folder(run.path()).len()
        );
        for recipe in RECIPES {
            let folder = run.path().join("all").join(recipe);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("0001-x.patch"), "x").unwrap();
            fs::write(folder.join("license-diff-1.0.txt"), "x").unwrap();
            for machine in MACHINES {
                fs::write(
                    folder.join(format!("bitbake-output-{machine}.txt")),
                    "bhello",
                )
                .unwrap();
            }
            let kind = if UPGRADED.contains(&recipe) {
                "succeed"
            } else {
                "failed"
            };
            fs::create_dir_all(run.path().join(kind)).unwrap();
            std::os::unix::fs::symlink(
                format!("../all/{recipe}"),
                run.path().join(kind).join(recipe),
            )
            .unwrap();
        }
        assert_eq!(failing(&of_run_folder(run.path())), Vec::<&str>::new());
    }
}
