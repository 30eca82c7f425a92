//! A headless Chromium, driven through `chromedriver`: opens a page from a file, runs script in it,
//! clicks, and tells what the page wrote to the console, what it asked the network for, and how it
//! looks.
//!
//! `chromedriver` speaks WebDriver (<https://www.w3.org/TR/webdriver2/>): JSON over HTTP, here on
//! loopback, on a port of its own choice.

use rustix::process::{Pid, Signal, getuid, kill_process_group};
use serde_json::{Value, json};
use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a browser may take to end.
const GOODBYE: Duration = Duration::from_secs(5);
/// Nothing that this browser does of its own accord may reach the network.
const FLAGS: [&str; 9] = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
];
/// The member of an answer that stands for an element of the page.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window. It ends, and its profile goes, when this is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    // Held so that the driver can go on writing to it.
    _said: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Browser {
    /// A new one; none, after saying so, when `chromedriver` is not installed.
    ///
    /// # Panics
    /// When it does not start; in CI (`CI=true`) also when it is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        let folder = TempDir::with_prefix("auh-browser").unwrap();
        let mut driver = match driver(folder.path()).spawn() {
            Ok(driver) => driver,
            Err(error) => {
                let strict = env::var("CI").is_ok_and(|ci| ci == "true");
                assert!(!strict, "chromedriver cannot be started: {error}");
                tell(&format!("chromedriver cannot be started: {error}"));
                return None;
            }
        };
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        let capabilities = capabilities(&folder.path().join("profile"));
        let mut browser = Self {
            port: port(&mut said),
            driver,
            session: String::new(),
            _said: said,
            _folder: folder,
        };
        let answer = browser.ask("POST", "/session", &capabilities);
        browser.session = answer["sessionId"].as_str().unwrap().to_owned();
        // Its own first page asks for a lot, and belongs to nobody's test.
        browser.post("/url", &json!({"url": "about:blank"}));
        let _ = (browser.console(), browser.requests());
        Some(browser)
    }

    /// Opens a page from a file, and waits until it has loaded.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn open(&self, file: &Path) {
        let file = file.canonicalize().unwrap();
        self.post(
            "/url",
            &json!({"url": format!("file://{}", file.display())}),
        );
    }

    /// Runs script as the body of a function; what it returns.
    ///
    /// # Panics
    /// When it throws.
    #[must_use]
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Clicks the first element that fits the CSS selector, as a person would: it must be there to
    /// be seen.
    ///
    /// # Panics
    /// When there is none, or when it cannot be clicked.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into the first element that fits the CSS selector.
    ///
    /// # Panics
    /// When there is none, or when nothing can be typed into it.
    pub fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// The window's size in pixels of CSS.
    ///
    /// # Panics
    /// When it cannot be changed.
    pub fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({"width": width, "height": height}));
    }

    /// Shows the page as it is printed.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn as_printed(&self) {
        let _ = self.inside("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    }

    /// Shows the page as to people who like pages `light` or `dark`.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let _ = self.inside(
            "Emulation.setEmulatedMedia",
            &json!({"media": "screen", "features": features}),
        );
    }

    /// A window this narrow, which no real one can be: a phone's.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn as_phone(&self, width: u32) {
        let metrics =
            json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        let _ = self.inside("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Presses keys on the element that has the focus.
    ///
    /// # Panics
    /// When nothing can be typed into it.
    pub fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.post("/actions", &body);
    }

    /// What the page has written to the console since the last call, errors of the browser about
    /// the page included.
    ///
    /// # Panics
    /// When the browser does not answer.
    #[must_use]
    pub fn console(&self) -> Vec<String> {
        let entries = self.log("browser");
        let lines = entries.iter().map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("level"), text("message"))
        });
        lines.collect()
    }

    /// The addresses that were asked for since the last call, the page's own included.
    ///
    /// # Panics
    /// When the browser does not answer.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let entries = self.log("performance");
        let addresses = entries.iter().filter_map(|entry| {
            let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let event = &event["message"];
            let asked = event["method"] == "Network.requestWillBeSent";
            let address = event["params"]["request"]["url"].as_str()?;
            asked.then(|| address.to_owned())
        });
        addresses.collect()
    }

    /// The whole page as it looks now, as PNG, also what lies below the window's edge.
    ///
    /// # Panics
    /// When the browser does not answer.
    #[must_use]
    pub fn screenshot(&self) -> Vec<u8> {
        let parameters = json!({"format": "png", "captureBeyondViewport": true});
        let answer = self.inside("Page.captureScreenshot", &parameters);
        from_base64(answer["data"].as_str().unwrap())
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post(
            "/element",
            &json!({"using": "css selector", "value": selector}),
        );
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        match self.post("/se/log", &json!({"type": kind})) {
            Value::Array(entries) => entries,
            other => panic!("this is no log: {other}"),
        }
    }

    /// A command of the protocol that Chromium's own tools use.
    fn inside(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.post("/goog/cdp/execute", &body)
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        self.ask("POST", &self.path(command), body)
    }

    fn path(&self, command: &str) -> String {
        format!("/session/{}{command}", self.session)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.exchange(method, path, &body.to_string(), PATIENCE);
        let value: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
        let value = value["value"].clone();
        let error = value.get("error").and_then(|_| value.get("message"));
        assert!(error.is_none(), "{method} {path}: {}", error.unwrap());
        value
    }

    /// One question, one connection.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: &str,
        limit: Duration,
    ) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(limit))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )?;
        answer(&mut BufReader::new(stream))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that is asked to ends its own processes; after a failure it might not answer.
        let _ = self.exchange("DELETE", &self.path(""), "", GOODBYE);
        if let Some(group) = Pid::from_raw(self.driver.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}

/// In a process group of its own, which the browser's processes belong to as well.
fn driver(folder: &Path) -> Command {
    let mut command = Command::new("chromedriver");
    command
        .arg("--port=0")
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn port(said: &mut impl BufRead) -> u16 {
    let lines = said.lines().map_while(Result::ok);
    let mut ports = lines.filter_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    ports.next().expect("chromedriver names no port")
}

fn capabilities(profile: &Path) -> Value {
    let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
    flags.push(format!("--user-data-dir={}", profile.display()));
    if getuid().is_root() {
        flags.push("--no-sandbox".to_owned());
    }
    json!({"capabilities": {"alwaysMatch": {
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "goog:chromeOptions": {"args": flags},
    }}})
}

/// The body of an answer.
fn answer(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = 0;
    let mut line = String::new();
    while stream.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        line.clear();
    }
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body)?;
    Ok(body)
}

/// The bytes of a text in the alphabet of RFC 4648, section 4.
fn from_base64(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => u32::from(letter - b'A'),
        b'a'..=b'z' => u32::from(letter - b'a') + 26,
        b'0'..=b'9' => u32::from(letter - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{other} is no letter of base64"),
    };
    let letters: Vec<u8> = text.trim_end_matches('=').bytes().collect();
    let group = |letters: &[u8]| {
        let bits = letters.iter().fold(0, |bits, &l| bits << 6 | value(l));
        let bits = bits << (6 * (4 - letters.len()));
        bits.to_be_bytes()[1..letters.len()].to_vec()
    };
    letters.chunks(4).flat_map(group).collect()
}

/// Straight to standard error: what tests print is only shown of those that fail.
fn tell(why: &str) {
    let _ = writeln!(
        io::stderr(),
        "skipped: tests in a browser need Chromium and its driver (Debian: chromium chromium-driver): {why}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("+/8A", b"\xfb\xff\x00"),
        ] {
            assert_eq!(from_base64(text), bytes, "{text}");
        }
    }

    #[test]
    fn an_answer_ends_where_it_says() {
        let text = b"HTTP/1.1 200 OK\r\nX: y\r\ncontent-length: 2\r\n\r\n{}...";
        assert_eq!(answer(&mut &text[..]).unwrap(), b"{}");
    }

    #[test]
    fn what_a_page_does_is_seen() {
        let Some(browser) = Browser::start() else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.html");
        let text = "<title>t</title><input><button onclick=\"console.error('clicked ' + \
                    document.querySelector('input').value)\">b</button>\
                    <img src=\"http://127.0.0.1:1/x.png\">";
        std::fs::write(&page, text).unwrap();
        browser.open(&page);
        assert_eq!(browser.run("return document.title"), "t");
        browser.write("input", "then");
        browser.click("button");
        let console = browser.console();
        assert!(
            console.iter().any(|line| line.contains("clicked then")),
            "{console:?}"
        );
        let requests = browser.requests();
        assert!(
            requests.contains(&"http://127.0.0.1:1/x.png".to_owned()),
            "{requests:?}"
        );
        assert!(browser.screenshot().starts_with(b"\x89PNG"));
    }
}
