//! axe-core, a checker of pages for people who use screen readers, keyboards or other colours; from
//! npm, put into the folder in which cargo builds.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

const PACKAGE: &str = "axe-core@4.14.1";

/// The checker's script. None where it cannot be had, which is said once; with `CI=true` that is an
/// error.
///
/// # Panics
/// When it cannot be had in CI.
pub fn axe() -> Option<&'static str> {
    static AXE: OnceLock<Option<String>> = OnceLock::new();
    let axe = AXE.get_or_init(|| match script() {
        Ok(script) => Some(script),
        Err(error) => {
            let strict = env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!strict, "no accessibility checker: {error}");
            // Straight to standard error: what tests print is only shown of those that fail.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: the accessibility check of pages: {error}"
            );
            None
        }
    });
    axe.as_deref()
}

/// Installs it, unless it is there; one process at a time.
fn script() -> Result<String, String> {
    let told = |error: std::io::Error| error.to_string();
    let folder = target().join("axe-core");
    fs::create_dir_all(&folder).map_err(told)?;
    let lock = fs::File::create(folder.join("lock")).map_err(told)?;
    lock.lock().map_err(told)?;
    let made = folder.join("made-of");
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if fs::read_to_string(&made).is_ok_and(|package| package == PACKAGE) {
        return fs::read_to_string(file).map_err(told);
    }
    install(&folder)?;
    let script = fs::read_to_string(file).map_err(told)?;
    fs::write(made, PACKAGE).map_err(told)?;
    Ok(script)
}

fn install(folder: &Path) -> Result<(), String> {
    let mut command = Command::new("npm");
    command
        .args([
            "install",
            "--no-save",
            "--no-package-lock",
            "--ignore-scripts",
        ])
        .args(["--no-audit", "--no-fund", "--prefix"])
        .arg(folder)
        .arg(PACKAGE)
        .stdin(Stdio::null());
    let output = command.output();
    let output = output.map_err(|error| format!("npm cannot be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let failed = || format!("npm cannot install {PACKAGE}: {}", said.trim());
    output.status.success().then_some(()).ok_or_else(failed)
}

/// The folder in which cargo builds: the test program lies two folders below a profile's.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}
