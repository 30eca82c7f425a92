//! Mails from the command line to a real mail server, and again when they did not get there.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_tests::{Environment, Received, SmtpServer};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};

/// Settings that send mails to a server.
fn settings(server: &SmtpServer, more: &str) -> String {
    let address = server.address();
    format!(
        "from = 'uh@example.org'\nsmtp = '{address}'\nmachines = ['qemux86-64']\n\
         cc-recipients = ['list@example.org']\nstatus-recipients = ['status@example.org']\n{more}"
    )
}

fn subject(mail: &Received) -> &str {
    let line = mail
        .message
        .lines()
        .find_map(|l| l.strip_prefix("Subject: "));
    line.unwrap()
}

#[test]
fn a_mail_for_each_group_and_one_about_the_run() {
    let (Some(environment), Some(server)) = (Environment::six(), SmtpServer::start(json!({})))
    else {
        return;
    };
    environment.settings(&settings(&server, ""));
    let _ = environment.upgrade("hello bhello -e").run().expect_code(1);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["hello"]);
    assert_eq!(run.with(Failed), ["bhello"]);
    let received = server.received();
    let subjects: Vec<_> = received.iter().map(subject).collect();
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    let [good, bad, status] = received.as_slice() else {
        panic!("{subjects:?}");
    };
    assert_eq!(subject(good), "[AUH] hello: upgrading to 2.0 SUCCEEDED");
    assert_eq!(subject(bad), "[AUH] bhello: upgrading to 2.0 FAILED");
    assert!(subject(status).starts_with("[AUH] Upgrade status: 20"));
    for mail in [good, bad] {
        assert!(
            mail.to.contains(&"list@example.org".to_owned()),
            "{:?}",
            mail.to
        );
        assert_eq!(mail.to.len(), 2);
    }
    assert_eq!(good.files[0], "0001-hello-upgrade-1.0-2.0.patch");
    assert!(
        good.text
            .contains("git am 0001-hello-upgrade-1.0-2.0.patch\n")
    );
    assert!(
        bad.text.contains("has Failed(do_compile).\n"),
        "{}",
        bad.text
    );
    let log = "bitbake-output-qemux86-64.txt";
    assert!(bad.text.contains(&format!("The end of {log}:\n")));
    assert!(bad.files.iter().any(|file| file == log));
    assert_eq!(status.to, ["status@example.org"]);
    let total = "TOTAL: attempted=2 succeeded=1";
    assert!(status.text.contains(total), "{}", status.text);
    let name = run.path.file_name().unwrap().to_str().unwrap();
    assert_eq!(status.files, [format!("{name}.tar.gz")]);
    for group in ["hello", "bhello"] {
        let summary = run.text(&format!("all/{group}/email_summary"));
        assert!(
            summary.contains("\nCc: list@example.org\nSubject: [AUH] "),
            "{summary}"
        );
    }
    assert!(!run.path.join("mail").exists());
}

#[test]
fn without_the_flag_mails_are_only_written_down() {
    let (Some(environment), Some(server)) = (Environment::six(), SmtpServer::start(json!({})))
    else {
        return;
    };
    environment.settings(&settings(&server, ""));
    let _ = environment.upgrade("hello -s").run().expect_code(0);
    assert_eq!(server.received().len(), 0);
    let summary = environment.latest_run().text("all/hello/email_summary");
    assert!(
        summary.contains("Subject: [AUH] hello: upgrading to 2.0 SUCCEEDED\n"),
        "{summary}"
    );
}

#[test]
fn a_wrong_password_costs_no_recipe_and_the_right_one_sends_the_mails_again() {
    let login = json!({"security": "tls", "user": "ann", "password": "r1ght-passw0rd"});
    let (Some(environment), Some(server)) = (Environment::six(), SmtpServer::start(login)) else {
        return;
    };
    let plugin = format!(
        "[plugins.mail]\nsecurity = 'tls'\nca-file = '{}'\nuser = 'ann'\npassword-env = 'MAIL_PASSWORD'\n",
        server.ca_file().display()
    );
    environment.settings(&settings(&server, &plugin));
    let call = environment
        .upgrade("hello -s -e")
        .env("MAIL_PASSWORD", "wr0ng-passw0rd");
    let output = call.run().expect_code(0);
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded), ["hello"]);
    let note = "refuses the login of ann: it answered 535";
    assert!(
        run.state("hello").notes.iter().any(|n| n.contains(note)),
        "{}",
        output.shown()
    );
    let kept = [
        "0001-hello.eml",
        "0001-hello.json",
        "0002-status.eml",
        "0002-status.json",
    ];
    assert_eq!(run.names_in("mail"), kept);
    assert_eq!(server.received().len(), 0);

    let again = || environment.auh().args(["mail", "--resend", "last"]);
    let refused = again().env("MAIL_PASSWORD", "wr0ng-passw0rd").run();
    let refused = refused.expect_code(1);
    assert!(
        refused.stderr.contains("0 mails sent, 2 not"),
        "{}",
        refused.shown()
    );
    assert_eq!(run.names_in("mail"), kept);

    let again = again()
        .env("MAIL_PASSWORD", "r1ght-passw0rd")
        .run()
        .expect_code(0);
    assert!(again.stdout.contains("2 mails sent"), "{}", again.shown());
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert!(
        received
            .iter()
            .all(|mail| mail.tls && mail.user.as_deref() == Some("ann"))
    );
    assert_eq!(run.names_in("mail"), [""; 0]);

    let told = [&output, &refused, &again]
        .map(auh_tests::Output::shown)
        .concat();
    assert!(!told.contains("passw0rd"), "{told}");
    for file in auh_tests::tree_of(&run.path) {
        let content = fs::read(run.path.join(&file)).unwrap_or_default();
        let found = String::from_utf8_lossy(&content).contains("passw0rd");
        assert!(!found, "the password is in {}", file.display());
    }
}

#[test]
fn a_sendmail_gets_the_mail_on_its_input() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let folder = environment.beside("mta");
    let program = folder.join("sendmail");
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\necho \"$*\" >> calls\ncat > \"mail-$(wc -l < calls)\"\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    environment.settings(&format!(
        "from = 'uh@example.org'\ncc-recipients = ['list@example.org']\n[plugins.mail]\nsendmail = ['{}', '-i']\n",
        program.display()
    ));
    let _ = environment.upgrade("hello -s -e").run().expect_code(0);
    let calls = fs::read_to_string(folder.join("calls")).unwrap();
    let calls: Vec<_> = calls.lines().collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[0].starts_with("-i -f uh@example.org -- "));
    assert_eq!(calls[1], "-i -f uh@example.org -- list@example.org");
    for number in [1, 2] {
        let mail = fs::read_to_string(folder.join(format!("mail-{number}"))).unwrap();
        assert!(
            mail.contains("\nSubject: [AUH] hello: upgrading to 2.0 SUCCEEDED\n"),
            "{mail}"
        );
    }
}
