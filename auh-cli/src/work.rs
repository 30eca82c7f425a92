//! The course of a run once its plan is in the journal, whether it begins or goes on: the engine, then
//! everything put back, then the last line and the results.

use crate::{
    exit,
    jobs::Jobs,
    results::{Results, ResultsWriter},
    screen::Screen,
    terminal,
};
use anyhow::{Context, Result};
use auh_config::Settings;
use auh_engine::{Pipeline, Replay, Run, Scheduler, Selection, Stop, Watcher, run};
use auh_journal::{Basis, Event, JournalError, RunEnd, RunFolder, Writer};
use auh_oe::{Base, BuildDirs, LayerRepository, Sources, WorkPlace};
use auh_protocol::{RecipeName, host::Level};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a run works with.
pub(crate) struct Work {
    pub settings: Settings,
    pub pipeline: Pipeline,
    pub scheduler: Scheduler,
    pub dirs: Arc<BuildDirs>,
    pub stop: Stop,
    pub began: Instant,
    pub level: Level,
}

/// A run whose plan is in its journal.
pub(crate) struct Course<'a> {
    pub folder: &'a RunFolder,
    pub journal: Writer,
    pub screen: Screen,
    pub jobs: Jobs,
    pub selection: Selection,
    /// Folders on the file systems that the run writes to.
    pub disk: Vec<PathBuf>,
    /// Where the work lies of recipes whose work folders are removed when they are done.
    pub places: BTreeMap<RecipeName, WorkPlace>,
    /// What the sources of later groups are fetched by, if they are.
    pub sources: Option<Sources>,
    /// Wall time of commands that ran before there was a plan.
    pub commands_before: Duration,
    /// What earlier processes did of it.
    pub so_far: Option<Replay>,
}

impl Work {
    /// What another process needs to go on with the run.
    pub(crate) fn basis(&self, base: &Base, repositories: &[LayerRepository]) -> Result<Basis> {
        let known = repositories.iter().cloned();
        Ok(Basis {
            settings: self.settings.record(),
            plugins: plugins(&self.pipeline, &self.scheduler),
            configuration: serde_json::to_value(base)?,
            repositories: known.map(|r| (r.path, r.base)).collect(),
        })
    }

    /// Carries the run out.
    pub(crate) fn course(&self, course: Course<'_>) -> Result<exit::Status> {
        let Course {
            folder,
            mut journal,
            screen,
            jobs,
            selection,
            disk,
            places,
            sources,
            commands_before,
            so_far,
        } = course;
        let mut watcher = ResultsWriter {
            screen,
            results: Results::new(folder, &self.settings),
        };
        let ended = run(
            Run {
                pipeline: &self.pipeline,
                scheduler: &self.scheduler,
                failed_before: selection.left_out.iter().any(|left_out| left_out.failed),
                groups: selection.groups,
                folder,
                journal: &mut journal,
                seats: jobs.seats.clone(),
                batch: self.settings.batch.get(),
                disk,
                work: places,
                sources,
                author: self.settings.commit_author.clone(),
                command_limit: self.settings.limits.command,
                stop_grace: self.settings.limits.grace,
                stop: self.stop.clone(),
                began: self.began,
                commands_before,
                so_far,
            },
            &mut watcher,
        );
        // The last line says that nothing is left to be done: so it comes when that is true.
        jobs.leave(self.stop.cleanup());
        self.leave();
        let ended: Result<RunEnd> = ended
            .map_err(Into::into)
            .and_then(|end| Ok(last_line(end, &mut journal, &mut watcher)?));
        // Who reads the journal from now on shall not find somebody who writes it.
        drop(journal);
        // Also of a run that broke off: what is known by now.
        watcher.write();
        let end = ended.with_context(|| {
            let (path, name) = (folder.path().display(), folder.name());
            format!("the run in {path} broke off, and `auh resume {name}` goes on with it")
        })?;
        terminal::output(&auh_report::summary(&watcher.screen.end(), folder.path()));
        if self.stop.is_out_of_time() {
            terminal::note("the time limit of the run (limits.run) ended it before its end");
        }
        if end.stopped {
            terminal::note(&format!(
                "`auh resume {}` goes on with the run",
                folder.name()
            ));
        }
        Ok(exit::Status(end.exit_code))
    }

    /// Folders on the file systems that the run writes to.
    pub(crate) fn on_disk(&self, base: &Base, folder: &RunFolder) -> Vec<PathBuf> {
        let build_dir = self.dirs.original().to_owned();
        let variables = ["TMPDIR", "DL_DIR", "SSTATE_DIR"];
        let paths = variables.iter().filter_map(|name| base.get(name));
        std::iter::once(build_dir)
            .chain(paths.map(PathBuf::from))
            .chain([folder.path().to_owned()])
            .collect()
    }

    /// Puts the build directory back as it was; more than once does no harm.
    pub(crate) fn leave(&self) {
        for trouble in self.dirs.leave() {
            terminal::warning(&trouble);
        }
    }
}

/// The plugins that take part, by kind and name, and their versions.
pub(crate) fn plugins(pipeline: &Pipeline, scheduler: &Scheduler) -> BTreeMap<String, String> {
    let steps = pipeline.steps.iter().chain(&pipeline.closing);
    let plugins = steps.map(|step| &step.plugin).chain([&scheduler.plugin]);
    let known = plugins.map(|plugin| {
        let manifest = plugin.manifest();
        let name = format!("{} {}", manifest.kind, manifest.name);
        (name, manifest.version.clone())
    });
    known.collect()
}

fn last_line(
    end: RunEnd,
    journal: &mut Writer,
    watcher: &mut ResultsWriter,
) -> Result<RunEnd, JournalError> {
    let record = journal.append(Event::RunFinished(end.clone()))?;
    watcher.record(&record);
    Ok(end)
}
