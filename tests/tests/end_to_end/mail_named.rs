//! The settings and flags about mails, each with a test that is named after it, against a mail
//! server.

use auh_tests::{Environment, Received, SmtpServer};
use serde_json::json;

/// The six recipes, a mail server, and further lines below `[settings]`, with `[SMTP]` for the
/// server's address.
fn with(settings: &str) -> Option<(Environment, SmtpServer)> {
    let environment = Environment::six()?;
    let server = SmtpServer::start(json!({}))?;
    let settings = settings.replace("[SMTP]", &server.address());
    environment.legacy_settings(&format!("[settings]\n{settings}\n"));
    Some((environment, server))
}

/// The mail whose subject contains this.
fn about<'m>(mails: &'m [Received], subject: &str) -> Option<&'m Received> {
    let is_it = |mail: &&Received| {
        let mut lines = mail.message.lines();
        lines.any(|line| line.starts_with("Subject: ") && line.contains(subject))
    };
    mails.iter().find(is_it)
}

#[test]
fn setting_smtp() {
    let Some((environment, server)) = with("from=auh@example.com\nsmtp=[SMTP]") else {
        return;
    };
    let _ = environment.upgrade("hello -s -e").run().expect_code(0);
    let mails = server.received();
    let mail = about(&mails, "[AUH] hello: upgrading to 2.0 SUCCEEDED").expect("no mail");
    assert_eq!(mail.from, "auh@example.com");
    assert_eq!(mail.to, ["jane@example.com"]);
}

#[test]
fn setting_cc_recipients() {
    let conf = "from=auh@example.com\nsmtp=[SMTP]\ncc_recipients=list@example.com boss@example.com";
    let Some((environment, server)) = with(conf) else {
        return;
    };
    let _ = environment.upgrade("hello -s -e").run().expect_code(0);
    let mails = server.received();
    let mut to = about(&mails, "hello: upgrading")
        .expect("no mail")
        .to
        .clone();
    to.sort();
    assert_eq!(
        to,
        ["boss@example.com", "jane@example.com", "list@example.com"]
    );
}

#[test]
fn setting_status_recipients() {
    let conf = "from=auh@example.com\nsmtp=[SMTP]\nstatus_recipients=status@example.com";
    let Some((environment, server)) = with(conf) else {
        return;
    };
    let _ = environment.upgrade("hello -s -e").run().expect_code(0);
    let mails = server.received();
    let mail = about(&mails, "[AUH] Upgrade status: ").expect("no mail");
    assert_eq!(mail.to, ["status@example.com"]);
}

#[test]
fn setting_maintainer_override() {
    let conf = "from=auh@example.com\nsmtp=[SMTP]\n[maintainer_override]\njane@example.com=heir@example.com";
    let Some((environment, server)) = with(conf) else {
        return;
    };
    let _ = environment.upgrade("hello -s -e").run().expect_code(0);
    let mails = server.received();
    assert_eq!(
        about(&mails, "hello: upgrading").expect("no mail").to,
        ["heir@example.com"]
    );
}

#[test]
fn setting_global_maintainer_override_for_mails() {
    let conf = "from=auh@example.com\nsmtp=[SMTP]\nglobal_maintainer_override=all@example.com";
    let Some((environment, server)) = with(conf) else {
        return;
    };
    let _ = environment.upgrade("hello -s -e").run().expect_code(0);
    let mails = server.received();
    assert_eq!(
        about(&mails, "hello: upgrading").expect("no mail").to,
        ["all@example.com"]
    );
}

#[test]
fn flag_send_emails() {
    let conf = "from=auh@example.com\nsmtp=[SMTP]\nstatus_recipients=status@example.com";
    let Some((environment, server)) = with(conf) else {
        return;
    };
    let helper = |words: &str| {
        let call = environment.under("upgrade-helper.py");
        call.args(words.split_whitespace()).run().expect_code(0)
    };
    let _ = helper("hello -s");
    assert_eq!(
        server.received().len(),
        0,
        "without the flag nobody gets a mail"
    );
    let summary = environment.latest_run().text("all/hello/email_summary");
    assert!(
        summary.contains("[AUH] hello: upgrading to 2.0 SUCCEEDED"),
        "{summary}"
    );
    let _ = helper("ghello -s --send-emails");
    assert_eq!(
        server.received().len(),
        2,
        "one to the maintainer and one about the run"
    );
}

#[test]
fn mail_resend_sends_what_is_left_of_the_last_run() {
    let conf = "from=auh@example.com\nsmtp=127.0.0.1:1\nstatus_recipients=status@example.com";
    let Some((environment, server)) = with(conf) else {
        return;
    };
    let _ = environment.upgrade("hello -s -e").run();
    let run = environment.latest_run();
    let address = server.address();
    environment.legacy_settings(&format!(
        "[settings]\nfrom=auh@example.com\nsmtp={address}\n"
    ));
    let resend = |run: &str| environment.auh().args(["mail", "--resend", run]).run();
    let _ = resend("last").expect_code(0);
    let mails = server.received();
    assert!(about(&mails, "hello: upgrading").is_some() && about(&mails, "status").is_some());
    assert_eq!(mails.len(), 2);
    let name = run.path.file_name().unwrap().to_str().unwrap();
    let _ = resend(name).expect_code(0);
    assert_eq!(server.received().len(), 2, "each is sent once");
    assert_eq!(
        environment.latest_run().journal,
        run.journal,
        "the run is as it was"
    );
    let refused = resend("20000101000000").expect_code(3);
    assert!(
        refused.stderr.contains("no run directory"),
        "{}",
        refused.stderr
    );
}
