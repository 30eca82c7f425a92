//! `auh report`: runs as pages.

use crate::{
    args::Report,
    commands::runs::{Known, table},
    exit,
    failure::Usage,
    preparation,
    runs::{self, PAGE, Told},
    terminal,
};
use anyhow::{Context, Result};
use auh_process::{CancelToken, Command};
use auh_report_page::{TrendPage, trend_html};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The page over all runs, in the folder that they are in.
const TREND_PAGE: &str = "trend.html";
/// How long the program that opens pages may take to hand one over.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn report(args: &Report) -> Result<exit::Status> {
    let page = if args.trend { trend(args)? } else { one(args)? };
    terminal::output(&page.display().to_string());
    if args.open {
        open(&page)?;
    }
    Ok(exit::GOOD)
}

fn one(args: &Report) -> Result<PathBuf> {
    let told = Told::read(runs::find(&args.run, &args.place)?)?;
    match &args.output {
        None => {
            told.folder.write(PAGE, &told.page(true))?;
            Ok(told.folder.path().join(PAGE))
        }
        Some(file) => put(file, &told.page(false)),
    }
}

fn trend(args: &Report) -> Result<PathBuf> {
    let workdir = runs::workdir(&args.place)?;
    let known = Known::read(&workdir);
    if known.runs.is_empty() && known.unreadable.is_empty() {
        let message = format!("there is no run in {}", workdir.display());
        return Err(Usage::new(message, "`auh upgrade` makes one").into());
    }
    terminal::output(&table(&known));
    let names = known.runs.iter().map(|run| run.name.clone());
    let with_page = names.filter(|name| workdir.join(name).join(PAGE).is_file());
    // Elsewhere, links to the runs would lead nowhere.
    let pages = match &args.output {
        None => with_page.collect(),
        Some(_) => BTreeSet::new(),
    };
    let html = trend_html(&TrendPage {
        place: &workdir.display().to_string(),
        runs: &known.runs,
        unreadable: &known.unreadable,
        pages: &pages,
    });
    let beside = workdir.join(TREND_PAGE);
    put(args.output.as_deref().unwrap_or(&beside), &html)
}

fn put(file: &Path, text: &str) -> Result<PathBuf> {
    let path = preparation::absolute(file)?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Hands the page to the user's browser, by the desktop's own rules (xdg-utils).
fn open(page: &Path) -> Result<()> {
    let mut command = Command::new("xdg-open", "/").arg(page);
    command.time_limit = Some(PATIENCE);
    let failed = |why: String| {
        Usage::new(
            format!("the page is written, and nothing shows it: {why}"),
            format!("open {} in a browser", page.display()),
        )
    };
    let finished = auh_process::run(&command, &CancelToken::new(), &mut |_| {})
        .map_err(|error| failed(error.to_string()))?;
    if finished.exit.success() {
        return Ok(());
    }
    Err(failed(format!(
        "xdg-open failed: {}",
        finished.last_lines.join("; ")
    ))
    .into())
}
