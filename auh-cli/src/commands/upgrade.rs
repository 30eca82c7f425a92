//! `auh upgrade`: the main job.

use crate::{
    args::Upgrade,
    commands::plan,
    exit,
    failure::Usage,
    jobs::{Jobs, Origin},
    memory::{self, Retry},
    preparation::{self, Checked, level},
    prepared::Prepared,
    runs,
    screen::{Screen, Waiting},
    terminal,
    work::{Course, Work},
};
use anyhow::Result;
use auh_config::{Flags, Settings};
use auh_engine::{Selection, Watcher, check_requirements, required_variables, select};
use auh_journal::{CommandEnd, Event, FORMAT, RunFolder, RunLock, RunStart, Writer};
use auh_oe::{
    Base, Environment, LayerRepository, RecipeRecord, SessionResponse, Sources, Surroundings,
    Wanted, WorkPlace,
};
use auh_protocol::{
    RecipeName, Version,
    host::{Exit, Level, Place},
};
use std::{
    collections::BTreeMap,
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
    let prepared = Prepared::new(settings, environment)?;
    let mut lock = RunLock::take(&prepared.environment.build_dir().join("upgrade-helper"))?;
    runs::tell_of_takeover(&lock);
    if !dry_run && let Some(run) = runs::latest_unfinished(&prepared.settings.workdir) {
        terminal::note(&format!(
            "the run {run} did not come to its end; `auh resume {run}` goes on with it"
        ));
    }
    let job = Job {
        wanted,
        to_version,
        retry,
        work: prepared.enter(began, level(args.settings.debug_level))?,
    };
    let result = job.carry_out(dry_run, &mut lock);
    job.work.leave();
    result
}

/// An upgrade whose settings, plugins and environment are all there.
struct Job {
    wanted: Wanted,
    to_version: Option<Version>,
    retry: Retry,
    work: Work,
}

impl Job {
    fn carry_out(&self, dry_run: bool, lock: &mut RunLock) -> Result<exit::Status> {
        self.work.dirs.ensure_workspace(self.work.stop.work())?;
        let surroundings = self.work.dirs.surroundings(&Place::BuildDir)?;
        let checked = preparation::check(
            &self.wanted,
            &self.work.settings,
            required_variables(&self.work.pipeline),
            self.work.settings.build.fetch_ahead && !dry_run,
            &surroundings,
            self.work.stop.work(),
        )?;
        self.work.dirs.learn(&checked.response.base)?;
        check_requirements(&self.work.pipeline, |name| checked.response.base.get(name))?;
        let filters =
            preparation::filters(&self.work.settings, &self.wanted, self.to_version.clone());
        let mut selection = select(&checked.response, &filters)?;
        let fingerprints = memory::fingerprints(&selection);
        memory::hold_back(
            &mut selection,
            &self.retry,
            &fingerprints,
            &self.work.settings,
        );
        let unfit = preparation::unfit(&selection, self.work.stop.work())?;
        if let Wanted::Named(_) = self.wanted {
            preparation::refuse(&selection, &unfit)?;
        }
        preparation::leave_out(&mut selection, &unfit);
        preparation::warn_of_no_branch(&selection, self.work.stop.work())?;
        if dry_run {
            terminal::output(&plan::shown(
                &selection,
                &self.work.pipeline,
                &self.work.scheduler,
                &self.work.stop,
                &self.work.settings,
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
        let forecast = plan::forecast(&selection, &self.work.pipeline, &self.work.settings);
        let folder = RunFolder::create(&self.work.settings.workdir)?;
        lock.name_run(&folder.name())?;
        let jobs = self.jobs(&selection, &checked.response.base, &folder)?;
        let mut screen = Screen::new(&folder.log(), self.work.level, forecast);
        let repositories = &jobs.repositories;
        let first = self.first_events(
            &selection,
            checked,
            surroundings,
            repositories,
            fingerprints,
        )?;
        let (journal, records) = Writer::begin(&folder, first.into_iter().chain(removed))?;
        records.iter().for_each(|record| screen.record(record));
        self.work.course(Course {
            folder: &folder,
            journal,
            screen,
            jobs,
            selection,
            disk: self.work.on_disk(&checked.response.base, &folder),
            places: self.work_to_remove(&checked.response),
            sources: self.sources(&checked.response),
            commands_before: Duration::from_secs_f64(checked.seconds),
            so_far: None,
        })
    }

    /// Removes what the settings do not want to build upon, and says so in events.
    fn clean(&self, checked: &Checked) -> Result<Vec<Event>> {
        let Settings {
            clean_sstate,
            clean_tmp,
            ..
        } = self.work.settings;
        if !clean_sstate && !clean_tmp {
            return Ok(Vec::new());
        }
        let waiting = Waiting::begin("removing what earlier builds left");
        let removed = self
            .work
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
            &self.work.settings,
            &self.work.dirs,
            base,
            Origin::New(&recipes.collect::<Vec<_>>()),
            &name.to_string_lossy(),
            self.work.stop.work(),
        )?)
    }

    /// What the sources of later groups are fetched by, if they are to be.
    fn sources(&self, response: &SessionResponse) -> Option<Sources> {
        let wanted = self.work.settings.build.fetch_ahead;
        wanted.then(|| Sources::new(response, self.work.dirs.original()))
    }

    /// Where the work lies of recipes whose work folders go with a scheduler that saves disk space;
    /// nothing where the builds themselves see to that.
    fn work_to_remove(&self, response: &SessionResponse) -> BTreeMap<RecipeName, WorkPlace> {
        let base = &response.base;
        if !self.work.scheduler.plugin.manifest().saves_disk || response.removes_work {
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
        repositories: &[LayerRepository],
        fingerprints: BTreeMap<String, String>,
    ) -> Result<[Event; 4]> {
        let recipes = match &self.wanted {
            Wanted::All => vec!["all".to_owned()],
            Wanted::Named(names) => names.clone(),
        };
        let start = self.work.basis(&checked.response.base, repositories)?;
        Ok([
            Event::RunStarted(RunStart {
                format: FORMAT,
                auh: env!("CARGO_PKG_VERSION").to_owned(),
                build_dir: self.work.dirs.original().to_owned(),
                machines: self.work.dirs.machines().to_vec(),
                pipeline: self.work.pipeline.name.clone(),
                scheduler: self.work.scheduler.name().to_owned(),
                recipes,
                basis: Some(Box::new(start)),
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
        ])
    }
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
