//! What a machine and a repository can be like on a bad day: output without end, a layer that cannot
//! be written, a repository in the middle of something. One clear message, and nothing lost.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_protocol::FailureClass;
use auh_tests::{Environment, Output, State};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

/// Far more than anything here needs, far less than what is printed.
const MOST_KIB: u64 = 150 << 10;

#[test]
fn output_without_end_costs_no_memory() {
    let Some(environment) = Environment::six() else {
        return;
    };
    // 100 MB of lines, one line of 100 MB, and bytes that are no UTF-8.
    environment.replace_tool(
        "bitbake",
        "case \"$*\" in *hello*)\n  yes 'NOTE: a line of a build' | head -c 100000000\n  \
         head -c 100000000 /dev/zero | tr '\\000' x\n  printf '\\377\\376\\n' >&2;;\nesac\nexec \"$TOOL\" \"$@\"",
    );
    let call = environment.auh_weighed();
    let output = call
        .args(["upgrade", "hello", "--machines", "qemux86-64"])
        .run()
        .expect_code(0);
    let peak: u64 = output.stderr.lines().last().unwrap().parse().unwrap();
    assert!(peak < MOST_KIB, "{peak} KiB");
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["hello"]);
    // Of a build that went well no log is kept.
    let kept = run.names_in("all/hello");
    assert!(
        !kept.iter().any(|name| name.starts_with("bitbake-output")),
        "{kept:?}"
    );
    assert!(run.text("journal.jsonl").len() < 1 << 20);
    assert!(run.text("report.html").len() < 4 << 20);
}

#[test]
fn of_output_without_end_that_fails_the_reason_is_still_found() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.replace_tool(
        "bitbake",
        "case \"$*\" in *hello*)\n  head -c 20000000 /dev/zero | tr '\\000' x;;\nesac\nexec \"$TOOL\" \"$@\"",
    );
    let output = environment
        .upgrade("bhello --machines qemux86-64")
        .run()
        .expect_code(1);
    let run = environment.latest_run();
    let failures = run.failures("bhello");
    assert!(
        matches!(&failures[..], [(FailureClass::Compile, _)]),
        "{failures:?}"
    );
    let log = run.path.join("all/bhello/bitbake-output-qemux86-64.txt");
    assert!(fs::metadata(log).unwrap().len() > 20_000_000);
    assert!(output.stdout.len() + output.stderr.len() < 1 << 20);
}

/// The kernel ends what takes too much memory; that is no fault of the recipe.
#[test]
fn a_build_that_the_kernel_ends_leaves_the_layer_as_it_was() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.replace_tool(
        "bitbake",
        "case \"$*\" in *hello*) kill -9 $$;; esac\nexec \"$TOOL\" \"$@\"",
    );
    let output = environment
        .upgrade("hello --machines qemux86-64")
        .run()
        .expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["hello"]);
    let failures = run.failures("hello");
    let [(class, message)] = &failures[..] else {
        panic!("{failures:?}");
    };
    assert_eq!(*class, FailureClass::Infrastructure);
    assert!(message.contains("signal 9"), "{message} {}", output.shown());
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
    assert!(environment.recipe("hello", "1.0").exists());
}

/// One error, nothing changed, no run begun.
#[track_caller]
fn check_refused(environment: &Environment, before: &State, output: &Output, words: &str) {
    assert_eq!(output.code, Some(3), "{}", output.shown());
    before.assert_unchanged(environment);
    let errors = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    let [error] = errors.collect::<Vec<_>>()[..] else {
        panic!("{}", output.shown());
    };
    assert!(error.contains(words), "{error}");
    assert!(output.stderr.contains("  hint: "), "{}", output.shown());
    assert_eq!(environment.run_folders(), [""; 0].map(PathBuf::from));
}

#[test]
fn a_layer_that_cannot_be_written() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let before = State::of(&environment);
    let layer = environment.layer();
    for folder in [
        &layer,
        &layer.join("recipes-hello/hello"),
        &layer.join(".git"),
    ] {
        let Some(call) = environment.auh_with_read_only(folder) else {
            return;
        };
        let output = call
            .args(["upgrade", "hello", "--machines", "qemux86-64"])
            .run();
        check_refused(&environment, &before, &output, "cannot be written");
    }
}

/// A run directory that cannot be made is an error before anything is changed.
#[test]
fn a_work_directory_that_cannot_be_written() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let runs = environment.build_dir().join("upgrade-helper");
    fs::create_dir_all(&runs).unwrap();
    let before = State::of(&environment);
    let Some(call) = environment.auh_with_read_only(&runs) else {
        return;
    };
    let output = call
        .args(["upgrade", "hello", "--machines", "qemux86-64"])
        .run();
    assert!(matches!(output.code, Some(2 | 3)), "{}", output.shown());
    before.assert_unchanged(&environment);
    let errors = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", output.shown());
}

#[test]
fn a_repository_in_the_middle_of_something() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let notes = environment.layer().join("notes");
    fs::write(&notes, "one\n").unwrap();
    let _ = environment.git(&["add", "notes"]);
    let _ = environment.git(&["commit", "-qm", "notes"]);
    let _ = environment.git(&["switch", "-qc", "other", "HEAD~1"]);
    fs::write(&notes, "two\n").unwrap();
    let _ = environment.git(&["add", "notes"]);
    let _ = environment.git(&["commit", "-qm", "other notes"]);
    for (begin, doing) in [
        (&["rebase", "main"][..], "rebase"),
        (&["merge", "main"], "merge"),
        (&["cherry-pick", "main"], "cherry-pick"),
    ] {
        let conflicts = environment.tool(&[
            "sh",
            "-c",
            &format!(
                "git -C ../meta-tiny {} >/dev/null 2>&1; echo $?",
                begin.join(" ")
            ),
        ]);
        assert_eq!(conflicts, "1\n", "{begin:?}");
        let before = State::of(&environment);
        let output = environment.upgrade("hello --machines qemux86-64").run();
        check_refused(
            &environment,
            &before,
            &output,
            &format!("is in the middle of a {doing}"),
        );
        let _ = environment.git(&[begin[0], "--abort"]);
    }
    let _ = environment
        .upgrade("hello --machines qemux86-64 -s")
        .run()
        .expect_code(0);
}

#[test]
fn a_detached_head_is_warned_of_and_keeps_its_commits() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let _ = environment.git(&["switch", "-q", "--detach"]);
    let output = environment
        .upgrade("hello --machines qemux86-64 -s")
        .run()
        .expect_code(0);
    assert_eq!(
        output.stderr.matches("is on no branch").count(),
        1,
        "{}",
        output.shown()
    );
    assert_eq!(environment.subjects(), ["hello: upgrade 1.0 -> 2.0"]);
    assert_eq!(environment.git(&["rev-list", "--count", "main..HEAD"]), "1");
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
}

/// A submodule's repository lies within that of the project which has it; and a layer may have some.
#[test]
fn a_layer_that_is_a_submodule_and_has_one() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let library = environment.beside("library");
    let _ = environment.git_in(&library, &["init", "-q", "-b", "main"]);
    let _ = environment.git_in(
        &library,
        &["commit", "-q", "--allow-empty", "-m", "library"],
    );
    let add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q"];
    let inner = [&add[..], &[library.to_str().unwrap(), "library"]].concat();
    let _ = environment.git(&inner);
    let _ = environment.git(&["commit", "-qm", "library"]);
    let top = environment.top();
    let _ = environment.git_in(top, &["init", "-q", "-b", "main"]);
    let _ = environment.git_in(top, &[&add[..], &["./meta-tiny", "meta-tiny"]].concat());
    let _ = environment.git_in(top, &["submodule", "absorbgitdirs"]);
    let _ = environment.git_in(top, &["commit", "-qm", "project"]);
    assert!(environment.layer().join(".git").is_file());
    // Somebody works in the inner one.
    fs::write(environment.layer().join("library/notes"), "mine\n").unwrap();

    let _ = environment
        .upgrade("hello --machines qemux86-64 -s")
        .run()
        .expect_code(0);
    assert_eq!(
        environment.subjects(),
        ["library", "hello: upgrade 1.0 -> 2.0"]
    );
    let outer = environment.git_in(top, &["log", "--format=%s"]);
    assert_eq!(outer, "project");
    assert_eq!(
        environment.git(&["diff", "--stat", "HEAD", "--ignore-submodules=dirty"]),
        ""
    );
    assert_eq!(
        fs::read_to_string(environment.layer().join("library/notes")).unwrap(),
        "mine\n"
    );
}

#[test]
fn a_hook_that_rejects_the_commit_fails_the_group_with_its_words() {
    for name in ["pre-commit", "commit-msg"] {
        let Some(environment) = Environment::six() else {
            return;
        };
        let hook = environment.layer().join(".git/hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(
            &hook,
            "#!/bin/sh\necho 'no commits on a Sunday' >&2\nexit 1\n",
        )
        .unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let output = environment
            .upgrade("hello --machines qemux86-64 -s")
            .run()
            .expect_code(1);
        let run = environment.latest_run();
        assert_eq!(run.with(Failed), ["hello"]);
        let failures = run.failures("hello");
        assert!(
            failures
                .iter()
                .any(|(_, said)| said.contains("no commits on a Sunday")),
            "{failures:?}"
        );
        assert_eq!(
            environment.git(&["status", "--porcelain"]),
            "",
            "{}",
            output.shown()
        );
        assert_eq!(environment.subjects(), [""; 0]);
        assert!(environment.recipe("hello", "1.0").exists());
    }
}

/// The clock jumps back in the middle of a run: what is told of it has no nonsense in it.
#[test]
fn a_clock_that_jumps_back_confuses_no_report() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let _ = environment
        .upgrade("hello bhello --machines qemux86-64")
        .run()
        .expect_code(1);
    let run = environment.latest_run();
    let journal = run.text("journal.jsonl");
    let half = journal.lines().count() / 2;
    let year = |line: &str| line[line.find("\"time\":\"").unwrap() + 8..][..4].to_owned();
    let jumped = journal.lines().enumerate().map(|(number, line)| {
        let year = year(line);
        match number < half {
            true => format!("{line}\n"),
            false => format!(
                "{}\n",
                line.replacen(&format!("\"time\":\"{year}"), "\"time\":\"2001", 1)
            ),
        }
    });
    fs::write(run.path.join("journal.jsonl"), jumped.collect::<String>()).unwrap();
    let name = run.path.file_name().unwrap().to_str().unwrap();
    for words in [&["runs"][..], &["show", name], &["report", name]] {
        let output = environment.auh().args(words).run().expect_code(0);
        let shown = output.shown();
        assert!(
            !shown.contains("panicked") && !shown.contains("-1 s") && !shown.contains("NaN"),
            "{shown}"
        );
    }
    let page = fs::read_to_string(run.path.join("report.html")).unwrap();
    assert!(!page.contains("\"NaN") && !page.contains(">NaN"));
    let strange = page
        .find("=\"-")
        .map(|at| page[at.saturating_sub(80)..].get(..200));
    assert_eq!(strange, None, "negative sizes or times on the page");
}
