//! Real children, mostly small shell scripts: the shell is the program under watch here.

use std::fs;
use std::path::Path;
use std::thread;

use super::*;
use crate::capture::Captured;

fn sh(script: &str) -> Command {
    Command::new("/bin/sh", "/").args(["-c", script])
}

/// Runs a command and collects its lines as `o text`, `e text`; `…` marks a line without an end.
fn lines_of(command: &Command, cancel: &CancelToken) -> (Finished, Vec<String>) {
    let mut lines = Vec::new();
    let finished = run(command, cancel, &mut |line| {
        let stream = match line.stream {
            Stream::Stdout => 'o',
            Stream::Stderr => 'e',
        };
        let end = if line.ended { "" } else { "…" };
        lines.push(format!("{stream} {}{end}", line.text));
    });
    (finished.unwrap(), lines)
}

fn quiet(command: &Command) -> Finished {
    lines_of(command, &CancelToken::new()).0
}

fn fails(command: &Command) -> RunError {
    run(command, &CancelToken::new(), &mut |_| {}).unwrap_err()
}

fn text(captured: &Captured) -> String {
    captured.text()
}

/// A process that a test script put its number into a file for.
fn is_alive(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z"))
}

/// Waits for what happens soon, without a claim about how soon.
fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if happened() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("never happened: {what}");
}

#[test]
fn lines_come_in_order_with_their_stream() {
    let script = "echo a; sleep 0.05; echo b >&2; sleep 0.05; printf 'c\\nd'";
    let (finished, lines) = lines_of(&sh(script), &CancelToken::new());
    assert_eq!(lines, ["o a", "e b", "o c", "o d…"]);
    assert_eq!(finished.last_lines, ["a", "b", "c", "d"]);
    assert_eq!(finished.exit, Exit::Code(0));
    assert_eq!(
        (text(&finished.stdout), text(&finished.stderr)),
        ("a\nc\nd".into(), "b\n".into())
    );
    assert!(!finished.lingering);
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    assert_eq!(quiet(&sh("exit 7")).exit, Exit::Code(7));
    assert_eq!(quiet(&sh("kill -SEGV $$")).exit, Exit::Signal(11));
    assert!(!quiet(&sh("exit 1")).exit.success());
}

#[test]
fn invalid_utf8_is_replaced() {
    let (_, lines) = lines_of(&sh(r"printf 'a\377b\n'"), &CancelToken::new());
    assert_eq!(lines, ["o a\u{fffd}b"]);
}

#[test]
fn a_giant_line_comes_in_pieces() {
    let script = "head -c 1000000 /dev/zero | tr '\\0' x; echo";
    let (finished, lines) = lines_of(&sh(script), &CancelToken::new());
    assert!(lines.len() > 10 && lines.iter().all(|line| line.len() < 70_000));
    let length: usize = lines.iter().map(|line| line.matches('x').count()).sum();
    assert_eq!((length, finished.stdout.total()), (1_000_000, 1_000_001));
}

#[test]
fn fifty_megabytes_leave_only_their_ends_in_memory() {
    let script = "echo first; yes 'a line of forty-nine characters, its end left out' | \
                  head -n 1000000; echo last";
    let mut command = sh(script);
    command.capture.head = 100;
    command.capture.tail = 100;
    let mut count = 0_u64;
    let finished = run(&command, &CancelToken::new(), &mut |_| count += 1).unwrap();
    assert_eq!((count, finished.stdout.total()), (1_000_002, 50_000_011));
    assert_eq!(
        (finished.stdout.head.len(), finished.stdout.tail.len()),
        (100, 100)
    );
    assert!(finished.stdout.text().starts_with("first\n"));
    assert!(finished.stdout.text().ends_with("\nlast\n"));
}

#[test]
fn the_environment_is_what_was_asked_for() {
    let show = "echo ${A-unset} ${HOME-unset}";
    let command = sh(show).env("A", "1").env_remove("HOME");
    assert_eq!(text(&quiet(&command).stdout), "1 unset\n");
    let clean = sh(show).clean_env([("A".into(), "2".into())].into());
    assert_eq!(text(&quiet(&clean).stdout), "2 unset\n");
}

#[test]
fn stdin_is_empty_unless_given() {
    let cat = Command::new("cat", "/");
    assert_eq!(text(&quiet(&cat).stdout), "");
    let big = "0123456789".repeat(50_000);
    let finished = quiet(&cat.clone().stdin(big.as_bytes()));
    assert_eq!(finished.stdout.complete().unwrap(), big.as_bytes());
    // Nobody reads it: that is the command's business.
    assert_eq!(quiet(&sh("exit 3").stdin(big)).exit, Exit::Code(3));
}

#[test]
fn the_time_limit_ends_the_grandchildren_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sh("sleep 1000 & echo $! > pid; wait");
    command.cwd = folder.path().to_owned();
    let finished = quiet(&command.time_limit(Duration::from_millis(300)));
    assert_eq!(finished.exit, Exit::TimedOut);
    assert!(!is_alive(&folder.path().join("pid")));
}

#[test]
fn who_ignores_the_request_is_killed() {
    let mut command = sh("trap '' TERM; echo ready; while :; do sleep 1000; done");
    command.stop_grace = Duration::from_millis(200);
    let cancel = CancelToken::new();
    let mut seen = false;
    let finished = run(&command, &cancel, &mut |line| {
        seen |= line.text == "ready";
        cancel.cancel(CancelStage::Soft);
    });
    assert_eq!(finished.unwrap().exit, Exit::Cancelled);
    assert!(seen);
}

#[test]
fn a_grandchild_that_outlives_its_stopped_parent_gets_the_grace_and_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let script = "(trap '' TERM; exec >/dev/null 2>&1; exec sleep 1000) & echo $! > pid; \
                  sleep 0.2; echo ready; wait";
    let mut command = sh(script);
    command.cwd = folder.path().to_owned();
    command.stop_grace = Duration::from_millis(400);
    let cancel = CancelToken::new();
    let finished = run(&command, &cancel, &mut |_| cancel.cancel(CancelStage::Soft)).unwrap();
    assert_eq!(finished.exit, Exit::Cancelled);
    assert!(finished.wall >= Duration::from_millis(400));
    eventually("the grandchild dies", || {
        !is_alive(&folder.path().join("pid"))
    });
}

#[test]
fn time_to_clean_up_is_granted() {
    // No child to sleep in: the signal goes to the whole group, and some shells tell of a child's end.
    let mut command = sh("trap 'echo cleaned; exit 0' TERM; echo ready; while :; do :; done");
    command.stop_grace = Duration::from_secs(60);
    let cancel = CancelToken::new();
    let mut lines = Vec::new();
    let finished = run(&command, &cancel, &mut |line| {
        lines.push(line.text.into_owned());
        cancel.cancel(CancelStage::Soft);
    });
    assert_eq!(finished.unwrap().exit, Exit::Cancelled);
    assert_eq!(lines, ["ready", "cleaned"]);
}

#[test]
fn the_soft_signal_can_be_an_interrupt() {
    // A shell cannot trap what was ignored from its beginning, as interrupts are in the background.
    let script = "trap 'echo interrupted; exit 0' INT; echo ready; while :; do :; done";
    let words = ["--default-signal=INT", "sh", "-c", script];
    let mut command = Command::new("/usr/bin/env", "/").args(words);
    command.soft_signal = SoftSignal::Interrupt;
    command.stop_grace = Duration::from_secs(60);
    let cancel = CancelToken::new();
    let finished = run(&command, &cancel, &mut |_| cancel.cancel(CancelStage::Soft)).unwrap();
    assert!(finished.broke_off());
    assert_eq!(finished.last_lines, ["ready", "interrupted"]);
    assert_eq!(finished.lines_before_stop, ["ready"]);
}

#[test]
fn another_thread_can_cancel_hard() {
    let cancel = CancelToken::new();
    let other = cancel.clone();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        other.cancel(CancelStage::Hard);
    });
    let mut command = sh("trap '' TERM; sleep 1000");
    command.stop_grace = Duration::from_secs(1000);
    let (finished, _) = lines_of(&command, &cancel);
    stopper.join().unwrap();
    assert_eq!(finished.exit, Exit::Cancelled);
}

#[test]
fn hard_after_soft_cuts_the_grace_short() {
    let mut command = sh("trap 'echo no' TERM; echo ready; while :; do sleep 0.01; done");
    command.stop_grace = Duration::from_secs(1000);
    let cancel = CancelToken::new();
    let finished = run(&command, &cancel, &mut |line| {
        cancel.cancel(match &*line.text {
            "no" => CancelStage::Hard,
            _ => CancelStage::Soft,
        });
    });
    assert_eq!(finished.unwrap().exit, Exit::Cancelled);
}

#[test]
fn a_cancelled_token_starts_nothing() {
    let cancel = CancelToken::new();
    cancel.cancel(CancelStage::Soft);
    let (finished, lines) = lines_of(&sh("echo no"), &cancel);
    assert_eq!((finished.exit, lines.len()), (Exit::Cancelled, 0));
    assert!(!finished.broke_off());
}

#[test]
fn a_daemon_that_holds_the_output_neither_blocks_the_run_nor_dies() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = "setsid sh -c 'echo $$ > pid; until test -e go; do sleep 0.01; done; \
                  echo still here; echo alive > proof; sleep 1000' & \
                  until test -s pid; do sleep 0.01; done; echo done";
    let mut command = sh(daemon);
    command.cwd = folder.path().to_owned();
    command.drain_grace = Duration::from_millis(100);
    let (finished, lines) = lines_of(&command, &CancelToken::new());
    assert_eq!(
        (finished.exit, lines),
        (Exit::Code(0), vec!["o done".to_owned()])
    );
    assert!(finished.lingering);
    fs::write(folder.path().join("go"), "").unwrap();
    eventually("the daemon survives its output", || {
        folder.path().join("proof").exists()
    });
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    quiet(&Command::new("kill", "/").arg(pid.trim()));
}

#[test]
fn the_log_holds_both_streams_and_gets_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a/b/log.txt");
    let script = r"printf 'par'; sleep 0.05; echo err >&2; sleep 0.05; printf 'tial\r50\r\nend'";
    let finished = quiet(&sh(script).log(&file));
    assert!(finished.log_error.is_none());
    assert_eq!(fs::read_to_string(file).unwrap(), "err\npartial\r50\r\nend");
}

#[test]
fn a_full_disk_under_the_log_is_reported_and_does_no_harm() {
    let finished = quiet(&sh("seq 100000").log("/dev/full"));
    assert_eq!(finished.exit, Exit::Code(0));
    assert_eq!(finished.last_lines.last().unwrap(), "100000");
    let error = finished.log_error.unwrap();
    assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
    assert_eq!(error.to_string(), "cannot write /dev/full");
    let finished = quiet(&sh("exit 0").log("/dev/null/log"));
    assert!(finished.exit.success() && finished.log_error.is_some());
}

#[test]
fn a_missing_program_is_named_with_the_path() {
    let command = Command::new("no-such-tool", "/").env("PATH", "/bin:/usr/bin");
    let message = fails(&command).to_string();
    assert_eq!(
        message,
        "program no-such-tool not found in PATH (/bin:/usr/bin)"
    );
    let error = fails(&Command::new("./no-such-tool", "/"));
    assert!(
        matches!(&error, RunError::NotFound { program } if program == Path::new("/no-such-tool"))
    );
}

#[test]
fn what_cannot_be_run_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    fs::write(&file, "#!/no/such/interpreter\n").unwrap();
    let command = Command::new("./script", folder.path());
    assert!(matches!(fails(&command), RunError::NotExecutable { .. }));
    quiet(&Command::new("chmod", folder.path()).args(["+x", "script"]));
    assert!(matches!(fails(&command), RunError::NoInterpreter { .. }));
    let nowhere = Command::new("true", folder.path().join("gone"));
    assert!(matches!(
        fails(&nowhere),
        RunError::NoWorkingDirectory { .. }
    ));
}

#[test]
fn cpu_time_is_told() {
    let finished = quiet(&sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
    let cpu = finished.cpu.unwrap();
    assert!(cpu > Duration::ZERO && cpu <= finished.wall + Duration::from_millis(20));
}

#[test]
fn a_panicking_reader_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sh("echo $$ > pid; echo line; sleep 1000");
    command.cwd = folder.path().to_owned();
    let attempt = std::panic::AssertUnwindSafe(|| {
        run(&command, &CancelToken::new(), &mut |_| panic!("on purpose"))
    });
    assert!(std::panic::catch_unwind(attempt).is_err());
    assert!(!is_alive(&folder.path().join("pid")));
}
