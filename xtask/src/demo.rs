//! `cargo xtask demo`: the main job on an embedded layer, with stand-ins for OpenEmbedded's tools,
//! for people who have Rust, git and python3 and no OpenEmbedded.

use crate::{build, tool, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The recipes of the embedded layer, by what is to become of them.
const GOOD: [&str; 4] = ["hello", "ghello", "phello", "mhello"];
const BAD: [&str; 2] = ["chello", "bhello"];
const MACHINES: &str = "qemux86-64 qemuarm64";
const SOME_RECIPES_FAILED: i32 = 1;

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Build with optimisation
    #[arg(long)]
    release: bool,
}

/// Builds, makes the layer, upgrades it, and shows what came of it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::load()?;
    let built = build::build(&workspace, options.release)?;
    let demo = Demo::make(&workspace)?;
    println!(
        "\nThis is a demonstration. bitbake, devtool and the other tools of OpenEmbedded are small stand-ins here\n\
         (tests/stand-ins): they fetch, patch and build a few toy recipes. The program and its plugins are real.\n"
    );
    let status = demo.upgrade(&built)?;
    if status != Some(SOME_RECIPES_FAILED) {
        bail!(
            "auh was to end with exit status {SOME_RECIPES_FAILED}, as two recipes fail on purpose; it ended with {status:?}"
        );
    }
    demo.show()?;
    demo.check()
}

/// The folders of a demonstration.
struct Demo {
    folder: PathBuf,
    home: PathBuf,
    environment: PathBuf,
}

impl Demo {
    /// A fresh layer with its build directory, and a home folder with a name for git.
    fn make(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target.join("demo");
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let demo = Self {
            home: folder.join("home"),
            environment: folder.join("environment"),
            folder,
        };
        fs::create_dir_all(&demo.home)
            .with_context(|| format!("cannot make {}", demo.home.display()))?;
        fs::write(
            demo.home.join(".gitconfig"),
            "[user]\n\tname = Demo\n\temail = demo@example.com\n",
        )?;
        let make_layer = workspace.root.join("tests/stand-ins/make-layer");
        tool::output(
            Command::new("python3")
                .arg(make_layer)
                .arg(&demo.environment),
        )?;
        Ok(demo)
    }

    fn upgrade(&self, built: &build::Built) -> Result<Option<i32>> {
        let recipes: Vec<_> = GOOD.into_iter().chain(BAD).collect();
        println!(
            "$ auh upgrade {} --machines \"{MACHINES}\"\n",
            recipes.join(" ")
        );
        let mut command = Command::new(self.environment.join("run"));
        command
            .arg(&built.program)
            .arg("upgrade")
            .args(recipes)
            .args(["--machines", MACHINES])
            .env("AUH_PLUGIN_PATH", &built.plugins);
        Ok(tool::status(self.at_home(&mut command))?.code())
    }

    /// The scratch home folder in place of the user's: what they configured must not matter.
    fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", &self.home)
            .env("GIT_CONFIG_GLOBAL", self.home.join(".gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("AUH_BUILDDIR")
    }

    fn log(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(self.environment.join("meta-tiny"))
            .arg("log")
            .args(arguments);
        tool::output(self.at_home(&mut command))
    }

    fn show(&self) -> Result<()> {
        println!("\nThe layer's history, newest first:\n");
        print!("{}", indented(&self.log(&["--format=%h %s"])?));
        let run = self.run_folder()?;
        println!("\nThe run directory {}:\n", run.display());
        print!("{}", indented(&tree(&run)?));
        println!(
            "\nWhere to look:\n  the run as a page    {run}/report.html\n  patches and logs     {run}/all/NAME/\n  what happened, when  {run}/journal.jsonl\n  \
             the layer            {layer}\n  to try things        {environment}/run bitbake hello",
            run = run.display(),
            layer = self.environment.join("meta-tiny").display(),
            environment = self.environment.display(),
        );
        Ok(())
    }

    /// The one run directory there is.
    fn run_folder(&self) -> Result<PathBuf> {
        newest_run(&self.environment.join("build/upgrade-helper"))
    }

    /// The layer must have a commit for each good recipe, and the failing build's taken back.
    fn check(&self) -> Result<()> {
        let mut subjects: Vec<String> = self
            .log(&["--format=%s"])?
            .lines()
            .map(str::to_owned)
            .collect();
        subjects.sort();
        let mut expected: Vec<_> = GOOD
            .iter()
            .map(|name| format!("{name}: upgrade 1.0 -> 2.0"))
            .collect();
        expected.push("bhello: upgrade 1.0 -> 2.0".to_owned());
        expected.push("Revert \"bhello: upgrade 1.0 -> 2.0\"".to_owned());
        expected.push("tiny layer".to_owned());
        expected.sort();
        if subjects != expected {
            bail!(
                "the layer's history is not as it should be: {subjects:?} instead of {expected:?}"
            );
        }
        println!(
            "\nAs expected: {} upgraded, {} failed. Everything is in {}",
            GOOD.join(", "),
            BAD.join(" and "),
            self.folder.display()
        );
        Ok(())
    }
}

/// The newest run directory of a work folder.
pub(crate) fn newest_run(workdir: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(workdir)
        .with_context(|| format!("there is no run directory in {}", workdir.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_run_name(path))
        .max()
        .with_context(|| format!("there is no run directory in {}", workdir.display()))
}

fn is_run_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() == "YYYYMMDDHHMMSS".len() && name.iter().all(u8::is_ascii_digit)
}

/// The files below a folder, one a line, sorted; links with where they lead.
fn tree(folder: &Path) -> Result<String> {
    let mut lines = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            let shown = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .display()
                .to_string();
            if path.is_symlink() {
                lines.push(format!("{shown} -> {}", fs::read_link(&path)?.display()));
            } else if path.is_dir() {
                open.push(path);
            } else {
                lines.push(shown);
            }
        }
    }
    lines.sort();
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_run_is_found_among_other_things() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "20260101000000",
            "20260102000000",
            "auh.toml",
            "20260103000000-old",
        ] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        assert_eq!(
            newest_run(folder.path()).unwrap(),
            folder.path().join("20260102000000")
        );
        assert!(newest_run(&folder.path().join("auh.toml")).is_err());
    }

    #[test]
    fn a_tree_is_files_and_links() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("all/hello")).unwrap();
        fs::write(folder.path().join("all/hello/log"), "").unwrap();
        std::os::unix::fs::symlink("../all/hello", folder.path().join("succeed")).unwrap();
        assert_eq!(
            tree(folder.path()).unwrap(),
            "all/hello/log\nsucceed -> ../all/hello\n"
        );
    }
}
