//! `cargo xtask build`: the program and every plugin, the plugins in a folder beside the program.
//!
//! Which plugins there are follows from the folders: every cdylib in `plugins`, `schedulers` and,
//! into a folder of their own, in `tests/plugins`.

use crate::workspace::{Package, Workspace, cargo};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{ChildStdout, Stdio},
};

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Build with optimisation
    #[arg(long)]
    release: bool,
}

/// What was built.
#[derive(Debug)]
pub(crate) struct Built {
    /// The program.
    pub(crate) program: PathBuf,
    /// Folder with the shipped plugins: `plugins` beside the program, where it looks by itself.
    pub(crate) plugins: PathBuf,
    /// Folder with the plugins that only tests load.
    pub(crate) test_plugins: PathBuf,
}

/// Builds, and says where everything is.
pub(crate) fn run(options: &Options) -> Result<()> {
    let built = build(&Workspace::load()?, options.release)?;
    println!("program       {}", built.program.display());
    for (what, folder) in [
        ("plugins", &built.plugins),
        ("test plugins", &built.test_plugins),
    ] {
        println!("{what:<13} {}", folder.display());
        for file in libraries(folder)? {
            println!("{:13} {}", "", file.display());
        }
    }
    Ok(())
}

/// Builds the program with optimisation, with the plugins that are shipped, and says where it is.
pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    let shipped = plugins_in(workspace, &["plugins", "schedulers"]);
    let artifacts = compile(&shipped, true, None)?;
    let (program, beside) = program_of(&artifacts)?;
    install(
        &libraries_of(&artifacts, &shipped)?,
        &beside.join("plugins"),
    )?;
    Ok(program.to_owned())
}

/// The program among what was built, and the folder that it is in.
fn program_of(artifacts: &[Artifact]) -> Result<(&Path, &Path)> {
    let mut programs = artifacts
        .iter()
        .filter_map(|artifact| artifact.executable.as_deref());
    let program = programs.next().context("cargo built no program auh")?;
    let beside = program.parent().context("the program is in no folder")?;
    Ok((program, beside))
}

/// Builds the program and every plugin.
pub(crate) fn build(workspace: &Workspace, release: bool) -> Result<Built> {
    build_in(workspace, release, None)
}

/// As [`build`], in another folder than cargo's usual one if one is named.
pub(crate) fn build_in(
    workspace: &Workspace,
    release: bool,
    target: Option<&Path>,
) -> Result<Built> {
    let shipped: Vec<_> = plugins_in(workspace, &["plugins", "schedulers"]);
    let for_tests: Vec<_> = plugins_in(workspace, &["tests/plugins"]);
    let artifacts = compile(&[&shipped[..], &for_tests[..]].concat(), release, target)?;
    let (program, beside) = program_of(&artifacts)?;
    let built = Built {
        plugins: beside.join("plugins"),
        test_plugins: beside.join("test-plugins"),
        program: program.to_owned(),
    };
    install(&libraries_of(&artifacts, &shipped)?, &built.plugins)?;
    install(&libraries_of(&artifacts, &for_tests)?, &built.test_plugins)?;
    Ok(built)
}

/// Copies files into a folder that then holds just these. Each is replaced in one step, because a
/// program that runs may have the old file mapped, and only its owner can write to it, because the
/// loader refuses other files.
pub(crate) fn install(files: &[PathBuf], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    set_mode(folder)?;
    let mut names = BTreeSet::new();
    for file in files {
        let name = file.file_name().context("a library without a name")?;
        replace(file, &folder.join(name))?;
        names.insert(folder.join(name));
    }
    for stale in libraries(folder)? {
        if !names.contains(&stale) {
            fs::remove_file(&stale)
                .with_context(|| format!("cannot remove {}", stale.display()))?;
        }
    }
    Ok(())
}

/// Copies one file over another in one step, with mode 755.
pub(crate) fn replace(from: &Path, to: &Path) -> Result<()> {
    let new = to.with_extension(format!("new-{}", std::process::id()));
    let copied = fs::copy(from, &new)
        .map_err(anyhow::Error::from)
        .and_then(|_| set_mode(&new))
        .and_then(|()| Ok(fs::rename(&new, to)?));
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Lets only its owner write to a file or folder, and everybody read it.
pub(crate) fn set_mode(path: &Path) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot change the mode of {}", path.display()))
}

/// The shared libraries in a folder, by name.
pub(crate) fn libraries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths: std::io::Result<BTreeSet<_>> =
        entries.map(|entry| entry.map(|e| e.path())).collect();
    Ok(paths?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "so"))
        .collect())
}

fn plugins_in<'a>(workspace: &'a Workspace, folders: &[&'static str]) -> Vec<&'a Package> {
    let members = folders
        .iter()
        .flat_map(|folder| workspace.members_in(folder));
    members.filter(|package| package.is_plugin()).collect()
}

/// A file that cargo says it built, or found up to date.
#[derive(Debug, Deserialize)]
struct Artifact {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    executable: Option<PathBuf>,
}

/// Builds the program and these plugins in one go; cargo's own diagnostics go to standard error.
fn compile(plugins: &[&Package], release: bool, target: Option<&Path>) -> Result<Vec<Artifact>> {
    let mut command = cargo();
    command
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(["--package", "auh-cli"])
        .args(
            plugins
                .iter()
                .flat_map(|plugin| ["--package", &plugin.name]),
        )
        .args(release.then_some("--release"))
        .args(
            target
                .iter()
                .flat_map(|folder| [Path::new("--target-dir"), folder]),
        )
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot run cargo")?;
    let stdout = child
        .stdout
        .take()
        .context("cargo has no standard output")?;
    let artifacts = read_artifacts(stdout);
    if !child.wait()?.success() {
        bail!("the build failed");
    }
    artifacts
}

fn read_artifacts(stdout: ChildStdout) -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    for line in BufReader::new(stdout).lines() {
        // What build scripts print comes along here, and is none of ours.
        if let Ok(artifact) = serde_json::from_str::<Artifact>(&line?)
            && artifact.reason == "compiler-artifact"
        {
            artifacts.push(artifact);
        }
    }
    Ok(artifacts)
}

fn libraries_of(artifacts: &[Artifact], plugins: &[&Package]) -> Result<Vec<PathBuf>> {
    plugins
        .iter()
        .map(|plugin| {
            artifacts
                .iter()
                .filter(|artifact| artifact.manifest_path == plugin.manifest_path)
                .flat_map(|artifact| &artifact.filenames)
                .find(|file| file.extension().is_some_and(|extension| extension == "so"))
                .cloned()
                .with_context(|| format!("cargo built no shared library of {}", plugin.name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_folder_holds_just_what_was_installed_and_only_its_owner_writes() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("libx.so"), folder.path().join("plugins"));
        fs::write(&from, "old").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o666)).unwrap();
        install(std::slice::from_ref(&from), &to).unwrap();
        fs::write(to.join("liby.so"), "of a plugin that is no more").unwrap();
        let mapped = fs::File::open(to.join("libx.so")).unwrap();
        fs::write(&from, "new").unwrap();
        install(&[from], &to).unwrap();

        assert_eq!(libraries(&to).unwrap(), [to.join("libx.so")]);
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
        let new = fs::metadata(to.join("libx.so")).unwrap();
        assert_eq!(new.mode() & 0o777, 0o755);
        assert_ne!(
            new.ino(),
            mapped.metadata().unwrap().ino(),
            "the old file must stay as it is"
        );
    }
}
