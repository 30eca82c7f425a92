//! Text from outside ends up where it belongs, and never as a header, a recipient or a part.

use super::*;
use crate::{
    address::{Recipients, mailbox},
    excerpt::one_line,
    group,
    letter::Letter,
    settings::Settings,
};
use auh_sdk::protocol::step::DroppedPatch;
use proptest::prelude::*;

/// Text that somebody writes who means harm, or just anything.
fn anything() -> impl Strategy<Value = String> {
    let parts = [
        "\r\n",
        "\n",
        "\r",
        "Bcc: evil@x.org",
        ".",
        "<",
        ">",
        "@",
        ",",
        "\"",
        "ä",
        "\u{0}",
        "--",
        "=?utf-8?q?a?=",
        "\u{85}",
        "\u{2028}",
        " ",
        "x.org",
    ];
    let crafted = proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..12);
    prop_oneof![any::<String>(), crafted.prop_map(|parts| parts.concat())]
}

/// Names of the headers of a message.
fn headers(message: &str) -> Vec<String> {
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']));
    lines
        .map(|line| line.split_once(':').unwrap().0.to_owned())
        .collect()
}

const HEADERS: [&str; 8] = [
    "From",
    "Subject",
    "Message-ID",
    "Date",
    "To",
    "Cc",
    "MIME-Version",
    "Content-Type",
];

fn is_safe(message: &str) {
    assert!(message.is_ascii());
    assert!(
        !message.replace("\r\n", "").contains(['\r', '\n', '\0']),
        "{message:?}"
    );
    let mut headers = headers(message);
    assert!(
        headers.iter().all(|name| HEADERS.contains(&name.as_str())),
        "{headers:?}"
    );
    let count = headers.len();
    headers.sort();
    headers.dedup();
    assert_eq!(headers.len(), count, "a header stands there twice");
}

proptest! {
    #[test]
    fn maintainers_subjects_and_files_add_no_header(
        maintainer in anything(), copy in anything(), subject in anything(), body in anything(),
        file in anything(), from in anything()
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file: String = file.chars().filter(|c| !"/\0".contains(*c)).take(40).collect();
        let attachment = folder.path().join(format!("f{file}"));
        fs::write(&attachment, &body).unwrap();
        let maintainer = format!("{maintainer} <a@x.org>");
        let mut recipients = Recipients::list([maintainer.as_str(), copy.as_str()]);
        recipients.cc = Recipients::list([copy.as_str(), "c@x.org"]).to;
        let to = recipients.addresses();
        prop_assert!(to.iter().all(|to| !to.to_string().contains(char::is_control)));
        let letter = Letter { recipients, subject: one_line(&subject), body, attachments: vec![attachment] };
        let from = mailbox(&format!("{from} <uh@x.org>")).or_else(|_| mailbox("uh@x.org")).unwrap();
        let (message, troubles) = letter.message(&from, "id").unwrap();
        prop_assert_eq!(troubles.len(), 0);
        is_safe(&message);
        let summary = letter.summary();
        let head: Vec<_> = summary.splitn(5, '\n').map(|line| line.split(':').next().unwrap()).collect();
        prop_assert_eq!(&head[..4], ["To", "Cc", "Subject", "Attachments"]);
    }

    #[test]
    fn a_group_of_anything_makes_a_safe_mail(
        maintainer in anything(), message in anything(), patch in anything(), log in any::<Vec<u8>>(), layer in anything()
    ) {
        let mut bench = Bench::new(&["hello"], json!({"layer-name": [layer], "layer-mode": true}));
        bench.request.groups[0].group.recipes[0].maintainer = Some(maintainer);
        let log = bench.write("log", log);
        let changelog = bench.write("changelog", &message);
        bench.write("0001-x.patch", &patch);
        *bench.state() = GroupState {
            failures: vec![failed("hello", Failure::new(FailureClass::Fetch, message).with_log(log))],
            changelogs: vec![(name("hello"), changelog)],
            dropped_patches: vec![DroppedPatch { recipe: name("hello"), patch }],
            ..GroupState::default()
        };
        let settings = Settings::new(&bench.request.settings);
        let from = mailbox("uh@x.org").unwrap();
        let (about_group, _) = group::letter(&bench.request.groups[0], &settings);
        let (about_run, _) = crate::status::letter(&bench.request.run, &settings, "2026-01-02");
        for mut letter in [about_group, about_run] {
            prop_assert!(!letter.subject.contains(char::is_control));
            letter.recipients.to.push(from.clone());
            is_safe(&letter.message(&from, "id").unwrap().0);
        }
    }
}

#[test]
fn attachments_arrive_byte_for_byte() {
    let bench = Bench::new(&["hello"], json!({}));
    let contents: [&[u8]; 5] = [
        b"text\n",
        "gr\u{fc}n \u{1b}[0m\n".as_bytes(),
        b"a\r\nb\nc\r",
        b"\xff\x00\n",
        b"From x\n.\n..\n",
    ];
    let attachments = contents.iter().enumerate();
    let attachments = attachments.map(|(n, content)| bench.write(&file_name(n), content));
    let letter = Letter {
        recipients: Recipients::list(["a@x.org"]),
        attachments: attachments.collect(),
        ..Letter::default()
    };
    let from = mailbox("uh@x.org").unwrap();
    let (message, _) = letter.message(&from, "id").unwrap();
    let whole = "\r\n filename=\"0001-hello-a-name-longer-than-half-a-line.patch\"\r\n";
    assert!(message.contains(whole), "{message}");
    let script = "import email, email.policy, json, sys\n\
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.SMTP)\n\
        p = [(p.get_filename(), list(p.get_payload(decode=True))) for p in m.iter_attachments()]\n\
        print(json.dumps(p))";
    let parts: Vec<(String, Vec<u8>)> = serde_json::from_str(&python(script, &message)).unwrap();
    assert_eq!(parts.len(), contents.len());
    for (number, (name, bytes)) in parts.iter().enumerate() {
        assert_eq!(*name, file_name(number));
        assert_eq!(*bytes, contents[number], "{name}");
    }
}

/// Names of every kind.
fn file_name(number: usize) -> String {
    match number {
        0 => "0001-hello-a-name-longer-than-half-a-line.patch".to_owned(),
        1 => "x".repeat(230),
        number => format!("f{number} \u{e4}\"x\\"),
    }
}

/// What a Python script says about a text.
fn python(script: &str, input: &str) -> String {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let mut command = Command::new("python3");
    let command = command
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
