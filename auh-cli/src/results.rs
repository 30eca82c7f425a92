//! The results of a run as files of its folder: written when every group is done, so that closing
//! steps find them, and again at the very end.

use crate::{
    runs::{PAGE, Told},
    screen::Screen,
    terminal,
};
use auh_config::Settings;
use auh_engine::{Live, Watcher};
use auh_journal::{JournalError, Record, RunFolder};
use auh_process::{CancelToken, Command, RunError};
use auh_report::{Published, Story, document, junit, statistics};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// What of a run is written where.
pub(crate) struct Results {
    folder: RunFolder,
    url: Option<String>,
    tarball: bool,
}

/// Why a result is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResultError {
    #[error(transparent)]
    Folder(#[from] JournalError),
    #[error("no tarball of the run: {0}")]
    Start(#[from] RunError),
    #[error("no tarball of the run: tar failed: {0}")]
    Tar(String),
    #[error("no tarball of the run: {}: {source}", .path.display())]
    Put { path: PathBuf, source: io::Error },
}

impl ResultError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Folder(error) => error.hint(),
            Self::Start(error) => error.hint(),
            Self::Tar(_) => "see whether the disk is full, and whether tar is GNU tar",
            Self::Put { source, .. } => auh_process::io_hint(source),
        }
    }
}

impl Results {
    /// The results that the settings ask for.
    pub(crate) fn new(folder: &RunFolder, settings: &Settings) -> Self {
        let url = settings.publish_work_url.clone();
        Self {
            folder: folder.clone(),
            tarball: url.is_some() || settings.summary_includes_tarball,
            url,
        }
    }

    /// Writes them; what could not be written is told and stops nothing.
    pub(crate) fn write(&self, story: &Story) {
        let attempted = story
            .chapters
            .iter()
            .any(|chapter| chapter.verdict.is_some());
        let mut done = vec![
            self.write_document(story),
            self.write_junit(story),
            self.write_page(),
        ];
        if attempted {
            done.push(self.write_statistics(story));
        }
        // Last: it has the others in it.
        if attempted && self.tarball {
            done.push(self.pack());
        }
        for trouble in done.into_iter().filter_map(Result::err) {
            terminal::warning(&trouble.to_string());
            terminal::hint(trouble.hint());
        }
    }

    fn write_document(&self, story: &Story) -> Result<(), ResultError> {
        let names = story.chapters.iter().map(|chapter| chapter.group.name());
        let files: BTreeMap<_, _> = names
            .map(|name| (name.clone(), self.folder.files_of(&name)))
            .collect();
        let document = document(story, self.folder.path(), &files);
        Ok(self
            .folder
            .write("summary.json", &format!("{document:#}\n"))?)
    }

    fn write_junit(&self, story: &Story) -> Result<(), ResultError> {
        Ok(self.folder.write("junit.xml", &junit(story))?)
    }

    /// The page is about more than the story: it is made of the journal as it is on disk.
    fn write_page(&self) -> Result<(), ResultError> {
        let told = Told::read(self.folder.clone())?;
        Ok(self.folder.write(PAGE, &told.page(true))?)
    }

    fn write_statistics(&self, story: &Story) -> Result<(), ResultError> {
        let name = self.folder.path().file_name().unwrap_or_default();
        let run = name.to_string_lossy();
        let published = self.url.as_ref().map(|url| Published { url, run: &run });
        let text = statistics(story, published);
        Ok(self.folder.write("statistics_summary", &text)?)
    }

    /// Makes the tarball anew. Nothing that a link leads to outside of the folder gets in.
    fn pack(&self) -> Result<(), ResultError> {
        let target = self.folder.tarball();
        let fresh = target.with_extension("gz.new");
        let mut list = Vec::new();
        for path in self.folder.contents()? {
            list.extend_from_slice(path.as_os_str().as_bytes());
            list.push(0);
        }
        let workdir = self.folder.path().parent().unwrap_or(Path::new("/"));
        let mut command = Command::new("tar", workdir)
            .args(["--create", "--gzip", "--dereference", "--no-recursion"])
            .args([
                "--null",
                "--verbatim-files-from",
                "--files-from=-",
                "--file",
            ])
            .args([&fresh])
            .env_remove("TAR_OPTIONS");
        command.stdin = Some(list);
        let finished = auh_process::run(&command, &CancelToken::new(), &mut |_| {})?;
        if !finished.exit.success() {
            let _ = fs::remove_file(&fresh);
            return Err(ResultError::Tar(finished.last_lines.join("; ")));
        }
        fs::rename(&fresh, &target).map_err(|source| ResultError::Put {
            path: target,
            source,
        })
    }
}

/// Shows a run, and writes its results when they are due.
pub(crate) struct ResultsWriter {
    pub screen: Screen,
    pub results: Results,
}

impl ResultsWriter {
    /// Writes the results as they are known by now.
    pub(crate) fn write(&self) {
        self.results.write(&self.screen.story);
    }
}

impl Watcher for ResultsWriter {
    fn record(&mut self, record: &Record) {
        self.screen.record(record);
    }

    fn live(&mut self, live: &Live) {
        self.screen.live(live);
    }

    fn idle(&mut self) {
        self.screen.idle();
    }

    fn groups_finished(&mut self) {
        self.write();
    }
}
