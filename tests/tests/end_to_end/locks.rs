//! The lock of a build directory whose holder has died, and one of another host.

use auh_tests::Environment;
use std::fs;

/// What the lock's file says of a process.
fn holder(environment: &Environment, host: &str, boot: &str) {
    let path = environment.build_dir().join("upgrade-helper/auh.lock");
    let text = format!(
        r#"{{"pid":4194000,"process_start":1,"boot":"{boot}","user":"ann","host":"{host}","since":"2026-01-01T00:00:00Z","run":"20260101000000"}}"#
    );
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn kernel(name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap();
    text.trim().to_owned()
}

#[test]
fn a_lock_of_a_process_that_died_is_taken_over_with_one_line() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let line = "took over the lock of process 4194000 of user ann on host ";
    for boot in [kernel("random/boot_id"), "before".to_owned()] {
        holder(&environment, &kernel("hostname"), &boot);
        let output = environment.upgrade("hello --dry-run").run().expect_code(0);
        assert_eq!(output.stderr.matches(line).count(), 1, "{}", output.shown());
        let again = environment.upgrade("hello --dry-run").run().expect_code(0);
        assert!(!again.stderr.contains(line), "{}", again.shown());
    }
}

#[test]
fn a_lock_of_another_host_is_left_alone_and_named() {
    let Some(environment) = Environment::six() else {
        return;
    };
    holder(&environment, "far-away", "another");
    let output = environment.upgrade("hello -s").run().expect_code(3);
    for part in [
        "process 4194000 of user ann on host far-away",
        "remove the file",
    ] {
        assert!(output.stderr.contains(part), "{}", output.shown());
    }
    assert_eq!(environment.run_folders().len(), 0);
    fs::remove_file(environment.build_dir().join("upgrade-helper/auh.lock")).unwrap();
    let _ = environment.upgrade("hello --dry-run").run().expect_code(0);
}
