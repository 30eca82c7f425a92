//! `auh resume`: a run that came to no end goes on in this process.

use crate::{
    args::Resume,
    commands::plan,
    exit,
    failure::Usage,
    jobs::{Jobs, Origin},
    preparation::{self, level},
    prepared::Prepared,
    results::Results,
    runs::{self, Told},
    screen::Screen,
    terminal,
    work::{Course, Work},
};
use anyhow::{Context, Result};
use auh_config::{Load, Settings};
use auh_engine::{Replay, Selection, Watcher};
use auh_journal::{
    Basis, Event, Journal, JournalLock, Record, Resumption, RunFolder, RunLock, Writer,
};
use auh_oe::{Base, Environment, LayerRepository, is_committed, put_back, remove_locks};
use auh_protocol::Group;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

pub(crate) fn resume(args: &Resume) -> Result<exit::Status> {
    let began = Instant::now();
    let environment = Environment::of_this_process()?;
    let Some(folder) = find(args, environment.build_dir())? else {
        terminal::output("every run has come to its end");
        return Ok(exit::GOOD);
    };
    let told = Told::read(folder.clone())?;
    let name = folder.name();
    if !told.is_unfinished() {
        return finished(&told, args);
    }
    let mut lock = RunLock::take(&environment.build_dir().join("upgrade-helper"))?;
    runs::tell_of_takeover(&lock);
    lock.name_run(&name)?;
    let (journal, so_far) = Writer::resume(&folder)?;
    let basis = how_it_began(&so_far, &name, environment.build_dir())?;
    let settings = settings(&basis, &folder, environment.build_dir(), args)?;
    let prepared = Prepared::new(settings, environment)?;
    same_plugins(&basis.plugins, &prepared.plugins(), &name)?;
    let work = prepared.enter(began, level(args.debug_level))?;
    let result = go_on(&work, &folder, journal, &so_far, &basis);
    work.leave();
    result
}

/// The run that is meant: the one named, or the newest of this build directory that came to no end.
fn find(args: &Resume, build_dir: &Path) -> Result<Option<RunFolder>> {
    match &args.run {
        Some(word) => Ok(Some(runs::find(word, &args.place)?)),
        None => Ok(runs::unfinished(&runs::workdir(&args.place)?, build_dir)),
    }
}

/// Nothing is left to be done but, should the process have died after its last line, its results.
fn finished(told: &Told, args: &Resume) -> Result<exit::Status> {
    let _lock = JournalLock::take(&told.folder)?;
    if let Some(basis) = told
        .story
        .start
        .as_ref()
        .and_then(|start| start.basis.as_ref())
    {
        let settings = settings(basis, &told.folder, &preparation::build_dir()?, args)?;
        Results::new(&told.folder, &settings).write(&told.story);
    }
    terminal::output(&format!(
        "the run {} has come to its end; `auh show {0}` shows what came of it",
        told.folder.name()
    ));
    Ok(exit::GOOD)
}

fn how_it_began(journal: &Journal, name: &str, build_dir: &Path) -> Result<Basis, Usage> {
    let start = journal
        .records
        .iter()
        .find_map(|record| match &record.event {
            Event::RunStarted(start) => Some(start.clone()),
            _ => None,
        });
    let basis = start.as_ref().and_then(|start| start.basis.clone());
    let (Some(start), Some(basis)) = (start, basis) else {
        return Err(Usage::new(
            format!(
                "the run {name} was begun by an auh that does not record what it takes to go on"
            ),
            "start a new run with `auh upgrade`",
        ));
    };
    if start.build_dir != build_dir {
        return Err(Usage::new(
            format!(
                "the run {name} belongs to the build directory {}",
                start.build_dir.display()
            ),
            "initialise that build directory, and resume it there",
        ));
    }
    Ok(*basis)
}

fn settings(
    basis: &Basis,
    folder: &RunFolder,
    build_dir: &Path,
    args: &Resume,
) -> Result<Settings> {
    let config_file = args.place.config_file.as_deref();
    let now = Load {
        build_dir: build_dir.to_owned(),
        config_file: config_file.map(preparation::absolute).transpose()?,
        ..Load::default()
    };
    Ok(Settings::of_record(
        &basis.settings,
        &folder.journal(),
        &now,
    )?)
}

fn same_plugins(
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    run: &str,
) -> Result<(), Usage> {
    let names = then.keys().chain(now.keys());
    let word = |version: Option<&String>| match version {
        Some(version) => format!("has version {version}"),
        None => "takes no part".to_owned(),
    };
    match names
        .into_iter()
        .find(|name| then.get(*name) != now.get(*name))
    {
        None => Ok(()),
        Some(name) => Err(Usage::new(
            format!(
                "the run {run} began with another plugin: {name} {} now and then {}",
                word(now.get(name)),
                word(then.get(name))
                    .replace("takes", "took")
                    .replace("has", "had")
            ),
            "put that version back, or start a new run with `auh upgrade`",
        )),
    }
}

/// Puts in order what the journal says was in the middle of something, and goes on.
fn go_on(
    work: &Work,
    folder: &RunFolder,
    mut journal: Writer,
    so_far: &Journal,
    basis: &Basis,
) -> Result<exit::Status> {
    let base: Base = serde_json::from_value(basis.configuration.clone())
        .context("the build configuration in the journal cannot be understood")?;
    let selection = selection(&so_far.records);
    let repositories: Vec<LayerRepository> = basis
        .repositories
        .iter()
        .map(|(path, base)| LayerRepository {
            path: path.clone(),
            base: base.clone(),
        })
        .collect();
    let apart = !repositories.is_empty();
    free_repositories(&so_far.records);
    let mut replay = Replay::of(&so_far.records, &work.pipeline, &selection.groups, apart);
    recognise_commits(work, &mut replay, &selection.groups);
    clear(work, folder, &replay, &selection.groups, apart)?;
    work.dirs.ensure_workspace(work.stop.work())?;
    work.dirs.learn(&base)?;
    let jobs = Jobs::set_up(
        &work.settings,
        &work.dirs,
        &base,
        Origin::GoesOn(&repositories),
        &folder.name(),
        work.stop.work(),
    )?;
    let forecast = plan::forecast(&selection, &work.pipeline, &work.settings);
    let mut screen = Screen::new(&folder.log(), work.level, forecast);
    so_far
        .records
        .iter()
        .for_each(|record| screen.story.absorb(record));
    let resumption = Resumption {
        auh: env!("CARGO_PKG_VERSION").to_owned(),
        torn: so_far.torn,
        groups: replay.continued(&selection.groups),
    };
    screen.record(&journal.append(Event::Resumed(resumption))?);
    work.course(Course {
        folder,
        journal,
        screen,
        jobs,
        selection,
        disk: work.on_disk(&base, folder),
        // What it takes to fetch ahead and to remove work folders is known to a session only.
        places: BTreeMap::new(),
        sources: None,
        commands_before: Duration::ZERO,
        so_far: Some(replay),
    })
}

/// What the run attempts, as it decided at its beginning.
fn selection(records: &[Record]) -> Selection {
    let planned = records.iter().find_map(|record| match &record.event {
        Event::Planned { groups, left_out } => Some(Selection {
            groups: groups.clone(),
            left_out: left_out.clone(),
        }),
        _ => None,
    });
    planned.unwrap_or_default()
}

/// Removes the locks that git commands left in repositories when they were killed.
fn free_repositories(records: &[Record]) {
    let mut open: BTreeMap<u64, (&PathBuf, SystemTime)> = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::CommandStarted {
                id, argv, folder, ..
            } if argv.first().is_some_and(|a| a == "git") => {
                open.insert(*id, (folder, record.time.into()));
            }
            Event::CommandFinished(end) => {
                open.remove(&end.id);
            }
            _ => {}
        }
    }
    for (folder, started) in open.into_values() {
        for lock in remove_locks(folder, started) {
            terminal::note(&format!(
                "removed {}, which a killed git left",
                lock.display()
            ));
        }
    }
}

/// Groups whose files were committed at the last moment do not begin afresh.
fn recognise_commits(work: &Work, replay: &mut Replay, groups: &[Group]) {
    for (group, so_far) in groups.iter().zip(&mut replay.groups) {
        let Some(known) = &so_far.if_committed else {
            continue;
        };
        let changes = &known.state.changes;
        let is_committed = changes.iter().any(|change| {
            let (top, paths) = (&change.repository, &change.paths);
            is_committed(top, paths, &group.subject(), work.stop.work())
        });
        if is_committed {
            *so_far = (**known).clone();
        }
    }
}

/// Takes away what the groups that begin afresh left.
fn clear(
    work: &Work,
    folder: &RunFolder,
    replay: &Replay,
    groups: &[Group],
    apart: bool,
) -> Result<()> {
    let afresh = groups
        .iter()
        .zip(&replay.groups)
        .filter(|(_, so_far)| so_far.afresh);
    for (group, so_far) in afresh {
        if !apart {
            for change in &so_far.leftovers {
                put_back(&change.repository, &change.paths, work.stop.work())?;
            }
        }
        folder.empty_group(&group.name(), !apart)?;
    }
    Ok(())
}
