//! What the files of a run directory show: patches, changelogs, differences, and the logs of what
//! failed, as excerpts that a page can hold. Nothing outside of the run directory is read.

use auh_journal::RunFolder;
use auh_report::{Chapter, Story};
use auh_transcript::{is_error_line, plain};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// How much all excerpts of a page may hold together, in bytes.
const BUDGET: usize = 12 << 20;
/// How much of a file's beginning is shown.
const HEAD: usize = 24 << 10;
/// How much of a log's end is looked through for errors.
const TAIL: u64 = 512 << 10;
/// How many of a log's last lines are shown in any case.
const LAST_LINES: usize = 30;
/// How many of the lines that speak of errors are shown, each with the lines around it.
const ERRORS: usize = 12;
const BEFORE: usize = 3;
const AFTER: usize = 4;
/// A longer line says nothing to a person.
const LONGEST_LINE: usize = 400;

/// The excerpts of each group, by its name.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    groups: BTreeMap<String, GroupFiles>,
}

/// What the files of a group show.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupFiles {
    /// The group's folder, relative to the run directory.
    pub(crate) folder: String,
    /// Names of all its files.
    pub(crate) names: Vec<String>,
    pub(crate) texts: Vec<Excerpt>,
    pub(crate) logs: Vec<LogExcerpt>,
}

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Licence,
    BuildHistory,
    Patch,
    Changelog,
}

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Licence => "Licence difference",
            Self::BuildHistory => "Build history difference",
            Self::Patch => "Patch",
            Self::Changelog => "Changelog",
        }
    }

    /// Whether lines that begin with `+` or `-` were added or removed.
    pub(crate) fn is_difference(self) -> bool {
        self != Self::Changelog
    }
}

/// The beginning of a file.
#[derive(Clone, Debug)]
pub(crate) struct Excerpt {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// What of it is shown, or why nothing is.
    pub(crate) text: Result<Head, String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) text: String,
    /// Bytes beyond what is shown.
    pub(crate) left_out: u64,
}

/// What of a log tells why something failed.
#[derive(Clone, Debug)]
pub(crate) struct LogExcerpt {
    pub(crate) name: String,
    /// The lines, or why there are none.
    pub(crate) lines: Result<LogLines, String>,
}

#[derive(Clone, Debug)]
pub(crate) struct LogLines {
    pub(crate) lines: Vec<LogLine>,
    /// How many lines of what was looked through speak of errors.
    pub(crate) errors: usize,
    /// Bytes before what was looked through.
    pub(crate) not_read: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) text: String,
    pub(crate) is_error: bool,
    /// How many lines before this one are not shown.
    pub(crate) left_out: usize,
}

impl Evidence {
    /// Reads what there is about the groups of a run. What cannot be read is said in the page.
    #[must_use]
    pub fn gather(folder: &RunFolder, story: &Story) -> Self {
        let mut reader = Reader {
            folder,
            top: folder.path().canonicalize().unwrap_or_default(),
            left: BUDGET,
        };
        let mut groups: BTreeMap<String, GroupFiles> = BTreeMap::new();
        // Why something failed matters most, so it is read before the budget is spent.
        for chapter in &story.chapters {
            let files = reader.logs_of(chapter);
            groups.insert(chapter.group.name(), files);
        }
        for chapter in &story.chapters {
            if let Some(files) = groups.get_mut(&chapter.group.name()) {
                reader.add_texts(chapter, files);
            }
        }
        Self { groups }
    }

    pub(crate) fn of(&self, group: &str) -> Option<&GroupFiles> {
        self.groups.get(group)
    }
}

struct Reader<'f> {
    folder: &'f RunFolder,
    /// The run directory without links.
    top: PathBuf,
    /// What is left of the budget.
    left: usize,
}

impl Reader<'_> {
    fn logs_of(&mut self, chapter: &Chapter) -> GroupFiles {
        let group = chapter.group.name();
        let path = self.folder.group(&group);
        let relative = path.strip_prefix(self.folder.path()).unwrap_or(&path);
        let failures = chapter.state.failures.iter();
        let logs = failures.filter_map(|known| file_name(known.failure.log.as_deref()?));
        let logs: BTreeSet<String> = logs.collect();
        GroupFiles {
            folder: relative.to_string_lossy().into_owned(),
            names: self.folder.files_of(&group),
            texts: Vec::new(),
            logs: logs.into_iter().map(|name| self.log(&path, name)).collect(),
        }
    }

    fn log(&mut self, folder: &Path, name: String) -> LogExcerpt {
        let tail = self.open(folder, &name).and_then(tail);
        let lines = tail.map(|(text, not_read)| log_lines(&text, not_read));
        let lines = lines.map_err(|error| error.to_string());
        let spent = lines.iter().flat_map(|l| &l.lines).map(|l| l.text.len());
        self.left = self.left.saturating_sub(spent.sum());
        LogExcerpt { name, lines }
    }

    fn add_texts(&mut self, chapter: &Chapter, files: &mut GroupFiles) {
        let folder = self.folder.group(&chapter.group.name());
        let mut found: BTreeSet<(Kind, String)> = BTreeSet::new();
        let state = &chapter.state;
        let named = |kind, path: &Path| Some((kind, file_name(path)?));
        found.extend(
            state
                .licences
                .iter()
                .filter_map(|l| named(Kind::Licence, &l.file)),
        );
        found.extend(
            state
                .commits
                .iter()
                .filter_map(|c| named(Kind::Patch, c.patch.as_deref()?)),
        );
        found.extend(
            state
                .changelogs
                .iter()
                .filter_map(|(_, path)| named(Kind::Changelog, path)),
        );
        found.extend(
            files
                .names
                .iter()
                .filter_map(|name| Some((kind_of(name)?, name.clone()))),
        );
        files.texts = found
            .into_iter()
            .map(|(kind, name)| self.text(&folder, kind, name))
            .collect();
    }

    fn text(&mut self, folder: &Path, kind: Kind, name: String) -> Excerpt {
        let text = if self.left < HEAD {
            Err("the page has no room for it any more".to_owned())
        } else {
            let head = self.open(folder, &name).and_then(head);
            head.map_err(|error| error.to_string())
        };
        let spent = text.as_ref().map_or(0, |head| head.text.len());
        self.left = self.left.saturating_sub(spent);
        Excerpt { kind, name, text }
    }

    /// A plain file of the run directory. A link that leads out of it is not followed.
    fn open(&self, folder: &Path, name: &str) -> io::Result<File> {
        let path = folder.join(name).canonicalize()?;
        if !path.starts_with(&self.top) || !path.is_file() {
            return Err(io::Error::other("this is no file of the run directory"));
        }
        File::open(path)
    }
}

/// What a file is about by its name, as the Python helper names them.
fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "buildhistory-diff.txt" => Some(Kind::BuildHistory),
        _ if name.ends_with(".patch") => Some(Kind::Patch),
        _ if name.starts_with("license-diff") => Some(Kind::Licence),
        _ if name.starts_with("changelog") && name.ends_with(".txt") => Some(Kind::Changelog),
        _ => None,
    }
}

/// A journal's paths are those of the machine that it was written on; the names are enough.
fn file_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}

/// The beginning of a file, up to a line's end, and how many bytes there are beyond.
fn head(file: File) -> io::Result<Head> {
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut bytes)?;
    if length > bytes.len() as u64 {
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(end.map_or(bytes.len(), |end| end + 1));
    }
    let text = plain(&String::from_utf8_lossy(&bytes));
    Ok(Head {
        text: text.lines().map(|line| cut(line) + "\n").collect(),
        left_out: length - bytes.len() as u64,
    })
}

/// The end of a file from a line on, and how many bytes there are before it.
fn tail(mut file: File) -> io::Result<(String, u64)> {
    let length = file.metadata()?.len();
    let mut skipped = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    if skipped > 0
        && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
    {
        bytes.drain(..=end);
        skipped += end as u64 + 1;
    }
    Ok((plain(&String::from_utf8_lossy(&bytes)), skipped))
}

/// The last lines, and those around the first ones that speak of errors.
fn log_lines(text: &str, not_read: u64) -> LogLines {
    let all: Vec<&str> = text.trim_end().lines().collect();
    let errors: Vec<usize> = (0..all.len()).filter(|n| is_error_line(all[*n])).collect();
    let mut shown: BTreeSet<usize> = (all.len().saturating_sub(LAST_LINES)..all.len()).collect();
    for error in errors.iter().take(ERRORS) {
        shown.extend(error.saturating_sub(BEFORE)..all.len().min(error + AFTER + 1));
    }
    let mut next = 0;
    let lines = shown.into_iter().map(|number| {
        let left_out = number - next;
        next = number + 1;
        LogLine {
            text: cut(all[number]),
            is_error: errors.binary_search(&number).is_ok(),
            left_out,
        }
    });
    LogLines {
        lines: lines.collect(),
        errors: errors.len(),
        not_read,
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn errors_are_found_far_above_the_end() {
        let mut lines: Vec<String> = (0..500).map(|n| format!("line {n}")).collect();
        lines[100] = "a.c:1:1: error: no such thing".to_owned();
        lines[490] = "make: *** [all] Error 1".to_owned();
        let found = log_lines(&lines.join("\n"), 0);
        assert_eq!(found.errors, 2);
        assert_eq!(found.lines.len(), BEFORE + 1 + AFTER + LAST_LINES);
        assert_eq!(
            (found.lines[0].left_out, found.lines[0].text.as_str()),
            (97, "line 97")
        );
        let marked: Vec<_> = found.lines.iter().filter(|line| line.is_error).collect();
        assert_eq!(marked.len(), 2);
        assert_eq!(found.lines[BEFORE + 1 + AFTER].left_out, 470 - 105);
    }

    #[test]
    fn nothing_outside_of_the_run_directory_is_read() {
        let workdir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(workdir.path()).unwrap();
        let group = folder.create_group("a").unwrap();
        fs::write(workdir.path().join("secret.patch"), "secret").unwrap();
        symlink("../../../secret.patch", group.join("0001.patch")).unwrap();
        fs::create_dir(group.join("0002.patch")).unwrap();
        fs::write(group.join("0003.patch"), "+fine\n").unwrap();
        let mut reader = Reader {
            folder: &folder,
            top: folder.path().canonicalize().unwrap(),
            left: BUDGET,
        };
        let mut text = |name: &str| reader.text(&group, Kind::Patch, name.to_owned()).text;
        assert!(text("0001.patch").is_err() && text("0002.patch").is_err());
        assert_eq!(text("0003.patch").unwrap().text, "+fine\n");
        reader.left = 10;
        assert!(
            reader
                .text(&group, Kind::Patch, "0003.patch".to_owned())
                .text
                .is_err()
        );
    }

    #[test]
    fn of_a_long_file_whole_lines_are_shown_and_the_rest_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let text: String = (0..9000).map(|n| format!("line {n:05}\n")).collect();
        fs::write(&path, &text).unwrap();
        let head = head(File::open(&path).unwrap()).unwrap();
        assert!(head.text.ends_with('\n') && head.text.len() <= HEAD);
        assert_eq!(head.text.len() as u64 + head.left_out, text.len() as u64);
        let long = text.repeat(8);
        fs::write(&path, &long).unwrap();
        let (tail, skipped) = tail(File::open(&path).unwrap()).unwrap();
        assert!(tail.starts_with("line "));
        assert_eq!(tail.len() as u64 + skipped, long.len() as u64);
    }

    proptest! {
        #[test]
        fn every_line_is_shown_or_counted(lines in prop::collection::vec("[a-z]{0,3}( error: )?", 0..200)) {
            let found = log_lines(&lines.join("\n"), 0);
            let counted: usize = found.lines.iter().map(|line| line.left_out + 1).sum();
            let all = lines.join("\n").trim_end().lines().count();
            prop_assert_eq!(counted, all);
        }
    }
}
