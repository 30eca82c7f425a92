//! A plugin that misbehaves fails the group that it was asked about, with message and place; the
//! other groups and the run go on, and the layer is as it was.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_protocol::FailureClass;
use auh_tests::{Environment, Finished, Output};

const BEFORE: [&str; 4] = ["hostile", UPGRADE, COMMIT, REVERT];
const BETWEEN: [&str; 4] = [UPGRADE, "hostile", COMMIT, REVERT];
const AFTER: [&str; 4] = [UPGRADE, COMMIT, "hostile", REVERT];
const UPGRADE: &str = "\"devtool-upgrade\"";
const COMMIT: &str = "{ step = \"git-commit\", always = true }";
const REVERT: &str = "{ step = \"git-commit\", action = \"revert\", always = true }";

struct Attempt {
    environment: Environment,
    output: Output,
    run: Finished,
}

/// Upgrades phello and then hello with the hostile step at its place among the others. It
/// misbehaves towards phello alone, if it can tell groups apart.
fn attempt(steps: [&str; 4], misbehave: &str) -> Option<Attempt> {
    attempt_with(steps, misbehave, "")
}

/// The same with the step in a process of its own.
fn isolated(misbehave: &str) -> Option<Attempt> {
    let settings = "[plugins.hostile]\nisolation = \"process\"\nisolation-memory = \"300M\"\n";
    attempt_with(BETWEEN, misbehave, settings)
}

fn attempt_with(steps: [&str; 4], misbehave: &str, settings: &str) -> Option<Attempt> {
    let environment = Environment::six()?;
    let hostile = format!(
        "{{ step = \"hostile\", with = {{ misbehave = \"{misbehave}\", recipe = \"phello\" }} }}"
    );
    let steps = steps.map(|step| if step == "hostile" { &hostile } else { step });
    environment.settings(&format!(
        "pipeline = \"odd\"\n{settings}[pipelines.odd]\nsteps = [{}]\n",
        steps.join(", ")
    ));
    let call = environment.upgrade("phello hello --machines qemux86-64 --plugin-path");
    let output = call.args([environment.hostile_plugins()]).run();
    Some(Attempt {
        run: environment.latest_run(),
        output,
        environment,
    })
}

impl Attempt {
    /// The failure of phello, which is a plugin's fault and no one else's.
    #[track_caller]
    fn check_phello_alone_failed(&self, message: &str) {
        assert_eq!(self.run.with(Failed), ["phello"], "{}", self.output.shown());
        assert_eq!(self.output.code, Some(1));
        assert_eq!(self.run.with(Succeeded), ["hello"]);
        self.check_failure("phello", message);
        self.check_layer();
    }

    #[track_caller]
    fn check_failure(&self, group: &str, message: &str) {
        let failures = self.run.failures(group);
        let [(class, said)] = &failures[..] else {
            panic!("{failures:?}")
        };
        assert_eq!(*class, FailureClass::Plugin);
        let lines_named = without_line_number(said);
        assert_eq!(lines_named, message);
        assert!(self.output.stdout.contains(said), "{}", self.output.shown());
    }

    #[track_caller]
    fn check_status(&self) {
        let args = ["status", "--porcelain", "--untracked-files=all"];
        assert_eq!(self.environment.git(&args), "");
    }

    /// No group that failed has left anything, and what it had committed was taken back.
    #[track_caller]
    fn check_layer(&self) {
        self.check_status();
        let environment = &self.environment;
        for name in self.run.with(Failed) {
            assert!(environment.recipe(&name, "1.0").exists(), "{name}");
        }
        for name in self.run.with(Succeeded) {
            assert!(environment.recipe(&name, "2.0").exists(), "{name}");
        }
        assert!(!environment.build_dir().join("workspace").exists());
    }
}

/// The message with `LINE` for the line number of a place.
fn without_line_number(message: &str) -> String {
    let Some((before, after)) = message.split_once(".rs:") else {
        return message.to_owned();
    };
    format!(
        "{before}.rs:LINE{}",
        after.trim_start_matches(|c: char| c.is_ascii_digit())
    )
}

const PLACE: &str = "tests/plugins/hostile/src/lib.rs:LINE";

#[test]
fn a_panic_in_a_call_fails_its_group_wherever_the_step_stands() {
    for steps in [BEFORE, BETWEEN, AFTER] {
        let Some(attempt) = attempt(steps, "panic-in-call") else {
            return;
        };
        let message = format!("plugin hostile panicked at {PLACE}: hostile in call");
        attempt.check_phello_alone_failed(&message);
    }
}

#[test]
fn a_panic_in_a_thread_of_the_plugin() {
    let Some(attempt) = attempt(BETWEEN, "panic-in-thread") else {
        return;
    };
    let message = format!("plugin hostile panicked at {PLACE}: hostile in a thread");
    attempt.check_phello_alone_failed(&message);
}

#[test]
fn a_panic_whose_payload_panics_again() {
    let Some(attempt) = attempt(BETWEEN, "panic-with-payload") else {
        return;
    };
    let message = format!("plugin hostile panicked at {PLACE}: a panic without a message");
    attempt.check_phello_alone_failed(&message);
}

#[test]
fn a_panic_in_drop_fails_the_group_after_its_work() {
    for steps in [BETWEEN, AFTER] {
        let Some(attempt) = attempt(steps, "panic-in-drop") else {
            return;
        };
        let message = format!("plugin hostile panicked at {PLACE}: hostile in drop");
        attempt.check_phello_alone_failed(&message);
    }
}

/// A plugin that is being made knows of no group yet, so each one fails; the run still ends.
#[test]
fn a_panic_in_create_fails_each_group_and_the_run_comes_to_its_end() {
    for steps in [BEFORE, BETWEEN, AFTER] {
        let Some(attempt) = attempt(steps, "panic-in-create") else {
            return;
        };
        assert_eq!(attempt.run.with(Failed), ["phello", "hello"]);
        for group in ["phello", "hello"] {
            let message = format!("plugin hostile panicked at {PLACE}: hostile in create");
            attempt.check_failure(group, &message);
        }
        attempt.check_layer();
    }
}

#[test]
fn an_error_has_the_class_that_the_plugin_gives_it() {
    let Some(attempt) = attempt(BETWEEN, "error") else {
        return;
    };
    let failures = attempt.run.failures("phello");
    assert_eq!(
        failures,
        [(FailureClass::Test, "hostile on purpose".to_owned())]
    );
    assert_eq!(attempt.run.with(Succeeded), ["hello"]);
    // A failed test takes no commit back unless the settings say so.
    attempt.check_status();
    assert!(attempt.environment.recipe("phello", "2.0").exists());
}

#[test]
fn an_answer_without_the_recipe_is_a_failure() {
    let Some(attempt) = attempt(BETWEEN, "no-recipes") else {
        return;
    };
    attempt.check_phello_alone_failed("plugin hostile said nothing about this recipe");
}

#[test]
fn an_answer_about_a_stranger_is_a_failure() {
    let Some(attempt) = attempt(BETWEEN, "wrong-recipe") else {
        return;
    };
    attempt.check_phello_alone_failed(
        "plugin hostile answered about nobody, which it was not asked about",
    );
}

#[test]
fn an_operation_that_no_host_has_is_a_failure() {
    let Some(attempt) = attempt(BETWEEN, "unknown-op") else {
        return;
    };
    let failures = attempt.run.failures("phello");
    let message = "this auh does not know the operation \"no-such-operation\"";
    let expected = (FailureClass::Infrastructure, message.to_owned());
    assert_eq!(failures, [expected]);
    assert_eq!(attempt.run.with(Succeeded), ["hello"]);
    attempt.check_layer();
}

#[test]
fn what_ends_the_process_of_a_plugin_fails_its_group_alone() {
    for (misbehave, message) in [
        ("abort", "its process was ended by signal 6"),
        ("segfault", "its process was ended by signal 11"),
        ("exit", "its process exited with status 0"),
        (
            "hunger",
            "its process was ended by signal 6; it said last: memory allocation of 16777216 bytes failed",
        ),
    ] {
        let Some(attempt) = isolated(misbehave) else {
            return;
        };
        attempt.check_phello_alone_failed(&format!("plugin hostile failed: {message}"));
    }
}

#[test]
fn in_a_process_of_its_own_a_plugin_fails_as_it_does_without() {
    for (misbehave, message) in [
        ("panic-in-call", "panicked at PLACE: hostile in call"),
        ("panic-in-drop", "panicked at PLACE: hostile in drop"),
        ("no-recipes", "said nothing about this recipe"),
    ] {
        let Some(attempt) = isolated(misbehave) else {
            return;
        };
        let message = message.replace("PLACE", PLACE);
        attempt.check_phello_alone_failed(&format!("plugin hostile {message}"));
    }
}

#[test]
fn what_a_plugin_in_a_process_of_its_own_prints_disturbs_nobody() {
    let Some(attempt) = isolated("print") else {
        return;
    };
    assert_eq!(attempt.run.with(Succeeded), ["phello", "hello"]);
    let shown = attempt.output.shown();
    assert!(!shown.contains("hostile says hello"), "{shown}");
}

/// The first lines are kept, the rest is said once, and no line of it is endless.
#[test]
fn a_flood_of_log_lines_is_dammed() {
    for attempt in [attempt(BETWEEN, "flood"), isolated("flood")] {
        let Some(attempt) = attempt else {
            return;
        };
        assert_eq!(attempt.run.with(Succeeded), ["phello", "hello"]);
        let journal = attempt.run.text("journal.jsonl");
        let floods = journal.matches("\"message\":\"flood ").count();
        assert_eq!(floods, 9_999, "one line of ten thousand is the endless one");
        let longest = journal.lines().map(str::len).max();
        assert!(longest < Some(32 << 10), "{longest:?}");
        assert_eq!(journal.matches("the others are left out").count(), 1);
        attempt.check_layer();
    }
}

/// The run comes to its end although they go on, and what they say of a group that is done is lost
/// or logged, but fails nobody.
#[test]
fn threads_left_behind_hold_nobody_up() {
    for attempt in [attempt(BETWEEN, "threads"), isolated("threads")] {
        let Some(attempt) = attempt else {
            return;
        };
        assert_eq!(attempt.output.code, Some(0), "{}", attempt.output.shown());
        assert_eq!(attempt.run.with(Succeeded), ["phello", "hello"]);
        attempt.check_layer();
        let left = attempt.environment.processes();
        assert!(
            !left.iter().any(|line| line.contains("plugin serve")),
            "{left:?}"
        );
    }
}

/// Settings of others may be secrets; a step is not handed them because its manifest asks.
#[test]
fn other_plugins_settings_are_nobodys_business() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings(
        "pipeline = \"odd\"\n[plugins.mail]\nuser = \"m4iluser\"\n[pipelines.odd]\nsteps = [{ step = \"hostile\", with = { misbehave = \"tell-request\" } }]\n",
    );
    let call = environment.upgrade("hello --machines qemux86-64 --plugin-path");
    let call = call.args([environment.hostile_plugins()]);
    let output = call.env("AUH_HOSTILE_MANIFEST", "settings").run();
    let journal = environment.latest_run().text("journal.jsonl");
    let mut lines = journal.lines();
    let told = lines.find(|line| line.contains("hostile was told: {"));
    let told = told.unwrap_or_else(|| panic!("{}", output.shown()));
    assert!(!told.contains("m4iluser"), "{told}");
}

/// A process of a plugin's own has only those secrets that the plugin's settings name.
#[test]
fn others_secret_variables_are_not_in_a_plugins_own_process() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings(
        "pipeline = \"odd\"\n[plugins.hostile]\nisolation = \"process\"\nmisbehave = \"tell-variables\"\n\
         key = \"HOSTILE_TOKEN\"\n[pipelines.odd]\nsteps = [\"hostile\"]\n",
    );
    let call = environment.upgrade("hello --machines qemux86-64 --plugin-path");
    let call = call.args([environment.hostile_plugins()]);
    let call = call
        .env("HOSTILE_TOKEN", "own")
        .env("MAIL_PASSWORD", "m4il");
    let output = call.run().expect_code(0);
    let journal = environment.latest_run().text("journal.jsonl");
    let seen = journal
        .lines()
        .find_map(|line| line.split_once("hostile sees: "));
    let (_, seen) = seen.unwrap_or_else(|| panic!("{}", output.shown()));
    let names: Vec<&str> = seen
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .collect();
    assert!(names.contains(&"HOSTILE_TOKEN"), "{seen}");
    assert!(names.contains(&"PATH"), "{seen}");
    assert!(!names.contains(&"MAIL_PASSWORD"), "{seen}");
}

/// A scheduler whose first answer is none that can be worked with: nothing is begun.
#[test]
fn a_scheduler_that_fails_before_the_run_changes_nothing() {
    for (how, reason) in [
        (
            "panic-in-create",
            "panicked at tests/plugins/hostile-order/src/lib.rs:LINE: hostile in create",
        ),
        ("error-in-create", "hostile in create"),
        (
            "panic-in-order",
            "panicked at tests/plugins/hostile-order/src/lib.rs:LINE: hostile in order",
        ),
        ("error-in-order", "hostile in order"),
        ("twice", "its order names task 1 twice"),
        ("stranger", "its order names task 7000000 of a graph with"),
        ("short", "its order has 1 of"),
        ("loop-in-create", STUCK),
        ("loop-in-order", STUCK),
    ] {
        for isolation in ["none", "process"] {
            let Some((environment, output)) = ordered_by_hostile(how, isolation) else {
                return;
            };
            check_refusal(&environment, &output, how, reason);
        }
    }
    let Some((environment, output)) = ordered_by_hostile("abort-in-order", "process") else {
        return;
    };
    check_refusal(
        &environment,
        &output,
        "abort",
        "its process was ended by signal 6",
    );
}

/// A run that is under way goes on with the order that it has.
#[test]
fn a_scheduler_that_fails_later_ends_no_run() {
    let cases = [
        ("panic-in-pick", "hostile in pick"),
        (
            "pick-stranger",
            "it picked task 7000000, which is not ready",
        ),
        ("pick-nothing", "it starts nothing although nothing runs"),
        ("loop-in-pick", STUCK),
        ("panic-in-drop", ""),
        ("loop-in-drop", ""),
        ("panic-in-restricts", ""),
    ];
    let both = cases
        .iter()
        .flat_map(|case| [(case, "none"), (case, "process")]);
    let abort = ("abort-in-pick", "its process was ended by signal 6");
    for (&(how, reason), isolation) in both.chain([(&abort, "process")]) {
        let Some((environment, output)) = ordered_by_hostile(how, isolation) else {
            return;
        };
        let output = output.expect_code(0);
        let run = environment.latest_run();
        assert_eq!(run.with(Succeeded), ["hello", "phello"], "{how}");
        let journal = run.text("journal.jsonl");
        let told = journal
            .lines()
            .filter(|line| line.contains("in the order that it gave before"));
        let told: Vec<&str> = told.collect();
        assert_eq!(
            told.len(),
            usize::from(!reason.is_empty()),
            "{how} {isolation}: {told:?} {}",
            output.shown()
        );
        assert!(
            told.iter().all(|line| line.contains(reason)),
            "{how}: {told:?}"
        );
    }
}

/// What is said of a scheduler that does not come back, but for the time.
const STUCK: &str = "s and was left behind: its thread scheduler is stuck";

fn ordered_by_hostile(how: &str, isolation: &str) -> Option<(Environment, Output)> {
    let environment = Environment::six()?;
    environment.settings(&format!(
        "[limits]\nscheduler = \"3 s\"\n[plugins.hostile-order]\nisolation = \"{isolation}\"\n"
    ));
    let call = environment
        .upgrade("hello phello -s --machines qemux86-64 --scheduler hostile-order --plugin-path");
    let call = call
        .args([environment.hostile_plugins()])
        .env("AUH_HOSTILE_ORDER", how);
    let output = call.run();
    Some((environment, output))
}

#[track_caller]
fn check_refusal(environment: &Environment, output: &Output, how: &str, reason: &str) {
    assert_ne!(output.code, Some(0), "{how}: {}", output.shown());
    let errors = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    let [error] = errors.collect::<Vec<_>>()[..] else {
        panic!("{how}: {}", output.shown());
    };
    let error = without_line_number(error);
    assert!(error.contains(reason), "{how}: {error}");
    assert_eq!(environment.subjects(), [""; 0]);
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
}

/// The plugin's every way to the host works over the pipe, too: the steps that do all the work.
#[test]
fn the_shipped_steps_work_in_processes_of_their_own() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let names = ["devtool-upgrade", "compile-parallel", "git-commit", "basic"];
    let tables = names.map(|name| format!("[plugins.{name}]\nisolation = \"process\"\n"));
    environment.settings(&tables.concat());
    let call = environment.upgrade("hello bhello --machines qemux86-64");
    let _ = call.run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(
        (run.with(Succeeded), run.with(Failed)),
        (vec!["hello".to_owned()], vec!["bhello".to_owned()])
    );
    let subjects = [
        "hello: upgrade 1.0 -> 2.0",
        "bhello: upgrade 1.0 -> 2.0",
        "Revert \"bhello: upgrade 1.0 -> 2.0\"",
    ];
    assert_eq!(environment.subjects(), subjects);
}
