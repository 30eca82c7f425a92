//! The step's own settings, `[plugins.mail]`: the way that mails take.

use auh_sdk::{OptionKey, OptionKind};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{num::NonZeroU64, path::PathBuf, time::Duration};

/// How the connection to the mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Security {
    /// Not at all; no password is sent over it.
    None,
    /// It becomes so before anything is said; a server that does not know how gets no mail.
    Starttls,
    /// From its first byte.
    Tls,
}

impl Security {
    /// What a port is for: 465 and 587 are the ports of RFC 8314, section 3.3.
    pub(crate) fn of_port(port: u16) -> Self {
        match port {
            465 => Self::Tls,
            587 => Self::Starttls,
            _ => Self::None,
        }
    }
}

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct MailOptions {
    /// What the port is for unless set.
    pub security: Option<Security>,
    /// Who logs in; nobody unless set.
    pub user: Option<String>,
    /// The environment variable with the password.
    pub password_env: Option<String>,
    /// The command whose first line of output is the password.
    pub password_command: Vec<String>,
    /// Certificates (PEM) to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Seconds that the server may take for each answer.
    pub timeout: NonZeroU64,
    /// The program that mails are handed to instead of a server.
    pub sendmail: Vec<String>,
}

/// The keys that there are, for the host to check.
pub(crate) fn keys() -> Vec<OptionKey> {
    let key = OptionKey::new;
    let security = OptionKind::one_of(&["none", "starttls", "tls"]);
    let seconds = OptionKind::Whole { least: 1 };
    vec![
        key(
            "security",
            security,
            "how the connection is secured; unless set, as the port says",
        ),
        key("user", OptionKind::Text, "who logs in"),
        key(
            "password-env",
            OptionKind::Text,
            "the environment variable with the password",
        ),
        key(
            "password-command",
            OptionKind::Texts,
            "the command whose first line of output is the password",
        ),
        key(
            "ca-file",
            OptionKind::Text,
            "certificates (PEM) to trust instead of the system's",
        ),
        key(
            "timeout",
            seconds,
            "seconds that the server may take for each answer",
        )
        .with_default(USUAL_TIMEOUT.get()),
        key(
            "sendmail",
            OptionKind::Texts,
            "the program that takes the mails instead of a server",
        ),
    ]
}

const USUAL_TIMEOUT: NonZeroU64 = NonZeroU64::MIN.saturating_add(29);

impl Default for MailOptions {
    fn default() -> Self {
        Self {
            security: None,
            user: None,
            password_env: None,
            password_command: Vec::new(),
            ca_file: None,
            timeout: USUAL_TIMEOUT,
            sendmail: Vec::new(),
        }
    }
}

impl MailOptions {
    /// Reads them; the error is for people.
    pub(crate) fn new(options: &Map<String, Value>) -> Result<Self, String> {
        let options: Self = serde_json::from_value(Value::Object(options.clone()))
            .map_err(|error| format!("[plugins.mail] is not understood: {error}"))?;
        if options.password_env.is_some() && !options.password_command.is_empty() {
            return Err(
                "[plugins.mail] has both password-env and password-command; one of them will do"
                    .to_owned(),
            );
        }
        Ok(options)
    }

    /// How long an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.get())
    }
}
