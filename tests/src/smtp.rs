//! A real mail server for tests: aiosmtpd in a Python environment that is made for it, driven by
//! `tests/smtp-server/server.py`. Also part of the mail plugin's own tests, so it needs nothing of
//! this crate.

use serde_json::{Value, json};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};
use tempfile::TempDir;

/// What the server is made of.
const PACKAGES: [&str; 2] = ["aiosmtpd==1.4.6", "trustme==1.2.1"];
const SCRIPT: &str = include_str!("../smtp-server/server.py");

/// A mail server on loopback. It ends when this is dropped.
#[derive(Debug)]
pub struct SmtpServer {
    port: u16,
    folder: TempDir,
    child: Child,
}

/// A mail that a server has taken.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message as it came.
    pub message: String,
    /// What it says.
    pub text: String,
    /// Names of the files that came with it.
    pub files: Vec<String>,
    /// The sender of its envelope.
    pub from: String,
    /// The recipients of its envelope.
    pub to: Vec<String>,
    /// Who had logged in.
    pub user: Option<String>,
    /// Whether it came over TLS.
    pub tls: bool,
}

impl SmtpServer {
    /// A server with these settings: see the script. None where there is no Python environment to
    /// be had, which is said once; with `CI=true` that is an error.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(mut settings: Value) -> Option<Self> {
        let python = python()?;
        let folder = tempfile::tempdir().unwrap();
        settings["folder"] = json!(folder.path());
        settings["security"] = settings.get("security").cloned().unwrap_or(json!("none"));
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .arg(settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the mail server does not start");
        Some(Self {
            port,
            folder,
            child,
        })
    }

    /// `host:port`, as the setting `smtp` has it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate of the authority that vouches for the server.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What it has taken so far, in that order.
    ///
    /// # Panics
    /// When its notes cannot be read.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        let folder = self.folder.path();
        let notes = (1..).map(|n| folder.join(format!("{n}.json")));
        notes
            .take_while(|path| path.exists())
            .map(|path| received(&path))
            .collect()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn received(path: &Path) -> Received {
    let facts: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().iter().map(text).collect();
    Received {
        message: fs::read_to_string(path.with_extension("eml")).unwrap(),
        text: text(&facts["text"]),
        files: list(&facts["files"]),
        from: text(&facts["from"]),
        to: list(&facts["to"]),
        user: facts["user"].as_str().map(str::to_owned),
        tls: facts["tls"].as_bool().unwrap(),
    }
}

/// The Python with the server's packages.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| match environment() {
        Ok(python) => Some(python),
        Err(error) => {
            assert!(
                env::var("CI").as_deref() != Ok("true"),
                "no mail server: {error}"
            );
            // Straight to standard error: what tests print is only shown of those that fail.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: tests with a mail server: {error}"
            );
            None
        }
    });
    python.as_deref()
}

/// Makes the environment, unless it is there; one process at a time.
fn environment() -> Result<PathBuf, String> {
    let told = |error: std::io::Error| error.to_string();
    let folder = target().join("smtp-venv");
    let lock = fs::File::create(folder.with_extension("lock")).map_err(told)?;
    lock.lock().map_err(told)?;
    let python = folder.join("bin/python");
    let made = folder.join("made-of");
    if fs::read_to_string(&made).is_ok_and(|packages| packages == PACKAGES.join("\n")) {
        return Ok(python);
    }
    succeed(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    succeed(Command::new(&python).args(pip).args(PACKAGES))?;
    fs::write(made, PACKAGES.join("\n")).map_err(told)?;
    Ok(python)
}

/// The folder in which cargo builds: the test program lies two folders below a profile's.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let failed = || format!("{command:?}: {}", said.trim());
    output.status.success().then_some(()).ok_or_else(failed)
}
