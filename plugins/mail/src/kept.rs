//! Mails that could not be sent, as files in the run directory that only their owner reads.
//!
//! `NNNN-NAME.eml` is the message, `NNNN-NAME.json` its envelope. The envelope is what counts: while
//! a mail is being sent again it is called `NNNN-NAME.sending`, so that neither a second process nor
//! a later one, should this one die, sends the mail twice.

use crate::delivery::Envelope;
use lettre::{Address, address::AddressError};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A file name has to fit into 255 bytes.
const LONGEST_NAME: usize = 100;

/// The folder with a run's unsent mails. It is made with the first of them.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    folder: PathBuf,
}

/// The file with the envelope.
#[derive(Debug, Serialize, Deserialize)]
struct EnvelopeFile {
    from: String,
    to: Vec<String>,
    reason: String,
}

impl EnvelopeFile {
    fn envelope(&self) -> Result<Envelope, AddressError> {
        let to = self.to.iter().map(|to| to.parse());
        Ok(Envelope {
            from: self.from.parse()?,
            to: to.collect::<Result<_, _>>()?,
        })
    }
}

impl Kept {
    /// Those of the run in this folder.
    pub(crate) fn of(run: &Path) -> Self {
        Self {
            folder: run.join("mail"),
        }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a mail for those of its recipients that did not get it. Answers with the message's
    /// path.
    pub(crate) fn keep(
        &self,
        name: &str,
        envelope: &Envelope,
        reason: &str,
        message: &str,
    ) -> io::Result<PathBuf> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let (path, mut file) = self.create(name)?;
        file.write_all(message.as_bytes())?;
        file.sync_all()?;
        write_envelope(&path.with_extension("json"), envelope, reason)?;
        Ok(path)
    }

    /// Keeps a mail that may have been sent, so that nobody sends it unasked. Answers with the
    /// envelope's path.
    pub(crate) fn keep_in_doubt(
        &self,
        name: &str,
        envelope: &Envelope,
        reason: &str,
        message: &str,
    ) -> io::Result<PathBuf> {
        let path = self.keep(name, envelope, reason, message)?;
        let doubtful = path.with_extension("sending");
        fs::rename(path.with_extension("json"), &doubtful)?;
        Ok(doubtful)
    }

    /// A new file with the next number.
    fn create(&self, name: &str) -> io::Result<(PathBuf, File)> {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let numbers = self.names()?.into_iter().filter_map(|name| number(&name));
        let mut next = numbers.max().unwrap_or(0) + 1;
        loop {
            // Not made with `with_extension`: the name may have a dot in it.
            let path = self.folder.join(format!("{next:04}-{name}.eml"));
            match new_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => next += 1,
                result => return Ok((path, result?)),
            }
        }
    }

    /// The envelopes that wait, in the order in which they were kept.
    pub(crate) fn waiting(&self) -> io::Result<Vec<Waiting>> {
        let names = self.names()?.into_iter();
        let envelopes = names.filter(|name| name.ends_with(".json"));
        let paths = envelopes.map(|name| self.folder.join(name));
        Ok(paths.map(|envelope| Waiting { envelope }).collect())
    }

    /// Envelopes of mails that were being sent when somebody died, or still are.
    pub(crate) fn in_doubt(&self) -> io::Result<Vec<PathBuf>> {
        let names = self.names()?.into_iter();
        let in_doubt = names.filter(|name| name.ends_with(".sending"));
        Ok(in_doubt.map(|name| self.folder.join(name)).collect())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_by_key(|name| (number(name), name.clone()));
        Ok(names)
    }
}

/// A mail that waits to be sent again.
#[derive(Debug)]
pub(crate) struct Waiting {
    envelope: PathBuf,
}

impl Waiting {
    /// What it is called in notes.
    pub(crate) fn name(&self) -> String {
        let name = self.envelope.file_stem().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Takes it to be sent; none when somebody else has taken it meanwhile.
    pub(crate) fn take(self) -> io::Result<Option<Taken>> {
        let sending = self.envelope.with_extension("sending");
        match fs::rename(&self.envelope, &sending) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        }
        let taken = read(&self.envelope, &sending);
        if taken.is_err() {
            fs::rename(&sending, &self.envelope)?;
        }
        taken.map(Some)
    }
}

fn read(envelope: &Path, sending: &Path) -> io::Result<Taken> {
    let file: EnvelopeFile = serde_json::from_slice(&fs::read(sending)?)?;
    let addresses = file.envelope();
    Ok(Taken {
        envelope: addresses.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
        message: fs::read_to_string(envelope.with_extension("eml"))?,
        path: envelope.to_owned(),
        sending: sending.to_owned(),
    })
}

/// A mail that is being sent.
#[derive(Debug)]
pub(crate) struct Taken {
    pub envelope: Envelope,
    pub message: String,
    path: PathBuf,
    sending: PathBuf,
}

impl Taken {
    /// Everybody has it: nothing of it stays.
    pub(crate) fn sent(self) -> io::Result<()> {
        fs::remove_file(&self.sending)?;
        fs::remove_file(self.path.with_extension("eml"))
    }

    /// These have not got it.
    pub(crate) fn put_back(self, to: Vec<Address>, reason: &str) -> io::Result<()> {
        let envelope = Envelope {
            to,
            ..self.envelope
        };
        write_envelope(&self.path, &envelope, reason)?;
        fs::remove_file(&self.sending)
    }
}

/// Replaces an envelope in one step.
fn write_envelope(path: &Path, envelope: &Envelope, reason: &str) -> io::Result<()> {
    let file = EnvelopeFile {
        from: envelope.from.to_string(),
        to: envelope.to.iter().map(Address::to_string).collect(),
        reason: reason.to_owned(),
    };
    let new = path.with_extension("new");
    // A leftover of somebody who died here.
    let _ = fs::remove_file(&new);
    let mut written = new_file(&new)?;
    written.write_all(serde_json::to_string_pretty(&file)?.as_bytes())?;
    written.write_all(b"\n")?;
    written.sync_all()?;
    fs::rename(&new, path)
}

/// A file that was not there before and that only its owner reads.
fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// The number that a file's name begins with.
fn number(name: &str) -> Option<u64> {
    name.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn envelope(to: &[&str]) -> Envelope {
        Envelope {
            from: "uh@x.org".parse().unwrap(),
            to: to.iter().map(|to| to.parse().unwrap()).collect(),
        }
    }

    fn names(kept: &Kept) -> Vec<String> {
        kept.names().unwrap()
    }

    #[test]
    fn a_kept_mail_has_a_number_and_one_reader() {
        let run = tempfile::tempdir().unwrap();
        let kept = Kept::of(run.path());
        assert_eq!(names(&kept), [""; 0]);
        for name in ["a,b_1.0", "status"] {
            kept.keep(name, &envelope(&["a@x.org"]), "why", "text")
                .unwrap();
        }
        let expect = [
            "0001-a,b_1.0.eml",
            "0001-a,b_1.0.json",
            "0002-status.eml",
            "0002-status.json",
        ];
        assert_eq!(names(&kept), expect);
        for name in expect {
            let mode = fs::metadata(kept.folder().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let mode = fs::metadata(kept.folder()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let json = fs::read_to_string(kept.folder().join(expect[1])).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let expect = serde_json::json!({"from": "uh@x.org", "to": ["a@x.org"], "reason": "why"});
        assert_eq!(json, expect);
    }

    #[test]
    fn numbers_go_on_behind_ten_thousand() {
        let run = tempfile::tempdir().unwrap();
        let kept = Kept::of(run.path());
        kept.keep("a", &envelope(&[]), "", "").unwrap();
        for name in ["9999-b.json", "10000-c.json"] {
            fs::write(kept.folder().join(name), "").unwrap();
        }
        kept.keep("d", &envelope(&[]), "", "").unwrap();
        let waiting = kept.waiting().unwrap();
        let names: Vec<_> = waiting.iter().map(Waiting::name).collect();
        assert_eq!(names, ["0001-a", "9999-b", "10000-c", "10001-d"]);
    }

    #[test]
    fn a_mail_is_taken_once_and_put_back_for_the_rest() {
        let run = tempfile::tempdir().unwrap();
        let kept = Kept::of(run.path());
        let all = envelope(&["a@x.org", "b@x.org"]);
        kept.keep("1.0", &all, "why", "text").unwrap();
        let [first, second] = [kept.waiting(), kept.waiting()].map(|w| w.unwrap().remove(0));
        let taken = first.take().unwrap().unwrap();
        assert!(second.take().unwrap().is_none());
        assert_eq!((&taken.envelope, taken.message.as_str()), (&all, "text"));
        assert_eq!(kept.waiting().unwrap().len(), 0);
        assert_eq!(kept.in_doubt().unwrap().len(), 1);
        let rest = envelope(&["b@x.org"]);
        taken.put_back(rest.to.clone(), "later").unwrap();
        assert_eq!(names(&kept), ["0001-1.0.eml", "0001-1.0.json"]);
        let taken = kept.waiting().unwrap().remove(0).take().unwrap().unwrap();
        assert_eq!(taken.envelope, rest);
        taken.sent().unwrap();
        assert_eq!(names(&kept), [""; 0]);
    }

    #[test]
    fn what_is_not_understood_stays_where_it_is() {
        let run = tempfile::tempdir().unwrap();
        let kept = Kept::of(run.path());
        for (text, message) in [
            ("{", Some("")),
            (r#"{"from":"x","to":[],"reason":""}"#, Some("")),
            ("", None),
        ] {
            fs::create_dir_all(kept.folder()).unwrap();
            fs::write(kept.folder().join("0001-a.json"), text).unwrap();
            if let Some(message) = message {
                fs::write(kept.folder().join("0001-a.eml"), message).unwrap();
            }
            assert!(kept.waiting().unwrap().remove(0).take().is_err());
            assert_eq!(kept.waiting().unwrap().len(), 1);
            fs::remove_dir_all(kept.folder()).unwrap();
        }
    }
}
