//! Runs the tests of the Python module, which pretend to be BitBake. They get the built library
//! and plugins from the folder that `AUH_TEST_PLUGINS` names.

use std::{io::Write, path::Path, process::Command};

#[test]
fn the_module_for_bitbake() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/test_auhsched.py");
    let output = Command::new("python3")
        .arg(&tests)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            // Straight to standard error: what tests print is only shown of those that fail.
            let _ = writeln!(std::io::stderr(), "skipped: cannot run python3: {error}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    if said.contains("skipped=") {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: tests with the built library; run them with `cargo xtask test`"
        );
    }
}
