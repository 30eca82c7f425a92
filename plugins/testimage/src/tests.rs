//! Trials with the real git, and an image that fails as the layers' files say.

use crate::{
    TestImage, create,
    image::{self, Ended},
};
use auh_sdk::{
    CommandResult, Exit, Failure, FailureClass, GroupState, GroupWork, Options, Place,
    RecipeStatus, RunCommand, Step, StepOutcome, StepRequest,
    pretend::{self, PretendHost, ended},
    protocol::step::{Commit, RecipeFailure},
};
use real_git::Layer;
use std::{fs, path::PathBuf};

#[path = "../../repository/tests/real_git/mod.rs"]
mod real_git;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Two layers, each of which has every recipe; the second one's are named `NAME2`.
struct Bench {
    layers: [Layer; 2],
}

impl Bench {
    fn new() -> Self {
        let shared: String = NAMES.map(|name| format!("{name} = 1\n#\n")).concat();
        let layer = || {
            let mut files = vec![("user.bb", "x\n"), ("shared.inc", &shared)];
            let names = [
                "a/a_1.0.bb",
                "b/b_1.0.bb",
                "c/c_1.0.bb",
                "d/d_1.0.bb",
                "e/e_1.0.bb",
                "f/f_1.0.bb",
            ];
            files.extend(names.map(|name| (name, "old\n")));
            Layer::new(&files)
        };
        let bench = Self {
            layers: [layer(), layer()],
        };
        fs::create_dir_all(bench.build_dir().join("conf")).unwrap();
        fs::create_dir_all(bench.build_dir().join("workspace")).unwrap();
        bench
    }

    fn run_folder(&self) -> PathBuf {
        self.layers[0].beside()
    }

    fn build_dir(&self) -> PathBuf {
        self.run_folder().join("build")
    }

    /// Upgrades a recipe in the layers of these numbers; the commits.
    fn upgrade(&self, name: &str, layers: &[usize]) -> Vec<Commit> {
        let commit = |number: &usize| {
            let layer = &self.layers[*number];
            layer.remove(&format!("{name}/{name}_1.0.bb"));
            layer.write(&format!("{name}/{name}_2.0.bb"), "new \u{e9}\n");
            let shared = layer.read("shared.inc");
            let changed = shared.replace(&format!("{name} = 1"), &format!("{name} = 2"));
            layer.write("shared.inc", &changed);
            layer.git(&["add", "-A", name, "shared.inc"]);
            layer.git(&["commit", "-q", "-m", &format!("{name}: upgrade 1.0 -> 2.0")]);
            Commit {
                repository: layer.top(),
                revision: layer.git(&["rev-parse", "HEAD"]).trim().to_owned(),
                subject: String::new(),
                patch: None,
                integrated_as: None,
                reverted_by: None,
            }
        };
        layers.iter().map(commit).collect()
    }

    fn work(&self, name: &str, commits: Vec<Commit>) -> GroupWork {
        let mut recipe = pretend::recipe(&self.layers[0].top(), name);
        recipe.packages = vec![name.to_owned(), format!("{name}-ptest")];
        let mut request = pretend::request(&self.run_folder(), "run", vec![recipe], &["m1"]);
        request.groups[0].state.commits = commits;
        request.groups.remove(0)
    }

    /// Upgrades all six, each in the first layer.
    fn request(&self) -> StepRequest {
        let works = NAMES.map(|name| self.work(name, self.upgrade(name, &[0])));
        self.request_for(works.into())
    }

    fn request_for(&self, groups: Vec<GroupWork>) -> StepRequest {
        let recipe = pretend::recipe(&self.layers[0].top(), "a");
        let mut request = pretend::request(&self.run_folder(), "run", vec![recipe], &["m1", "m2"]);
        request.groups = groups;
        request
            .settings
            .insert("testimage-name".into(), "core-image-x".into());
        request
    }

    /// A host whose image fails when `fails` says so of the upgrades that the first layer has.
    fn host(&self, devtool: bool, fails: fn(&str) -> bool) -> PretendHost {
        let (top, build) = (self.layers[0].top(), self.build_dir());
        PretendHost::new(move |command: &RunCommand| match &*command.argv[0] {
            "git" => real_git::run(command),
            "devtool" if command.argv[1] == "--help" => ended(
                0,
                if devtool {
                    "    test-image   Test\n"
                } else {
                    "    upgrade\n"
                },
                "",
            ),
            "devtool" | "bitbake" => {
                assert_eq!(command.place, Place::BuildDir);
                let logs = build.join("workspace/testimage-logs");
                fs::create_dir_all(&logs).unwrap();
                fs::write(logs.join("ptest-runner.log"), "PASS").unwrap();
                fs::write(build.join("conf/devtool.conf"), "target_basename = x\n").unwrap();
                fs::write(command.log.as_ref().unwrap(), "output").unwrap();
                let upgraded = |name: &&&str| top.join(format!("{name}/{name}_2.0.bb")).exists();
                let present: String = NAMES.iter().filter(upgraded).copied().collect();
                match fails(&present) {
                    true => ended(1, "", FAILED),
                    false => ended(0, "", ""),
                }
            }
            other => panic!("{other}"),
        })
    }
}

const FAILED: &str = "ERROR: core-image-x-1.0-r0 do_testimage: core-image-x - FAILED\n\
    ERROR: Task (/l/core-image-x.bb:do_testimage) failed with exit code '1'\n";

fn run(request: &StepRequest, host: &PretendHost) -> StepOutcome {
    TestImage { max_trials: None }
        .run(request, &host.host())
        .unwrap()
}

fn failures(outcome: &StepOutcome) -> Vec<(&str, &Failure)> {
    let failed = outcome
        .recipes
        .iter()
        .filter_map(|known| match &known.status {
            RecipeStatus::Failed(failure) => Some((known.recipe.as_str(), failure)),
            _ => None,
        });
    failed.collect()
}

fn names(outcome: &StepOutcome) -> Vec<&str> {
    failures(outcome)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

fn images(host: &PretendHost) -> Vec<Vec<String>> {
    let commands = host.commands().into_iter();
    commands
        .filter(|c| c.argv[0] != "git" && c.argv[1] != "--help")
        .map(|c| c.argv)
        .collect()
}

#[test]
fn all_are_tested_together_with_devtool_where_it_can() {
    let bench = Bench::new();
    let request = bench.request();
    let host = bench.host(true, |present| present != "abcdef");
    let outcome = run(&request, &host);
    assert_eq!((names(&outcome), outcome.notes.len()), (vec![], 0));
    assert_eq!(outcome.recipes.len(), 6);
    let words = [
        "devtool",
        "test-image",
        "core-image-x",
        "-p",
        "a,b,c,d,e,f",
        "--test-suites",
        "ping ssh ptest",
    ];
    assert_eq!(images(&host), [words]);
    let logs = bench.run_folder().join("testimage-logs");
    for file in [
        "devtool-test-image.log",
        "trial-1.log",
        "trial-1/ptest-runner.log",
    ] {
        assert!(logs.join(file).exists(), "{file}");
    }
    assert!(!bench.build_dir().join("workspace/testimage-logs").exists());
    assert!(!bench.build_dir().join("conf/devtool.conf").exists());
}

#[test]
fn logs_of_others_stay_where_they_are() {
    let bench = Bench::new();
    let request = bench.request_for(vec![bench.work("a", bench.upgrade("a", &[0]))]);
    let mine = bench.build_dir().join("workspace/testimage-logs/mine.log");
    fs::create_dir_all(mine.parent().unwrap()).unwrap();
    fs::write(&mine, "mine\n").unwrap();
    run(&request, &bench.host(true, |_| false));
    assert!(mine.exists());
    let kept = "testimage-logs/trial-1/ptest-runner.log";
    assert!(bench.run_folder().join(kept).exists());
}

#[test]
fn without_it_bitbake_gets_a_configuration_for_the_call_alone() {
    let bench = Bench::new();
    fs::write(bench.build_dir().join("conf/devtool.conf"), "mine\n").unwrap();
    let host = bench.host(false, |present| present == "abcdef");
    let outcome = run(
        &bench.request_for(vec![
            bench.work("a", bench.upgrade("a", &[0])),
            bench.work("b", bench.upgrade("b", &[0])),
        ]),
        &host,
    );
    assert_eq!(names(&outcome), [""; 0]);
    let conf = bench.run_folder().join("testimage-logs/trial.conf");
    let path = conf.display().to_string();
    assert_eq!(
        images(&host),
        [["bitbake", "-R", &path, "core-image-x", "-c", "testimage"]]
    );
    let text = fs::read_to_string(conf).unwrap();
    for line in [
        "IMAGE_CLASSES += \"testimage\"",
        "TESTIMAGE_AUTO:pn-core-image-x = \"1\"",
        "TEST_SUITES = \"ping ssh ptest\"",
        "IMAGE_INSTALL:append:pn-core-image-x = \" a-ptest b-ptest\"",
    ] {
        assert!(text.lines().any(|known| known == line), "{text}");
    }
    let kept = fs::read_to_string(bench.build_dir().join("conf/devtool.conf"));
    assert_eq!(kept.unwrap(), "mine\n");
}

#[test]
fn the_upgrade_that_breaks_the_image_is_found_and_only_it_fails() {
    for culprit in NAMES {
        let bench = Bench::new();
        let request = bench.request();
        bench.layers[0].write("user.bb", "edited\n");
        bench.layers[0].write("notes", "mine\n");
        bench.layers[0].write("staged", "mine\n");
        bench.layers[0].git(&["add", "staged"]);
        let before = (
            bench.layers[0].status(),
            bench.layers[0].git(&["rev-parse", "HEAD"]),
        );
        let fails: fn(&str) -> bool = match culprit {
            "a" => |present| present.contains('a'),
            "b" => |present| present.contains('b'),
            "c" => |present| present.contains('c'),
            "d" => |present| present.contains('d'),
            "e" => |present| present.contains('e'),
            _ => |present| present.contains('f'),
        };
        let host = bench.host(true, fails);
        let outcome = run(&request, &host);
        let failures = failures(&outcome);
        assert_eq!(failures.len(), 1, "{failures:?}");
        let (name, failure) = failures[0];
        assert_eq!((name, failure.class), (culprit, FailureClass::Test));
        assert_eq!(
            failure.message,
            "the test image core-image-x fails with this upgrade: do_testimage: \
             core-image-x - FAILED"
        );
        assert!(failure.log.as_ref().unwrap().exists());
        assert_eq!(failure.machines[0].to_string(), "m1");
        let after = (
            bench.layers[0].status(),
            bench.layers[0].git(&["rev-parse", "HEAD"]),
        );
        assert_eq!(after, before);
        assert_eq!(bench.layers[0].read("shared.inc").matches("= 2").count(), 6);
        assert!(
            images(&host).len() <= 10,
            "{culprit}: {}",
            images(&host).len()
        );
        let scratch = fs::read_dir(bench.run_folder().join("testimage-logs")).unwrap();
        let hidden = scratch
            .flatten()
            .filter(|e| e.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(hidden.count(), 0);
    }
}

#[test]
fn two_that_fail_only_together_say_so() {
    let bench = Bench::new();
    let host = bench.host(true, |present| {
        present.contains('b') && present.contains('e')
    });
    let outcome = run(&bench.request(), &host);
    assert_eq!(names(&outcome), ["b", "e"]);
    let message = &failures(&outcome)[0].1.message;
    assert!(
        message.contains("fails only with b and e upgraded together"),
        "{message}"
    );
}

#[test]
fn what_fails_without_the_upgrades_too_fails_nobody() {
    let bench = Bench::new();
    let host = bench.host(true, |_| true);
    let outcome = run(&bench.request(), &host);
    assert_eq!(names(&outcome), [""; 0]);
    let note = &outcome.notes[0];
    assert!(note.contains("fails without the upgrades too"), "{note}");
    assert!(
        note.ends_with("do_testimage: core-image-x - FAILED"),
        "{note}"
    );
    assert!(
        host.log()
            .iter()
            .any(|line| line.message == outcome.notes[0])
    );
    assert_eq!(images(&host).len(), 2);
    let failed = "testimage-logs/devtool-test-image-failed.log";
    assert!(bench.run_folder().join(failed).exists());
}

#[test]
fn an_upgrade_in_two_repositories_comes_and_goes_as_one() {
    let bench = Bench::new();
    let works = vec![
        bench.work("a", bench.upgrade("a", &[0, 1])),
        bench.work("b", bench.upgrade("b", &[1, 0])),
    ];
    let both = bench.layers.each_ref().map(Layer::top);
    let real = bench.host(true, |present| present.contains('b'));
    let host = PretendHost::new(move |command: &RunCommand| {
        if command.argv[0] == "devtool" && command.argv[1] == "test-image" {
            for name in ["a", "b"] {
                let file = format!("{name}/{name}_2.0.bb");
                let there = both.each_ref().map(|top| top.join(&file).exists());
                assert_eq!(there[0], there[1], "{name}");
            }
        }
        real.host().run(command).unwrap()
    });
    let outcome = run(&bench.request_for(works), &host);
    assert_eq!(names(&outcome), ["b"]);
    for layer in &bench.layers {
        assert_eq!(layer.status(), [""; 0]);
    }
}

#[test]
fn upgrades_that_were_taken_back_at_once_are_put_in_for_their_trials() {
    let bench = Bench::new();
    let works = ["a", "b"].map(|name| {
        let mut commits = bench.upgrade(name, &[0]);
        bench.layers[0].git(&["revert", "--no-edit", &commits[0].revision]);
        let head = bench.layers[0].git(&["rev-parse", "HEAD"]);
        commits[0].reverted_by = Some(head.trim().to_owned());
        bench.work(name, commits)
    });
    let host = bench.host(true, |present| present.contains('a'));
    let outcome = run(&bench.request_for(works.into()), &host);
    assert_eq!(names(&outcome), ["a"]);
    assert_eq!(bench.layers[0].status(), [""; 0]);
    assert!(!bench.layers[0].top().join("a/a_2.0.bb").exists());
}

#[test]
fn upgrades_that_build_on_one_another_in_a_file_stay_together() {
    let bench = Bench::new();
    let works = ["a", "b", "c", "d"].map(|name| {
        let layer = &bench.layers[0];
        let mut commits = bench.upgrade(name, &[0]);
        if "ab".contains(name) {
            let text = layer.read("user.bb").replace(['x', 'a'], name);
            layer.write("user.bb", &text);
            layer.git(&["commit", "-q", "--amend", "--no-edit", "user.bb"]);
            let head = layer.git(&["rev-parse", "HEAD"]);
            commits[0].revision = head.trim().to_owned();
        }
        bench.work(name, commits)
    });
    let host = bench.host(true, |present| present.contains('b'));
    let outcome = run(&bench.request_for(works.into()), &host);
    assert_eq!(names(&outcome), ["a", "b"]);
    let message = &failures(&outcome)[0].1.message;
    assert!(
        message.contains("cannot be told which of them"),
        "{message}"
    );
    assert_eq!(bench.layers[0].status(), [""; 0]);
}

#[test]
fn a_users_edit_of_an_upgraded_file_survives_and_ends_the_halving() {
    let bench = Bench::new();
    let request = bench.request();
    bench.layers[0].write("c/c_2.0.bb", "edited\n");
    let host = bench.host(true, |present| present.contains('a'));
    let outcome = run(&request, &host);
    assert_eq!(bench.layers[0].read("c/c_2.0.bb"), "edited\n");
    assert_eq!(
        names(&outcome),
        ["a", "c"],
        "what cannot be left out stays suspect"
    );
    let message = &failures(&outcome)[0].1.message;
    assert!(
        message.contains("c/c_2.0.bb has local changes"),
        "{message}"
    );
}

#[test]
fn a_stop_in_the_middle_puts_everything_back() {
    let bench = Bench::new();
    let request = bench.request();
    let real = bench.host(true, |present| present.contains('e'));
    let host = PretendHost::new(move |command: &RunCommand| {
        let ended = real.host().run(command).unwrap();
        let is_third = real
            .command_lines()
            .iter()
            .filter(|l| l.contains("test-image"))
            .count()
            == 3;
        match command.argv[0] == "devtool" && is_third {
            true => CommandResult {
                exit: Exit::Stopped,
                ..ended
            },
            false => ended,
        }
    });
    let outcome = run(&request, &host);
    assert_eq!(names(&outcome), NAMES);
    assert_eq!(
        failures(&outcome)[0].1.message,
        "stopped before it was tested"
    );
    assert_eq!(images(&host).len(), 3);
    assert_eq!(bench.layers[0].status(), [""; 0]);
}

#[test]
fn a_failure_of_the_build_environment_is_tried_again() {
    let bench = Bench::new();
    let request = bench.request_for(vec![bench.work("a", bench.upgrade("a", &[0]))]);
    let real = bench.host(true, |_| false);
    let host = PretendHost::new(move |command: &RunCommand| {
        let ended_well = real.host().run(command).unwrap();
        let images = real
            .command_lines()
            .iter()
            .filter(|l| l.contains("test-image"))
            .count();
        match command.argv[0] == "devtool" && images == 1 {
            true => ended(1, "", "ERROR: No space left on device\n"),
            false => ended_well,
        }
    });
    let outcome = run(&request, &host);
    assert_eq!((names(&outcome), images(&host).len()), (vec![], 2));
}

#[test]
fn tests_that_fail_without_failing_their_task_are_run_once_and_named() {
    const SAID: &str = "NOTE: RESULTS - ping.PingTest.test_ping: PASSED (0.11s)\n\
        NOTE: RESULTS - ptest.PtestRunnerTest.test_ptestrunner_expectsuccess: FAILED (9.00s)\n\
        NOTE: Tasks Summary: Attempted 9 tasks of which 8 didn't need to be rerun and all succeeded.\n";
    const ERROR: &str = "ERROR: core-image-x-1.0-r0 do_testimage: core-image-x - FAILED - also \
        check the logs in /b/tmp/log\n";
    for (stdout, reason) in [
        (
            SAID,
            "ptest.PtestRunnerTest.test_ptestrunner_expectsuccess failed",
        ),
        (
            "",
            "do_testimage: core-image-x - FAILED - also check the logs in /b/tmp/log",
        ),
    ] {
        let bench = Bench::new();
        let request = bench.request_for(vec![bench.work("a", bench.upgrade("a", &[0]))]);
        let real = bench.host(true, |present| present.contains('a'));
        let host = PretendHost::new(move |command: &RunCommand| {
            let ended_well = real.host().run(command).unwrap();
            match command.argv[0] == "devtool" && !ended_well.succeeded() {
                true => ended(1, stdout, ERROR),
                false => ended_well,
            }
        });
        let outcome = run(&request, &host);
        assert_eq!((names(&outcome), images(&host).len()), (vec!["a"], 3));
        let message = &failures(&outcome)[0].1.message;
        assert!(message.ends_with(reason), "{message}");
    }
}

/// What BitBake says, and what it means.
#[track_caller]
fn means(code: i32, stderr: &str, expect: &Ended) {
    assert_eq!(image::ended(&ended(code, "", stderr)), *expect);
}

#[test]
fn going_back_to_an_old_version_is_no_failure_of_a_trial() {
    const BACK: &str = "ERROR: a-1.0-r0 do_packagedata_setscene: QA Issue: Package version for \
        package a-src went backwards which would break package feeds (from 0:2.0-r0 to 0:1.0-r0) \
        [version-going-backwards]\n";
    means(1, BACK, &Ended::Passed);
    let test = "ERROR: core-image-x-1.0-r0 do_testimage: core-image-x - FAILED\n";
    let failed = Ended::Failed("do_testimage: core-image-x - FAILED".into());
    means(1, &format!("{BACK}{test}"), &failed);
    let fatal = format!(
        "{BACK}ERROR: a-1.0-r0 do_packagedata: Fatal QA errors were found, failing task.\n\
         ERROR: Task (/l/a_1.0.bb:do_packagedata) failed with exit code '1'\n"
    );
    assert!(matches!(
        image::ended(&ended(1, "", &fatal)),
        Ended::NotJudged(_)
    ));
    let other = "ERROR: b-1.0-r0 do_rootfs: no\n\
                 ERROR: Task (/l/b_1.0.bb:do_rootfs) failed with exit code '1'\n";
    let both = image::ended(&ended(1, "", &format!("{BACK}{other}")));
    assert!(matches!(both, Ended::Failed(_)), "{both:?}");
}

#[test]
fn what_the_environment_does_is_not_judged() {
    let full = image::ended(&ended(1, "", "ERROR: No space left on device\n"));
    assert!(matches!(full, Ended::NotJudged(_)), "{full:?}");
    let gone = "ERROR: Nothing RPROVIDES 'a-ptest' (but /l/core-image-x.bb RDEPENDS on or otherwise \
                requires it)\n";
    let gone = image::ended(&ended(1, "", gone));
    assert!(matches!(gone, Ended::Failed(_)), "{gone:?}");
    let killed = CommandResult {
        exit: Exit::Signal(15),
        ..ended(0, "", "")
    };
    let reason = "was ended by signal 15".into();
    assert_eq!(image::ended(&killed), Ended::NotJudged(reason));
    means(0, "", &Ended::Passed);
    means(7, "", &Ended::Failed("exited with status 7".into()));
    means(
        1,
        "ERROR: Nothing PROVIDES 'core-image-x'\n",
        &Ended::NotJudged("nothing provides core-image-x".into()),
    );
}

#[test]
fn failed_groups_and_recipes_without_tests_are_no_reason_for_an_image() {
    let bench = Bench::new();
    let mut failed = bench.work("a", bench.upgrade("a", &[0]));
    failed.state = GroupState {
        failures: vec![RecipeFailure {
            recipe: "a".parse().unwrap(),
            failure: Failure::new(FailureClass::Compile, "no"),
        }],
        ..failed.state
    };
    let mut plain = bench.work("b", bench.upgrade("b", &[0]));
    plain.group.recipes[0].packages = vec!["b".into()];
    let host = bench.host(true, |_| true);
    let outcome = run(
        &bench.request_for(vec![failed.clone(), plain.clone()]),
        &host,
    );
    assert_eq!((names(&outcome), outcome.recipes.len()), (vec![], 2));
    assert_eq!(host.commands(), []);

    let tested = bench.work("c", bench.upgrade("c", &[0]));
    let host = bench.host(true, |present| present.contains('b'));
    let outcome = run(&bench.request_for(vec![failed, plain, tested]), &host);
    assert_eq!(images(&host)[0][4], "c");
    assert_eq!(
        names(&outcome),
        ["b"],
        "it breaks the image without tests of its own"
    );
}

#[test]
fn trials_are_limited_and_what_is_left_fails_as_a_whole() {
    let bench = Bench::new();
    let mut options = Options::new();
    options.insert("max-trials".into(), 3.into());
    let host = bench.host(true, |present| present.contains('b'));
    let step = create(&options).unwrap();
    let outcome = step.run(&bench.request(), &host.host()).unwrap();
    assert_eq!(
        (images(&host).len(), names(&outcome)),
        (3, vec!["a", "b", "c"])
    );
    let message = &failures(&outcome)[0].1.message;
    assert!(message.contains("3 trials were not enough"), "{message}");
    let keys = crate::manifest().options.unwrap();
    assert!(!keys[0].kind.fits(&"many".into()) && !keys[0].kind.fits(&0.into()));
}

#[test]
fn an_image_that_has_no_such_name_is_said() {
    let bench = Bench::new();
    let mut request = bench.request();
    let name = "-x; rm".into();
    request.settings.insert("testimage-name".into(), name);
    let host = bench.host(true, |_| true);
    let outcome = run(&request, &host);
    assert_eq!((names(&outcome), images(&host).len()), (vec![], 0));
    assert!(outcome.notes[0].starts_with("the test image was not run: \"-x; rm\""));
}
