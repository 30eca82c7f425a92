//! Texts that somebody writes who means harm, in every place where a text from outside comes in, with
//! real git, a real mail server and the stand-ins: whatever they ask for does not happen.
//!
//! Each command that one of them would run makes a file `pwned`; each address that one of them would
//! write to is at `evil.example`.

use auh_journal::GroupVerdict::{Failed, Succeeded};
use auh_protocol::Version;
use auh_tests::{Environment, Finished, Output, SmtpServer, tree_of};
use regex::Regex;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

const NASTY: &str = include_str!("nasty.json");
/// Variables of auh's own environment that are nobody else's business.
const SECRETS: [(&str, &str); 3] = [
    ("MAIL_PASSWORD", "hunter2m4il"),
    ("GITHUB_TOKEN", "hunter2t0ken"),
    ("DEPLOY", "hunter2depl0y"),
];
/// The password in the URLs of the recipes.
const OF_URLS: &str = "urls3cret";

/// An environment whose recipes and upstreams are full of nasty texts.
fn nasty_environment() -> Option<Environment> {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("nasty.json");
    fs::write(&list, NASTY).unwrap();
    Environment::made(&["--nasty", list.to_str().unwrap()])
}

/// The texts as a command line can have them: without NUL, and what is no Unicode left out.
fn texts() -> Vec<String> {
    let no_surrogates = Regex::new(r"\\ud[c-f][0-9a-f]{2}").unwrap();
    let list: Value = serde_json::from_str(&no_surrogates.replace_all(NASTY, "?")).unwrap();
    let texts = list.as_array().unwrap().iter();
    let texts = texts.map(|text| text.as_str().unwrap().replace('\0', ""));
    let texts: Vec<String> = texts.collect();
    assert!(texts.len() >= 50);
    texts
}

/// Nothing that a text asked for was run, here or where this process is.
#[track_caller]
fn check_nothing_was_run(environment: &Environment) {
    let top = environment.top().parent().unwrap();
    let made = everything_below(top).into_iter();
    let made: Vec<PathBuf> = made.filter(|path| path.ends_with("pwned")).collect();
    assert_eq!(made, [""; 0].map(PathBuf::from));
    for path in ["pwned", "/tmp/pwned"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
}

/// Every path below a folder, git's own among them.
fn everything_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

/// Files below a folder that have a text in them.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let has = |path: &PathBuf| {
        let bytes = path.is_file().then(|| fs::read(path).ok()).flatten();
        bytes.is_some_and(|bytes| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
    };
    everything_below(folder).into_iter().filter(has).collect()
}

/// What is shown steers nothing: no control characters but line breaks and tabs, none that turn the
/// direction of text.
#[track_caller]
fn check_shown(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let steering: BTreeSet<char> = stream.chars().filter(|c| steers(*c)).collect();
        assert_eq!(steering, BTreeSet::new());
        for secret in secrets() {
            assert!(!stream.contains(secret), "{secret} is shown");
        }
    }
}

fn steers(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn secrets() -> impl Iterator<Item = &'static str> {
    SECRETS.iter().map(|(_, value)| *value).chain([OF_URLS])
}

#[test]
fn no_text_of_recipes_and_upstreams_does_anything() {
    let (Some(environment), Some(server)) = (nasty_environment(), SmtpServer::start(json!({})))
    else {
        return;
    };
    environment.settings(&format!(
        "from = 'uh@example.org'\nsmtp = '{}'\nmachines = ['qemux86-64']\n\
         cc-recipients = ['list@example.org']\nstatus-recipients = ['status@example.org']\n",
        server.address()
    ));
    let before: BTreeSet<PathBuf> = tree_of(environment.top()).into_iter().collect();
    let call = environment.upgrade("all -e --jobs 1");
    let call = SECRETS
        .iter()
        .fold(call, |call, (name, value)| call.env(name, value));
    let output = call.run().expect_code(1);
    check_shown(&output);
    check_nothing_was_run(&environment);
    let run = environment.latest_run();
    assert!(run.with(Succeeded).len() > 40, "{}", output.shown());
    assert!(run.with(Failed).len() > 10, "{}", output.shown());
    check_commits(&environment, &run);
    check_places(&environment, &before);
    check_page(&run.text("report.html"));
    check_mails(&server);
    check_secrets(&environment, &run);
    for words in [["show"], ["runs"]] {
        check_shown(&environment.auh().args(words).run());
    }
    check_nothing_was_run(&environment);
}

/// The same on a terminal, where bars are drawn: of what steers, only cursor and colours.
#[test]
fn on_a_terminal_too_no_text_steers() {
    let Some(environment) = nasty_environment() else {
        return;
    };
    let call = environment.auh_on_a_terminal();
    let names = (36..=56).map(|number| format!("n{number:03}"));
    let call = call
        .args(["upgrade", "--machines", "qemux86-64"])
        .args(names);
    let output = call.run();
    let own = Regex::new("\x1b\\[[0-9;?]*[A-Za-z]").unwrap();
    let rest = own.replace_all(&output.stdout, "");
    let steering: BTreeSet<char> = rest.chars().filter(|c| steers(*c) && *c != '\r').collect();
    assert_eq!(steering, BTreeSet::new());
    assert!(!output.stdout.contains("\x1b[2J"));
    check_nothing_was_run(&environment);
}

/// One commit for each success, all by the user, each with a subject of auh's own, and nothing else
/// touched in the layer.
#[track_caller]
fn check_commits(environment: &Environment, run: &Finished) {
    let people = environment.git(&[
        "log",
        "--skip=0",
        "--format=%an <%ae> %cn <%ce>",
        "HEAD",
        "--not",
        &first(environment),
    ]);
    let people: BTreeSet<&str> = people.lines().collect();
    // The settings say who writes, git's configuration who commits, and takes back.
    let writes = "Upgrade Helper <uh@example.org> Tester <tester@example.com>";
    let takes_back = "Tester <tester@example.com> Tester <tester@example.com>";
    assert_eq!(people, BTreeSet::from([writes, takes_back]));
    let subject = Regex::new(r#"^(Revert ")?n\d{3}: upgrade 1\.0 -> 2\.0"?$"#).unwrap();
    let subjects = environment.subjects();
    let strange: Vec<&String> = subjects.iter().filter(|s| !subject.is_match(s)).collect();
    assert_eq!(strange, [""; 0]);
    let standing = subjects.iter().filter(|s| !s.starts_with("Revert")).count();
    let reverted = subjects.len() - standing;
    assert_eq!(standing - reverted, run.with(Succeeded).len());
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
    let trailers = environment.git(&["log", "--format=%(trailers:key=Signed-off-by)"]);
    assert!(!trailers.contains("evil"), "{trailers}");
    let refs = environment.git(&["for-each-ref", "--format=%(refname)"]);
    let expected = |name: &str| name == "refs/heads/main" || name.starts_with("refs/heads/auh");
    assert!(refs.lines().all(expected), "{refs}");
}

/// The layer's first commit, which the stand-ins made.
fn first(environment: &Environment) -> String {
    environment.git(&["rev-list", "--max-parents=0", "HEAD"])
}

/// New files only where builds and runs keep theirs.
#[track_caller]
fn check_places(environment: &Environment, before: &BTreeSet<PathBuf>) {
    let expected =
        Regex::new(r"^(build/|build$|build-[^/]*|meta-tiny/recipes-hello/n\d{3}/n\d{3}_2\.0\.bb$)")
            .unwrap();
    let now = tree_of(environment.top());
    let new = now.iter().filter(|path| !before.contains(*path));
    let strange: Vec<_> = new
        .filter(|path| !expected.is_match(&path.to_string_lossy()))
        .collect();
    assert_eq!(strange, [""; 0].map(Path::new));
    let run = environment.latest_run();
    let folders = run.names_in("all");
    assert!(folders.iter().all(|name| name.len() == 4), "{folders:?}");
}

/// No text has become a part of the page.
#[track_caller]
fn check_page(page: &str) {
    assert!(!page.chars().any(steers));
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("</script>").count());
    assert!(scripts <= 1, "{scripts}");
    for text in [
        "<script>alert",
        "<img",
        "onerror=alert(1)>\"",
        "</style><script",
    ] {
        assert!(!page.contains(text), "{text}");
    }
    let link = Regex::new(r#"(?:href|src)="([^"]*)""#).unwrap();
    for link in link.captures_iter(page).map(|found| found[1].to_owned()) {
        let is_within = ["./", "../", "#"]
            .iter()
            .any(|start| link.starts_with(start));
        assert!(is_within, "{link}");
    }
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "it was not even shown"
    );
}

/// Nobody else gets mail, and no text has become a header.
#[track_caller]
fn check_mails(server: &SmtpServer) {
    let known = ["jane@example.com", "list@example.org", "status@example.org"];
    let mails = server.received();
    assert!(mails.len() > 50, "{}", mails.len());
    // One maintainer's field is somebody else's whole address, which is the recipe's to say.
    let is_evil = |to: &String| to.contains("evil");
    let to_evil = mails.iter().filter(|mail| mail.to.iter().any(is_evil));
    assert!(to_evil.count() <= 1);
    for mail in &mails {
        assert_eq!(mail.from, "uh@example.org");
        assert!(
            mail.to
                .iter()
                .all(|to| is_evil(to) || known.contains(&to.as_str())),
            "{:?}",
            mail.to
        );
        let head = mail.message.replace("\r\n", "\n");
        let (head, _) = head.split_once("\n\n").unwrap();
        let names = head.lines().filter(|line| !line.starts_with([' ', '\t']));
        let names: Vec<&str> = names.map(|line| line.split(':').next().unwrap()).collect();
        for name in ["Bcc", "Reply-To", "Sender"] {
            assert!(!names.contains(&name), "{head}");
        }
        assert_eq!(
            names.iter().filter(|name| **name == "To").count(),
            1,
            "{head}"
        );
        // The patch itself is the recipe's text, and would not apply without it.
        let words = mail.text.split("\ndiff --git ").next().unwrap();
        assert!(!words.chars().any(steers), "{words:?}");
        assert!(!words.contains(OF_URLS), "{words}");
        assert!(
            SECRETS
                .iter()
                .all(|(_, value)| !mail.message.contains(value))
        );
    }
}

/// The environment's secrets are nowhere: nobody was told them. A URL's is where the recipe has it,
/// and in the patches of the recipe, which would not apply without it.
#[track_caller]
fn check_secrets(environment: &Environment, run: &Finished) {
    for (name, value) in SECRETS {
        let found = files_with(environment.top(), value);
        assert_eq!(found, [""; 0].map(PathBuf::from), "{name}");
    }
    let found = files_with(&run.path, OF_URLS);
    // A mail has the patch in it; of its other words check_mails says the same.
    let is_patch = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "patch") || path.ends_with("email_summary")
    };
    let strange: Vec<&PathBuf> = found.iter().filter(|path| !is_patch(path)).collect();
    assert_eq!(strange, [""; 0].map(Path::new));
}

/// As names and versions on the command line they are refused, each with one line.
#[test]
fn as_names_and_versions_they_are_refused() {
    let Some(environment) = Environment::six() else {
        return;
    };
    // What is a version after all is tried as one, and fails as one.
    let is_version = |text: &String| Version::new(text.as_str()).is_ok();
    for text in texts().into_iter().filter(|text| !is_version(text)) {
        for words in [
            vec!["upgrade", "--", &text],
            vec!["upgrade", "hello", "-t", &text],
            vec!["upgrade", "hello", "--machines", &text],
            vec!["upgrade", "hello", "--pipeline", &text],
            vec!["show", "--", &text],
        ] {
            let output = environment.auh().args(&words).run();
            let is_option = ["--help", "-h"].contains(&text.as_str());
            assert!(
                is_option || output.code != Some(0),
                "{words:?}: {}",
                output.shown()
            );
            assert!(
                output.code.is_some_and(|code| code < 100),
                "{words:?}: {}",
                output.shown()
            );
            check_shown(&output);
        }
    }
    check_nothing_was_run(&environment);
    assert_eq!(environment.run_folders(), [""; 0].map(PathBuf::from));
    assert_eq!(environment.subjects(), [""; 0]);
}

/// Tags of an upstream under git, as far as git lets anybody fetch them.
#[test]
fn as_tags_of_an_upstream_they_are_no_versions() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let upstream = environment.top().join("upstream/git");
    let commit = environment.git_in(&upstream, &["rev-parse", "v2.0"]);
    let _ = environment.git_in(&upstream, &["tag", "-d", "v2.0"]);
    let recipe = environment.recipe("ghello", "1.0");
    environment.append(&recipe, "UPSTREAM_CHECK_GITTAGREGEX = \"v(?P<pver>.*)\"\n");
    let _ = environment.git(&["commit", "-qam", "accept every version"]);
    let mut tried = 0;
    for text in texts() {
        let tag = format!("refs/tags/v9{text}");
        let make = Command::new("git")
            .arg("-C")
            .arg(&upstream)
            .args(["update-ref", &tag, &commit])
            .output();
        if !make.unwrap().status.success() {
            continue;
        }
        tried += 1;
        let output = environment.upgrade("ghello --machines qemux86-64").run();
        check_shown(&output);
        // BitBake looks only at what stands behind a tag's last slash, which may be no version at all.
        let passed_over = output.stdout.contains("ghello  it is up to date (1.0)");
        let refused = output.code != Some(0);
        if !(refused || passed_over) {
            // `9-` is a version like any other.
            let version = Version::new(format!("9{text}"));
            assert!(version.is_ok(), "{text:?}: {}", output.shown());
            let _ = environment.git(&["reset", "-q", "--hard", "HEAD~1"]);
        }
        let _ = environment.git_in(&upstream, &["update-ref", "-d", &tag]);
    }
    assert!(tried > 20, "{tried}");
    check_nothing_was_run(&environment);
    assert_eq!(environment.subjects(), ["accept every version"]);
}

/// What a hook of the layer says goes through git into auh's messages; what it sees of the environment
/// is what git needs.
#[test]
fn what_git_says_steers_nothing_and_hooks_see_no_secrets() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let hook = environment.layer().join(".git/hooks/commit-msg");
    let said = environment.beside("said").join("environment");
    let script = format!(
        "#!/bin/sh\nenv >{}\nprintf '\\033]52;c;cHduZWQ=\\007\\033[2J<script>alert(1)</script>\\342\\200\\256 https://me:{OF_URLS}@x.example/\\n' >&2\nexit 1\n",
        said.display()
    );
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let call = environment.upgrade("hello --machines qemux86-64 -s");
    let call = SECRETS
        .iter()
        .fold(call, |call, (name, value)| call.env(name, value));
    let output = call.run().expect_code(1);
    check_shown(&output);
    let seen = fs::read_to_string(said).unwrap();
    assert!(seen.contains("PATH="), "{seen}");
    assert!(
        SECRETS.iter().all(|(_, value)| !seen.contains(value)),
        "{seen}"
    );
    let run = environment.latest_run();
    assert_eq!(run.with(Failed), ["hello"]);
    assert!(!run.text("report.html").contains("<script>alert"));
    assert_eq!(files_with(&run.path, OF_URLS), [""; 0].map(PathBuf::from));
    assert_eq!(environment.git(&["status", "--porcelain"]), "");
    assert_eq!(environment.subjects(), [""; 0]);
}

/// A variable passes when the user lets it pass to BitBake.
#[test]
fn what_the_user_lets_pass_reaches_the_tools() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let hook = environment.layer().join(".git/hooks/commit-msg");
    let said = environment.beside("said").join("environment");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\nenv >{}\n", said.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let call = environment
        .upgrade("hello --machines qemux86-64 -s")
        .env("DEPLOY", "yes");
    let call = call.env("BB_ENV_PASSTHROUGH_ADDITIONS", "DEPLOY");
    let _ = call.run().expect_code(0);
    assert!(fs::read_to_string(said).unwrap().contains("DEPLOY=yes"));
}

/// A build that knows where runs are kept plants links in the run directory, under the names of all
/// that is written there later. What they lead to stays as it is.
#[test]
fn links_planted_in_the_run_directory_lead_nowhere() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let victims = environment.beside("victims");
    let files = [
        "report.html",
        ".report.html.new",
        "summary.json",
        ".summary.json.new",
        "junit.xml",
        ".junit.xml.new",
        "statistics_summary",
        ".statistics_summary.new",
    ];
    for name in files {
        fs::write(victims.join(name), "mine\n").unwrap();
    }
    fs::create_dir(victims.join("phello")).unwrap();
    let runs = environment.build_dir().join("upgrade-helper");
    let plant = format!(
        "run=$(ls -d {}/[0-9]*[0-9])\n    for name in {}; do ln -sf {}/$name $run/$name; done\n    ln -sfn {}/phello $run/all/phello\n    ln -s {}/phello/log $run/all/hello/bitbake-output-qemux86-64.txt || true",
        runs.display(),
        files.join(" "),
        victims.display(),
        victims.display(),
        victims.display()
    );
    let recipe = environment.recipe("hello", "1.0");
    let text = fs::read_to_string(&recipe).unwrap();
    let text = text.replace(
        "do_compile() {\n",
        &format!("do_compile() {{\n    {plant}\n"),
    );
    fs::write(&recipe, text).unwrap();
    let _ = environment.git(&["commit", "-qam", "plant"]);
    let output = environment
        .upgrade("hello phello --machines qemux86-64")
        .run();
    for name in files {
        assert_eq!(
            fs::read_to_string(victims.join(name)).unwrap(),
            "mine\n",
            "{name}"
        );
    }
    assert_eq!(
        fs::read_dir(victims.join("phello")).unwrap().count(),
        0,
        "{}",
        output.shown()
    );
    let run = environment.latest_run();
    assert_eq!(run.with(Succeeded)[0], "hello", "{}", output.shown());
    assert!(!run.path.join("report.html").is_symlink());
}

/// A run directory cannot be foretold into a link: it is made anew or not at all.
#[test]
fn a_work_directory_full_of_links_is_no_way_out() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let victim = environment.beside("victim");
    let runs = environment.build_dir().join("upgrade-helper");
    fs::create_dir_all(&runs).unwrap();
    let output = environment
        .upgrade("hello --machines qemux86-64 -s")
        .run()
        .expect_code(0);
    let name = environment
        .latest_run()
        .path
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let number: u64 = name.parse().unwrap();
    for later in number + 1..number + 400 {
        let _ = symlink(&victim, runs.join(later.to_string()));
    }
    let _ = environment.upgrade("ghello --machines qemux86-64 -s").run();
    assert_eq!(
        fs::read_dir(&victim).unwrap().count(),
        0,
        "{}",
        output.shown()
    );
}
