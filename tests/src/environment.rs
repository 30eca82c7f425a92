//! A build environment around the stand-in tools, in a temporary folder of its own. Nothing of
//! the caller's own settings reaches it but the programs on the `PATH`.

use crate::{Call, Finished, Output, built, built::Built};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::Duration,
};
use tempfile::TempDir;

const GIT_CONFIG: &str = "[user]\n\tname = Tester\n\temail = tester@example.com\n";

/// A build environment.
#[derive(Debug)]
pub struct Environment {
    built: &'static Built,
    top: PathBuf,
    outside: PathBuf,
    program: PathBuf,
    _folder: TempDir,
}

impl Environment {
    /// The six recipes with their six fates; none when there is no program to test.
    #[must_use]
    pub fn six() -> Option<Self> {
        Self::made(&[])
    }

    /// What `make-layer` makes of these options; none when there is no program to test.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn made(options: &[&str]) -> Option<Self> {
        let built = built()?;
        let folder = tempfile::Builder::new()
            .prefix("auh-test")
            .tempdir()
            .unwrap();
        let outside = folder.path().canonicalize().unwrap();
        fs::create_dir_all(outside.join("home")).unwrap();
        fs::create_dir_all(outside.join("bin")).unwrap();
        fs::write(outside.join("gitconfig"), GIT_CONFIG).unwrap();
        let program = outside.join("bin/auh");
        link_or_copy(&built.program, &program).unwrap();
        let environment = Self {
            built,
            top: outside.join("env"),
            outside,
            program,
            _folder: folder,
        };
        environment.make(options);
        Some(environment)
    }

    fn make(&self, options: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("stand-ins/make-layer");
        let mut command = self.command(script.as_os_str().to_owned());
        let output = command.arg(&self.top).args(options).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "make-layer: {said}");
    }

    /// Everything of the environment: layer, upstream, build directories.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// A folder beside the environment for what a test brings along.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        let folder = self.outside.join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// The user's build directory.
    #[must_use]
    pub fn build_dir(&self) -> PathBuf {
        self.top.join("build")
    }

    /// The layer.
    #[must_use]
    pub fn layer(&self) -> PathBuf {
        self.top.join("meta-tiny")
    }

    /// Folder with the shipped plugins.
    #[must_use]
    pub fn plugins(&self) -> &Path {
        &self.built.plugins
    }

    /// A folder with some of the shipped plugins, for what shows every plugin that there is.
    ///
    /// # Panics
    /// When one of them is not there.
    #[must_use]
    pub fn some_plugins(&self, names: &[&str]) -> PathBuf {
        let folder = self.beside("plugins");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        for name in names {
            link_or_copy(&self.built.plugins.join(name), &folder.join(name)).unwrap();
        }
        folder
    }

    /// Folder with the plugins that misbehave.
    #[must_use]
    pub fn hostile_plugins(&self) -> &Path {
        &self.built.hostile_plugins
    }

    /// A call of the program in the initialised environment.
    #[must_use]
    pub fn auh(&self) -> Call<'_> {
        let mut command = self.command(self.top.join("run").into());
        command.arg(&self.program);
        Call::new(self, command)
    }

    /// The same as [`Self::auh`], started by a command that starts others, such as `nohup`.
    ///
    /// # Panics
    /// Without a word.
    #[must_use]
    pub fn auh_by(&self, starter: &[&str]) -> Call<'_> {
        let mut command = self.command(starter[0].into());
        command.args(&starter[1..]);
        command.arg(self.top.join("run")).arg(&self.program);
        Call::new(self, command)
    }

    /// The same as [`Self::auh`] on a terminal of its own; all that it shows there is standard output.
    #[must_use]
    pub fn auh_on_a_terminal(&self) -> Call<'_> {
        let mut command = self.command("python3".into());
        let spawn =
            "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
        command
            .args(["-c", spawn])
            .arg(self.top.join("run"))
            .arg(&self.program);
        command.env("TERM", "xterm");
        Call::new(self, command)
    }

    /// The same on a terminal of so many columns and 24 rows.
    #[must_use]
    pub fn auh_on_a_terminal_of(&self, columns: u16) -> Call<'_> {
        let mut command = self.command("python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/terminal.py");
        command
            .arg(script)
            .args(["24", &columns.to_string()])
            .arg(self.top.join("run"))
            .arg(&self.program);
        command.env("TERM", "xterm");
        Call::new(self, command)
    }

    /// The same as [`Self::auh`]; the last line of standard error is the most resident memory that it or
    /// one of its commands had at any time, in KiB.
    #[must_use]
    pub fn auh_weighed(&self) -> Call<'_> {
        let mut command = self.command("python3".into());
        let weigh = "import resource, subprocess, sys\nstatus = subprocess.call(sys.argv[1:])\n\
             print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\nsys.exit(status)";
        command
            .args(["-c", weigh])
            .arg(self.top.join("run"))
            .arg(&self.program);
        Call::new(self, command)
    }

    /// The same as [`Self::auh`] where a folder cannot be written, whoever asks: in a name space of
    /// its own. None where this system makes none.
    #[must_use]
    pub fn auh_with_read_only(&self, folder: &Path) -> Option<Call<'_>> {
        let remount =
            "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && shift && exec \"$@\"";
        let within = |words: &[&OsStr]| {
            let mut command = self.command("unshare".into());
            command.args(["--mount", "sh", "-c", remount, "sh"]);
            command.arg(folder).args(words);
            command
        };
        let works = within(&[OsStr::new("true")]).output();
        if !works.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let run = self.top.join("run");
        Some(Call::new(
            self,
            within(&[run.as_os_str(), self.program.as_os_str()]),
        ))
    }

    /// Puts a script in place of one of the tools; `$TOOL` in it is what was there.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn replace_tool(&self, name: &str, script: &str) {
        let path = self.top.join("bitbake/bin").join(name);
        let tool = path.canonicalize().unwrap();
        fs::remove_file(&path).unwrap();
        let text = format!("#!/bin/sh\nTOOL='{}'\n{script}\n", tool.display());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A call of the program in the initialised environment under another name: through a link.
    ///
    /// # Panics
    /// When the link cannot be made.
    #[must_use]
    pub fn under(&self, name: &str) -> Call<'_> {
        let link = self.beside("links").join(name);
        if !link.is_symlink() {
            symlink(&self.program, &link).unwrap();
        }
        let mut command = self.command(self.top.join("run").into());
        command.arg(&link);
        Call::new(self, command)
    }

    /// A call of the program without any initialised environment: no `BUILDDIR`, no OE tools.
    #[must_use]
    pub fn auh_outside(&self) -> Call<'_> {
        let mut command = self.command(self.program.clone().into());
        command.current_dir(&self.outside);
        Call::new(self, command)
    }

    /// `auh upgrade` of these recipes with these options, whitespace between them.
    #[must_use]
    pub fn upgrade(&self, words: &str) -> Call<'_> {
        self.auh().args(["upgrade"]).args(words.split_whitespace())
    }

    /// What a stand-in tool says on standard output when its user calls it.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn tool(&self, words: &[&str]) -> String {
        let mut command = self.command(self.top.join("run").into());
        let output = command.args(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What git says in the layer, without the last line break.
    ///
    /// # Panics
    /// When git fails.
    #[must_use]
    pub fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.layer(), args)
    }

    /// What git says in any repository, without the last line break.
    ///
    /// # Panics
    /// When git fails.
    #[must_use]
    pub fn git_in(&self, folder: &Path, args: &[&str]) -> String {
        let mut command = self.command("git".into());
        let output = command.arg("-C").arg(folder).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// Subjects of the layer's commits after the first, oldest first.
    #[must_use]
    pub fn subjects(&self) -> Vec<String> {
        let log = self.git(&["log", "--reverse", "--format=%s"]);
        log.lines().skip(1).map(str::to_owned).collect()
    }

    /// Path of a recipe of the layer at a version.
    #[must_use]
    pub fn recipe(&self, name: &str, version: &str) -> PathBuf {
        let file = format!("recipes-hello/{name}/{name}_{version}.bb");
        self.layer().join(file)
    }

    /// Adds text to a file, which need not exist.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn append(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let before = fs::read_to_string(path).unwrap_or_default();
        fs::write(path, before + text).unwrap();
    }

    /// Writes the settings file of the build directory.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn settings(&self, text: &str) {
        let path = self.build_dir().join("upgrade-helper/auh.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the Python helper's settings file of the build directory.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn legacy_settings(&self, text: &str) {
        let path = self.build_dir().join("upgrade-helper/upgrade-helper.conf");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A second layer, `meta-other`, with one recipe `other` that goes from 1.0 to 2.0.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn second_layer(&self) -> PathBuf {
        let layer = self.top.join("meta-other");
        let recipe = fs::read_to_string(self.recipe("mhello", "1.0")).unwrap();
        let recipe = recipe.replace("COMPATIBLE_MACHINE = \"qemux86-64\"\n", "");
        self.append(&layer.join("recipes-other/other/other_1.0.bb"), &recipe);
        let conf = fs::read_to_string(self.layer().join("conf/layer.conf")).unwrap();
        self.append(
            &layer.join("conf/layer.conf"),
            &conf.replace("tiny", "other-layer"),
        );
        let line = format!("BBLAYERS += \"{}\"\n", layer.display());
        self.append(&self.build_dir().join("conf/bblayers.conf"), &line);
        let _ = self.git_in(&layer, &["init", "-q", "-b", "main"]);
        let _ = self.git_in(&layer, &["add", "-A"]);
        let _ = self.git_in(&layer, &["commit", "-q", "-m", "other layer"]);
        layer
    }

    /// The run directories, oldest first.
    #[must_use]
    pub fn run_folders(&self) -> Vec<PathBuf> {
        self.run_folders_in(&self.build_dir().join("upgrade-helper"))
    }

    /// The run directories of a working directory, oldest first.
    ///
    /// # Panics
    /// When it changes meanwhile.
    #[must_use]
    pub fn run_folders_in(&self, workdir: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(workdir) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut folders: Vec<_> = paths.filter(|p| p.join("all").is_dir()).collect();
        folders.sort();
        folders
    }

    /// The latest run, with its journal read.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn latest_run(&self) -> Finished {
        Finished::read(self.run_folders().last().expect("there is no run"))
    }

    /// Command lines of the processes that were started from here and are still there. Each call
    /// has a variable with this environment's path in it.
    ///
    /// # Panics
    /// When there is no `/proc`.
    #[must_use]
    pub fn processes(&self) -> Vec<String> {
        let command = |pid: &String| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).replace('\0', " ")
        };
        self.pids().iter().map(command).collect()
    }

    /// Kills them, as a loss of power does.
    ///
    /// # Panics
    /// When they do not go.
    pub fn kill_processes(&self) {
        for _ in 0..200 {
            let pids = self.pids();
            if pids.is_empty() {
                return;
            }
            for pid in pids
                .iter()
                .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            {
                let _ = kill_process(pid, Signal::KILL);
            }
            sleep(Duration::from_millis(5));
        }
        panic!("still there: {:?}", self.processes());
    }

    fn pids(&self) -> Vec<String> {
        let mark = format!("GIT_CONFIG_GLOBAL={}", self.git_config().display());
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter(|entry| {
                let variables = fs::read(entry.path().join("environ")).unwrap_or_default();
                variables.split(|b| *b == 0).any(|v| v == mark.as_bytes())
            })
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    fn git_config(&self) -> PathBuf {
        self.outside.join("gitconfig")
    }

    /// A folder that has everything of this environment below it.
    #[must_use]
    pub fn outside(&self) -> &Path {
        &self.outside
    }

    /// The built program, wherever it lies.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn command(&self, program: OsString) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.outside.join("home"))
            .env("GIT_CONFIG_GLOBAL", self.git_config())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AUH_PLUGIN_PATH", &self.built.plugins);
        command
    }

    pub(crate) fn output(&self, output: &std::process::Output) -> Output {
        Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            replacements: vec![
                (self.top.display().to_string(), "[ENV]"),
                (self.built.plugins.display().to_string(), "[PLUGINS]"),
                (self.outside.display().to_string(), "[OUTSIDE]"),
            ],
        }
    }
}

/// Files and folders below a folder, relative to it, sorted. Links are not followed, and what is
/// in a `.git` is git's own business.
///
/// # Panics
/// When a folder cannot be read.
#[must_use]
pub fn tree_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() == ".git" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
            found.push(entry.path().strip_prefix(folder).unwrap().to_owned());
        }
    }
    found.sort();
    found
}

/// The program looks for plugins beside itself too: it gets a folder of its own.
pub(crate) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}
