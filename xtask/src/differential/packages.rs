//! An upstream on loopback for recipes of OE-core: releases that pip downloads, served as a package
//! index, and the lines of configuration that send OpenEmbedded there.

use crate::tool;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    fmt::Write,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Fixed, because it stands in the configuration that BitBake hashes.
const PORT: u16 = 8767;
const PATIENCE: Duration = Duration::from_secs(10);
const LIST: &str = "../tests/differential/real-recipes.json";

/// A recipe and its upstream.
#[derive(Clone, Debug, Deserialize)]
struct Package {
    /// Project in the package index; the recipe has `python3-` before it.
    project: String,
    /// Releases that are there, the recipe's own among them.
    #[serde(default)]
    releases: Vec<String>,
    /// Files that the index names and that are not there.
    #[serde(default)]
    missing: Vec<String>,
}

/// The recipes, and the server of their sources; it ends when this goes.
#[derive(Debug)]
pub(crate) struct Packages {
    list: Vec<Package>,
    server: Child,
}

impl Drop for Packages {
    fn drop(&mut self) {
        let ended = self.server.kill().and_then(|()| self.server.wait());
        if let Err(error) = ended {
            eprintln!("warning: the package server may still run: {error}");
        }
    }
}

impl Packages {
    /// The recipes to upgrade.
    pub(crate) fn recipes(&self) -> Vec<String> {
        let projects = self.list.iter().map(|package| &package.project);
        projects
            .map(|project| format!("python3-{project}"))
            .collect()
    }

    /// Sends the fetcher and the upstream check to the server.
    pub(crate) fn configuration(&self) -> String {
        let server = format!("http://127.0.0.1:{PORT}");
        let mut text = format!("PREMIRRORS:prepend = \"https://.*/.*  {server}/files/ \"\n");
        for Package { project, .. } in &self.list {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "UPSTREAM_CHECK_URI:pn-python3-{project} = \"{server}/simple/{project}/\""
            );
        }
        text
    }
}

/// Downloads what is not in `folder` yet, writes the index and serves both.
pub(crate) fn fill(folder: &Path) -> Result<Packages> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST);
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let list: Vec<Package> =
        serde_json::from_str(&text).with_context(|| format!("{} is wrong", file.display()))?;
    let files = folder.join("files");
    fs::create_dir_all(&files).with_context(|| format!("cannot make {}", files.display()))?;
    for package in &list {
        for release in &package.releases {
            download(&files, &package.project, release)?;
        }
    }
    for package in &list {
        write_index(folder, package)?;
    }
    let server = serve(folder)?;
    Ok(Packages { list, server })
}

fn download(files: &Path, project: &str, release: &str) -> Result<()> {
    let there = sources(files, project)?;
    let end = format!("-{release}.tar.gz");
    if there.iter().any(|name| name.ends_with(&end)) {
        return Ok(());
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps"])
        .args(["--no-binary", project])
        .arg("--dest")
        .arg(files)
        .arg(format!("{project}=={release}"));
    tool::succeed(&mut pip)
}

/// The files of a project: an index does not tell `-` from `_`, nor upper from lower case.
fn sources(files: &Path, project: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(files)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_of(&name, project) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn is_of(file: &str, project: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let rest = plain(file);
    let version = rest.strip_prefix(&format!("{}-", plain(project)));
    version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

fn write_index(folder: &Path, package: &Package) -> Result<()> {
    let page = folder.join("simple").join(&package.project);
    fs::create_dir_all(&page)?;
    let mut names = sources(&folder.join("files"), &package.project)?;
    names.extend(package.missing.iter().cloned());
    let lines = names
        .iter()
        .map(|name| format!("<a href=\"../../files/{name}\">{name}</a><br>\n"));
    fs::write(page.join("index.html"), lines.collect::<String>())?;
    Ok(())
}

fn serve(folder: &Path) -> Result<Child> {
    if is_served() {
        bail!("something serves port {PORT} already");
    }
    let mut command = Command::new("python3");
    command
        .args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"])
        .arg(folder)
        .arg(PORT.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut server = command.spawn().context("cannot start the package server")?;
    let start = Instant::now();
    while !is_served() {
        if start.elapsed() > PATIENCE {
            server.kill()?;
            bail!("the package server does not serve port {PORT}");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}

fn is_served() -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_project_however_it_is_spelled() {
        assert!(is_of("rpds_py-2026.6.3.tar.gz", "rpds-py"));
        assert!(is_of("libarchive-c-5.1.tar.gz", "libarchive-c"));
        assert!(!is_of("cryptography_vectors-50.0.2.tar.gz", "cryptography"));
        assert!(!is_of("idna-extra.tar.gz", "idna"));
    }

    #[test]
    fn an_index_names_what_is_there_and_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        fs::write(folder.path().join("files/x-1.0.tar.gz"), "").unwrap();
        let package = Package {
            project: "x".to_owned(),
            releases: Vec::new(),
            missing: vec!["x-2.0.tar.gz".to_owned()],
        };
        write_index(folder.path(), &package).unwrap();
        let page = fs::read_to_string(folder.path().join("simple/x/index.html")).unwrap();
        assert_eq!(page.lines().count(), 2);
        assert!(page.contains(">x-1.0.tar.gz<") && page.contains(">x-2.0.tar.gz<"));
    }

    #[test]
    fn the_list_can_be_read() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST);
        let list: Vec<Package> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert!(list.len() >= 10);
    }
}
