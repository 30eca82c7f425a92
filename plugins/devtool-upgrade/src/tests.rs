//! Upgrades with the real git, a real workspace folder, and a devtool that only leaves behind what
//! the real one does and says what was recorded from it.

use crate::DevtoolUpgrade;
use auh_sdk::{
    CommandResult, Exit, Failure, FailureClass, Place, Recipe, RecipeName, RecipeStatus,
    RunCommand, Step, StepOutcome, StepRequest,
    pretend::{self, PretendHost, ended},
    protocol::Revision,
};
use real_git::Layer;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[path = "../../repository/tests/real_git/mod.rs"]
mod real_git;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../auh-core/transcript/tests/data/", $name))
    };
}

const BLOCK: &str = recorded!("licence-block.bb");

/// A layer with two recipes, and a build directory with a workspace beside it.
struct Bench {
    layer: Layer,
}

impl Bench {
    fn new() -> Self {
        let layer = Layer::new(&[
            ("recipes/hello/hello_1.0.bb", "old\n"),
            ("recipes/hello/0001-greet.patch", "old patch\n"),
            ("recipes/chello/chello_1.0.bb", "old\n"),
            ("user.bb", "x\n"),
        ]);
        let bench = Self { layer };
        for folder in ["recipes", "sources", "appends", "conf"] {
            fs::create_dir_all(bench.workspace().join(folder)).unwrap();
        }
        fs::write(bench.workspace().join(".devtool_md5"), "other|x|1\n").unwrap();
        bench
    }

    fn workspace(&self) -> PathBuf {
        self.layer.beside().join("build/workspace")
    }

    fn folder(&self) -> PathBuf {
        self.layer.beside()
    }

    fn recipe(&self, name: &str) -> Recipe {
        pretend::recipe(&self.layer.top().join("recipes"), name)
    }

    fn request(&self, recipes: Vec<Recipe>) -> StepRequest {
        pretend::request(&self.folder(), "run", recipes, &[])
    }

    /// A host with the real git and a devtool whose `upgrade`, `finish` and `reset` are given.
    fn host(&self, answer: fn(&Devtool, &str) -> CommandResult) -> PretendHost {
        let (top, workspace) = (self.layer.top(), self.workspace());
        PretendHost::new(move |command: &RunCommand| match command.argv[0].as_str() {
            "git" => real_git::run(command),
            "devtool" => {
                assert_eq!(command.place, Place::BuildDir);
                let devtool = Devtool {
                    top: top.clone(),
                    workspace: workspace.clone(),
                    argv: command.argv.clone(),
                };
                answer(&devtool, &command.argv[1])
            }
            other => panic!("{other}"),
        })
    }

    fn run(&self, host: &PretendHost, names: &[&str]) -> StepOutcome {
        let recipes = names.iter().map(|name| self.recipe(name)).collect();
        let request = self.request(recipes);
        DevtoolUpgrade.run(&request, &host.host()).unwrap()
    }

    /// Every file and folder of the workspace, and what of the layer differs from the last commit.
    fn everything(&self) -> (Vec<String>, Vec<String>, String) {
        let mut files = Vec::new();
        list(&self.workspace(), &self.workspace(), &mut files);
        files.sort();
        let sums = fs::read_to_string(self.workspace().join(".devtool_md5")).unwrap();
        (files, self.layer.status(), sums)
    }
}

fn list(top: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.strip_prefix(top).unwrap().display().to_string());
        if path.is_dir() {
            list(top, &path, found);
        }
    }
}

/// What the real devtool does to files, for recipes 1.0 -> 2.0.
struct Devtool {
    top: PathBuf,
    workspace: PathBuf,
    argv: Vec<String>,
}

impl Devtool {
    /// Recorded for hello; the words are the same for any recipe.
    fn says(&self, code: i32, stderr: &str, pn: &str) -> CommandResult {
        let text = stderr
            .replace("/oe/build/workspace", &self.workspace.display().to_string())
            .replace(
                "/oe/meta-tiny/recipes-hello",
                &self.top.join("recipes").display().to_string(),
            )
            .replace("/hello", &format!("/{pn}"));
        ended(code, "NOTE: Reconnecting to bitbake server...\n", &text)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.workspace.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn put_in(&self) -> String {
        let pn = self.argv[2].clone();
        self.write(&format!("sources/{pn}/main.c"), "int main;\n");
        self.write(&format!("recipes/{pn}/{pn}_2.0.bb"), BLOCK);
        let append = format!("# x\nEXTERNALSRC:pn-{pn} = \"sources/{pn}\"\n");
        self.write(&format!("appends/{pn}_2.0.bbappend"), &append);
        self.write(&format!("changelogs/{pn}.txt"), "changes\n");
        self.write(
            ".devtool_md5",
            &format!("other|x|1\n{pn}|recipes/{pn}/{pn}_2.0.bb|1\n"),
        );
        pn
    }

    fn upgrade(&self) -> CommandResult {
        let pn = self.put_in();
        self.says(0, recorded!("devtool-upgrade-license.stderr"), &pn)
    }

    fn conflict(&self) -> CommandResult {
        let pn = self.put_in();
        ended(
            0,
            "",
            &recorded!("devtool-upgrade-conflict.stderr").replace("chello", &pn),
        )
    }

    /// The layer's files only; then the real one resets.
    fn move_to_layer(&self) -> String {
        let pn = self.argv[4].clone();
        let folder = PathBuf::from(&self.argv[5]);
        fs::remove_file(folder.join(format!("{pn}_1.0.bb"))).unwrap();
        fs::write(folder.join("0001-greet.patch"), "new patch\n").unwrap();
        fs::rename(
            self.workspace.join(format!("recipes/{pn}/{pn}_2.0.bb")),
            folder.join(format!("{pn}_2.0.bb")),
        )
        .unwrap();
        pn
    }

    fn finish(&self) -> CommandResult {
        assert_eq!(&self.argv[..4], ["devtool", "finish", "-r", "-f"]);
        let pn = self.move_to_layer();
        self.forget(&pn);
        self.says(0, recorded!("devtool-finish.stderr"), &pn)
    }

    fn reset(&self) -> CommandResult {
        assert_eq!(&self.argv[..4], ["devtool", "reset", "-r", "-n"]);
        let pn = self.argv[4].clone();
        self.write(&format!("attic/{pn}/{pn}_2.0.bb"), "modified\n");
        self.forget(&pn);
        self.says(
            0,
            "INFO: -r argument used on hello, removing source tree.\n",
            &pn,
        )
    }

    fn forget(&self, pn: &str) {
        fs::remove_dir_all(self.workspace.join("recipes").join(pn)).unwrap();
        fs::remove_dir_all(self.workspace.join("sources").join(pn)).unwrap();
        fs::remove_file(self.workspace.join(format!("appends/{pn}_2.0.bbappend"))).unwrap();
        let _ = fs::remove_dir_all(self.workspace.join("changelogs"));
        self.write(".devtool_md5", "other|x|1\n");
    }
}

fn good(devtool: &Devtool, verb: &str) -> CommandResult {
    match verb {
        "upgrade" => devtool.upgrade(),
        "finish" => devtool.finish(),
        _ => devtool.reset(),
    }
}

fn failure_of<'a>(outcome: &'a StepOutcome, name: &str) -> &'a Failure {
    let found = outcome.recipes.iter().find(|r| r.recipe.as_str() == name);
    match &found.unwrap().status {
        RecipeStatus::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

fn devtool_lines(host: &PretendHost) -> Vec<String> {
    let lines = host.command_lines().into_iter();
    lines.filter(|line| line.starts_with("devtool")).collect()
}

#[test]
fn an_upgrade_hands_on_its_changes_licence_and_changelog() {
    let bench = Bench::new();
    bench.layer.write("user.bb", "edited\n");
    bench.layer.write("notes", "mine\n");
    let before = bench.everything();
    let host = bench.host(good);
    let outcome = bench.run(&host, &["hello"]);
    assert_eq!(
        outcome.recipes[0].status,
        RecipeStatus::Succeeded,
        "{outcome:?}"
    );
    let changes = outcome.changes.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].repository, bench.layer.top());
    let paths = ["0001-greet.patch", "hello_1.0.bb", "hello_2.0.bb"];
    let paths = paths.map(|name| PathBuf::from("recipes/hello").join(name));
    assert_eq!(changes[0].paths, paths);
    assert!(
        !bench
            .layer
            .read("recipes/hello/hello_2.0.bb")
            .contains("FIXME")
    );
    let difference = fs::read_to_string(bench.folder().join("license-diff-1.0.txt")).unwrap();
    assert!(difference.contains("+++ "), "{difference}");
    assert_eq!(
        outcome.licences[0].file,
        bench.folder().join("license-diff-1.0.txt")
    );
    let changelog = bench.folder().join("changelog-hello.txt");
    assert_eq!(
        outcome.changelogs,
        [(RecipeName::new("hello").unwrap(), changelog.clone())]
    );
    assert_eq!(fs::read_to_string(changelog).unwrap(), "changes\n");
    assert_eq!(bench.everything().0, before.0);
    let folder = bench.layer.top().join("recipes/hello");
    assert_eq!(
        devtool_lines(&host),
        [
            "devtool upgrade hello -V 2.0".to_owned(),
            format!("devtool finish -r -f hello {}", folder.display())
        ]
    );
    let logs: Vec<_> = host.commands().into_iter().filter_map(|c| c.log).collect();
    let expect = ["devtool-upgrade-hello.log", "devtool-finish-hello.log"];
    assert_eq!(logs, expect.map(|name| bench.folder().join(name)));
}

#[test]
fn devtool_is_told_the_target_and_nothing_else() {
    let cases = [
        (false, None, "devtool upgrade hello -V 2.0"),
        (
            false,
            Some("abc123"),
            "devtool upgrade hello -V 2.0 -S abc123",
        ),
        (true, Some("abc123"), "devtool upgrade hello -S abc123"),
    ];
    for (new_commits, revision, expect) in cases {
        let bench = Bench::new();
        let host = bench.host(good);
        let mut recipe = bench.recipe("hello");
        recipe.target.new_commits = new_commits;
        recipe.target.revision = revision.map(|r| Revision::new(r).unwrap());
        let request = bench.request(vec![recipe]);
        DevtoolUpgrade.run(&request, &host.host()).unwrap();
        assert_eq!(devtool_lines(&host)[0], expect);
    }
}

#[test]
fn new_commits_without_a_revision_are_nowhere_to_go() {
    let bench = Bench::new();
    let host = bench.host(good);
    let mut recipe = bench.recipe("hello");
    recipe.target.new_commits = true;
    let request = bench.request(vec![recipe]);
    let outcome = DevtoolUpgrade.run(&request, &host.host()).unwrap();
    assert_eq!(failure_of(&outcome, "hello").class, FailureClass::Upstream);
    assert_eq!(devtool_lines(&host), [""; 0]);
}

#[test]
fn a_group_moves_as_a_whole_or_not_at_all() {
    let bench = Bench::new();
    bench.layer.write("user.bb", "edited\n");
    let before = bench.everything();
    let host = bench.host(|devtool, verb| match (verb, devtool.argv[2].as_str()) {
        ("upgrade", "chello") => devtool.conflict(),
        _ => good(devtool, verb),
    });
    let outcome = bench.run(&host, &["hello", "chello"]);
    let failure = failure_of(&outcome, "chello");
    assert_eq!(failure.class, FailureClass::PatchConflict);
    assert_eq!(
        failure.message,
        "patches conflict with the new version in hello.sh"
    );
    assert_eq!(
        failure.log,
        Some(bench.folder().join("devtool-upgrade-chello.log"))
    );
    let reason = "chello of the same group failed".to_owned();
    assert_eq!(outcome.recipes[0].status, RecipeStatus::Skipped { reason });
    assert_eq!(outcome.changes, None);
    assert_eq!(bench.everything(), before);
    assert_eq!(
        devtool_lines(&host)[2..],
        ["devtool reset -r -n hello", "devtool reset -r -n chello"]
    );
    let commands = host.commands();
    let reset = commands.iter().filter(|c| c.argv[1] == "reset");
    assert!(reset.clone().count() == 2 && reset.clone().all(|c| c.cleanup));
    let error_log = fs::read_to_string(bench.folder().join("bitbake_error_log.txt")).unwrap();
    assert!(error_log.contains("CONFLICT (content)"));
}

#[test]
fn a_failed_finish_is_taken_back_in_every_layer_file() {
    let bench = Bench::new();
    let before = bench.everything();
    let host = bench.host(|devtool, verb| match (verb, devtool.argv[4..].first()) {
        ("finish", Some(pn)) if pn == "chello" => {
            devtool.move_to_layer();
            ended(1, "", "ERROR: Failed to move the rest\n")
        }
        _ => good(devtool, verb),
    });
    let outcome = bench.run(&host, &["hello", "chello"]);
    let failure = failure_of(&outcome, "chello");
    assert_eq!(failure.message, "Failed to move the rest");
    assert_eq!(bench.everything(), before);
    assert_eq!(
        bench.layer.read("recipes/hello/0001-greet.patch"),
        "old patch\n"
    );
    let lines = devtool_lines(&host);
    assert_eq!(
        lines[4..],
        ["devtool reset -r -n chello"],
        "hello was finished: no reset"
    );
}

#[test]
fn an_upgrade_that_was_cut_short_leaves_nothing_behind() {
    for (exit, class, message) in [
        (
            Exit::TimedOut,
            FailureClass::Hang,
            "devtool upgrade hello was stopped by its time limit after 60 s",
        ),
        (Exit::Stopped, FailureClass::Infrastructure, "stopped"),
        (
            Exit::Signal(9),
            FailureClass::Infrastructure,
            "devtool upgrade hello was ended by signal 9",
        ),
    ] {
        let bench = Bench::new();
        let before = bench.everything();
        let host = bench.host(|devtool, _| {
            let pn = devtool.put_in();
            // What stands in the append while devtool extracts the sources.
            devtool.write(
                &format!("appends/{pn}_2.0.bbappend"),
                "DEVTOOL_TEMPDIR = \"x\"\n",
            );
            ended(0, "", "")
        });
        let real = host.host();
        let cut = PretendHost::new(move |command: &RunCommand| CommandResult {
            exit: if command.argv[0] == "devtool" {
                exit
            } else {
                Exit::Code(0)
            },
            seconds: 60.0,
            ..real.run(command).unwrap()
        });
        let outcome = bench.run(&cut, &["hello"]);
        let failure = failure_of(&outcome, "hello");
        assert_eq!((failure.class, failure.message.as_str()), (class, message));
        assert_eq!(bench.everything(), before, "{exit:?}");
        assert_eq!(
            devtool_lines(&cut),
            ["devtool upgrade hello -V 2.0"],
            "nothing to reset"
        );
    }
}

#[test]
fn what_devtool_says_becomes_the_failure() {
    let bench = Bench::new();
    let host = bench.host(|_, _| ended(1, "", recorded!("devtool-upgrade-missing-version.stderr")));
    let outcome = bench.run(&host, &["hello"]);
    let failure = failure_of(&outcome, "hello");
    assert_eq!(failure.class, FailureClass::Fetch);
    assert_eq!(
        failure.message,
        "Failed to fetch URL http://127.0.0.1:8790/hello-9.9.tar.gz"
    );
    assert_eq!(bench.layer.status(), [""; 0]);
}

#[test]
fn a_recipe_that_somebody_works_on_is_refused_before_anything_is_run() {
    let check = |prepare: fn(&Bench), expect: &str| {
        let bench = Bench::new();
        prepare(&bench);
        let before = bench.everything();
        let host = bench.host(good);
        let outcome = bench.run(&host, &["chello", "hello"]);
        let failure = failure_of(&outcome, "hello");
        assert_eq!(failure.class, FailureClass::Infrastructure);
        assert!(failure.message.contains(expect), "{failure:?}");
        assert_eq!(devtool_lines(&host), [""; 0]);
        assert_eq!(bench.everything(), before);
    };
    let dirty = "recipes/hello/0001-greet.patch has local changes";
    check(
        |b| b.layer.write("recipes/hello/0001-greet.patch", "mine\n"),
        dirty,
    );
    check(|b| b.layer.remove("recipes/hello/0001-greet.patch"), dirty);
    check(
        |b| b.layer.write("recipes/hello/mine.patch", "mine\n"),
        "mine.patch has local changes",
    );
    check(
        |b| put(b, "recipes/hello/hello_1.5.bb"),
        "in devtool's workspace already",
    );
    check(
        |b| put(b, "appends/hello_%.bbappend"),
        "appends/hello_%.bbappend",
    );
    check(|b| put(b, "sources/hello/main.c"), "sources/hello");
}

fn put(bench: &Bench, path: &str) {
    let file = bench.workspace().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, "x").unwrap();
}

#[test]
fn other_recipes_of_the_workspace_are_left_alone() {
    let bench = Bench::new();
    for path in [
        "recipes/hello-more/hello-more_1.bb",
        "sources/hello-more/x",
        "appends/hello-more_1.bbappend",
        "appends/hello_more_1.bbappend",
        "attic/sources/hello.20200101000000/x",
        "attic/hello/older",
        "changelogs/other.txt",
    ] {
        put(&bench, path);
    }
    let host = bench.host(|devtool, verb| match verb {
        "upgrade" => devtool.conflict(),
        _ => {
            // A devtool that keeps the sources all the same.
            let kept = "attic/sources/hello.20261121215849/main.c";
            devtool.write(kept, "int main;\n");
            let pn = devtool.argv[4].clone();
            fs::remove_dir_all(devtool.workspace.join("recipes").join(pn)).unwrap();
            ended(1, "", "ERROR: half way\n")
        }
    });
    let before = bench.everything();
    bench.run(&host, &["hello"]);
    assert_eq!(bench.everything(), before);
}

#[test]
fn a_layer_outside_git_is_refused() {
    let bench = Bench::new();
    let host = bench.host(good);
    let mut recipe = bench.recipe("hello");
    recipe.file = bench.folder().join("hello_1.0.bb");
    let request = bench.request(vec![recipe]);
    let outcome = DevtoolUpgrade.run(&request, &host.host()).unwrap();
    let failure = failure_of(&outcome, "hello");
    assert_eq!(failure.class, FailureClass::Commit);
    assert_eq!(failure.message, "the layer is no git repository");
}

/// `devtool finish` that removes these files of hello as well, and says so of some.
fn finish_without(devtool: &Devtool, files: &[(&str, bool)]) -> CommandResult {
    let mut result = devtool.finish();
    for (name, said) in files {
        let file = devtool.top.join("recipes/hello").join(name);
        fs::remove_file(&file).unwrap();
        if *said {
            result.stderr += &format!("INFO: Removing file {}\n", file.display());
        }
    }
    result
}

#[test]
fn dropped_patches_are_named_whether_devtool_says_so_or_not() {
    let bench = Bench::new();
    let files = [
        "files/0002-silent.patch",
        "files/0003-kept.patch",
        "files/default.cfg",
    ];
    for file in files {
        bench.layer.write(&format!("recipes/hello/{file}"), "x\n");
    }
    bench.layer.git(&["add", "-A"]);
    bench.layer.git(&["commit", "-q", "-m", "more"]);
    let host = bench.host(|devtool, verb| match verb {
        "finish" => finish_without(
            devtool,
            &[
                ("0001-greet.patch", true),
                ("files/0002-silent.patch", false),
                ("files/default.cfg", true),
            ],
        ),
        _ => good(devtool, verb),
    });
    let outcome = bench.run(&host, &["hello"]);
    let dropped = outcome.dropped_patches.iter();
    let dropped: Vec<_> = dropped
        .map(|d| (d.recipe.as_str(), d.patch.as_str()))
        .collect();
    assert_eq!(
        dropped,
        [
            ("hello", "0001-greet.patch"),
            ("hello", "0002-silent.patch")
        ]
    );
    assert_eq!(outcome.notes, ["hello: default.cfg was dropped"]);
}

#[test]
fn a_patch_that_only_moves_is_not_dropped() {
    let bench = Bench::new();
    let host = bench.host(|devtool, verb| match verb {
        "finish" => {
            let result = finish_without(devtool, &[("0001-greet.patch", true)]);
            let moved = devtool.top.join("recipes/hello/hello-2.0");
            fs::create_dir(&moved).unwrap();
            fs::write(moved.join("0001-greet.patch"), "new\n").unwrap();
            result
        }
        _ => good(devtool, verb),
    });
    assert_eq!(bench.run(&host, &["hello"]).dropped_patches, []);
}

const UP_TO_DATE: &str = "ERROR: Current and upgrade versions are the same version\n";

#[test]
fn a_recipe_at_its_target_is_passed_over_and_the_rest_of_its_group_is_not() {
    let bench = Bench::new();
    let before = bench.everything();
    let host = bench.host(|devtool, verb| match (verb, devtool.argv[2].as_str()) {
        ("upgrade", "chello") => ended(1, "", UP_TO_DATE),
        _ => good(devtool, verb),
    });
    let reason = "it is up to date".to_owned();
    let outcome = bench.run(&host, &["chello"]);
    assert_eq!(outcome.recipes[0].status, RecipeStatus::Skipped { reason });
    assert_eq!(outcome.changes, Some(vec![]));
    assert_eq!(bench.everything(), before);
    let outcome = bench.run(&host, &["hello", "chello"]);
    assert_eq!(outcome.recipes[0].status, RecipeStatus::Succeeded);
    assert!(matches!(
        outcome.recipes[1].status,
        RecipeStatus::Skipped { .. }
    ));
    assert_eq!(outcome.changes.unwrap()[0].paths.len(), 3);
}

#[test]
fn sources_that_no_fetcher_knows_are_a_class_of_their_own() {
    let bench = Bench::new();
    const SAID: &str =
        "ERROR: Could not find a fetcher which supports the URL: 'gopher://x/y.tar'\n";
    let host = bench.host(|_, _| ended(1, "", SAID));
    let outcome = bench.run(&host, &["hello"]);
    let failure = failure_of(&outcome, "hello");
    assert_eq!(failure.class, FailureClass::UnsupportedProtocol);
    assert!(SAID.contains(&failure.message), "{failure:?}");
}

#[test]
fn each_recipe_of_a_group_has_its_licence_difference() {
    let bench = Bench::new();
    let outcome = bench.run(&bench.host(good), &["hello", "chello"]);
    let files: Vec<_> = outcome.licences.iter().map(|l| l.file.clone()).collect();
    let names = ["license-diff-1.0.txt", "license-diff-chello-1.0.txt"];
    assert_eq!(files, names.map(|name| bench.folder().join(name)));
    assert!(files.iter().all(|file| file.exists()));
}

#[test]
fn what_somebody_else_changes_meanwhile_is_neither_committed_nor_lost() {
    for (fails, notes) in [(false, 2), (true, 0)] {
        let bench = Bench::new();
        let host = bench.host(|devtool, verb| {
            fs::write(devtool.top.join("user.bb"), "edited\n").unwrap();
            fs::write(devtool.top.join("new.bb"), "new\n").unwrap();
            good(devtool, verb)
        });
        let real = host.host();
        let host = PretendHost::new(move |command: &RunCommand| {
            let result = real.run(command).unwrap();
            match fails && command.argv[1] == "finish" {
                true => ended(1, "", "ERROR: no\n"),
                false => result,
            }
        });
        let outcome = bench.run(&host, &["hello"]);
        assert_eq!(outcome.notes.len(), notes, "{:?}", outcome.notes);
        let changes = outcome.changes.unwrap_or_default();
        let mut paths = changes.iter().flat_map(|change| &change.paths);
        assert!(paths.all(|path| path.starts_with("recipes/hello")));
        let status = bench.layer.status();
        assert!(status.contains(&" M user.bb".to_owned()), "{status:?}");
        assert!(status.contains(&"?? new.bb".to_owned()), "{status:?}");
        assert_eq!(status.len(), if fails { 2 } else { 5 });
    }
}
