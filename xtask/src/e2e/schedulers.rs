//! auh's schedulers inside real BitBakes. BitBake's own run-queue tests must give with them what
//! they give without, and the tasks of a real build must start as `auh schedule` says.
//!
//! Nothing is changed in the checkouts and in the environment: the tests run in copies of the
//! checkouts, the build in a build directory of its own inside the environment.

use super::{Environment, Program};
use crate::tool;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// BitBake's own tests of its run queue, in every checkout at the same place.
const TEST_MODULE: &str = "bb.tests.runqueue";
const TEST_CONFIGURATION: &str = "lib/bb/tests/runqueue-tests/conf/bitbake.conf";
/// Recipes of the tiny layer that build at their first version, and need no packages.
const TARGETS: [&str; 5] = ["hello", "ghello", "mhello", "chello", "bhello"];
/// BitBake's servers go when their last client went, not at the same instant.
const SERVERS_LEAVE: Duration = Duration::from_secs(5);
/// The build directory of its own, beside the environment's.
const BUILD_DIR: &str = "build-schedulers";

/// What is tried.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// BitBake checkout whose run-queue tests are to run under auh's schedulers, before real builds;
    /// can be given again
    #[arg(long, value_name = "FOLDER")]
    pub(crate) bitbake: Vec<PathBuf>,
    /// Schedulers to run BitBake's run-queue tests with
    #[arg(long, value_delimiter = ',', default_value = "speed,rm-work")]
    test_schedulers: Vec<String>,
    /// Schedulers to build with
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "basic,speed,completion,rm-work,critical-path,disk-bound"
    )]
    build_schedulers: Vec<String>,
    /// Disk budget for schedulers that keep one
    #[arg(long, value_name = "SIZE", default_value = "20G")]
    disk_budget: String,
}

/// Runs everything; the number of checks that failed.
pub(crate) fn check_all(
    options: &Options,
    environment: &Environment,
    program: &Program,
) -> Result<usize> {
    let stage = Stage::new(options, environment, program)?;
    let mut failed = 0;
    for checkout in &options.bitbake {
        failed += stage.run_queue_tests(checkout)?;
    }
    Ok(failed + stage.builds()?)
}

/// Where all of it happens.
struct Stage<'a> {
    options: &'a Options,
    environment: &'a Environment,
    program: &'a Program,
    /// A folder that belongs to the environment's user.
    folder: PathBuf,
    /// The layer that auh wrote.
    layer: PathBuf,
}

impl<'a> Stage<'a> {
    fn new(
        options: &'a Options,
        environment: &'a Environment,
        program: &'a Program,
    ) -> Result<Self> {
        let output = tool::output(environment.command(Path::new("mktemp")).args([
            "--directory",
            "--tmpdir",
            "auh-bitbake-XXXXXX",
        ]))?;
        let folder = PathBuf::from(output.trim_end());
        let layer = folder.join("layer");
        let mut write = environment.command(&program.file);
        tool::succeed(write.arg("bitbake-layer").arg(&layer))?;
        Ok(Self {
            options,
            environment,
            program,
            folder,
            layer,
        })
    }

    /// Runs the tests as they are, and once for each scheduler; the number of failed checks.
    fn run_queue_tests(&self, checkout: &Path) -> Result<usize> {
        println!("\nrun-queue tests of {}", checkout.display());
        let plain = self.test_once(checkout, None)?;
        if plain.results.is_empty() {
            bail!("{TEST_MODULE} of {} ran no test", checkout.display());
        }
        let mut failed = 0;
        for scheduler in &self.options.test_schedulers {
            let with = self.test_once(checkout, Some(scheduler))?;
            failed += check(
                &format!(
                    "{} tests end with auh-{scheduler} as without",
                    plain.results.len()
                ),
                with.results == plain.results,
                || differences(&plain.results, &with.results),
            );
            failed += check(
                &format!("auh-{scheduler} ordered {} run queues", with.queues),
                with.queues > 0,
                || "none was ordered".to_owned(),
            );
        }
        Ok(failed)
    }

    fn test_once(&self, checkout: &Path, scheduler: Option<&str>) -> Result<TestRun> {
        let copy = self.folder.join("bitbake");
        let count = self.folder.join("count");
        self.remove(&[&copy, &count])?;
        tool::succeed(self.environment.command(Path::new("mkdir")).arg(&copy))?;
        tool::succeed(
            self.environment
                .command(Path::new("cp"))
                .arg("--recursive")
                .args(["bin", "lib"].map(|part| checkout.join(part)))
                .arg(&copy),
        )?;
        if let Some(scheduler) = scheduler {
            self.name_in_tests(&copy.join(TEST_CONFIGURATION), scheduler)?;
        }
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            copy.join("bin").display()
        );
        let output = self
            .environment
            .command(Path::new("env"))
            .arg(format!("PATH={path}"))
            .arg("LC_ALL=en_US.UTF-8")
            .arg(format!("AUH_RUNQUEUE_COUNT={}", count.display()))
            .arg(format!(
                "AUH_SCHEDULER_OPTIONS={}",
                self.scheduler_options()
            ))
            .arg("python3")
            .arg(copy.join("bin/bitbake-selftest"))
            .args(["--verbose", TEST_MODULE])
            .stdin(Stdio::null())
            .output()
            .context("cannot run bitbake-selftest")?;
        Ok(TestRun {
            results: results(&String::from_utf8_lossy(&output.stderr)),
            queues: fs::read_to_string(&count)
                .unwrap_or_default()
                .lines()
                .count(),
        })
    }

    /// The tests have no layers: what the layer's configuration says goes into their own.
    fn name_in_tests(&self, configuration: &Path, scheduler: &str) -> Result<()> {
        let layer = fs::read_to_string(self.layer.join("conf/layer.conf"))?;
        let more = format!(
            "LAYERDIR = \"{}\"\n{layer}BB_SCHEDULER = \"auh-{scheduler}\"\n",
            self.layer.display()
        );
        let old = fs::read_to_string(configuration)
            .with_context(|| format!("cannot read {}", configuration.display()))?;
        self.write(configuration, &format!("{old}\n{more}"))
    }

    /// Builds under each scheduler, one task at a time, from nothing; the number of failed checks.
    fn builds(&self) -> Result<usize> {
        println!("\nreal builds of {}", TARGETS.join(" "));
        let _upstream = self.environment.serve()?;
        self.prepare_build_dir()?;
        let mut failed = 0;
        for scheduler in &self.options.build_schedulers {
            let build = self.build_once(scheduler)?;
            let order = self.schedule(scheduler, "order", &[])?;
            let order: Vec<String> = serde_json::from_str(&order)?;
            let name = format!("auh-{scheduler}");
            failed += check(
                &format!("{name}: the priorities are those of auh schedule order"),
                build.dump.scheduler == name && build.dump.ordered()? == order,
                || build.dump.scheduler.clone(),
            );
            let simulation = self.schedule(scheduler, "simulate", &["--threads", "1"])?;
            let simulation: Simulation = serde_json::from_str(&simulation)?;
            let expected: Vec<_> = simulation.tasks.into_iter().map(|run| run.task).collect();
            failed += check(
                &format!(
                    "{name}: {} tasks start as auh schedule simulate says",
                    expected.len()
                ),
                build.started == expected,
                || first_difference(&build.started, &expected),
            );
        }
        Ok(failed)
    }

    /// A build directory with the environment's configuration and the layer, as a user would add it.
    fn prepare_build_dir(&self) -> Result<()> {
        let build = self.build_dir();
        self.remove(&[&build])?;
        tool::succeed(self.environment.command(Path::new("mkdir")).arg(&build))?;
        let original = self.environment.build_dir();
        tool::succeed(
            self.environment
                .command(Path::new("cp"))
                .arg("--recursive")
                .arg(original.join("conf"))
                .arg(&build),
        )?;
        let local = build.join("conf/local.conf");
        let more = format!(
            "DL_DIR = \"{}\"\nBB_NUMBER_THREADS = \"1\"\nINHERIT += \"rm_work\"\n",
            original.join("downloads").display()
        );
        let old = fs::read_to_string(&local)?;
        self.write(&local, &format!("{old}\n{more}"))?;
        let mut add = self.in_build_dir(&[]);
        tool::succeed(add.args(["bitbake-layers", "add-layer"]).arg(&self.layer))
    }

    fn build_once(&self, scheduler: &str) -> Result<Build> {
        let build = self.build_dir();
        let dump = self.folder.join("dump.json");
        self.remove(&[&build.join("sstate-cache"), &dump])?;
        self.remove_built(&build.join("tmp"))?;
        let variables = [
            ("BB_SCHEDULER", format!("auh-{scheduler}")),
            ("BB_ENV_PASSTHROUGH_ADDITIONS", "BB_SCHEDULER".to_owned()),
            ("AUH_RUNQUEUE_DUMP", dump.display().to_string()),
            ("AUH_SCHEDULER_OPTIONS", self.scheduler_options()),
        ];
        let mut bitbake = self.in_build_dir(&variables);
        let output = tool::output(bitbake.arg("bitbake").args(TARGETS))?;
        let text = fs::read_to_string(&dump)
            .with_context(|| format!("auh-{scheduler} ordered no run queue"))?;
        Ok(Build {
            started: started(&output),
            dump: serde_json::from_str(&text)?,
        })
    }

    /// What `auh schedule` prints about the last build's run queue.
    fn schedule(&self, scheduler: &str, command: &str, more: &[&str]) -> Result<String> {
        let mut schedule = self.environment.command(&self.program.file);
        schedule
            .args(["schedule", command, "--scheduler", scheduler])
            .arg("--graph")
            .arg(self.folder.join("dump.json"))
            .args(["--disk-budget", &self.options.disk_budget])
            .args(["--format", "json"])
            .args(more);
        tool::output(&mut schedule)
    }

    /// The schedulers' settings as BitBake passes them on.
    fn scheduler_options(&self) -> String {
        serde_json::json!({ "budget": self.options.disk_budget }).to_string()
    }

    fn build_dir(&self) -> PathBuf {
        self.environment.build_dir().with_file_name(BUILD_DIR)
    }

    fn in_build_dir(&self, variables: &[(&str, String)]) -> Command {
        let build = self.build_dir();
        let run = build.with_file_name("run");
        let mut command = self.environment.command(Path::new("env"));
        command
            .arg(format!("AUH_BUILDDIR={}", build.display()))
            .args(
                variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            )
            .arg(run);
        command
    }

    /// Removes what was built, but not what was parsed.
    fn remove_built(&self, tmp: &Path) -> Result<()> {
        let mut built = Vec::new();
        for entry in fs::read_dir(tmp).into_iter().flatten() {
            let entry = entry?;
            if entry.file_name() != "cache" {
                built.push(entry.path());
            }
        }
        self.remove(&built.iter().map(PathBuf::as_path).collect::<Vec<_>>())
    }

    /// Removes files and folders. A BitBake server may still write there for a moment after its
    /// client has gone, so one failure is no failure.
    fn remove(&self, paths: &[&Path]) -> Result<()> {
        let attempt = || {
            let mut remove = self.environment.command(Path::new("rm"));
            tool::output(remove.args(["--recursive", "--force"]).args(paths)).map(drop)
        };
        attempt().or_else(|_| {
            thread::sleep(SERVERS_LEAVE);
            attempt()
        })
    }

    /// Replaces a file that belongs to the environment's user and stays theirs.
    fn write(&self, file: &Path, text: &str) -> Result<()> {
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.remove(&[&self.folder, &self.build_dir()]) {
            eprintln!("warning: {error:#}");
        }
    }
}

/// What came of a run of BitBake's tests.
struct TestRun {
    /// Each test with how it ended.
    results: BTreeMap<String, String>,
    queues: usize,
}

/// A real build.
struct Build {
    started: Vec<String>,
    dump: Dump,
}

/// The run queue as the scheduler class wrote it.
#[derive(Debug, Deserialize)]
struct Dump {
    tids: Vec<String>,
    scheduler: String,
    order: Vec<usize>,
}

impl Dump {
    /// The ids, most important first.
    fn ordered(&self) -> Result<Vec<String>> {
        let ids = self.order.iter().map(|&task| self.tids.get(task).cloned());
        ids.collect::<Option<_>>()
            .context("the dump's order names a task that is not there")
    }
}

/// What is used of `auh schedule simulate --format json`.
#[derive(Debug, Deserialize)]
struct Simulation {
    tasks: Vec<SimulatedTask>,
}

#[derive(Debug, Deserialize)]
struct SimulatedTask {
    task: String,
}

/// Prints a check; 1 when it failed.
fn check(what: &str, holds: bool, found: impl FnOnce() -> String) -> usize {
    if holds {
        println!("  ok      {what}");
        return 0;
    }
    println!("  FAILED  {what}: {}", found());
    1
}

/// Each test with how it ended, from lines such as `test_x (bb.tests.runqueue.T.test_x) ... ok`.
/// BitBake's servers may write in between, so that a result can stand on a later line.
fn results(text: &str) -> BTreeMap<String, String> {
    let mut results = BTreeMap::new();
    let mut open: Option<&str> = None;
    for line in text.lines() {
        let mut rest = line;
        if let Some((name, after)) = line.split_once(") ... ")
            && name.starts_with("test_")
        {
            open = name.split(' ').next();
            rest = after;
        }
        let ended = ["ok", "FAIL", "ERROR", "skipped", "expected failure"]
            .into_iter()
            .find(|end| rest.starts_with(end));
        if let (Some(end), Some(name)) = (ended, open) {
            results.insert(name.to_owned(), end.to_owned());
            open = None;
        }
    }
    results
}

/// The tasks in the order in which BitBake says that it runs them.
fn started(output: &str) -> Vec<String> {
    let task = |line: &str| {
        let rest = line.split_once("Running ")?.1;
        let rest = rest.strip_prefix("noexec ").unwrap_or(rest);
        let id = rest.strip_prefix("task ")?.split_once(" (")?.1;
        Some(id.strip_suffix(')')?.to_owned())
    };
    output.lines().filter_map(task).collect()
}

fn differences(plain: &BTreeMap<String, String>, with: &BTreeMap<String, String>) -> String {
    let names = plain
        .keys()
        .chain(with.keys().filter(|name| !plain.contains_key(*name)));
    let differing = names.filter(|name| plain.get(*name) != with.get(*name));
    let shown: Vec<_> = differing
        .map(|name| {
            format!(
                "{name}: {:?} without, {:?} with",
                plain.get(name),
                with.get(name)
            )
        })
        .collect();
    shown.join("; ")
}

fn first_difference(found: &[String], expected: &[String]) -> String {
    let at = found.iter().zip(expected).position(|(a, b)| a != b);
    match at {
        Some(at) => format!("start {} was {}, not {}", at + 1, found[at], expected[at]),
        None => format!("{} tasks started, not {}", found.len(), expected.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_although_others_write_in_between() {
        let text = "\
test_a (bb.tests.runqueue.T.test_a) ... ok
test_b (bb.tests.runqueue.T.test_b) ... NOTE: something
FAIL
test_c (bb.tests.runqueue.T) ... ERROR
test_d (bb.tests.runqueue.T) ... skipped 'why'
Ran 4 tests in 1.0s
";
        let found: Vec<_> = results(text).into_iter().collect();
        let expected = [
            ("test_a", "ok"),
            ("test_b", "FAIL"),
            ("test_c", "ERROR"),
            ("test_d", "skipped"),
        ];
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn started_tasks_are_read_with_those_that_have_no_code() {
        let text = "\
NOTE: Running task 1 of 3 (/l/a_1.0.bb:do_fetch)
NOTE: recipe a-1.0-r0: task do_fetch: Started
NOTE: Running noexec task 2 of 3 (mc:x:/l/b (c)/b.bb:do_build)
NOTE: Running setscene task 1 of 1 (/l/a_1.0.bb:do_deploy_setscene)
";
        assert_eq!(
            started(text),
            ["/l/a_1.0.bb:do_fetch", "mc:x:/l/b (c)/b.bb:do_build"]
        );
    }

    #[test]
    fn the_first_difference_is_named() {
        let list = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let (found, expected) = (list(&["a", "b"]), list(&["a", "c"]));
        assert_eq!(first_difference(&found, &expected), "start 2 was b, not c");
        assert_eq!(
            first_difference(&found, &expected[..1]),
            "2 tasks started, not 1"
        );
    }
}
