//! `cargo xtask test`: builds everything, then runs every test, the ones in Python first so that
//! cargo's own result lines come last.

use crate::{
    build, tool,
    workspace::{Workspace, cargo},
};
use anyhow::{Context, Result, bail};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The BitBake that the orders are compared with; the Python package holds its whole library.
const BITBAKE: &str = "2.19.0";

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only tests with this in their names
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Builds, then tests.
pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::load()?;
    let built = build::build(&workspace, false)?;
    let strict = env::var("CI").is_ok_and(|ci| ci == "true");
    let stand_ins = test_stand_ins(&workspace, options.filter.as_deref());
    let oracle = match oracle_python(&workspace) {
        Ok(python) => Some(python),
        Err(error) if strict => return Err(error),
        Err(error) => {
            println!("skipped: comparison with BitBake's own orders: {error:#}");
            None
        }
    };
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(&options.filter)
        .current_dir(&workspace.root)
        .env("AUH_TEST_BIN", &built.program)
        .env("AUH_TEST_PLUGINS", &built.plugins)
        .env("AUH_TEST_HOSTILE_PLUGINS", &built.test_plugins);
    if let Some(python) = oracle {
        command.env("AUH_ORACLE_PYTHON", python);
    }
    let tests = tool::succeed(&mut command);
    stand_ins.and(tests)
}

/// The stand-ins' own tests. A run for one test of the workspace leaves them out.
fn test_stand_ins(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    let mut command = Command::new("python3");
    command
        .args([
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "tests/stand-ins",
        ])
        .args(filter.iter().flat_map(|text| ["-k", text]))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(&workspace.root);
    println!("running the stand-ins' own tests");
    match tool::status(&mut command)?.code() {
        Some(0) => Ok(()),
        // Python 3.12 and newer: no test was found.
        Some(5) if filter.is_some() => Ok(()),
        _ => bail!(
            "the stand-ins' own tests failed ({})",
            tool::shown(&command)
        ),
    }
}

/// A Python with BitBake in it, made when it is not there yet.
pub(crate) fn oracle_python(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("oracle-venv");
    let python = folder.join("bin/python");
    if has_bitbake(&python) {
        return Ok(python);
    }
    println!(
        "making a Python environment with BitBake {BITBAKE} in {}",
        folder.display()
    );
    tool::output(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )
    .context("no virtual environment could be made")?;
    tool::output(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg(format!("bitbake-setup=={BITBAKE}")),
    )
    .context("BitBake could not be installed")?;
    if !has_bitbake(&python) {
        bail!("{} cannot import BitBake {BITBAKE}", python.display());
    }
    Ok(python)
}

fn has_bitbake(python: &Path) -> bool {
    let script = format!("import bb, sys; sys.exit(bb.__version__ != {BITBAKE:?})");
    python.exists() && tool::output(Command::new(python).args(["-c", &script])).is_ok()
}
