//! Handing a message over: to a mail server, or to the system's sendmail.

use crate::{
    options::MailOptions, password::Password, sendmail::Sendmail, settings::Settings, smtp::Smtp,
};
use auh_sdk::Host;
use lettre::Address;
use std::path::Path;

/// From whom a mail comes and who gets it; what its headers say is another matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub from: Address,
    pub to: Vec<Address>,
}

/// A recipient that did not get the mail, while others may have, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub to: Address,
    pub reason: String,
}

/// Why nobody got a mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// The settings do not say how.
    #[error("{0}")]
    Settings(String),
    /// There is no talking to the server; another mail would fare no better.
    #[error("{0}")]
    Unreachable(String),
    /// This mail was not taken.
    #[error("{0}")]
    Refused(String),
}

impl DeliveryError {
    /// Whether the next mail would fail for the same reason.
    pub(crate) fn meets_every_mail(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// The way that mails take.
pub(crate) enum Transport<'a> {
    Smtp(Smtp),
    Sendmail(Sendmail<'a>),
}

impl<'a> Transport<'a> {
    /// The one that the settings ask for. `folder` is where commands run.
    pub(crate) fn new(
        settings: &Settings,
        options: Result<MailOptions, String>,
        host: &'a Host,
        folder: &'a Path,
    ) -> Result<Self, DeliveryError> {
        let options = options.map_err(DeliveryError::Settings)?;
        if !options.sendmail.is_empty() {
            return Ok(Self::Sendmail(Sendmail {
                command: options.sendmail,
                timeout_s: options.timeout.get(),
                host,
                folder,
            }));
        }
        let server = settings.smtp.as_deref().ok_or_else(|| {
            DeliveryError::Settings("neither smtp nor [plugins.mail] sendmail is set".to_owned())
        })?;
        let mut smtp = Smtp::new(server, &options)?;
        if let Some(user) = options.user.clone() {
            smtp.check_secrecy()?;
            let password =
                Password::get(&options, host, folder).map_err(DeliveryError::Settings)?;
            smtp.login = Some((user, password));
        }
        Ok(Self::Smtp(smtp))
    }

    /// Hands a message over. The answer names those recipients that were refused; everybody else
    /// of the envelope has it.
    pub(crate) fn deliver(
        &self,
        envelope: &Envelope,
        message: &str,
    ) -> Result<Vec<Refusal>, DeliveryError> {
        match self {
            Self::Smtp(smtp) => smtp.deliver(envelope, message),
            Self::Sendmail(sendmail) => sendmail.deliver(envelope, message),
        }
    }
}
