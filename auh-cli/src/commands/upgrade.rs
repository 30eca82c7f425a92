//! `auh upgrade`: the main job.

use crate::{
    args::Upgrade,
    bridge::Bridge,
    commands::plan,
    exit,
    failure::Usage,
    jobs::{self, Jobs},
    memory::{self, Retry},
    preparation::{self, Checked},
    results::{Results, ResultsWriter},
    screen::{Screen, Waiting},
    signals, terminal,
};
use anyhow::{Context, Result};
use auh_config::{Flags, Settings};
use auh_engine::{
    Pipeline, Run, Selection, Stop, Watcher, check_requirements, required_variables, run, select,
};
use auh_journal::{CommandEnd, Event, FORMAT, RunFolder, RunLock, RunStart, Writer};
use auh_loader::{Plugin, Search};
use auh_oe::{
    Base, BuildDirs, Environment, RecipeRecord, SessionResponse, Sources, Surroundings, Threads,
    Wanted, WorkPlace,
};
use auh_protocol::{
    PluginKind, RecipeName, Version,
    host::{Exit, Level, Place},
};
use std::{
    collections::BTreeMap,
    num::NonZero,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

/// Upgrades, or with `dry_run` shows what would be done.
pub(crate) fn upgrade(args: &Upgrade, dry_run: bool) -> Result<exit::Status> {
    let began = Instant::now();
    let (wanted, to_version) = recipes_and_version(args)?;
    let retry = Retry::of(args, &wanted)?;
    let environment = Environment::of_this_process()?;
    let flags = Flags {
        skip_compilation: args.skip_compilation,
        serial_build: args.serial_build,
        send_emails: args.send_emails,
        stable: args.stable,
        jobs: args.jobs,
        batch: args.batch,
        integrate: args.integrate.clone(),
        ..Flags::default()
    };
    let settings = preparation::settings(environment.build_dir(), &args.settings, flags)?;
    let search = preparation::search(&settings)?;
    let pipeline = preparation::pipeline(settings.chosen_pipeline(), &settings, &search)?;
    let pipeline = jobs::fitted(pipeline, &settings)?;
    let scheduler = search.load(PluginKind::Scheduler, &settings.scheduler)?;
    let stop = Stop::default();
    environment.check_for_upgrades(stop.work())?;
    let lines = bitbake_lines(&settings, &search, environment.build_dir())?;
    let mut lock = RunLock::take(&environment.build_dir().join("upgrade-helper"))?;
    if let Some(holder) = lock.taken_over() {
        terminal::note(&format!(
            "took over the lock of {holder}, which ended without letting go of it"
        ));
    }
    signals::listen(&stop)?;
    limit(&stop, settings.limits.run, began)?;
    let job = Job {
        wanted,
        to_version,
        retry,
        dirs: Arc::new(BuildDirs::enter(
            environment,
            &settings.machines,
            threads(&settings),
            &lines,
        )?),
        settings,
        pipeline,
        scheduler,
        stop,
        began,
        level: level(args.settings.debug_level),
    };
    let result = job.carry_out(dry_run, &mut lock);
    for trouble in job.dirs.leave() {
        terminal::warning(&trouble);
    }
    result
}

/// An upgrade whose settings, plugins and environment are all there.
struct Job {
    wanted: Wanted,
    to_version: Option<Version>,
    retry: Retry,
    settings: Settings,
    pipeline: Pipeline,
    scheduler: Plugin,
    dirs: Arc<BuildDirs>,
    stop: Stop,
    began: Instant,
    level: Level,
}

impl Job {
    fn carry_out(&self, dry_run: bool, lock: &mut RunLock) -> Result<exit::Status> {
        self.dirs.ensure_workspace(self.stop.work())?;
        let surroundings = self.dirs.surroundings(&Place::BuildDir)?;
        let checked = preparation::check(
            &self.wanted,
            &self.settings,
            required_variables(&self.pipeline),
            self.settings.build.fetch_ahead && !dry_run,
            &surroundings,
            self.stop.work(),
        )?;
        self.dirs.learn(&checked.response.base)?;
        check_requirements(&self.pipeline, |name| checked.response.base.get(name))?;
        let filters = preparation::filters(&self.settings, &self.wanted, self.to_version.clone());
        let mut selection = select(&checked.response, &filters)?;
        let fingerprints = memory::fingerprints(&selection);
        memory::hold_back(&mut selection, &self.retry, &fingerprints, &self.settings);
        let unfit = preparation::unfit(&selection, self.stop.work())?;
        if let Wanted::Named(_) = self.wanted {
            preparation::refuse(&selection, &unfit)?;
        }
        preparation::leave_out(&mut selection, &unfit);
        preparation::warn_of_no_branch(&selection, self.stop.work())?;
        if dry_run {
            terminal::output(&plan::shown(
                &selection,
                &self.pipeline,
                &self.scheduler,
                &self.settings,
            )?);
            return Ok(exit::GOOD);
        }
        self.run(selection, &checked, &surroundings, fingerprints, lock)
    }

    fn run(
        &self,
        selection: Selection,
        checked: &Checked,
        surroundings: &Surroundings,
        fingerprints: BTreeMap<String, String>,
        lock: &mut RunLock,
    ) -> Result<exit::Status> {
        let removed = self.clean(checked)?;
        // Of the runs before this one.
        let forecast = plan::forecast(&selection, &self.pipeline, &self.settings);
        let folder = RunFolder::create(&self.settings.workdir)?;
        lock.name_run(&folder.name())?;
        let jobs = self.jobs(&selection, &checked.response.base, &folder)?;
        let mut journal = Writer::create(&folder.journal())?;
        let mut screen = Screen::new(&folder.log(), self.level, forecast);
        let failed_before = selection.left_out.iter().any(|left_out| left_out.failed);
        let first = self.first_events(&selection, checked, surroundings, fingerprints);
        for event in first.into_iter().chain(removed) {
            screen.record(&journal.append(event)?);
        }
        let mut watcher = ResultsWriter {
            screen,
            results: Results::new(&folder, &self.settings),
        };
        let job = Run {
            pipeline: &self.pipeline,
            scheduler: &self.scheduler,
            groups: selection.groups,
            folder: &folder,
            journal: &mut journal,
            seats: jobs.seats.clone(),
            batch: self.settings.batch.get(),
            disk: self.on_disk(&checked.response.base, &folder),
            work: self.work_to_remove(&checked.response),
            sources: self
                .settings
                .build
                .fetch_ahead
                .then(|| Sources::new(&checked.response, self.dirs.original())),
            author: self.settings.commit_author.clone(),
            command_limit: self.settings.limits.command,
            stop_grace: self.settings.limits.grace,
            stop: self.stop.clone(),
            failed_before,
            began: self.began,
            commands_before: Duration::from_secs_f64(checked.seconds),
        };
        let end = run(job, &mut watcher);
        // Who reads the journal from now on shall not find somebody who writes it.
        drop(journal);
        // Also of a run that broke off: what is known by now.
        watcher.write();
        jobs.leave(self.stop.cleanup());
        let end =
            end.with_context(|| format!("the run in {} broke off", folder.path().display()))?;
        terminal::output(&auh_report::summary(&watcher.screen.end(), folder.path()));
        if self.stop.is_out_of_time() {
            terminal::note("the time limit of the run (limits.run) ended it before its end");
        }
        Ok(exit::Status(end.exit_code))
    }

    /// Removes what the settings do not want to build upon, and says so in events.
    fn clean(&self, checked: &Checked) -> Result<Vec<Event>> {
        let Settings {
            clean_sstate,
            clean_tmp,
            ..
        } = self.settings;
        if !clean_sstate && !clean_tmp {
            return Ok(Vec::new());
        }
        let waiting = Waiting::begin("removing what earlier builds left");
        let removed = self
            .dirs
            .clean(clean_sstate, clean_tmp, &checked.response.base)?;
        waiting.end();
        let said = removed.iter().map(|path| Event::Log {
            level: Level::Info,
            group: None,
            message: format!("removed {}", path.display()),
        });
        Ok(said.collect())
    }

    fn jobs(&self, selection: &Selection, base: &Base, folder: &RunFolder) -> Result<Jobs> {
        let recipes = selection.groups.iter().flat_map(|group| &group.recipes);
        let name = folder.path().file_name().unwrap_or_default();
        Ok(Jobs::set_up(
            &self.settings,
            &self.dirs,
            base,
            &recipes.collect::<Vec<_>>(),
            &name.to_string_lossy(),
            self.stop.work(),
        )?)
    }

    /// Folders on the file systems that the run writes to.
    fn on_disk(&self, base: &Base, folder: &RunFolder) -> Vec<PathBuf> {
        let build_dir = self.dirs.original().to_owned();
        let variables = ["TMPDIR", "DL_DIR", "SSTATE_DIR"];
        let paths = variables.iter().filter_map(|name| base.get(name));
        std::iter::once(build_dir)
            .chain(paths.map(PathBuf::from))
            .chain([folder.path().to_owned()])
            .collect()
    }

    /// Where the work lies of recipes whose work folders go with a scheduler that saves disk space;
    /// nothing where the builds themselves see to that.
    fn work_to_remove(&self, response: &SessionResponse) -> BTreeMap<RecipeName, WorkPlace> {
        let base = &response.base;
        if !self.scheduler.manifest().saves_disk || response.removes_work {
            return BTreeMap::new();
        }
        let place = |record: &RecipeRecord| {
            let name = RecipeName::new(&record.pn).ok()?;
            Some((name, WorkPlace::of(record, base)?))
        };
        response.recipes.iter().filter_map(place).collect()
    }

    /// What happened before there was a journal to write it to.
    fn first_events(
        &self,
        selection: &Selection,
        checked: &Checked,
        surroundings: &Surroundings,
        fingerprints: BTreeMap<String, String>,
    ) -> [Event; 4] {
        let recipes = match &self.wanted {
            Wanted::All => vec!["all".to_owned()],
            Wanted::Named(names) => names.clone(),
        };
        [
            Event::RunStarted(RunStart {
                format: FORMAT,
                auh: env!("CARGO_PKG_VERSION").to_owned(),
                build_dir: self.dirs.original().to_owned(),
                machines: self.dirs.machines().to_vec(),
                pipeline: self.pipeline.name.clone(),
                scheduler: self.scheduler.manifest().name.clone(),
                recipes,
            }),
            Event::CommandFinished(CommandEnd {
                id: 0,
                label: "upstream check".to_owned(),
                folder: surroundings.folder.clone(),
                exit: Exit::Code(0),
                seconds: checked.seconds,
                parses: checked.parses.clone(),
            }),
            Event::RecipesRead { fingerprints },
            Event::Planned {
                groups: selection.groups.clone(),
                left_out: selection.left_out.clone(),
            },
        ]
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

/// Checks what can be checked without any environment.
fn recipes_and_version(args: &Upgrade) -> Result<(Wanted, Option<Version>), Usage> {
    let all = ["all".to_owned()];
    let retried = args.retry.as_deref().filter(|names| !names.is_empty());
    let recipes = match args.recipes.as_slice() {
        [] => retried.unwrap_or(&all),
        recipes => recipes,
    };
    let wanted = preparation::wanted(recipes)?;
    let Some(version) = &args.to_version else {
        return Ok((wanted, None));
    };
    match &wanted {
        Wanted::Named(names) if names.len() == 1 => {}
        _ => {
            return Err(Usage::new(
                format!("-t {version} goes with exactly one recipe"),
                "run auh once for each recipe that shall go to a version of your choice",
            ));
        }
    }
    let version = Version::new(version).map_err(|error| {
        Usage::new(
            error.to_string(),
            "a version is written as in PV, such as 1.2.3",
        )
    })?;
    Ok((wanted, Some(version)))
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

/// The level of the log that `-d` asks for.
pub(crate) fn level(number: u8) -> Level {
    match number {
        1 => Level::Critical,
        2 => Level::Error,
        3 => Level::Warning,
        4 => Level::Info,
        _ => Level::Debug,
    }
}
