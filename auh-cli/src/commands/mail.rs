//! `auh mail --resend`: the pipeline for it over a run that has ended.

use crate::{
    args::Mail,
    exit,
    failure::Usage,
    preparation::{self, level},
    runs,
    screen::Screen,
    signals, terminal,
};
use anyhow::{Context, Result};
use auh_config::{Flags, Pipeline, Settings};
use auh_engine::{Run, Stop, Watcher, run};
use auh_journal::{Event, FORMAT, JournalLock, RunStart, Writer};
use auh_oe::{BuildDirs, Environment};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// The setting that names the pipeline.
const PIPELINE: &str = "flags.resend-mail";

pub(crate) fn mail(args: &Mail) -> Result<exit::Status> {
    let began = Instant::now();
    let environment = Environment::of_this_process()?;
    let settings =
        preparation::settings(environment.build_dir(), &args.settings, Flags::default())?;
    let search = preparation::search(&settings)?;
    let pipeline = preparation::pipeline(resend_pipeline(&settings)?, &settings, &search)?;
    let scheduler = preparation::scheduler(&settings, &search)?;
    let folder = runs::named(&args.resend, &settings.workdir)?;
    let _lock = JournalLock::take(&folder)?;
    let stop = Stop::default();
    signals::listen(&stop)?;
    let dirs = BuildDirs::at_rest(environment, &settings.machines)?;
    // The run's own journal tells of the run and ended with it.
    let mut journal = Writer::create(&folder.next_journal())?;
    let mut screen = Screen::new(&folder.log(), level(args.settings.debug_level), None);
    let start = RunStart {
        format: FORMAT,
        auh: env!("CARGO_PKG_VERSION").to_owned(),
        build_dir: dirs.original().to_owned(),
        machines: settings.machines.clone(),
        pipeline: pipeline.name.clone(),
        scheduler: scheduler.name().to_owned(),
        recipes: Vec::new(),
        basis: None,
    };
    screen.record(&journal.append(Event::RunStarted(start))?);
    let job = Run {
        pipeline: &pipeline,
        scheduler: &scheduler,
        groups: Vec::new(),
        folder: &folder,
        journal: &mut journal,
        batch: 1,
        disk: Vec::new(),
        work: BTreeMap::new(),
        sources: None,
        seats: auh_engine::Seats::in_place(Arc::new(dirs)),
        author: settings.commit_author.clone(),
        command_limit: settings.limits.command,
        stop_grace: settings.limits.grace,
        stop,
        failed_before: false,
        began,
        commands_before: Duration::ZERO,
        so_far: None,
    };
    let ended = run(job, &mut screen).map_err(anyhow::Error::from);
    let ended = ended.and_then(|end| {
        screen.record(&journal.append(Event::RunFinished(end.clone()))?);
        Ok(end)
    });
    let end =
        ended.with_context(|| format!("resending in {} broke off", folder.path().display()))?;
    for note in screen.end().notes {
        terminal::output(&note);
    }
    Ok(exit::Status(end.exit_code))
}

fn resend_pipeline(settings: &Settings) -> Result<&Pipeline, Usage> {
    let name = settings.value(PIPELINE);
    let name = name.as_ref().and_then(|name| name.as_str());
    let pipeline = name.and_then(|name| settings.pipelines.get(name));
    pipeline.ok_or_else(|| {
        Usage::new(
            format!("the setting {PIPELINE} names no pipeline, so nothing can be sent again"),
            "`auh config show` lists the settings and the pipelines",
        )
    })
}
