//! Results as named texts, so that two programs' results can be laid side by side.

use super::normal;
use crate::helper_runs::{Commit, Group, Mail, Results};
use std::collections::{BTreeMap, BTreeSet};

/// What a text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ExitStatus,
    /// Folders with a link to a group's folder.
    Verdict,
    Statistics,
    CommitOrder,
    CommitMessage,
    CommitAuthor,
    CommitDiff,
    /// Names of the files in a group's folder.
    Files,
    Patch,
    /// The tasks that failed, by the kept output of a build.
    BuildLog,
    /// Any other file in a group's folder.
    File,
    /// `email_summary`.
    Summary,
    /// Who got a mail, and from whom.
    MailEnvelope,
    MailHeaders,
    MailBody,
    MailAttachments,
    /// Names in the run directory.
    RunDirectory,
    Tarball,
    /// A file of the build directory's `conf` afterwards.
    Configuration,
    /// What is left in devtool's workspace.
    Workspace,
}

impl Kind {
    /// Whether it tells what is in a file of a group's folder.
    pub(crate) fn is_file(self) -> bool {
        matches!(
            self,
            Self::Patch | Self::BuildLog | Self::File | Self::Summary
        )
    }

    /// The kind for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::ExitStatus => "exit status",
            Self::Verdict => "verdict",
            Self::Statistics => "statistics_summary",
            Self::CommitOrder => "order of commits",
            Self::CommitMessage => "commit message",
            Self::CommitAuthor => "commit author",
            Self::CommitDiff => "commit diff",
            Self::Files => "file names",
            Self::Patch => "patch file",
            Self::BuildLog => "failed tasks in build log",
            Self::File => "file",
            Self::Summary => "email_summary",
            Self::MailEnvelope => "mail envelope",
            Self::MailHeaders => "mail headers",
            Self::MailBody => "mail text",
            Self::MailAttachments => "mail attachments",
            Self::RunDirectory => "names in the run directory",
            Self::Tarball => "names in the tarball",
            Self::Configuration => "configuration afterwards",
            Self::Workspace => "workspace afterwards",
        }
    }
}

/// Names one text: its kind, and of which group, commit, file or mail it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Aspect {
    pub(crate) kind: Kind,
    pub(crate) of: String,
}

impl Aspect {
    /// The name for people.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.kind.title(), self.of)
            .trim_end()
            .to_owned()
    }
}

/// All texts of one program.
pub(crate) type Aspects = BTreeMap<Aspect, String>;

/// Takes results apart. A group's name becomes that of its recipes in alphabetical order: which of
/// them comes first is chance.
pub(crate) fn aspects(results: &Results) -> Aspects {
    let mut all = Gathered::new(results);
    all.add(Kind::ExitStatus, "", format!("{:?}", results.about.exit));
    let statistics = results.statistics.as_deref().map(sort_maintainers);
    all.add(Kind::Statistics, "", statistics.unwrap_or_default());
    all.add_commits(&results.commits);
    for (name, group) in &results.groups {
        all.add_group(name, group);
    }
    all.add_mails(&results.mails);
    all.add(Kind::RunDirectory, "", lines(&results.top_level));
    if let Some(names) = &results.tarball {
        let names = names.iter().map(|name| name.trim_end_matches('/'));
        all.add(Kind::Tarball, "", lines(names.collect::<BTreeSet<_>>()));
    }
    for (name, text) in &results.conf {
        all.add(Kind::Configuration, name, text.clone());
    }
    all.add(Kind::Workspace, "", lines(&results.workspace));
    all.aspects
}

struct Gathered<'r> {
    run: &'r str,
    /// Names of groups with several recipes, and what becomes of them.
    names: Vec<(&'r str, String)>,
    aspects: Aspects,
}

impl<'r> Gathered<'r> {
    fn new(results: &'r Results) -> Self {
        let several = results.groups.keys().filter(|name| name.contains(','));
        let names = several.map(|name| {
            let mut members: Vec<&str> = name.split(',').collect();
            members.sort_unstable();
            (name.as_str(), members.join(","))
        });
        Self {
            run: &results.run,
            names: names.collect(),
            aspects: Aspects::new(),
        }
    }

    fn add(&mut self, kind: Kind, of: &str, text: String) {
        let aspect = Aspect {
            kind,
            of: self.normal(of),
        };
        let text = self.normal(&text);
        self.aspects.insert(aspect, text);
    }

    fn normal(&self, text: &str) -> String {
        let text = normal::text(text, self.run);
        let names = self.names.iter();
        names.fold(text, |text, (name, sorted)| text.replace(name, sorted))
    }

    fn add_commits(&mut self, commits: &[Commit]) {
        let subjects = commits.iter().map(Commit::subject);
        self.add(Kind::CommitOrder, "", lines(subjects));
        for commit in commits {
            let subject = commit.subject();
            let message = normal::message(&commit.message);
            self.add(Kind::CommitMessage, subject, message);
            self.add(Kind::CommitAuthor, subject, commit.author.clone());
            self.add(Kind::CommitDiff, subject, normal::diff(&commit.diff));
        }
    }

    fn add_group(&mut self, name: &str, group: &Group) {
        self.add(Kind::Verdict, name, lines(&group.links));
        self.add(Kind::Files, name, lines(group.files.keys()));
        for (file, text) in &group.files {
            let (kind, text) = file_aspect(file, text);
            self.add(kind, &format!("{name}/{file}"), text);
        }
    }

    fn add_mails(&mut self, mails: &[Mail]) {
        for mail in by_subject(mails) {
            let subject = mail.headers.get("Subject").cloned().unwrap_or_default();
            self.add(Kind::MailEnvelope, &subject, envelope(&mail));
            self.add(Kind::MailHeaders, &subject, headers(&mail));
            self.add(Kind::MailBody, &subject, letter(&mail.body));
            let names = mail.attachments.iter().map(|file| &file.name);
            let names = names.collect::<BTreeSet<_>>();
            self.add(Kind::MailAttachments, &subject, lines(names));
        }
    }
}

fn file_aspect(name: &str, text: &str) -> (Kind, String) {
    match name {
        "email_summary" => (Kind::Summary, summary(text)),
        "bitbake_error_log.txt" => (Kind::BuildLog, failed_tasks(text)),
        _ if name.starts_with("bitbake-output-") => (Kind::BuildLog, failed_tasks(text)),
        _ if name.ends_with(".patch") => (Kind::Patch, normal::patch(text)),
        _ => (Kind::File, text.to_owned()),
    }
}

/// Which tasks BitBake says have failed. The rest of its output has times, process numbers and
/// progress in it.
fn failed_tasks(log: &str) -> String {
    let failed = log.lines().filter(|line| {
        line.starts_with("ERROR: Task (") && line.contains(") failed with exit code")
    });
    lines(failed.collect::<BTreeSet<_>>())
}

/// The lines about maintainers come in chance order from the Python helper.
fn sort_maintainers(statistics: &str) -> String {
    let Some((before, maintainers)) = statistics.split_once("per Maintainer:\n\n") else {
        return statistics.to_owned();
    };
    let mut maintainers: Vec<_> = maintainers.lines().collect();
    maintainers.sort_unstable();
    format!("{before}per Maintainer:\n\n{}", lines(maintainers))
}

/// The list of attachments comes in the order of the folder, which is chance.
fn summary(text: &str) -> String {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let head = head.lines().map(|line| {
        let Some(files) = line.strip_prefix("Attachments:") else {
            return line.to_owned();
        };
        let mut files: Vec<_> = files.split_whitespace().collect();
        files.sort_unstable();
        let files = files.iter().map(|file| format!("\n  {file}"));
        format!("Attachments:{}", files.collect::<String>())
    });
    format!("{}\n{}", lines(head), letter(body))
}

/// A mail's text, with the patches in it treated as patches.
fn letter(text: &str) -> String {
    const SCISSORS: &str = "\n-- >8 --\n";
    let mut parts = text.split(SCISSORS);
    let letter = parts.next().unwrap_or_default().trim_end().to_owned();
    let patches: BTreeSet<String> = parts.map(normal::patch).collect();
    patches.iter().fold(letter + "\n", |text, patch| {
        format!("{text}{SCISSORS}{patch}")
    })
}

/// The Python helper sends a mail twice, to the recipients and to those of copies: what arrives is
/// one mail with all of them.
fn by_subject(mails: &[Mail]) -> Vec<Mail> {
    let mut merged: Vec<Mail> = Vec::new();
    for mail in mails {
        let same = merged
            .iter_mut()
            .find(|other| other.headers == mail.headers && other.body == mail.body);
        match same {
            Some(other) => other.recipients.extend(mail.recipients.iter().cloned()),
            None => merged.push(mail.clone()),
        }
    }
    merged
}

fn envelope(mail: &Mail) -> String {
    let recipients = mail.recipients.iter().map(|who| format!("to {who}"));
    let sender = mail.sender.iter().map(|who| format!("from {who}"));
    lines(sender.chain(recipients).collect::<BTreeSet<_>>())
}

fn headers(mail: &Mail) -> String {
    let headers = mail.headers.iter();
    lines(headers.map(|(name, value)| format!("{name}: {value}")))
}

fn lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    lines.into_iter().fold(String::new(), |mut text, line| {
        text.push_str(line.as_ref());
        text.push('\n');
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maintainers_are_sorted_and_nothing_else() {
        let text = "x\n    b: 1\n    a: 2\nper Maintainer:\n\n    joe: 1\n    jane: 2\n";
        assert_eq!(
            sort_maintainers(text),
            "x\n    b: 1\n    a: 2\nper Maintainer:\n\n    jane: 2\n    joe: 1\n"
        );
        assert_eq!(sort_maintainers("other"), "other");
    }

    #[test]
    fn a_log_is_its_failed_tasks() {
        let log = "NOTE: x\nERROR: Task (/l/b.bb:do_compile) failed with exit code '1'\nERROR: other\n\
                   ERROR: Task (/l/b.bb:do_compile) failed with exit code '1'\n";
        assert_eq!(
            failed_tasks(log),
            "ERROR: Task (/l/b.bb:do_compile) failed with exit code '1'\n"
        );
    }

    #[test]
    fn a_summary_has_sorted_attachments_and_a_normal_patch() {
        let text = "To: x\nAttachments: /b /a\n\nHello\n\n\n-- >8 --\nFrom 1 Mon Sep 17 00:00:00 2001\nSubject: s\n-- \n2.39\n";
        assert_eq!(
            summary(text),
            "To: x\nAttachments:\n  /a\n  /b\n\nHello\n\n-- >8 --\nSubject: s\n"
        );
    }

    #[test]
    fn a_mail_that_was_sent_in_two_parts_is_one() {
        let mail = |to: &str| Mail {
            sender: vec!["a@x".to_owned()],
            recipients: vec![to.to_owned()],
            headers: BTreeMap::from([("Subject".to_owned(), "s".to_owned())]),
            body: "b".to_owned(),
            attachments: Vec::new(),
        };
        let merged = by_subject(&[mail("b@x"), mail("c@x")]);
        assert_eq!(merged.len(), 1);
        assert_eq!(envelope(&merged[0]), "from a@x\nto b@x\nto c@x\n");
    }
}
