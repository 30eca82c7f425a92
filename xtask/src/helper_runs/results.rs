//! What one program left behind, as it was recorded in a folder.

use crate::tool;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How the program was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    /// Its command line.
    pub(crate) command: Vec<String>,
    /// Its exit status; none when a signal ended it.
    pub(crate) exit: Option<i32>,
    /// Wall time.
    pub(crate) seconds: f64,
    /// `/proc/loadavg` before and after.
    pub(crate) load: [String; 2],
}

/// Everything that is compared.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) about: About,
    /// Oldest first.
    pub(crate) commits: Vec<Commit>,
    /// By name.
    pub(crate) groups: BTreeMap<String, Group>,
    /// Name of the run directory.
    pub(crate) run: String,
    /// Files and folders in the run directory itself.
    pub(crate) top_level: BTreeSet<String>,
    pub(crate) statistics: Option<String>,
    pub(crate) mails: Vec<Mail>,
    /// Names in the tarball of the run directory; none without one.
    pub(crate) tarball: Option<BTreeSet<String>>,
    /// Files of the build directory's `conf`.
    pub(crate) conf: BTreeMap<String, String>,
    /// Files that are left in devtool's workspace.
    pub(crate) workspace: Vec<String>,
}

/// A commit in the layer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// `Name <address>`.
    pub(crate) author: String,
    pub(crate) message: String,
    pub(crate) diff: String,
}

impl Commit {
    /// The first line of the message.
    pub(crate) fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// A folder `all/NAME`.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Its files; what is no text is read as far as it is one.
    pub(crate) files: BTreeMap<String, String>,
    /// Folders with a link to it: `succeed`, `failed`.
    pub(crate) links: BTreeSet<String>,
}

/// A mail as it was delivered.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mail {
    pub(crate) sender: Vec<String>,
    pub(crate) recipients: Vec<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) attachments: Vec<Attachment>,
}

/// A file that came with a mail.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) name: String,
}

/// How `git log` is asked to write commits, for [`read_commits`].
pub(crate) const COMMIT_FORMAT: &str = "--format=%x1e%an <%ae>%x1f%B%x1f";

impl Results {
    /// Reads what [`super::record::record`] wrote.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let run = only_run(folder)?;
        let text = |name: &str| read(&folder.join(name));
        let about = serde_json::from_str(&text("about.json")?)
            .with_context(|| format!("{} is damaged", folder.join("about.json").display()))?;
        Ok(Self {
            about,
            commits: read_commits(&text("commits")?)?,
            groups: read_groups(&run)?,
            top_level: names_in(&run)?.into_iter().collect(),
            statistics: fs::read_to_string(run.join("statistics_summary")).ok(),
            mails: read_mails(&folder.join("mails"))?,
            tarball: fs::read_to_string(folder.join("tarball"))
                .ok()
                .map(|list| list.lines().map(str::to_owned).collect()),
            conf: read_folder(&folder.join("conf"))?,
            workspace: text("workspace")?.lines().map(str::to_owned).collect(),
            run: name_of(&run),
        })
    }
}

/// The commits in the output of `git log` with [`COMMIT_FORMAT`].
pub(crate) fn read_commits(log: &str) -> Result<Vec<Commit>> {
    let parts = log.split('\u{1e}').skip(1);
    parts
        .map(|part| {
            let fields: Vec<&str> = part.splitn(3, '\u{1f}').collect();
            let [author, message, diff] = fields[..] else {
                bail!("a commit cannot be read: {part:?}");
            };
            Ok(Commit {
                author: author.to_owned(),
                message: message.trim_end().to_owned(),
                diff: diff.trim_start_matches('\n').to_owned(),
            })
        })
        .collect()
}

/// The groups of a recorded run, by name.
pub(crate) fn groups(folder: &Path) -> Result<BTreeMap<String, Group>> {
    read_groups(&only_run(folder)?)
}

/// The run directory in a recorded result.
pub(crate) fn only_run(folder: &Path) -> Result<PathBuf> {
    let runs = folder.join("run");
    match &names_in(&runs)?[..] {
        [run] => Ok(runs.join(run)),
        others => bail!("{} holds {} runs", runs.display(), others.len()),
    }
}

fn read_groups(run: &Path) -> Result<BTreeMap<String, Group>> {
    let mut groups = BTreeMap::new();
    for name in names_in(&run.join("all"))? {
        let links = ["succeed", "failed"].into_iter().filter(|kind| {
            let link = run.join(kind).join(&name);
            link.symlink_metadata().is_ok()
        });
        let group = Group {
            files: read_folder(&run.join("all").join(&name))?,
            links: links.map(str::to_owned).collect(),
        };
        groups.insert(name, group);
    }
    Ok(groups)
}

fn read_mails(folder: &Path) -> Result<Vec<Mail>> {
    let names = names_in(folder)?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/differential/read-mail.py");
    let mut command = Command::new("python3");
    command
        .arg(script)
        .args(names.iter().map(|name| folder.join(name)));
    serde_json::from_str(&tool::output(&mut command)?).context("the mails cannot be read")
}

/// The files in a folder, by name; folders in it are left out.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, String>> {
    let names = names_in(folder)?.into_iter();
    names
        .filter(|name| folder.join(name).is_file())
        .map(|name| Ok((name.clone(), read(&folder.join(name))?)))
        .collect()
}

fn read(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names: std::io::Result<BTreeSet<OsString>> = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect();
    let names = names?.into_iter();
    Ok(names
        .map(|name| name.to_string_lossy().into_owned())
        .collect())
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_read_with_message_and_diff() {
        let log = "\u{1e}A <a@x>\u{1f}one: upgrade\n\nSigned-off-by: B\n\u{1f}\n\ndiff --git a/x b/x\n\
                   \u{1e}B <b@x>\u{1f}two\n\u{1f}\n";
        let commits = read_commits(log).unwrap();
        assert_eq!(commits[0].author, "A <a@x>");
        assert_eq!(commits[0].subject(), "one: upgrade");
        assert_eq!(commits[0].message, "one: upgrade\n\nSigned-off-by: B");
        assert_eq!(commits[0].diff, "diff --git a/x b/x\n");
        assert_eq!(commits[1].diff, "");
        assert!(read_commits("\u{1e}broken").is_err());
        assert!(read_commits("").unwrap().is_empty());
    }

    #[test]
    fn mails_are_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let mail = "MAIL FROM:<a@x>\nRCPT TO:<b@x>\n\nFrom: a@x\r\nTo: B <b@x>\r\nSubject: s\r\n\
                    MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=\"\r\n\r\n\
                    --=\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\
                    Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8KJ8O8Jwo=\r\n\
                    --=\r\nContent-Type: text/plain\r\n\
                    Content-Disposition: attachment; filename=\"n.txt\"\r\n\r\nthere\r\n--=--\r\n";
        fs::write(folder.path().join("01.mail"), mail).unwrap();
        let mails = read_mails(folder.path()).unwrap();
        assert_eq!(mails[0].body, "Hello\n'ü'\n");
        assert_eq!(mails[0].recipients, ["b@x"]);
        assert_eq!(mails[0].headers["Subject"], "s");
        assert_eq!(mails[0].attachments[0].name, "n.txt");
    }
}
