//! A mail server on loopback that takes every mail and keeps it in a file.

use anyhow::{Context, Result};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

/// The server; it ends when this goes.
#[derive(Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Serves a free port. Mails go into `folder` as `01.mail`, `02.mail` …: the lines of the
    /// envelope as they were said, an empty line, the message.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot take mails")?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, folder) = (Arc::clone(&stop), folder.to_owned());
        let thread = std::thread::spawn(move || serve(&listener, &folder, &stopped));
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it is reached.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread, which waits for a client.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken)
            && thread.join().is_err()
        {
            eprintln!("warning: the mail server ended with a panic");
        }
    }
}

fn serve(listener: &TcpListener, folder: &Path, stop: &AtomicBool) {
    let count = AtomicUsize::new(0);
    for client in listener.incoming() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        // One client at a time: both programs send one mail after the other.
        let next = || {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            folder.join(format!("{number:02}.mail"))
        };
        if let Err(error) = client
            .map_err(anyhow::Error::from)
            .and_then(|client| talk(&client, next))
        {
            eprintln!("warning: a mail was not taken: {error:#}");
        }
    }
}

/// As much of SMTP as a client needs that neither encrypts nor logs in.
fn talk(client: &TcpStream, next: impl Fn() -> PathBuf) -> Result<()> {
    let mut lines = BufReader::new(client);
    let mut envelope = String::new();
    say(client, "220 sink")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match &*verb {
            "MAIL" | "RCPT" => {
                if verb == "MAIL" {
                    envelope.clear();
                }
                envelope.push_str(line.trim_end());
                envelope.push('\n');
            }
            "DATA" => {
                say(client, "354 go on")?;
                let mut mail = std::mem::take(&mut envelope).into_bytes();
                mail.push(b'\n');
                mail.extend(message(&mut lines)?);
                fs::write(next(), mail)?;
            }
            "QUIT" => return say(client, "221 bye"),
            _ => {}
        }
        say(client, "250 ok")?;
    }
}

fn say(mut client: &TcpStream, line: &str) -> Result<()> {
    Ok(client.write_all(format!("{line}\r\n").as_bytes())?)
}

/// Everything up to the line with the single dot, with the dots that the client doubled undone.
fn message(lines: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            anyhow::bail!("the client left in the middle of a mail");
        }
        match &*line {
            b".\r\n" | b".\n" => return Ok(message),
            [b'.', rest @ ..] => message.extend(rest),
            whole => message.extend(whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_mail_is_kept_with_its_envelope() {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::open(folder.path()).unwrap();
        let mut client = TcpStream::connect(sink.address()).unwrap();
        let talk = "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n\
                    Subject: s\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        client.write_all(talk.as_bytes()).unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).unwrap();
        drop(sink);

        assert!(answers.ends_with("221 bye\r\n"), "{answers}");
        assert_eq!(
            fs::read_to_string(folder.path().join("01.mail")).unwrap(),
            "MAIL FROM:<a@x>\nRCPT TO:<b@x>\nRCPT TO:<c@x>\n\nSubject: s\r\n\r\n.dot\r\n"
        );
    }

    #[test]
    fn a_mail_that_breaks_off_is_none() {
        assert!(message(&mut &b"half\r\n"[..]).is_err());
    }
}
