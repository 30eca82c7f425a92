//! The starting points, and how each is made. Whatever one program's earlier runs leave in a build
//! directory, the other's do too: neither has an advantage in it.

use super::{case::Start, measure::Programs};
use crate::{
    e2e::{Environment, MACHINES, RECIPES},
    helper_runs::{Helper, Scenario, StartingPoint, beside, groups, record, wait_for_servers},
    tool,
};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A release that no case goes to: what is built of it saves nobody anything.
const EARLIER: &str = "1.1";
const RECIPE: &str = "hello";
/// In the copy: when it was made, which tells starting points apart.
const MADE: &str = "made";
/// Settings that would spare one of the programs what it cannot spare itself.
const REMEDIES: [&str; 2] = ["BB_HASHCONFIG_IGNORE_VARS", "BB_SERVER_TIMEOUT"];

/// A starting point, and its name.
struct Kept<'a> {
    point: StartingPoint<'a>,
    id: String,
}

/// The starting points, made when they are first needed.
pub(super) struct Starts<'a> {
    pub(super) environment: &'a Environment,
    pub(super) programs: &'a Programs<'a>,
    /// Where the results of the runs go that prepare them.
    results: PathBuf,
    /// Whether a starting point of an earlier call is good enough.
    reuse: bool,
    ready: BTreeMap<Start, Kept<'a>>,
}

type Configuration = BTreeMap<String, Vec<u8>>;

impl<'a> Starts<'a> {
    /// None of them yet; `reuse` takes those that an earlier call left beside the environment.
    pub(super) fn new(
        environment: &'a Environment,
        programs: &'a Programs<'a>,
        results: &Path,
        reuse: bool,
    ) -> Self {
        Self {
            environment,
            programs,
            results: results.join("preparation"),
            reuse,
            ready: BTreeMap::new(),
        }
    }

    /// Brings the environment to a starting point, which is made unless it is there; its name.
    pub(super) fn go_to(&mut self, start: Start) -> Result<String> {
        let kept = match self.ready.remove(&start) {
            Some(kept) => kept,
            None if start == Start::UsedByJobs => {
                // It is that one and more.
                self.go_to(Start::Used)?;
                self.open_or_make(start)?
            }
            None => self.open_or_make(start)?,
        };
        let seconds = kept.point.restore()?.as_secs_f64();
        println!("back at the start in {seconds:.1} s");
        let id = kept.id.clone();
        self.ready.insert(start, kept);
        Ok(id)
    }

    fn open_or_make(&self, start: Start) -> Result<Kept<'a>> {
        let copy = beside(self.environment, start.name());
        let made = copy.join(MADE);
        if self.reuse && made.exists() {
            let id = fs::read_to_string(&made)?;
            println!("using the starting point {} of {id}", start.name());
            let point = StartingPoint::open(self.environment, &copy)?;
            return Ok(Kept { point, id });
        }
        println!("making the starting point {}", start.name());
        let id = match start {
            Start::UsedByJobs => {
                self.add_jobs()?;
                fs::read_to_string(beside(self.environment, Start::Used.name()).join(MADE))?
            }
            Start::Used | Start::Fresh | Start::ByHand => {
                self.make(start)?;
                Timestamp::now().to_string()
            }
        };
        let point = StartingPoint::take(self.environment, &copy, &[])?;
        self.environment.write(&made, &id)?;
        Ok(Kept { point, id })
    }

    fn make(&self, start: Start) -> Result<()> {
        let environment = self.environment;
        // A run before this may have left something in it; the user's own is in the copy of the original.
        self.clear_workspace()?;
        Scenario::plain(environment, start.name(), &RECIPES, true).prepare(environment)?;
        expect_no_remedy(&environment.conf()?)?;
        match start {
            Start::Fresh => return self.strip(),
            Start::Used => {
                self.call(&["devtool", "create-workspace"])?;
                let configuration = environment.conf()?;
                self.upgrade(start, self.programs.python()?)?;
                self.settle(&configuration)?;
                self.upgrade(start, self.programs.auh())?;
                self.settle(&configuration)?;
            }
            Start::ByHand => {
                self.call(&["devtool", "create-workspace"])?;
                let configuration = environment.conf()?;
                self.upgrade(start, self.programs.auh())?;
                self.settle(&configuration)?;
                self.put_remedy()?;
                let configuration = environment.conf()?;
                // Again: with that, the machines' own configuration is another one.
                self.upgrade(start, self.programs.auh())?;
                self.settle(&configuration)?;
                let folder = self.folder(start, "hand");
                self.programs
                    .by_hand(environment, RECIPE, EARLIER, &folder)?;
                self.settle(&configuration)?;
            }
            Start::UsedByJobs => bail!("{} is made from another one", start.name()),
        }
        // What counts as the run's own parses is logged from here on.
        wait_for_servers(environment)?;
        self.remove(&self.event_logs()?)
    }

    /// To the starting point in which the environment is: the build directories of jobs, as a run over
    /// all recipes leaves them, but nothing that was built, as it was of the releases that are measured.
    fn add_jobs(&self) -> Result<()> {
        let environment = self.environment;
        let configuration = environment.conf()?;
        let scenario = Scenario::plain(environment, Start::UsedByJobs.name(), &RECIPES, false);
        let helper = self.programs.auh_with_jobs();
        let folder = self.folder(Start::UsedByJobs, helper.name());
        println!("{} upgrades all recipes", helper.name());
        record(environment, &scenario, helper, &folder)?;
        wait_for_servers(environment)?;
        environment.reset_layer()?;
        self.put_configuration_back(&configuration)?;
        self.clear_workspace()?;
        let build = environment.build_dir();
        let mut gone = vec![build.join("upgrade-helper")];
        for entry in fs::read_dir(environment.folder())? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("build-job") {
                gone.push(entry.path().join("buildhistory"));
                gone.extend(all_but(&entry.path().join("tmp"), "cache")?);
            }
        }
        // Where builds find what was built, and the database that belongs to it.
        let shared = ["sstate-cache", "cache"];
        gone.extend(shared.map(|part| build.join(part)));
        self.remove(&gone)?;
        let copy = beside(environment, Start::Used.name()).join("build");
        let mut command = environment.command(Path::new("cp"));
        tool::succeed(
            command
                .arg("--archive")
                .args(shared.map(|part| copy.join(part)))
                .arg(&build),
        )
    }

    fn folder(&self, start: Start, side: &str) -> PathBuf {
        self.results.join(start.name()).join(side)
    }

    /// Has a program upgrade one recipe to a release that is never measured.
    fn upgrade(&self, start: Start, helper: Helper<'_>) -> Result<()> {
        let environment = self.environment;
        let scenario = Scenario::plain(environment, start.name(), &[RECIPE], true).towards(EARLIER);
        let folder = self.folder(start, helper.name());
        println!("{} upgrades {RECIPE} to {EARLIER}", helper.name());
        record(environment, &scenario, helper, &folder)?;
        let groups = groups(&folder)?;
        if !groups.values().all(|group| group.links.contains("succeed")) || groups.is_empty() {
            bail!(
                "{} did not upgrade {RECIPE} to {EARLIER}: see {}",
                helper.name(),
                folder.display()
            );
        }
        Ok(())
    }

    /// Takes back what an upgrade did to layer and configuration, and builds the old versions again.
    /// The build directories stay as they were used.
    fn settle(&self, configuration: &Configuration) -> Result<()> {
        let environment = self.environment;
        wait_for_servers(environment)?;
        environment.reset_layer()?;
        self.put_configuration_back(configuration)?;
        self.clear_workspace()?;
        self.remove(&[environment.build_dir().join("upgrade-helper")])?;
        self.call(&[&["bitbake", "-k"], &RECIPES[..]].concat())
    }

    /// Takes everything out of devtool's workspace; the layer itself stays.
    fn clear_workspace(&self) -> Result<()> {
        let workspace = self.environment.build_dir().join("workspace");
        let parts = ["recipes", "sources", "attic", "appends", "changelogs"];
        self.remove(&parts.map(|part| workspace.join(part)))
    }

    fn put_configuration_back(&self, before: &Configuration) -> Result<()> {
        let folder = self.environment.build_dir().join("conf");
        let now = self.environment.conf()?;
        let new: Vec<_> = now
            .keys()
            .filter(|name| !before.contains_key(*name))
            .map(|name| folder.join(name))
            .collect();
        self.remove(&new)?;
        for (name, bytes) in before.iter().filter(|(name, b)| now.get(*name) != Some(*b)) {
            let text = std::str::from_utf8(bytes).with_context(|| format!("{name} is no text"))?;
            self.environment.write(&folder.join(name), text)?;
        }
        Ok(())
    }

    /// Gives the calls by hand the configuration with which auh itself builds.
    fn put_remedy(&self) -> Result<()> {
        let [first, second] = MACHINES;
        let copy = format!("build-{second}/conf/toolcfg.conf");
        let file = self.environment.folder().join(copy);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("auh left no configuration {}", file.display()))?;
        let remedy = remedy(&text)
            .with_context(|| format!("{} has no line of auh's about parses", file.display()))?;
        let text = format!("OE_FRAGMENTS += \"machine/{first}\"\n{remedy}\n");
        let conf = self.environment.build_dir().join("conf/toolcfg.conf");
        self.environment.write(&conf, &text)
    }

    /// Leaves what a build directory has that was never used: configuration; and what build
    /// directories share: downloads, shared state and the database of hash equivalence that belongs to it.
    fn strip(&self) -> Result<()> {
        wait_for_servers(self.environment)?;
        let build = self.environment.build_dir();
        let mut gone: Vec<_> = ["tmp", "buildhistory", "bitbake-cookerdaemon.log"]
            .map(|part| build.join(part))
            .into();
        for entry in fs::read_dir(build.join("cache")).into_iter().flatten() {
            let entry = entry?;
            if !entry
                .file_name()
                .to_string_lossy()
                .starts_with("hashserv.db")
            {
                gone.push(entry.path());
            }
        }
        for entry in fs::read_dir(self.environment.folder())? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("build-") {
                gone.push(entry.path());
            }
        }
        self.remove(&gone)
    }

    /// The folders with BitBake's event logs.
    fn event_logs(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.environment.folder())?;
        let folders: std::io::Result<Vec<_>> = entries.map(|e| e.map(|e| e.path())).collect();
        Ok(folders?
            .into_iter()
            .map(|folder| folder.join("tmp/log/eventlog"))
            .filter(|folder| folder.exists())
            .collect())
    }

    fn call(&self, words: &[&str]) -> Result<()> {
        let mut command = self
            .environment
            .command(&self.environment.folder().join("run"));
        tool::succeed(command.args(words))
    }

    fn remove(&self, paths: &[PathBuf]) -> Result<()> {
        let mut command = self.environment.command(Path::new("rm"));
        tool::succeed(command.args(["--recursive", "--force"]).args(paths))
    }
}

/// What is in a folder, which may be missing, but for one entry.
fn all_but(folder: &Path, kept: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| Ok(entry?.path()));
    let paths: Vec<_> = paths.collect::<Result<_>>()?;
    let others = paths.into_iter().filter(|path| !path.ends_with(kept));
    Ok(others.collect())
}

/// The user's configuration must leave each program to find its own way.
fn expect_no_remedy(configuration: &Configuration) -> Result<()> {
    for (name, bytes) in configuration {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines().map(str::trim_start);
        let assigned = |line: &str| REMEDIES.iter().any(|remedy| line.starts_with(remedy));
        if let Some(line) = lines.find(|line| assigned(line)) {
            bail!("conf/{name} would spare one of the programs its parses: {line}");
        }
    }
    Ok(())
}

/// auh's line about the name of the parse cache.
fn remedy(toolcfg: &str) -> Option<&str> {
    toolcfg.lines().find(|line| line.starts_with(REMEDIES[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_with_a_remedy_is_refused_and_a_comment_is_none() {
        let of = |text: &str| Configuration::from([("local.conf".to_owned(), text.into())]);
        assert!(expect_no_remedy(&of("#BB_SERVER_TIMEOUT = \"60\"\nX = \"1\"\n")).is_ok());
        let error = expect_no_remedy(&of("X = \"1\"\n  BB_SERVER_TIMEOUT = \"60\"\n"));
        assert_eq!(
            error.unwrap_err().to_string(),
            "conf/local.conf would spare one of the programs its parses: BB_SERVER_TIMEOUT = \"60\""
        );
        assert!(expect_no_remedy(&of("BB_HASHCONFIG_IGNORE_VARS:append = \" X\"\n")).is_err());
    }

    #[test]
    fn auhs_own_line_is_found() {
        let line = "BB_HASHCONFIG_IGNORE_VARS:append = \" X\"";
        assert_eq!(remedy(&format!("# auh\n{line}\nA = \"1\"\n")), Some(line));
        assert_eq!(remedy("A = \"1\"\n"), None);
    }
}
