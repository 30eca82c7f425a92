//! What a run needs before it touches anything: its settings, its plugins and a build environment, all
//! checked; and the step from there into the build directory.
//!
//! Not here: what the recipes are, and the lock of the build directory, which is taken in between.

use crate::{
    bridge::Bridge,
    jobs, preparation, signals, terminal,
    work::{Work, plugins},
};
use anyhow::Result;
use auh_config::Settings;
use auh_engine::{Pipeline, Scheduler, Stop};
use auh_loader::Search;
use auh_oe::{BuildDirs, Environment, Threads};
use auh_protocol::{Machine, host::Level};
use std::{
    collections::BTreeMap,
    num::NonZero,
    path::Path,
    sync::Arc,
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

/// What a run needs, checked.
pub(crate) struct Prepared {
    pub settings: Settings,
    pub environment: Environment,
    pipeline: Pipeline,
    scheduler: Scheduler,
    stop: Stop,
    lines: String,
}

impl Prepared {
    /// Loads the plugins and looks at the environment.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Result<Self> {
        let search = preparation::search(&settings)?;
        let pipeline = preparation::pipeline(settings.chosen_pipeline(), &settings, &search)?;
        let pipeline = jobs::fitted(pipeline, &settings)?;
        let scheduler = preparation::scheduler(&settings, &search)?;
        let stop = Stop::default();
        environment.check_for_upgrades(stop.work())?;
        let lines = bitbake_lines(&settings, &search, environment.build_dir())?;
        Ok(Self {
            settings,
            environment,
            pipeline,
            scheduler,
            stop,
            lines,
        })
    }

    /// The plugins that take part, by kind and name, and their versions.
    pub(crate) fn plugins(&self) -> BTreeMap<String, String> {
        plugins(&self.pipeline, &self.scheduler)
    }

    /// Enters the build directory; from now on signals stop the run, which began at this time.
    pub(crate) fn enter(self, began: Instant, level: Level) -> Result<Work> {
        signals::listen(&self.stop)?;
        limit(&self.stop, self.settings.limits.run, began)?;
        let machines: &[Machine] = &self.settings.machines;
        let threads = threads(&self.settings);
        let dirs = BuildDirs::enter(self.environment, machines, threads, &self.lines)?;
        Ok(Work {
            dirs: Arc::new(dirs),
            settings: self.settings,
            pipeline: self.pipeline,
            scheduler: self.scheduler,
            stop: self.stop,
            began,
            level,
        })
    }
}

/// Stops the run when its time is up, whatever it is doing then.
fn limit(stop: &Stop, limit: Option<Duration>, began: Instant) -> std::io::Result<()> {
    let Some(limit) = limit else { return Ok(()) };
    let stop = stop.clone();
    // Nobody waits for it: it ends with the program.
    let wait = move || {
        thread::sleep(limit.saturating_sub(began.elapsed()));
        if !stop.requested() {
            let span = auh_report::duration(limit.as_secs_f64());
            terminal::note(&format!(
                "the time limit of the run, {span}, is up: running commands are ended and the layers \
                 put in order"
            ));
        }
        stop.time_is_up();
    };
    thread::Builder::new()
        .name("limit".to_owned())
        .spawn(wait)?;
    Ok(())
}

/// How builds share the host's processors.
fn threads(settings: &Settings) -> Threads {
    let one = NonZero::<usize>::MIN;
    match settings.build.threads {
        auh_config::Threads::Share => Threads::Split(available_parallelism().unwrap_or(one)),
        auh_config::Threads::All => Threads::AsConfigured,
        auh_config::Threads::Number(number) => {
            Threads::Fixed(NonZero::new(number as usize).unwrap_or(one))
        }
    }
}

/// What the settings say to BitBake, as configuration lines.
fn bitbake_lines(settings: &Settings, search: &Search, build_dir: &Path) -> Result<String> {
    let mut lines = pressure(settings);
    if let Some(scheduler) = &settings.bitbake_scheduler {
        let (bridge, _) = Bridge::find(search)?;
        lines += &bridge.enable(
            &build_dir.join("upgrade-helper/bitbake-schedulers"),
            scheduler,
        )?;
    }
    Ok(lines)
}

/// BitBake's pressure limits as configuration lines.
fn pressure(settings: &Settings) -> String {
    let build = &settings.build;
    [
        ("CPU", build.pressure_max_cpu),
        ("IO", build.pressure_max_io),
        ("MEMORY", build.pressure_max_memory),
    ]
    .into_iter()
    .filter_map(|(name, limit)| Some(format!("BB_PRESSURE_MAX_{name} = \"{}\"\n", limit?)))
    .collect()
}
