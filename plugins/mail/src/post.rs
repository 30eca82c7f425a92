//! Sending mails, keeping those that cannot be sent, and sending these again.

use crate::{
    address::mailbox,
    delivery::{DeliveryError, Envelope, Refusal, Transport},
    kept::{Kept, Taken, Waiting},
    letter::Letter,
    options::MailOptions,
    settings::Settings,
};
use auh_sdk::{Host, Note, StepRequest};
use lettre::Address;
use serde::{Deserialize, Serialize};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::Path,
};

/// How long a name may be in a Message-ID, whose line has to stay short.
const LONGEST_ID_NAME: usize = 60;

/// How far an attempt at sending a mail came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sending {
    /// It was about to be handed over.
    Begun,
    /// What became of it is known: it was sent, or kept.
    Settled,
}

/// Sends mails of one run.
pub(crate) struct Post<'a> {
    host: &'a Host,
    settings: &'a Settings,
    options: Result<MailOptions, String>,
    /// The run directory.
    run: &'a Path,
    kept: Kept,
    /// What an attempt that was cut short leaves behind, and whether there may have been one.
    note: Note,
    again: bool,
}

impl<'a> Post<'a> {
    /// The post of a request's run.
    pub(crate) fn new(host: &'a Host, request: &'a StepRequest, settings: &'a Settings) -> Self {
        let options = MailOptions::new(&request.options).map(|mut options| {
            let ca_file = options.ca_file.as_deref();
            options.ca_file = ca_file.map(|file| request.run.build_dir.join(file));
            options
        });
        Self {
            host,
            settings,
            options,
            note: Note::of(note_folder(request), "mail", &request.action),
            again: request.again,
            run: &request.run.folder,
            kept: Kept::of(&request.run.folder),
        }
    }

    /// Whether the run is being stopped.
    pub(crate) fn stopping(&self) -> bool {
        self.host.stopping()
    }

    /// A line for the log.
    pub(crate) fn info(&self, message: &str) {
        self.host.info(message);
    }

    /// Notes, which the log gets as warnings.
    pub(crate) fn warned(&self, notes: Vec<String>) -> Vec<String> {
        for note in &notes {
            self.host.warn(note);
        }
        notes
    }

    /// Sends a mail. Who does not get it is said in the notes, and is kept with the mail.
    pub(crate) fn send(&self, name: &str, letter: &Letter) -> Vec<String> {
        match self.try_to_send(name, letter) {
            Ok(notes) => notes,
            Err(reason) => vec![format!("no mail was sent: {reason}")],
        }
    }

    fn try_to_send(&self, name: &str, letter: &Letter) -> Result<Vec<String>, String> {
        let from = self.settings.from.as_deref().ok_or("from is not set")?;
        let from = mailbox(from)?;
        let to = letter.recipients.addresses();
        if to.is_empty() {
            return Err("there is nobody to send it to".to_owned());
        }
        let (message, mut notes) = letter.message(&from, &self.id(name, &letter.body))?;
        let from = from.email;
        let envelope = Envelope { from, to };
        if let Some(known) = self.attempted_before(name, &envelope, &message) {
            return Ok(known);
        }
        let noted = self.note.write(&Sending::Begun);
        noted.map_err(|error| format!("{}: {error}", self.run.display()))?;
        let transport = self.transport();
        let outcome = transport.and_then(|transport| transport.deliver(&envelope, &message));
        if let Some((to, reason)) = self.left(&envelope, &outcome) {
            let left = Envelope { to, ..envelope };
            notes.push(self.keep(name, &left, &reason, &message));
        }
        // Should this fail, another attempt says that it cannot know.
        let _ = self.note.write(&Sending::Settled);
        Ok(notes)
    }

    /// What to say instead of sending a mail that may have been sent before the host died. It is kept
    /// for those who know that it did not arrive; its Message-ID is the same.
    fn attempted_before(
        &self,
        name: &str,
        envelope: &Envelope,
        message: &str,
    ) -> Option<Vec<String>> {
        match self.note.read().filter(|_| self.again)? {
            Sending::Settled => {
                self.info("the mail was dealt with before the run was interrupted");
                Some(Vec::new())
            }
            Sending::Begun => {
                let to = joined(&envelope.to);
                let reason = "the run was interrupted while it was being sent";
                let kept = self.kept.keep_in_doubt(name, envelope, reason, message);
                Some(vec![match kept {
                    Ok(path) => format!(
                        "whether the mail to {to} was sent cannot be known, since {reason}; it is kept as \
                         {}: if it did not arrive, give the file the ending .json and send it with \
                         `auh mail --resend`",
                        path.strip_prefix(self.run).unwrap_or(&path).display()
                    ),
                    Err(error) => format!(
                        "whether the mail to {to} was sent cannot be known, since {reason}, and it \
                         cannot be kept: {error}"
                    ),
                }])
            }
        }
    }

    fn transport(&self) -> Result<Transport<'_>, DeliveryError> {
        Transport::new(self.settings, self.options.clone(), self.host, self.run)
    }

    /// Who of an envelope has not got the mail, and why; none when everybody has it.
    fn left(
        &self,
        envelope: &Envelope,
        outcome: &Result<Vec<Refusal>, DeliveryError>,
    ) -> Option<(Vec<Address>, String)> {
        let refusals = match outcome {
            Err(error) => return Some((envelope.to.clone(), error.to_string())),
            Ok(refusals) => refusals,
        };
        let refused = |to: &&Address| refusals.iter().any(|refusal| refusal.to == **to);
        let (left, sent): (Vec<_>, Vec<_>) = envelope.to.iter().partition(refused);
        if !sent.is_empty() {
            self.info(&format!("mail sent to {}", joined(sent)));
        }
        let reasons: Vec<_> = refusals
            .iter()
            .map(|refusal| format!("{}: {}", refusal.to, refusal.reason))
            .collect();
        (!left.is_empty()).then(|| (left.into_iter().cloned().collect(), reasons.join("; ")))
    }

    fn keep(&self, name: &str, left: &Envelope, reason: &str, message: &str) -> String {
        let to = joined(&left.to);
        match self.kept.keep(name, left, reason, message) {
            Ok(path) => format!(
                "the mail to {to} was not sent and is kept as {}: {reason}",
                path.strip_prefix(self.run).unwrap_or(&path).display()
            ),
            Err(error) => {
                format!("the mail to {to} was not sent ({reason}), and cannot be kept: {error}")
            }
        }
    }

    /// Sends again what was kept, and says what became of it. `stopping` is asked before each mail.
    pub(crate) fn resend(&self, stopping: &dyn Fn() -> bool) -> Resent {
        let mut resent = Resent::default();
        let mut troubles = Vec::new();
        match self.resend_all(stopping, &mut resent) {
            Ok(found) => troubles.extend(found),
            Err(error) => {
                let folder = self.kept.folder().display();
                troubles.push(format!("{folder}: {error}"));
            }
        }
        let told = resent.told();
        self.info(&told);
        resent.notes = self.warned(troubles);
        resent.notes.push(told);
        resent
    }

    fn resend_all(
        &self,
        stopping: &dyn Fn() -> bool,
        resent: &mut Resent,
    ) -> io::Result<Vec<String>> {
        let mut troubles = self.in_doubt()?;
        let mut waiting = self.kept.waiting()?.into_iter();
        while let Some(mail) = waiting.next() {
            if stopping() {
                resent.left += 1 + waiting.len();
                troubles.push("the run is being stopped".to_owned());
                break;
            }
            let name = mail.name();
            match self.resend_one(mail) {
                Ok(Fate::Sent) => resent.sent += 1,
                Ok(Fate::TakenByOther) => {}
                Ok(Fate::Left { reason, go_on }) => {
                    resent.left += 1;
                    troubles.push(format!("{name} was not sent: {reason}"));
                    if !go_on {
                        resent.left += waiting.len();
                        break;
                    }
                }
                Err(error) => {
                    resent.left += 1;
                    troubles.push(format!("{name}: {error}"));
                }
            }
        }
        Ok(troubles)
    }

    /// Whether somebody has died while sending a mail again: it is not sent a second time unasked.
    fn in_doubt(&self) -> io::Result<Vec<String>> {
        let in_doubt = self.kept.in_doubt()?.into_iter();
        let told = in_doubt.map(|path| {
            format!(
                "{} is being sent by another process, or was when that ended; if it did not arrive, \
                 give the file the ending .json to have it sent",
                path.display()
            )
        });
        Ok(told.collect())
    }

    fn resend_one(&self, mail: Waiting) -> io::Result<Fate> {
        let Some(taken) = mail.take()? else {
            return Ok(Fate::TakenByOther);
        };
        let Taken {
            envelope, message, ..
        } = &taken;
        let transport = self.transport();
        let outcome = transport.and_then(|transport| transport.deliver(envelope, message));
        let go_on = !outcome.as_ref().is_err_and(DeliveryError::meets_every_mail);
        match self.left(envelope, &outcome) {
            None => taken.sent().map(|()| Fate::Sent),
            Some((to, reason)) => {
                taken.put_back(to, &reason)?;
                Ok(Fate::Left { reason, go_on })
            }
        }
    }

    /// The local part of a Message-ID that tells this mail from every other. The same mail has it again.
    fn id(&self, name: &str, text: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (self.run, name, text).hash(&mut hasher);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = name.chars().take(LONGEST_ID_NAME).map(plain).collect();
        let run = self.run.file_name().unwrap_or_default().to_string_lossy();
        let run: String = run.chars().take(LONGEST_ID_NAME).map(plain).collect();
        format!("auh.{run}.{name}.{:016x}", hasher.finish())
    }
}

/// Where to note how far the sending of a request's mail came.
fn note_folder(request: &StepRequest) -> &Path {
    match (request.action.as_str(), request.groups.first()) {
        ("run", Some(work)) => &work.folder,
        _ => &request.run.folder,
    }
}

/// What became of a mail that was to be sent again.
enum Fate {
    /// Everybody has it.
    Sent,
    /// Another process is at it.
    TakenByOther,
    /// Not everybody has it, and whether there is a point in trying the next one.
    Left { reason: String, go_on: bool },
}

/// What became of mails that were kept.
#[derive(Debug, Default)]
pub(crate) struct Resent {
    /// For people: troubles, then the count.
    pub(crate) notes: Vec<String>,
    sent: usize,
    /// Mails that still wait.
    pub(crate) left: usize,
}

impl Resent {
    /// The count, for people.
    pub(crate) fn told(&self) -> String {
        let mails = |count: usize| match count {
            1 => "1 mail".to_owned(),
            count => format!("{count} mails"),
        };
        match (self.sent, self.left) {
            (0, 0) => "no mail waits to be sent".to_owned(),
            (sent, 0) => format!("{} sent", mails(sent)),
            (sent, left) => format!("{} sent, {left} not", mails(sent)),
        }
    }
}

fn joined<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let addresses: Vec<_> = addresses.into_iter().map(Address::as_ref).collect();
    addresses.join(", ")
}
