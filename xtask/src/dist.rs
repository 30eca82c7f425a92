//! `cargo xtask dist`: an archive with all that an installed auh has. What is built from the same
//! commit with the same tools is the same archive, byte for byte.
//!
//! The folder in it can lie anywhere, or be put into a prefix such as `/usr/local`: the program finds
//! its plugins by its own place, also when it is called through a link.

use crate::{
    build::{self, Built},
    tool,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// The name under which the program has the Python helper's command line.
const HELPER: &str = "upgrade-helper.py";

/// Shell, and where its completions are looked for.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/auh"),
    ("zsh", "share/zsh/site-functions/_auh"),
    ("fish", "share/fish/vendor_completions.d/auh.fish"),
];

/// What of the checkout is documentation: files, and folders whose files are.
const DOCUMENTATION: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "docs",
];

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How to build
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// Where cargo builds, when it shall not be its usual folder
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    /// Where the archive goes; `dist` in cargo's folder unless named
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// With optimisation
    Release,
    /// Fast to build, for tests
    Dev,
}

/// Builds and packs.
pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::load()?;
    let release = options.profile == Profile::Release;
    let built = build::build_in(&workspace, release, options.target_dir.as_deref())?;
    let out = options
        .out
        .clone()
        .unwrap_or_else(|| workspace.target.join("dist"));
    let out = std::path::absolute(out)?;
    let archive = compressed(&pack(&workspace.root, &built, &out)?, options.profile)?;
    println!("{}", archive.display());
    Ok(())
}

/// Makes the archive in `out`, not compressed, and says where it is.
fn pack(root: &Path, built: &Built, out: &Path) -> Result<PathBuf> {
    let version = version(built)?;
    let name = format!("auh-{version}-{}-{}", env::consts::ARCH, env::consts::OS);
    let folder = out.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fill(root, built, &folder)?;
    archive_of(root, out, &name)
}

/// Puts everything into its place.
fn fill(root: &Path, built: &Built, folder: &Path) -> Result<()> {
    let program = folder.join("bin/auh");
    make(program.parent())?;
    build::replace(&built.program, &program)?;
    symlink("auh", folder.join("bin").join(HELPER))?;
    build::install(
        &build::libraries(&built.plugins)?,
        &folder.join("lib/auh/plugins"),
    )?;
    // The program speaks for itself, as it will where it is unpacked.
    let auh = |arguments: &[&OsStr]| {
        tool::output(
            Command::new(&program)
                .args(arguments)
                .env_remove("AUH_PLUGIN_PATH"),
        )
    };
    let manual = folder.join("share/man/man1");
    make(Some(&manual))?;
    auh(&["manual".as_ref(), "man".as_ref(), manual.as_os_str()])?;
    for (shell, place) in COMPLETIONS {
        let file = folder.join(place);
        make(file.parent())?;
        fs::write(&file, auh(&["completions".as_ref(), shell.as_ref()])?)?;
    }
    let layer = folder.join("share/auh/meta-auh-schedulers");
    make(layer.parent())?;
    auh(&["bitbake-layer".as_ref(), layer.as_os_str()])?;
    let documentation = folder.join("share/doc/auh");
    for part in DOCUMENTATION {
        copy(root, Path::new(part), &documentation)?;
    }
    Ok(())
}

fn make(folder: Option<&Path>) -> Result<()> {
    let folder = folder.context("a file in no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Copies a file, or the files of a folder that git knows.
fn copy(root: &Path, part: &Path, to: &Path) -> Result<()> {
    let listed = tool::output(
        Command::new("git")
            .arg("-C")
            .arg(root)
            .args(["ls-files", "-z", "--"])
            .arg(part),
    )?;
    if listed.is_empty() {
        bail!("{} is not in the repository", part.display());
    }
    for file in listed.split_terminator('\0') {
        let place = to.join(file);
        make(place.parent())?;
        fs::copy(root.join(file), &place).with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(())
}

/// `auh 0.1.0` without the name.
fn version(built: &Built) -> Result<String> {
    let told = tool::output(Command::new(&built.program).arg("--version"))?;
    let version = told.split_whitespace().nth(1);
    version
        .map(str::to_owned)
        .context("the program tells no version")
}

/// Packs a folder with nothing of this machine and moment in it: names in order, no owners, one time.
fn archive_of(root: &Path, out: &Path, name: &str) -> Result<PathBuf> {
    let time = format!("--mtime=@{}", time(root)?);
    let tar = out.join(format!("{name}.tar"));
    tool::output(
        Command::new("tar")
            .args(["--create", "--format=gnu", "--sort=name", "--numeric-owner"])
            .args(["--owner=0", "--group=0", "--mode=u=rwX,go=rX", &time])
            .arg("--file")
            .arg(&tar)
            .arg("--directory")
            .arg(out)
            .arg(name),
    )?;
    Ok(tar)
}

/// Compresses an archive; the file without compression is gone then.
fn compressed(tar: &Path, profile: Profile) -> Result<PathBuf> {
    let level = match profile {
        Profile::Release => "--best",
        Profile::Dev => "--fast",
    };
    let mut gzip = Command::new("gzip");
    tool::output(gzip.args(["--no-name", "--force", level]).arg(tar))?;
    let archive = tar.with_added_extension("gz");
    match archive.is_file() {
        true => Ok(archive),
        false => bail!("gzip made no {}", archive.display()),
    }
}

/// Seconds since 1970: SOURCE_DATE_EPOCH, else when the commit was made.
fn time(root: &Path) -> Result<u64> {
    let told = match env::var("SOURCE_DATE_EPOCH") {
        Ok(told) => told,
        Err(_) => tool::output(Command::new("git").arg("-C").arg(root).args([
            "log",
            "-1",
            "--no-show-signature",
            "--format=%ct",
        ]))?,
    };
    told.trim()
        .parse()
        .context("SOURCE_DATE_EPOCH is no number of seconds")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What `cargo xtask test` has built; without it there is nothing to pack.
    fn built() -> Option<Built> {
        let path = |name| env::var_os(name).map(PathBuf::from);
        Some(Built {
            program: path("AUH_TEST_BIN")?,
            plugins: path("AUH_TEST_PLUGINS")?,
            test_plugins: path("AUH_TEST_HOSTILE_PLUGINS")?,
        })
    }

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    /// The program as a user calls it: with nothing that says where plugins are.
    fn call(program: &Path, home: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", home)
            .env("PATH", env::var_os("PATH").unwrap());
        tool::output(command.args(arguments).current_dir(home)).unwrap()
    }

    #[test]
    fn an_unpacked_archive_runs_from_any_folder_and_through_links() {
        let Some(built) = built() else { return };
        let folder = tempfile::tempdir().unwrap();
        let tar = pack(root(), &built, &folder.path().join("out")).unwrap();
        let archive = compressed(&tar, Profile::Dev).unwrap();
        let elsewhere = folder.path().join("some where/else");
        fs::create_dir_all(&elsewhere).unwrap();
        tool::succeed(
            Command::new("tar")
                .arg("xzf")
                .arg(&archive)
                .arg("-C")
                .arg(&elsewhere),
        )
        .unwrap();
        let top = fs::read_dir(&elsewhere)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        // What it was packed from is gone.
        fs::remove_dir_all(folder.path().join("out")).unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for name in ["auh", HELPER] {
            symlink(top.join("bin").join(name), bin.join(name)).unwrap();
        }
        let plugins = |program: &Path| {
            let listed = call(
                program,
                folder.path(),
                &["plugin", "list", "--format", "json"],
            );
            let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
            listed.to_string()
        };
        let listed = plugins(&top.join("bin/auh"));
        for name in ["devtool-upgrade", "forge", "disk-bound"] {
            assert!(listed.contains(&format!("\"{name}\"")), "{listed}");
        }
        assert_eq!(plugins(&bin.join("auh")), listed);
        let help = call(&bin.join(HELPER), folder.path(), &["--help"]);
        assert!(help.contains("--to_version"), "{help}");
        call(&bin.join("auh"), folder.path(), &["bitbake-layer", "layer"]);
        for file in [
            "share/man/man1/auh-upgrade.1",
            "share/bash-completion/completions/auh",
            "share/zsh/site-functions/_auh",
            "share/auh/meta-auh-schedulers/conf/layer.conf",
            "share/doc/auh/LICENSE-MIT",
            "share/doc/auh/docs/book/src/SUMMARY.md",
        ] {
            assert!(top.join(file).is_file(), "{file}");
        }
    }

    #[test]
    fn the_same_things_make_the_same_archive() {
        let Some(built) = built() else { return };
        let folder = tempfile::tempdir().unwrap();
        let packed = |name: &str| pack(root(), &built, &folder.path().join(name)).unwrap();
        let (one, two) = (packed("one"), packed("two"));
        assert!(
            fs::read(&one).unwrap() == fs::read(&two).unwrap(),
            "two archives differ"
        );
        let listed = tool::output(Command::new("tar").arg("tvf").arg(&one));
        let listed = listed.unwrap();
        let times: BTreeSet<&str> = listed
            .lines()
            .filter_map(|l| l.split_whitespace().nth(3))
            .collect();
        assert_eq!(times.len(), 1, "{times:?}");
        assert!(
            listed.lines().all(|line| line.contains(" 0/0 ")),
            "{listed}"
        );
    }
}
