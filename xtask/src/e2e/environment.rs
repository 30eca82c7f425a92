//! The real environment: commands in it as its user, and what it looks like before and after.

use super::{MACHINES, RECIPES};
use crate::tool;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Where the upstream is served unless `serve` says something else.
const USUAL_PORT: u16 = 8765;
const PATIENCE: Duration = Duration::from_secs(10);
/// For a user other than the caller, whose own folders may be closed to them.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// A real environment.
#[derive(Debug)]
pub(crate) struct Environment {
    folder: PathBuf,
    /// Whom to become for every command in it; nobody when the caller is that user.
    user: Option<String>,
}

/// What must be the same afterwards.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Every file of `conf`, by name.
    pub(crate) conf: BTreeMap<String, Vec<u8>>,
    /// Process ids of BitBake's servers.
    pub(crate) servers: BTreeSet<u32>,
    branch: String,
    runs: BTreeSet<PathBuf>,
}

impl Environment {
    /// Opens an environment; BitBake refuses to run as root, so root becomes somebody else.
    pub(crate) fn open(folder: &Path, user: Option<&str>) -> Result<Self> {
        let folder = fs::canonicalize(folder)
            .with_context(|| format!("there is no environment {}", folder.display()))?;
        for part in ["run", "meta-tiny/.git", "build/conf/local.conf"] {
            if !folder.join(part).exists() {
                bail!(
                    "{} is no environment for this: it has no {part}",
                    folder.display()
                );
            }
        }
        let owner = fs::metadata(folder.join("build"))?.uid();
        let caller = rustix::process::geteuid();
        let user = match (caller.is_root(), user) {
            (true, Some(user)) => Some(user.to_owned()),
            (true, None) if owner == 0 => bail!(
                "{} belongs to root, and BitBake does not run as root; name a user with --user",
                folder.display()
            ),
            (true, None) => Some(user_name(owner)?),
            (false, None) => None,
            (false, Some(_)) => bail!("only root can run this as another user"),
        };
        Ok(Self { folder, user })
    }

    /// The build directory.
    pub(crate) fn build_dir(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// The folder of the environment.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The layer, a git repository.
    pub(crate) fn layer(&self) -> PathBuf {
        self.folder.join("meta-tiny")
    }

    /// A command as the environment's user. Its words reach it as they are: the shell that `su`
    /// starts only replaces itself.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let Some(user) = &self.user else {
            return Command::new(program);
        };
        let mut command = Command::new("su");
        command
            .args([
                "--shell",
                "/bin/sh",
                "--command",
                "exec \"$0\" \"$@\"",
                "--",
                user,
            ])
            .arg(program)
            .env("PATH", PATH)
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME");
        command
    }

    /// What git says about the layer.
    pub(crate) fn git(&self, arguments: &[&str]) -> Result<String> {
        self.git_in(&self.layer(), arguments)
    }

    /// What git says about any repository.
    pub(crate) fn git_in(&self, repository: &Path, arguments: &[&str]) -> Result<String> {
        let mut command = self.command(Path::new("git"));
        tool::output(command.arg("-C").arg(repository).args(arguments))
    }

    /// Writes a file as the environment's user, so that it belongs to them.
    pub(crate) fn write(&self, file: &Path, text: &str) -> Result<()> {
        let mut command = self.command(Path::new("tee"));
        let mut tee = command
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot run tee")?;
        let written = tee
            .stdin
            .take()
            .context("tee has no standard input")?
            .write_all(text.as_bytes());
        if !tee.wait()?.success() {
            bail!("cannot write {}", file.display());
        }
        written.with_context(|| format!("cannot write {}", file.display()))
    }

    /// The layer's first commit.
    pub(crate) fn first_commit(&self) -> Result<String> {
        let commits = self.git(&["rev-list", "--max-parents=0", "HEAD"])?;
        Ok(commits.trim().to_owned())
    }

    /// Goes back to the first commit. Nothing is lost without a word: changes that are not
    /// committed are a reason to stop.
    pub(crate) fn reset_layer(&self) -> Result<()> {
        let changes = self.git(&["status", "--porcelain"])?;
        if !changes.is_empty() {
            bail!(
                "the layer {} has changes that are not committed:\n{changes}",
                self.folder.join("meta-tiny").display()
            );
        }
        let first = self.first_commit()?;
        self.git(&["reset", "--quiet", "--hard", &first]).map(drop)
    }

    /// What an earlier run left behind would be taken for this one's.
    pub(crate) fn expect_empty_workspace(&self) -> Result<()> {
        match self.workspace_files().as_slice() {
            [] => Ok(()),
            files => bail!(
                "the workspace holds something already (devtool reset -r removes recipes): {}",
                files.join(", ")
            ),
        }
    }

    /// Files of recipes, sources and the like in devtool's workspace; its own configuration and
    /// README do not count.
    pub(crate) fn workspace_files(&self) -> Vec<String> {
        let workspace = self.build_dir().join("workspace");
        let mut files = Vec::new();
        for part in ["recipes", "sources", "attic", "appends", "changelogs"] {
            collect_files(&workspace.join(part), &mut files);
        }
        files.sort();
        files
            .iter()
            .map(|file| {
                file.strip_prefix(&workspace)
                    .unwrap_or(file)
                    .display()
                    .to_string()
            })
            .collect()
    }

    /// Starts the upstream when nobody serves it yet.
    pub(crate) fn serve(&self) -> Result<Option<Upstream>> {
        let serve = self.folder.join("serve");
        let port = served_port(&fs::read_to_string(&serve).unwrap_or_default());
        if is_served(port) {
            return Ok(None);
        }
        let mut command = self.command(&serve);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let upstream = Upstream(
            command
                .spawn()
                .context("cannot start the upstream's server")?,
        );
        let start = Instant::now();
        while !is_served(port) {
            if start.elapsed() > PATIENCE {
                bail!("{} does not serve port {port}", serve.display());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(Some(upstream))
    }

    /// Runs the program over the scenario; its exit code.
    pub(crate) fn upgrade(&self, program: &Path) -> Result<Option<i32>> {
        let mut command = self.command(&self.folder.join("run"));
        command
            .arg(program)
            .arg("upgrade")
            .args(RECIPES)
            .args(["--machines", &MACHINES.join(" ")])
            .env_remove("AUH_BUILDDIR")
            .env_remove("AUH_PLUGIN_PATH");
        Ok(tool::status(&mut command)?.code())
    }

    /// What must be the same afterwards, now.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot {
            conf: self.conf()?,
            servers: self.servers()?,
            branch: self.branch()?,
            runs: self.runs(),
        })
    }

    /// The one run directory that was not there before.
    pub(crate) fn new_run(&self, before: &Snapshot) -> Result<PathBuf> {
        let new: Vec<_> = self.runs().difference(&before.runs).cloned().collect();
        match new.as_slice() {
            [run] => Ok(run.clone()),
            [] => bail!(
                "there is no new run directory in {}/upgrade-helper",
                self.build_dir().display()
            ),
            _ => bail!("there are {} new run directories: {new:?}", new.len()),
        }
    }

    /// Whether the layer is on the branch it was on.
    pub(crate) fn same_branch(&self, before: &Snapshot) -> Result<bool> {
        Ok(self.branch()? == before.branch)
    }

    /// Every file of the build directory's configuration.
    pub(crate) fn conf(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let folder = self.build_dir().join("conf");
        let mut files = Vec::new();
        collect_files(&folder, &mut files);
        files
            .into_iter()
            .map(|file| {
                let name = file
                    .strip_prefix(&folder)
                    .unwrap_or(&file)
                    .display()
                    .to_string();
                let bytes =
                    fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                Ok((name, bytes))
            })
            .collect()
    }

    /// BitBake's servers whose command line names the build directory, or one of a machine.
    pub(crate) fn servers(&self) -> Result<BTreeSet<u32>> {
        let build_dir = self.build_dir();
        let mut servers = BTreeSet::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // A process that ended meanwhile has no command line any more.
            let command_line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if is_server(&command_line, &build_dir) {
                servers.insert(pid);
            }
        }
        Ok(servers)
    }

    fn branch(&self) -> Result<String> {
        Ok(self
            .git(&["rev-parse", "--abbrev-ref", "HEAD"])?
            .trim()
            .to_owned())
    }

    fn runs(&self) -> BTreeSet<PathBuf> {
        let entries = fs::read_dir(self.build_dir().join("upgrade-helper"));
        let paths = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        paths
            .filter(|path| path.join("journal.jsonl").exists())
            .collect()
    }
}

/// The server that we started; stopped when this goes.
#[derive(Debug)]
pub(crate) struct Upstream(Child);

impl Drop for Upstream {
    fn drop(&mut self) {
        // TERM, not KILL: `su` passes it on to the server.
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
            && rustix::process::kill_process(pid, Signal::TERM).is_ok()
            && let Err(error) = self.0.wait()
        {
            eprintln!("warning: the upstream's server may still run: {error}");
        }
    }
}

/// The port that a script gives to Python's server.
fn served_port(script: &str) -> u16 {
    let named = script.split("http.server").nth(1);
    let word = named.and_then(|rest| rest.split_whitespace().next());
    word.and_then(|word| word.parse().ok())
        .unwrap_or(USUAL_PORT)
}

fn is_served(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

fn user_name(uid: u32) -> Result<String> {
    let line = tool::output(Command::new("getent").args(["passwd", &uid.to_string()]))?;
    let name = line.split(':').next().unwrap_or_default();
    if name.is_empty() {
        bail!("user {uid} has no name; name one with --user");
    }
    Ok(name.to_owned())
}

fn is_server(command_line: &[u8], build_dir: &Path) -> bool {
    let text = String::from_utf8_lossy(command_line);
    let words: Vec<&str> = text.split('\0').collect();
    let build_dir = build_dir.to_string_lossy();
    let of_ours = |word: &&str| {
        let rest = word.strip_prefix(&*build_dir);
        rest.is_some_and(|rest| rest.starts_with('/') || rest.starts_with('-'))
    };
    words.iter().any(|word| word.ends_with("bitbake-server")) && words.iter().any(of_ours)
}

/// Every file and link below a folder; a folder that is not there has none.
fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            collect_files(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_build_directory() {
        let of = |build: &str| {
            format!("python3\0/bb/bin/bitbake-server\0decafbad\x003\0{build}/bitbake.lock\x000\0")
        };
        let ours = Path::new("/env/build");
        assert!(is_server(of("/env/build").as_bytes(), ours));
        assert!(is_server(of("/env/build-qemuarm64").as_bytes(), ours));
        assert!(!is_server(of("/env/buildings").as_bytes(), ours));
        assert!(!is_server(of("/other/build").as_bytes(), ours));
        assert!(!is_server(b"bitbake\0/env/build/x\0", ours));
        assert!(!is_server(b"", ours));
    }

    #[test]
    fn the_port_is_the_scripts() {
        let script = "#!/bin/sh\nexec python3 -m http.server 8766 --bind 127.0.0.1\n";
        assert_eq!(served_port(script), 8766);
        assert_eq!(served_port("exec other-server\n"), USUAL_PORT);
    }
}
