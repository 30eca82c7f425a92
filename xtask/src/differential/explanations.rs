//! The differences that are wanted, each with its reason. Whatever none of these explains is a
//! failure.

use super::{aspects::Kind, statistics::Statistics};

/// A difference that is wanted.
pub(crate) struct Explanation {
    pub(crate) name: &'static str,
    /// Why it is right that the programs differ here.
    pub(crate) reason: &'static str,
    kinds: &'static [Kind],
    /// Takes the difference out of the Python helper's and of auh's text.
    apply: fn(&mut String, &mut String),
}

impl Explanation {
    /// Takes the difference out of two texts; whether there was one.
    pub(crate) fn explain(&self, kind: Kind, python: &mut String, auh: &mut String) -> bool {
        if !self.kinds.contains(&kind) {
            return false;
        }
        let before = (python.clone(), auh.clone());
        (self.apply)(python, auh);
        before != (python.clone(), auh.clone())
    }
}

/// Kinds that hold a patch.
const PATCHES: &[Kind] = &[Kind::CommitDiff, Kind::Patch, Kind::Summary, Kind::MailBody];
/// Kinds that hold a letter.
const LETTERS: &[Kind] = &[Kind::Summary, Kind::MailBody];
/// Kinds that hold what `git format-patch` wrote.
const FORMATTED: &[Kind] = &[Kind::Patch, Kind::Summary, Kind::MailBody];
/// Kinds that name the files in a group's folder.
const FILE_LISTS: &[Kind] = &[
    Kind::Files,
    Kind::Tarball,
    Kind::Summary,
    Kind::MailAttachments,
];

/// Every difference that is wanted.
pub(crate) const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        name: "FIXME block",
        reason: "the Python helper misses devtool's line \"New recipe is\" and commits the comment \
                 block about LIC_FILES_CHKSUM; auh takes it out of the recipe",
        kinds: PATCHES,
        apply: |python, _| *python = without_fixme_blocks(python),
    },
    Explanation {
        name: "licence file",
        reason: "for the same reason the Python helper never writes license-diff-PV.txt; auh does",
        kinds: FILE_LISTS,
        apply: |_, auh| drop_lines(auh, |line| file_name(line).starts_with("license-diff-")),
    },
    Explanation {
        name: "changelog file",
        reason: "auh keeps the changelog that devtool extracts as changelog-PN.txt",
        kinds: FILE_LISTS,
        apply: |_, auh| drop_lines(auh, |line| file_name(line).starts_with("changelog-")),
    },
    Explanation {
        name: "logs",
        reason: "auh keeps what the tools printed; the Python helper means to keep \
                 bitbake_error_log.txt, and never says where",
        kinds: FILE_LISTS,
        apply: |_, auh| {
            drop_lines(auh, |line| {
                let name = file_name(line);
                name == "bitbake_error_log.txt"
                    || (name.starts_with("devtool-") && name.ends_with(".log"))
            });
        },
    },
    Explanation {
        name: "commit message",
        reason: "auh's commits say more below the subject: what upstream has changed, which patches \
                 are gone, that a licence text changed",
        kinds: &[Kind::CommitMessage],
        apply: |_, auh| *auh = without_text_before_sign_off(auh, |number, _| number == 0),
    },
    Explanation {
        name: "commit message in patch",
        reason: "the same in the patch that is made of the commit, with git's headers for a message \
                 that is not ASCII",
        kinds: FORMATTED,
        apply: |_, auh| {
            drop_lines(auh, |line| GIT_HEADERS.contains(&line.trim_end()));
            *auh = without_text_before_sign_off(auh, |_, line| line.starts_with("Subject: [PATCH"));
        },
    },
    Explanation {
        name: "wording of mails",
        reason: "what filters and people look for is the same (first sentence, note of an error, of a \
                 changed licence, git am, scissors); the rest is auh's own text, which quotes the end \
                 of the logs rather than everything that the tools printed",
        kinds: LETTERS,
        apply: |python, auh| {
            *python = marks_of_letter(python);
            *auh = marks_of_letter(auh);
            drop_lines(auh, |line| line.starts_with("*LICENSE CHANGED*"));
        },
    },
    Explanation {
        name: "heads of email_summary",
        reason: "the Python helper writes its list of recipients as Python prints one, and calls the \
                 copies To: as well",
        kinds: &[Kind::Summary],
        apply: |python, _| *python = with_proper_heads(python),
    },
    Explanation {
        name: "every address once",
        reason: "the Python helper names the maintainer of two recipes of a group twice",
        kinds: &[Kind::Summary, Kind::MailHeaders],
        apply: |python, _| *python = with_every_address_once(python),
    },
    Explanation {
        name: "every machine that fails",
        reason: "the Python helper stops at the first machine that fails; auh builds all of them and \
                 keeps the output of each that fails",
        kinds: FILE_LISTS,
        apply: |python, auh| {
            let kept = |line: &str| file_name(line).starts_with("bitbake-output-");
            if python.lines().any(kept) {
                drop_lines(python, kept);
                drop_lines(auh, kept);
            }
        },
    },
    Explanation {
        name: "auh's own files",
        reason: "journal, summary.json, JUnit XML and the like stand beside the Python helper's files",
        kinds: &[Kind::RunDirectory, Kind::Tarball],
        apply: |_, auh| drop_lines(auh, |line| OWN_FILES.contains(&file_name(line))),
    },
    Explanation {
        name: "tarball's time",
        reason: "the Python helper packs the run directory before it writes statistics_summary",
        kinds: &[Kind::Tarball],
        apply: |_, auh| drop_lines(auh, |line| line.trim_end() == "RUN/statistics_summary"),
    },
    Explanation {
        name: "order of groups",
        reason: "the Python helper takes groups of several recipes first, in chance order; auh takes \
                 all in the order in which they were asked for",
        kinds: &[Kind::Statistics, Kind::MailBody],
        apply: |python, auh| {
            for text in [python, auh] {
                *text = Statistics::read(text).map_or_else(|| text.clone(), |s| s.show());
            }
        },
    },
    Explanation {
        name: "restored configuration",
        reason: "the Python helper leaves the machine switched and its workspace in the user's \
                 configuration; auh puts both back (that it does is checked by the upgrade's own \
                 checks)",
        kinds: &[Kind::Configuration],
        apply: |python, auh| {
            for text in [python, auh] {
                drop_lines(text, is_of_machine_or_workspace);
            }
        },
    },
    Explanation {
        name: "workspace",
        reason: "the Python helper leaves what it reset behind; auh leaves nothing of its own",
        kinds: &[Kind::Workspace],
        apply: |python, _| {
            drop_lines(python, |line| {
                line.starts_with("attic/") || line.starts_with("sources/")
            });
        },
    },
];

/// What `git format-patch` puts below the subject of such a message.
const GIT_HEADERS: [&str; 3] = [
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=UTF-8",
    "Content-Transfer-Encoding: 8bit",
];

/// Files in a run directory that the Python helper does not know.
const OWN_FILES: &[&str] = &["journal.jsonl", "summary.json", "junit.xml", "mail"];

/// Lines of bblayers.conf, devtool.conf and toolcfg.conf that devtool and bitbake-config-build write.
fn is_of_machine_or_workspace(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || line.starts_with('#')
        || line.starts_with("OE_FRAGMENTS")
        || line.ends_with("/workspace \\")
        || line.starts_with("workspace_path =")
        || line == "[General]"
}

/// The text without what stands between a subject and the sign-off after it, except for the empty
/// line. `is_subject` knows a subject by the number of its line and the line.
fn without_text_before_sign_off(text: &str, is_subject: fn(usize, &str) -> bool) -> String {
    let (mut in_subject, mut kept) = (false, String::new());
    // What stands below a subject, until it is known whether a sign-off follows.
    let mut below: Option<String> = None;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        in_subject |= is_subject(number, line);
        if line.starts_with("Signed-off-by: ") {
            below = None;
        }
        match &mut below {
            Some(below) => below.push_str(line),
            None => kept.push_str(line),
        }
        if in_subject && line.trim_end().is_empty() {
            (in_subject, below) = (false, Some(String::new()));
        }
    }
    kept + &below.unwrap_or_default()
}

/// Of a letter what programs and people look for; patches and heads stay as they are.
fn marks_of_letter(text: &str) -> String {
    let mut state = Part::Head;
    let kept = text.split_inclusive('\n').filter(|line| {
        if line.starts_with("Hello,") {
            state = Part::Letter;
        } else if line.trim_end() == "-- >8 --" {
            state = Part::Patch;
        }
        state != Part::Letter || is_mark(line)
    });
    kept.collect()
}

#[derive(PartialEq)]
enum Part {
    Head,
    Letter,
    Patch,
}

fn is_mark(line: &str) -> bool {
    const STARTS: [&str; 6] = [
        "Hello,",
        "this email is a notification",
        "that the automatic attempt to upgrade",
        "Detailed error information:",
        "*LICENSE CHANGED*",
        "The Upgrade Helper",
    ];
    STARTS.iter().any(|start| line.starts_with(start)) || line.contains(": git am ")
}

/// The first two lines as headers of a mail: `To: ['a', 'b']` and `To: c d`.
fn with_proper_heads(summary: &str) -> String {
    let lines = summary.split_inclusive('\n').enumerate();
    lines
        .map(|(number, line)| match number {
            0 => line.replace(['[', ']', '\''], ""),
            1 => line
                .replacen("To: ", "Cc: ", 1)
                .replace("@example.com ", "@example.com, "),
            _ => line.to_owned(),
        })
        .collect()
}

/// Lines `To: a, a` as `To: a`.
fn with_every_address_once(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let Some(addresses) = line.strip_prefix("To: ") else {
            return line.to_owned();
        };
        let mut once: Vec<&str> = Vec::new();
        for address in addresses.trim_end().split(", ") {
            if !once.contains(&address) {
                once.push(address);
            }
        }
        format!("To: {}\n", once.join(", "))
    });
    lines.collect()
}

fn file_name(line: &str) -> &str {
    line.rsplit('/').next().unwrap_or_default().trim()
}

fn drop_lines(text: &mut String, unwanted: impl Fn(&str) -> bool) {
    let kept = text.split_inclusive('\n').filter(|line| !unwanted(line));
    *text = kept.collect();
}

/// The block, added or taken away, begins with its FIXME line and goes on as long as lines are
/// comments or empty.
fn without_fixme_blocks(diff: &str) -> String {
    let mut inside = None;
    let kept = diff.split_inclusive('\n').filter(|line| {
        let (sign, content) = line.split_at_checked(1).unwrap_or_default();
        if content.starts_with("# FIXME: the LIC_FILES_CHKSUM") {
            inside = Some(sign);
        } else if inside != Some(sign) || !(content.starts_with('#') || content.trim().is_empty()) {
            inside = None;
        }
        inside.is_none()
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixme_block_goes_and_other_added_lines_stay() {
        let diff = "+SUMMARY = \"x\"\n+# FIXME: the LIC_FILES_CHKSUM values have been updated\n+#\n+# -a\n+\n+LICENSE = \"MIT\"\n+# own\n";
        assert_eq!(
            without_fixme_blocks(diff),
            "+SUMMARY = \"x\"\n+LICENSE = \"MIT\"\n+# own\n"
        );
    }

    #[test]
    fn a_block_that_a_revert_takes_away_goes_too() {
        let diff = "-# FIXME: the LIC_FILES_CHKSUM values have been updated\n-#\n-\n-LICENSE = \"MIT\"\n+# own\n";
        assert_eq!(without_fixme_blocks(diff), "-LICENSE = \"MIT\"\n+# own\n");
    }

    #[test]
    fn what_nobody_signed_off_stays() {
        let text = "Revert \"x\"\n\nThis reverts it.\n";
        assert_eq!(
            without_text_before_sign_off(text, |number, _| number == 0),
            text
        );
    }

    #[test]
    fn what_a_commit_says_below_its_subject_goes() {
        let text = "x: upgrade\n\nNews\n\n- a\n\nSigned-off-by: B\n";
        assert_eq!(
            without_text_before_sign_off(text, |number, _| number == 0),
            "x: upgrade\n\nSigned-off-by: B\n"
        );
        let patch =
            "From: A\nSubject: [PATCH] x: upgrade\n y\n\nNews\nSigned-off-by: B\ndiff\n\n+a\n";
        assert_eq!(
            without_text_before_sign_off(patch, |_, line| line.starts_with("Subject: [PATCH")),
            "From: A\nSubject: [PATCH] x: upgrade\n y\n\nSigned-off-by: B\ndiff\n\n+a\n"
        );
    }

    #[test]
    fn of_a_letter_the_marks_stay() {
        let text = "To: a\nHello,\n\nthat the automatic attempt to upgrade x\nmore\n\
                    - apply the patch: git am 0001.patch\n-- >8 --\n+more\n";
        assert_eq!(
            marks_of_letter(text),
            "To: a\nHello,\nthat the automatic attempt to upgrade x\n\
             - apply the patch: git am 0001.patch\n-- >8 --\n+more\n"
        );
    }

    #[test]
    fn heads_are_those_of_a_mail() {
        let text =
            "To: ['J <j@example.com>', 'k@example.com']\nTo: a@example.com b@example.com\nTo: x\n";
        assert_eq!(
            with_proper_heads(text),
            "To: J <j@example.com>, k@example.com\nCc: a@example.com, b@example.com\nTo: x\n"
        );
    }

    #[test]
    fn an_address_is_named_once() {
        let text = "From: x\nTo: A <a@x>, B <b@x>, A <a@x>\n\nTo whom\n";
        assert_eq!(
            with_every_address_once(text),
            "From: x\nTo: A <a@x>, B <b@x>\n\nTo whom\n"
        );
    }

    #[test]
    fn only_the_kinds_of_an_explanation_are_touched() {
        let explanation = &EXPLANATIONS[1];
        let mut auh = "0001.patch\nlicense-diff-1.0.txt\n".to_owned();
        assert!(!explanation.explain(Kind::Statistics, &mut String::new(), &mut auh));
        assert!(explanation.explain(Kind::Files, &mut String::new(), &mut auh));
        assert_eq!(auh, "0001.patch\n");
        assert!(!explanation.explain(Kind::Files, &mut String::new(), &mut auh));
    }
}
