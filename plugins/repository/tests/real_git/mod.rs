//! A layer in a temporary git repository, and a host that really runs git in it. Shared by the
//! tests of the crates that write into repositories.

use auh_sdk::{CommandResult, Exit, Place, RunCommand};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A git repository with one commit, and a folder beside it.
pub(crate) struct Layer {
    folder: tempfile::TempDir,
}

impl Layer {
    /// A repository that holds `files` (path and text).
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layer = Self { folder };
        fs::create_dir(layer.top()).unwrap();
        fs::create_dir(layer.beside()).unwrap();
        layer.git(&["init", "-q", "-b", "main"]);
        layer.git(&["config", "user.name", "Tester"]);
        layer.git(&["config", "user.email", "tester@example.com"]);
        for (path, text) in files {
            layer.write(path, text);
        }
        layer.git(&["add", "-A"]);
        layer.git(&["commit", "-q", "-m", "first"]);
        layer
    }

    /// The repository's top folder, without symbolic links.
    pub(crate) fn top(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("layer")
    }

    /// A folder beside the repository, for what a run writes.
    pub(crate) fn beside(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("run")
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.top().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Reads a file of the repository.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.top().join(path)).unwrap()
    }

    /// Removes a file of the repository.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.top().join(path)).unwrap();
    }

    /// Runs git in the repository and hands back what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let argv = ["git"].iter().chain(arguments).copied();
        let result = run(&RunCommand::new(Place::Folder(self.top()), "git", argv));
        assert!(result.succeeded(), "git {arguments:?}: {}", result.stderr);
        result.stdout
    }

    /// `git status`, one line per entry.
    pub(crate) fn status(&self) -> Vec<String> {
        let status = self.git(&["status", "--porcelain=v1", "--untracked-files=all"]);
        status.lines().map(str::to_owned).collect()
    }
}

/// Runs a command in its folder, apart from the tester's own git configuration.
pub(crate) fn run(command: &RunCommand) -> CommandResult {
    let Place::Folder(folder) = &command.place else {
        panic!("{:?} needs a build directory", command.argv);
    };
    let mut child = hermetic(&command.argv, folder)
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .spawn()
        .unwrap();
    // Dropped at once, so that who reads it sees its end.
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(command.stdin.as_deref().unwrap_or_default().as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    CommandResult {
        exit: Exit::Code(output.status.code().unwrap()),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        seconds: 0.0,
        last_lines: Vec::new(),
    }
}

fn hermetic(argv: &[String], folder: &Path) -> Command {
    let mut command = Command::new(&argv[0]);
    command
        .args(&argv[1..])
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
