//! Sending to a real mail server and to a sendmail, and what is kept when that fails.

use super::{smtp::SmtpServer, *};
use crate::{post::Post, settings::Settings};
use auh_sdk::pretend::ended;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const PASSWORD: &str = "s3cret p\u{e4}ss";

/// The server's and the client's side of a login.
fn with_login(security: &str) -> Value {
    json!({"security": security, "user": "ann", "password": PASSWORD})
}

/// A bench that logs in, with what the password command answers.
fn logging_in(server: &SmtpServer, security: &str, password: &'static str) -> Bench {
    let options = json!({
        "security": security, "user": "ann", "ca-file": server.ca_file(),
        "password-command": ["pass", "show", "smtp"],
    });
    Bench::sending(&server.address(), options)
        .with_commands(move |_| ended(0, &format!("{password}\nurl: x\n"), ""))
}

/// Everything that a run leaves: notes, log, commands, and files.
fn all_traces(bench: &Bench, notes: &[String]) -> String {
    let mut traces = format!(
        "{notes:?} {:?} {:?}",
        bench.host.log(),
        bench.host.commands()
    );
    for name in bench.kept() {
        let path = bench.request.run.folder.join("mail").join(name);
        traces += &fs::read_to_string(path).unwrap();
    }
    traces + &bench.summary()
}

#[test]
fn a_mail_arrives_with_its_headers_and_files() {
    let Some(server) = SmtpServer::start(json!({})) else {
        return;
    };
    let mut bench = Bench::sending(&server.address(), json!({}));
    bench.set("cc-recipients", json!(["J\u{fc}rgen <list@example.org>"]));
    bench.write("log.txt", "gr\u{fc}n\n.\n");
    assert_eq!(bench.notes(), [""; 0]);
    let received = server.received();
    assert_eq!(received.len(), 1);
    let mail = &received[0];
    assert_eq!(mail.from, "uh@example.org");
    assert_eq!(mail.to, ["hello@example.org", "list@example.org"]);
    assert_eq!((mail.tls, &mail.user), (false, &None));
    assert_eq!(mail.files, ["log.txt"]);
    assert!(
        mail.text
            .starts_with("Hello,\n\nthis email is a notification from")
    );
    for line in [
        "From: \"Upgrade Helper\" <uh@example.org>",
        "To: \"Ann hello\" <hello@example.org>",
        "Subject: [AUH] hello: upgrading to 2.0 SUCCEEDED",
    ] {
        assert!(
            mail.message.contains(&format!("{line}\r\n")),
            "{line}: {}",
            mail.message
        );
    }
    assert!(
        mail.message
            .contains("Message-ID: <auh.20260102030405.hello.")
    );
    assert_eq!(bench.kept(), [""; 0]);
    let log = bench.host.log();
    assert!(
        log.iter()
            .any(|l| l.message == "mail sent to hello@example.org, list@example.org")
    );
}

#[test]
fn starttls_and_tls_with_a_login() {
    for security in ["starttls", "tls"] {
        let Some(server) = SmtpServer::start(with_login(security)) else {
            return;
        };
        let bench = logging_in(&server, security, PASSWORD);
        let notes = bench.notes();
        assert_eq!(notes, [""; 0]);
        let mail = &server.received()[0];
        assert_eq!((mail.user.as_deref(), mail.tls), (Some("ann"), true));
        assert!(!all_traces(&bench, &notes).contains(PASSWORD));
        let command = &bench.host.commands()[0];
        assert_eq!(
            (command.argv.len(), &command.log, command.time_limit_s),
            (3, &None, Some(30))
        );
    }
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let Some(server) = SmtpServer::start(with_login("tls")) else {
        return;
    };
    let bench = logging_in(&server, "tls", "wrong-passw0rd");
    let notes = bench.notes();
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("refuses the login of ann: it answered 535"),
        "{notes:?}"
    );
    assert_eq!(bench.kept(), ["0001-hello.eml", "0001-hello.json"]);
    let traces = all_traces(&bench, &notes);
    // Nor in base64, alone or as AUTH PLAIN sends it.
    for form in [
        "wrong-passw0rd",
        "d3JvbmctcGFzc3cwcmQ",
        "AGFubgB3cm9uZy1wYXNzdzByZA",
    ] {
        assert!(!traces.contains(form), "{traces}");
    }
    assert_eq!(server.received().len(), 0);
}

#[test]
fn a_password_in_the_environment() {
    let Some(server) = SmtpServer::start(
        json!({"security": "tls", "user": "ann", "password": env!("CARGO_PKG_NAME")}),
    ) else {
        return;
    };
    let mut bench = logging_in(&server, "tls", "");
    let options = &mut bench.request.options;
    options.remove("password-command");
    // A variable that cargo sets, as tests that share a process must not set one.
    options.insert("password-env".to_owned(), json!("CARGO_PKG_NAME"));
    assert_eq!(bench.notes(), [""; 0]);
    assert_eq!(server.received()[0].user.as_deref(), Some("ann"));
    bench
        .request
        .options
        .insert("password-env".to_owned(), json!("AUH_TEST_NO_SUCH"));
    let notes = bench.notes();
    assert!(
        notes[0].contains("AUH_TEST_NO_SUCH (password-env) is not set"),
        "{notes:?}"
    );
}

#[test]
fn a_certificate_of_a_stranger_or_for_another_host_is_refused() {
    for (name, trusted) in [("127.0.0.1", false), ("mail.example.org", true)] {
        for security in ["tls", "starttls"] {
            let settings = json!({"security": security, "host": name});
            let Some(server) = SmtpServer::start(settings) else {
                return;
            };
            let mut options = json!({"security": security});
            if trusted {
                options["ca-file"] = json!(server.ca_file());
            }
            let bench = Bench::sending(&server.address(), options);
            let notes = bench.notes();
            assert!(notes[0].contains("invalid peer certificate"), "{notes:?}");
            assert_eq!(bench.kept().len(), 2);
            assert_eq!(server.received().len(), 0);
        }
    }
}

#[test]
fn a_server_without_starttls_gets_no_mail() {
    let Some(server) = SmtpServer::start(json!({})) else {
        return;
    };
    let bench = Bench::sending(&server.address(), json!({"security": "starttls"}));
    let notes = bench.notes();
    assert!(notes[0].contains("has no STARTTLS"), "{notes:?}");
    assert_eq!(server.received().len(), 0);
}

#[test]
fn a_server_that_hangs_is_given_up() {
    for silent in ["greeting", "data"] {
        let Some(server) = SmtpServer::start(json!({"silent": silent})) else {
            return;
        };
        let bench = Bench::sending(&server.address(), json!({"timeout": 1}));
        let notes = bench.notes();
        assert!(notes[0].contains("no answer within 1 s"), "{notes:?}");
        assert_eq!(bench.kept(), ["0001-hello.eml", "0001-hello.json"]);
    }
}

#[test]
fn one_refused_recipient_costs_the_other_nothing_and_is_resent_alone() {
    let refusing = json!({"refuse": ["list@example.org"]});
    let (Some(server), Some(kind)) = (SmtpServer::start(refusing), SmtpServer::start(json!({})))
    else {
        return;
    };
    let mut bench = Bench::sending(&server.address(), json!({}));
    bench.set("cc-recipients", json!(["list@example.org"]));
    let notes = bench.notes();
    let expect = "the mail to list@example.org was not sent and is kept as mail/0001-hello.eml: \
                  list@example.org: 550 5.1.1 no such user here";
    assert_eq!(notes, [expect]);
    assert_eq!(server.received()[0].to, ["hello@example.org"]);
    let envelope = bench.envelope("0001-hello.json");
    assert_eq!(
        (&envelope["from"], &envelope["to"]),
        (&json!("uh@example.org"), &json!(["list@example.org"]))
    );

    let again = bench.resend().notes;
    assert_eq!(again.last().unwrap(), "0 mails sent, 1 not");
    let error = bench.try_to_run("resend").err().map(|e| e.to_string());
    assert_eq!(error.as_deref(), Some("0 mails sent, 1 not"));
    assert_eq!((server.received().len(), bench.kept().len()), (1, 2));

    bench.set("smtp", json!(kind.address()));
    assert_eq!(bench.resend().notes, ["1 mail sent"]);
    let resent = &kind.received()[0];
    assert_eq!(resent.to, ["list@example.org"]);
    // The same mail, so that whoever gets both sees one.
    let id = |message: &str| {
        message
            .lines()
            .find(|l| l.starts_with("Message-ID:"))
            .map(str::to_owned)
    };
    assert_eq!(id(&resent.message), id(&server.received()[0].message));
    assert_eq!(bench.kept(), [""; 0]);
    assert_eq!(bench.run("resend").notes, ["no mail waits to be sent"]);
    assert_eq!(kind.received().len(), 1);
}

#[test]
fn resending_stops_at_a_server_that_is_gone_and_when_it_is_told_to() {
    let mut bench = Bench::sending("127.0.0.1:1", json!({}));
    for _ in 0..3 {
        assert_eq!(bench.notes().len(), 1);
    }
    assert_eq!(bench.kept().len(), 6);
    let notes = bench.resend().notes;
    assert_eq!(
        (notes.len(), notes[1].as_str()),
        (2, "0 mails sent, 3 not"),
        "{notes:?}"
    );
    assert_eq!(bench.kept().len(), 6);

    let Some(server) = SmtpServer::start(json!({})) else {
        return;
    };
    bench.set("smtp", json!(server.address()));
    let settings = Settings::new(&bench.request.settings);
    let host = bench.host.host();
    let asked = AtomicUsize::new(0);
    let stopping = || asked.fetch_add(1, Ordering::Relaxed) > 0;
    let notes = Post::new(&host, &bench.request, &settings)
        .resend(&stopping)
        .notes;
    assert_eq!(notes, ["the run is being stopped", "1 mail sent, 2 not"]);
    assert_eq!(bench.resend().notes, ["2 mails sent"]);
    assert_eq!((server.received().len(), bench.kept().len()), (3, 0));
}

#[test]
fn a_mail_that_somebody_died_over_is_not_sent_unasked() {
    let bench = Bench::sending("127.0.0.1:1", json!({}));
    bench.notes();
    let folder = bench.request.run.folder.join("mail");
    fs::rename(
        folder.join("0001-hello.json"),
        folder.join("0001-hello.sending"),
    )
    .unwrap();
    let notes = bench.resend().notes;
    assert!(
        notes[0].contains("0001-hello.sending is being sent by another process"),
        "{notes:?}"
    );
    assert_eq!(notes[1], "no mail waits to be sent");
}

#[test]
fn sendmail_gets_the_message_and_each_recipient_behind_dashes() {
    let mut bench = Bench::sending(
        "unused",
        json!({"sendmail": ["/usr/sbin/sendmail", "-i"], "timeout": 7}),
    )
    .with_commands(|command| match command.argv.last().unwrap().as_str() {
        "list@example.org" => ended(67, "", "user unknown\n"),
        _ => ended(0, "", ""),
    });
    bench.set("cc-recipients", json!(["list@example.org"]));
    let notes = bench.notes();
    assert_eq!(notes.len(), 1);
    let reason = "list@example.org: /usr/sbin/sendmail exited with status 67: user unknown";
    assert!(notes[0].ends_with(reason), "{notes:?}");
    let calls = bench.host.command_lines();
    assert_eq!(
        calls[0],
        "/usr/sbin/sendmail -i -f uh@example.org -- hello@example.org"
    );
    assert_eq!(calls.len(), 2);
    let call = &bench.host.commands()[0];
    assert_eq!(call.time_limit_s, Some(7));
    let message = call.stdin.as_ref().unwrap();
    assert!(message.contains("\nSubject: [AUH] hello") && !message.contains('\r'));
    assert_eq!(
        bench.envelope("0001-hello.json")["to"],
        json!(["list@example.org"])
    );
}

#[test]
fn what_cannot_be_sent_for_want_of_settings_is_kept() {
    for (options, said) in [
        (
            json!({"user": "ann"}),
            "a password is not sent over a connection without security",
        ),
        (
            json!({"user": "ann", "security": "tls"}),
            "neither password-env nor password-command",
        ),
        (json!({"timeout": 0}), "[plugins.mail] is not understood"),
        (
            json!({"password-env": "A", "password-command": ["b"]}),
            "both password-env and",
        ),
        (
            json!({"security": "tls", "ca-file": "/no/such"}),
            "ca-file /no/such",
        ),
    ] {
        let bench = Bench::sending("127.0.0.1:1", options);
        let notes = bench.notes();
        assert!(notes.len() == 1 && notes[0].contains(said), "{notes:?}");
        assert_eq!(bench.kept().len(), 2);
    }
    let mut bench = Bench::sending("", json!({}));
    assert!(bench.notes()[0].contains("neither smtp nor [plugins.mail] sendmail is set"));
    bench.set("from", json!(""));
    assert_eq!(bench.notes(), ["no mail was sent: from is not set"]);
}

#[test]
fn without_send_emails_a_mail_is_only_written_down() {
    let commands = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commands);
    let mut bench =
        Bench::sending("x", json!({"sendmail": ["sendmail"]})).with_commands(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            ended(0, "", "")
        });
    bench.set("status-recipients", json!(["s@x.org"]));
    bench.set("send-emails", json!(false));
    assert_eq!(bench.notes(), [""; 0]);
    assert_eq!(bench.run("status").notes, [""; 0]);
    assert_eq!(commands.load(Ordering::Relaxed), 0);
    assert!(
        bench
            .summary()
            .starts_with("To: Ann hello <hello@example.org>\n")
    );
    bench.set("send-emails", json!(true));
    bench.notes();
    assert_eq!(commands.load(Ordering::Relaxed), 1);
}

#[test]
fn the_status_mail_goes_to_its_recipients_when_something_was_attempted() {
    let Some(server) = SmtpServer::start(json!({})) else {
        return;
    };
    let mut bench = Bench::sending(&server.address(), json!({}));
    fs::write(
        bench.request.run.folder.join("statistics_summary"),
        "TOTAL\n",
    )
    .unwrap();
    let notes = bench.run("status").notes;
    assert_eq!(
        notes,
        ["the status mail is not sent: status-recipients names nobody to send it to"]
    );
    bench.set("status-recipients", json!(["s@x.org", "t@x.org"]));
    bench.state().skipped = vec![skipped("hello")];
    assert_eq!(bench.run("status").notes, [""; 0]);
    assert_eq!(server.received().len(), 0);
    bench.state().skipped.clear();
    assert_eq!(bench.run("status").notes, [""; 0]);
    let mail = &server.received()[0];
    assert_eq!(mail.to, ["s@x.org", "t@x.org"]);
    assert!(
        mail.message.contains("Subject: [AUH] Upgrade status: 2") && mail.message.contains("TOTAL")
    );
}

#[test]
fn an_unknown_action_is_an_error() {
    let mut bench = Bench::new(&["hello"], json!({}));
    bench.request.action = "push".to_owned();
    let error = Mail.run(&bench.request, &bench.host.host()).unwrap_err();
    assert!(error.to_string().contains("\"push\""), "{error}");
}
