//! The state from which a program starts: a copy of the environment beside it, and going back to it.
//!
//! A build directory cannot be copied to another place and used there (OpenEmbedded refuses a
//! TMPDIR that moved), so the copy is only kept, and is copied back over the original.

use crate::{e2e::Environment, tool};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// BitBake's servers go when their last client went, not at the same instant.
const SERVERS_LEAVE: Duration = Duration::from_secs(90);

/// In the copy: the repositories outside, and their commits.
const LIST: &str = "repositories.json";

/// A state of the environment.
#[derive(Debug)]
pub(crate) struct StartingPoint<'a> {
    environment: &'a Environment,
    copy: PathBuf,
    repositories: Vec<Repository>,
}

/// A git repository outside the environment that belongs to the state.
#[derive(Debug, Serialize, Deserialize)]
struct Repository {
    folder: PathBuf,
    commit: String,
}

impl<'a> StartingPoint<'a> {
    /// Keeps the layer and all build directories in `copy`, which is made anew, and remembers the
    /// commits of these repositories, which must have no changes of their own.
    pub(crate) fn take(
        environment: &'a Environment,
        copy: &Path,
        repositories: &[PathBuf],
    ) -> Result<Self> {
        wait_for_servers(environment)?;
        let repositories = repositories
            .iter()
            .map(|folder| Repository::now(environment, folder))
            .collect::<Result<_>>()?;
        remove(environment, &[copy.to_owned()])?;
        tool::succeed(environment.command(Path::new("mkdir")).arg(copy))?;
        copy_all(environment, &parts(environment.folder())?, copy)?;
        // Last, so that a copy that was cut off is not taken for one.
        environment.write(&copy.join(LIST), &serde_json::to_string(&repositories)?)?;
        Ok(Self {
            environment,
            copy: copy.to_owned(),
            repositories,
        })
    }

    /// A state that was taken earlier.
    pub(crate) fn open(environment: &'a Environment, copy: &Path) -> Result<Self> {
        let list = fs::read_to_string(copy.join(LIST))
            .with_context(|| format!("{} is no complete copy; remove it", copy.display()))?;
        Ok(Self {
            environment,
            copy: copy.to_owned(),
            repositories: serde_json::from_str(&list)
                .with_context(|| format!("{} is damaged", copy.join(LIST).display()))?,
        })
    }

    /// Goes back; how long that took. Whatever came to the environment since then is lost.
    pub(crate) fn restore(&self) -> Result<Duration> {
        let start = Instant::now();
        wait_for_servers(self.environment)?;
        remove(self.environment, &parts(self.environment.folder())?)?;
        copy_all(
            self.environment,
            &parts(&self.copy)?,
            self.environment.folder(),
        )?;
        for repository in &self.repositories {
            repository.restore(self.environment)?;
        }
        // The copies are other files than those git's index knows; it looks at them once.
        self.environment.git(&["status", "--porcelain"])?;
        Ok(start.elapsed())
    }

    /// Removes the copy.
    pub(crate) fn remove(self) -> Result<()> {
        remove(self.environment, &[self.copy])
    }
}

impl Repository {
    fn now(environment: &Environment, folder: &Path) -> Result<Self> {
        let changes = environment.git_in(folder, &["status", "--porcelain"])?;
        if !changes.is_empty() {
            bail!(
                "{} has changes that are not committed:\n{changes}",
                folder.display()
            );
        }
        let commit = environment.git_in(folder, &["rev-parse", "HEAD"])?;
        Ok(Self {
            folder: folder.to_owned(),
            commit: commit.trim().to_owned(),
        })
    }

    fn restore(&self, environment: &Environment) -> Result<()> {
        environment.git_in(&self.folder, &["reset", "--quiet", "--hard", &self.commit])?;
        environment.git_in(&self.folder, &["clean", "--quiet", "-d", "--force"])?;
        Ok(())
    }
}

/// Waits until no BitBake server uses the environment any more.
pub(crate) fn wait_for_servers(environment: &Environment) -> Result<()> {
    let start = Instant::now();
    loop {
        let servers = environment.servers()?;
        if servers.is_empty() {
            return Ok(());
        }
        if start.elapsed() > SERVERS_LEAVE {
            bail!("BitBake servers do not leave: process {servers:?}");
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// The layer and the build directories; the upstream and the two scripts never change.
fn parts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<std::io::Result<_>>()?;
    Ok(names
        .iter()
        .filter(|name| *name == "meta-tiny" || *name == "build" || name.starts_with("build-"))
        .map(|name| folder.join(name))
        .collect())
}

fn remove(environment: &Environment, paths: &[PathBuf]) -> Result<()> {
    let mut command = environment.command(Path::new("rm"));
    tool::succeed(command.args(["--recursive", "--force"]).args(paths))
}

fn copy_all(environment: &Environment, from: &[PathBuf], to: &Path) -> Result<()> {
    let mut command = environment.command(Path::new("cp"));
    command
        .args(["--archive", "--reflink=auto"])
        .args(from)
        .arg(to);
    tool::succeed(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

    fn environment() -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("env");
        for part in ["build/conf", "meta-tiny", "upstream"] {
            fs::create_dir_all(root.join(part)).unwrap();
        }
        fs::write(root.join("run"), "").unwrap();
        fs::write(root.join("build/conf/local.conf"), "old").unwrap();
        fs::write(root.join("meta-tiny/x.bb"), "old").unwrap();
        git(&root.join("meta-tiny"));
        let environment = Environment::open(&root, crate_user()).unwrap();
        (folder, environment)
    }

    /// Root becomes somebody else in an environment; in a test that is root again.
    fn crate_user() -> Option<&'static str> {
        rustix::process::geteuid().is_root().then_some("root")
    }

    fn git(folder: &Path) {
        for arguments in [
            &["init", "--quiet"][..],
            &["add", "--all"],
            &["commit", "--quiet", "--message", "first"],
        ] {
            let mut command = std::process::Command::new("git");
            command
                .arg("-C")
                .arg(folder)
                .args(["-c", "user.name=n", "-c", "user.email=e@x"])
                .args(arguments);
            tool::succeed(&mut command).unwrap();
        }
    }

    #[test]
    fn everything_is_as_it_was_times_too() {
        let (folder, environment) = environment();
        let root = environment.folder().to_owned();
        let file = root.join("build/conf/local.conf");
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 1,
                tv_nsec: 2,
            },
            last_modification: Timespec {
                tv_sec: 3,
                tv_nsec: 4,
            },
        };
        rustix::fs::utimensat(CWD, &file, &times, AtFlags::empty()).unwrap();
        let copy = folder.path().join("env-start");
        let start = StartingPoint::take(&environment, &copy, &[]).unwrap();

        fs::write(&file, "new").unwrap();
        fs::remove_file(root.join("meta-tiny/x.bb")).unwrap();
        fs::create_dir_all(root.join("build-qemuarm64/conf")).unwrap();
        fs::write(root.join("upstream/x"), "stays").unwrap();
        let start = StartingPoint::open(start.environment, &copy).unwrap();
        start.restore().unwrap();

        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        let state = rustix::fs::stat(&file).unwrap();
        assert_eq!((state.st_mtime, state.st_mtime_nsec), (3, 4));
        assert!(root.join("meta-tiny/x.bb").exists());
        assert!(!root.join("build-qemuarm64").exists());
        assert!(root.join("upstream/x").exists());
        start.remove().unwrap();
        assert!(!copy.exists());
    }

    #[test]
    fn a_repository_outside_goes_back_to_its_commit_unless_it_has_changes() {
        let (folder, environment) = environment();
        let core = folder.path().join("core");
        fs::create_dir(&core).unwrap();
        fs::write(core.join("a"), "old").unwrap();
        git(&core);
        let copy = folder.path().join("env-start");
        let outside = std::slice::from_ref(&core);
        let start = StartingPoint::take(&environment, &copy, outside).unwrap();
        fs::write(core.join("a"), "new").unwrap();
        git(&core);
        fs::write(core.join("b"), "came").unwrap();
        assert!(StartingPoint::take(&environment, &folder.path().join("x"), outside).is_err());

        start.restore().unwrap();
        assert_eq!(fs::read_to_string(core.join("a")).unwrap(), "old");
        assert!(!core.join("b").exists());
    }
}
