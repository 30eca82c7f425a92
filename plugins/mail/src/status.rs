//! The mail about a run: the statistics that the host has written.

use crate::{address::Recipients, excerpt::one_line, letter::Letter, settings::Settings};
use auh_sdk::RunContext;
use auh_transcript::plain;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The file with the statistics, in the run directory.
const STATISTICS: &str = "statistics_summary";

/// The mail, dated `date` (`YYYY-MM-DD`), and what is missing in it.
pub(crate) fn letter(run: &RunContext, settings: &Settings, date: &str) -> (Letter, Vec<String>) {
    let recipients = Recipients::list(settings.status_recipients.iter().map(String::as_str));
    let mut troubles = recipients.unusable.clone();
    let subject = match &settings.layers {
        Some(layers) => format!("[AUH] Upgrade status {layers}: {date}"),
        None => format!("[AUH] Upgrade status: {date}"),
    };
    let statistics = run.folder.join(STATISTICS);
    let body = fs::read(&statistics).map(|bytes| plain(&String::from_utf8_lossy(&bytes)));
    let body = body.unwrap_or_else(|error| {
        troubles.push(format!("{} cannot be read: {error}", statistics.display()));
        format!(
            "The run has ended. Its statistics cannot be read: {error}.\n\nSee {}\n",
            run.folder.display()
        )
    });
    let mut attachments = Vec::new();
    if settings.tarball {
        let tarball = tarball(&run.folder);
        match tarball.is_file() {
            true => attachments.push(tarball),
            false => troubles.push(format!(
                "the status mail has no tarball: {} is not there",
                tarball.display()
            )),
        }
    }
    let letter = Letter {
        recipients,
        subject: one_line(&subject),
        body,
        attachments,
    };
    (letter, troubles)
}

/// `RUN.tar.gz` beside the run directory.
fn tarball(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".tar.gz");
    folder.with_file_name(name)
}
