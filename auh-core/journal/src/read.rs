//! Reading a journal, also one whose last line was torn by a crash.

use crate::{Event, FORMAT, JournalError, Record};
use std::{fs, path::Path};

/// A journal that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    /// Its events, oldest first.
    pub records: Vec<Record>,
    /// True when the last line was cut off and left out.
    pub torn: bool,
}

/// Reads a journal. A last line without its end is a crash's and is left out; any other line
/// that is no event is an error with its number.
pub fn read(path: &Path) -> Result<Journal, JournalError> {
    read_wanted(path, |_| true)
}

/// The same with some events only, by their names in the file, and the first one in any case. What is
/// not wanted is not parsed, which is most of the work: three lines in four are about commands.
pub fn read_only(path: &Path, events: &[&str]) -> Result<Journal, JournalError> {
    read_wanted(path, |line| {
        name_of_event(line).is_none_or(|name| events.contains(&name))
    })
}

fn read_wanted(path: &Path, wanted: impl Fn(&[u8]) -> bool) -> Result<Journal, JournalError> {
    let bytes = fs::read(path).map_err(JournalError::io("read", path))?;
    understand_wanted(path, &bytes, wanted)
}

/// The journal that a file's bytes are.
pub(crate) fn understand(path: &Path, bytes: &[u8]) -> Result<Journal, JournalError> {
    understand_wanted(path, bytes, |_| true)
}

fn understand_wanted(
    path: &Path,
    bytes: &[u8],
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<Journal, JournalError> {
    let journal = parse(bytes, wanted).map_err(|(line, reason)| JournalError::BadLine {
        path: path.to_owned(),
        line,
        reason,
    })?;
    match journal.records.first().map(|r| &r.event) {
        Some(Event::RunStarted(start)) if start.format > FORMAT => Err(JournalError::NewerFormat {
            path: path.to_owned(),
            found: start.format,
            known: FORMAT,
        }),
        _ => Ok(journal),
    }
}

/// The name of a line's event where [`crate::Writer`] puts it, behind the time; none of other lines.
fn name_of_event(line: &[u8]) -> Option<&str> {
    const LONGEST_TIME: usize = 64;
    let start = line.get(..line.len().min(LONGEST_TIME))?;
    let start = start.strip_prefix(b"{\"time\":\"")?;
    let time = start.iter().position(|byte| *byte == b'"')?;
    let name = line.get(b"{\"time\":\"".len() + time..)?;
    let name = name.strip_prefix(b"\",\"event\":\"")?;
    let end = name.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&name[..end]).ok()
}

/// How many of these bytes are whole lines.
pub(crate) fn whole(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1)
}

fn parse(bytes: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Result<Journal, (usize, String)> {
    let mut records = Vec::new();
    let lines = &bytes[..whole(bytes)];
    for (index, line) in lines.split_inclusive(|b| *b == b'\n').enumerate() {
        if index > 0 && !wanted(line) {
            continue;
        }
        let record = serde_json::from_slice(line).map_err(|e| (index + 1, e.to_string()))?;
        records.push(record);
    }
    Ok(Journal {
        records,
        torn: lines.len() < bytes.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Writer;
    use auh_protocol::host::Level;
    use proptest::prelude::*;

    fn log(message: &str) -> Event {
        Event::Log {
            level: Level::Info,
            group: Some("hello".into()),
            message: message.into(),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut writer = Writer::create(&path).unwrap();
        let written: Vec<_> = ["a", "b\nc"]
            .iter()
            .map(|m| writer.append(log(m)).unwrap())
            .collect();
        let journal = read(&path).unwrap();
        assert_eq!(
            journal,
            Journal {
                records: written,
                torn: false
            }
        );
        assert!(
            Writer::create(&path).is_err(),
            "a journal is never overwritten"
        );
    }

    #[test]
    fn of_some_events_the_others_are_not_even_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut writer = Writer::create(&path).unwrap();
        let finished = |group: &str| Event::GroupFinished {
            group: group.into(),
            verdict: crate::GroupVerdict::Failed,
            seconds: 1.0,
        };
        let events = [
            log("first"),
            log("b"),
            finished("c"),
            log("\"event\":\"group-finished\""),
        ];
        let written: Vec<_> = events.map(|event| writer.append(event).unwrap()).into();
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"time\":\"?\",\"event\":\"log\", and no more of it\n");
        fs::write(&path, &text).unwrap();
        let journal = read_only(&path, &["group-finished"]).unwrap();
        assert_eq!(journal.records, [written[0].clone(), written[2].clone()]);
        assert!(read(&path).is_err(), "its last line is no event");
        fs::write(&path, text + "what?\n").unwrap();
        assert!(read_only(&path, &["group-finished"]).is_err());
    }

    #[test]
    fn a_bad_line_in_the_middle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        Writer::create(&path).unwrap().append(log("a")).unwrap();
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("what?\n");
        fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.contains("journal.jsonl:2: this is no event"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn a_journal_cut_anywhere_keeps_its_whole_lines(messages in prop::collection::vec(".*", 1..6), cut in 0.0..1.0f64) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.jsonl");
            let mut writer = Writer::create(&path).unwrap();
            for message in &messages {
                writer.append(log(message)).unwrap();
            }
            let bytes = fs::read(&path).unwrap();
            let end = (bytes.len() as f64 * cut) as usize;
            let whole = bytes[..end].iter().filter(|b| **b == b'\n').count();
            let journal = parse(&bytes[..end], |_| true).unwrap();
            prop_assert_eq!(journal.records.len(), whole);
            prop_assert_eq!(journal.torn, end > 0 && bytes[end - 1] != b'\n');
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, |line| name_of_event(line).is_some());
        }
    }
}
