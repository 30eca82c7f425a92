//! Whether mails could be sent. None is.

use super::{
    Examination,
    plugins::{commands, steps},
};
use auh_config::{Settings, SmtpServer};
use auh_engine::Pipeline;
use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    sync::mpsc::channel,
    time::Duration,
};

/// How long the server may take to answer; looking its name up is part of that.
const PATIENCE: Duration = Duration::from_secs(1);

/// The setting that steps which send mails ask to see.
const SERVER: &str = "smtp";
const CHECK: &str = "mails";

impl Examination<'_> {
    /// The way that mails take, for a pipeline that sends some.
    pub(super) fn mails(&mut self, settings: &Settings, pipeline: &Pipeline) {
        let sends = |step: &&auh_engine::Step| {
            let asked_for = &step.plugin.manifest().settings;
            asked_for.iter().any(|key| key == SERVER)
        };
        let Some(step) = steps(pipeline).find(sends) else {
            return;
        };
        let wanted = settings.send_emails;
        // Whether its program is there was seen with the plugins.
        let program = commands(step).find(|(key, _)| *key == "sendmail");
        match (program, &settings.smtp) {
            (Some((_, program)), _) => self.findings.good(CHECK, format!("{program} takes them")),
            (None, Some(server)) => self.server(server, wanted),
            (None, None) if wanted => self.findings.problem(
                CHECK,
                "they are to be sent, and the settings say no way",
                "set smtp to the mail server, host:port".to_owned(),
            ),
            (None, None) => self.findings.good(CHECK, "none are sent"),
        }
        if wanted && settings.from.is_none() {
            self.findings.warning(
                CHECK,
                "they would come from <uh@not.set>, which servers may refuse",
                "set from to an address of yours".to_owned(),
            );
        }
    }

    fn server(&mut self, server: &SmtpServer, wanted: bool) {
        let place = format!("{}:{}", server.host, server.port);
        match reach(server) {
            Ok(()) => self.findings.good(CHECK, format!("{place} can be reached")),
            Err(error) => {
                let message = format!("the mail server {place} cannot be reached: {error}");
                let hint = "check smtp in the settings, and whether the server runs".to_owned();
                match wanted {
                    true => self.findings.problem(CHECK, message, hint),
                    false => self.findings.warning(CHECK, message, hint),
                }
            }
        }
    }
}

/// Connects and says nothing.
fn reach(server: &SmtpServer) -> io::Result<()> {
    let place = (server.host.clone(), server.port);
    let (answer, answered) = channel();
    // Name servers have limits of their own, longer ones.
    std::thread::spawn(move || {
        let connected = place.to_socket_addrs().and_then(|mut found| {
            let nobody = || io::Error::other("its name has no address");
            let address = found.next().ok_or_else(nobody)?;
            TcpStream::connect_timeout(&address, PATIENCE).map(drop)
        });
        let _ = answer.send(connected);
    });
    answered
        .recv_timeout(PATIENCE + PATIENCE / 2)
        .unwrap_or_else(|_| Err(io::Error::other("no answer within a second")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_server_is_reached_or_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = SmtpServer {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
        };
        reach(&server).unwrap();
        drop(listener);
        assert!(reach(&server).is_err());
    }
}
