//! Mails to a mail server (RFC 5321), with TLS (RFC 3207, RFC 8314) and login (RFC 4954).
//!
//! lettre's own transport gives a mail up when one recipient is refused. Here each recipient is
//! asked for alone, and those that are accepted get the mail.

use crate::{
    delivery::{DeliveryError, Envelope, Refusal},
    excerpt::{cut, one_line},
    options::{MailOptions, Security},
    password::Password,
};
use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{Certificate, CertificateStore, SmtpConnection, TlsParameters},
        commands::{Data, Mail, Quit, Rcpt},
        extension::ClientId,
    },
};
use std::{error::Error as _, fs, io, path::PathBuf, time::Duration};

/// How long a server may take to say goodbye, once it has the mail.
const FAREWELL: Duration = Duration::from_secs(2);
/// How much of what a server says is told.
const LONGEST_ANSWER: usize = 300;

/// A mail server, and how to come by it.
pub(crate) struct Smtp {
    host: String,
    port: u16,
    security: Security,
    ca_file: Option<PathBuf>,
    timeout: Duration,
    /// Who logs in, if anybody.
    pub login: Option<(String, Password)>,
}

impl Smtp {
    /// The server that `smtp` names: host or `host:port`, an IPv6 address in brackets.
    pub(crate) fn new(server: &str, options: &MailOptions) -> Result<Self, DeliveryError> {
        let (host, port) = host_and_port(server).ok_or_else(|| {
            DeliveryError::Settings(format!("smtp is {server:?}, which is no mail server"))
        })?;
        Ok(Self {
            host: host.to_owned(),
            port,
            security: options.security.unwrap_or(Security::of_port(port)),
            ca_file: options.ca_file.clone(),
            timeout: options.timeout(),
            login: None,
        })
    }

    /// Refuses what would send a password for everybody to read.
    pub(crate) fn check_secrecy(&self) -> Result<(), DeliveryError> {
        match self.security {
            Security::None => Err(DeliveryError::Settings(
                "user is set in [plugins.mail], but a password is not sent over a connection \
                 without security; set security to starttls or tls"
                    .to_owned(),
            )),
            Security::Starttls | Security::Tls => Ok(()),
        }
    }

    /// Hands a message to the server.
    pub(crate) fn deliver(
        &self,
        envelope: &Envelope,
        message: &str,
    ) -> Result<Vec<Refusal>, DeliveryError> {
        let mut connection = self.connect()?;
        let refusals = self.hand_over(&mut connection, envelope, message)?;
        // The server has the mail, whatever it answers to this.
        let _ = connection.set_timeout(Some(FAREWELL.min(self.timeout)));
        let _ = connection.command(Quit);
        Ok(refusals)
    }

    fn connect(&self) -> Result<SmtpConnection, DeliveryError> {
        let tls = self.tls()?;
        let at_once = tls.as_ref().filter(|_| self.security == Security::Tls);
        let server = (self.host.as_str(), self.port);
        let name = ClientId::default();
        let failed = |error: Error| {
            let (host, port) = server;
            let why = self.why(&error);
            DeliveryError::Unreachable(format!("the mail server {host}:{port}: {why}"))
        };
        let mut connection =
            SmtpConnection::connect(server, Some(self.timeout), &name, at_once, None)
                .map_err(failed)?;
        if let (Security::Starttls, Some(tls)) = (self.security, &tls) {
            if !connection.can_starttls() {
                let (host, port) = server;
                return Err(DeliveryError::Unreachable(format!(
                    "the mail server {host}:{port} has no STARTTLS"
                )));
            }
            connection.starttls(tls, &name).map_err(failed)?;
        }
        self.log_in(&mut connection)?;
        Ok(connection)
    }

    fn tls(&self) -> Result<Option<TlsParameters>, DeliveryError> {
        if self.security == Security::None {
            return Ok(None);
        }
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(file) = &self.ca_file {
            let unusable =
                |why: String| DeliveryError::Settings(format!("ca-file {}: {why}", file.display()));
            let pem = fs::read(file).map_err(|error| unusable(error.to_string()))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|error| unusable(self.why(&error)))?;
            builder = builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(certificate);
        }
        let tls = builder.build();
        tls.map(Some)
            .map_err(|error| DeliveryError::Settings(self.why(&error)))
    }

    /// What the server says to a login is not told: it has heard the password.
    fn log_in(&self, connection: &mut SmtpConnection) -> Result<(), DeliveryError> {
        let Some((user, password)) = &self.login else {
            return Ok(());
        };
        if !connection.is_encrypted() {
            return self.check_secrecy();
        }
        let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
        connection
            .auth(DEFAULT_MECHANISMS, &credentials)
            .map(drop)
            .map_err(|error| {
                let why = match error.status() {
                    Some(code) => format!("it answered {code}"),
                    None => self.why(&error),
                };
                DeliveryError::Unreachable(format!(
                    "the mail server {} refuses the login of {user}: {why}",
                    self.host
                ))
            })
    }

    fn hand_over(
        &self,
        connection: &mut SmtpConnection,
        envelope: &Envelope,
        message: &str,
    ) -> Result<Vec<Refusal>, DeliveryError> {
        let failed = |error: Error| DeliveryError::Refused(self.why(&error));
        let from = Some(envelope.from.clone());
        connection
            .command(Mail::new(from, Vec::new()))
            .map_err(failed)?;
        let mut refusals = Vec::new();
        for to in &envelope.to {
            match connection.command(Rcpt::new(to.clone(), Vec::new())) {
                Ok(_) => {}
                Err(error) if error.status().is_some() => refusals.push(self.refusal(to, &error)),
                Err(error) => return Err(failed(error)),
            }
        }
        if refusals.len() < envelope.to.len() {
            connection.command(Data).map_err(failed)?;
            connection.message(message.as_bytes()).map_err(failed)?;
        }
        Ok(refusals)
    }

    fn refusal(&self, to: &Address, error: &Error) -> Refusal {
        Refusal {
            to: to.clone(),
            reason: self.why(error),
        }
    }

    /// An error as a line for people: the server's answer, or what the system says.
    fn why(&self, error: &Error) -> String {
        if is_timeout(error) {
            return format!("no answer within {} s", self.timeout.as_secs());
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let said = cut(&one_line(&cause.to_string()), LONGEST_ANSWER);
        let said = match error.status() {
            Some(code) => format!("{code} {said}"),
            None => said,
        };
        match &self.login {
            Some((_, password)) => password.hidden_in(&said),
            None => said,
        }
    }
}

fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(text) => text.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None if rest.is_empty() => 25,
        None => return None,
    };
    (!host.is_empty()).then_some((host, port))
}

/// Reading from a socket whose time is over fails with `WouldBlock` on Linux (socket(7), `SO_RCVTIMEO`).
fn is_timeout(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(error) = source.downcast_ref::<io::Error>() {
            let kinds = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
            return kinds.contains(&error.kind());
        }
        cause = source.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_the_settings_have_them() {
        for (text, expect) in [
            ("mail.x", Some(("mail.x", 25))),
            ("mail.x:587", Some(("mail.x", 587))),
            ("[::1]:465", Some(("::1", 465))),
            ("[::1]", Some(("::1", 25))),
            ("", None),
            (":25", None),
            ("mail.x:smtp", None),
            ("[::1]25", None),
        ] {
            assert_eq!(host_and_port(text), expect, "{text}");
        }
    }

    #[test]
    fn the_port_says_how_unless_the_settings_do() {
        let security = |server: &str, security: Option<Security>| {
            let options = MailOptions {
                security,
                ..MailOptions::default()
            };
            Smtp::new(server, &options).map(|smtp| smtp.security)
        };
        assert_eq!(security("x", None), Ok(Security::None));
        assert_eq!(security("x:587", None), Ok(Security::Starttls));
        assert_eq!(security("x:465", None), Ok(Security::Tls));
        assert_eq!(security("x:2525", None), Ok(Security::None));
        assert_eq!(security("x:465", Some(Security::None)), Ok(Security::None));
    }
}
