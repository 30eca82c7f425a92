//! What a terminal shows while a run goes on, looked at as pictures: the program runs on a terminal of
//! its own, and an emulator draws what it sends there.

use auh_tests::Environment;
use std::num::NonZero;

const ROWS: u16 = 24;

/// Everything that a run showed: the picture before each change, and the last one.
struct Film {
    pictures: Vec<String>,
    last: String,
    /// All lines that stayed, those that scrolled away too.
    text: String,
}

/// How the clearing of the lines that move begins.
const CLEAR: &str = "\r\x1b[";

impl Film {
    fn of(sent: &str, columns: u16) -> Self {
        let terminal = |rows, kept| {
            let [rows, columns] = [rows, columns].map(|n| NonZero::new(n).unwrap());
            vt100::Parser::new(rows, columns, kept)
        };
        let mut parser = terminal(ROWS, 1000);
        let mut pictures = Vec::new();
        for part in sent.split(CLEAR) {
            parser.process(part.as_bytes());
            pictures.push(parser.screen().contents());
            parser.process(CLEAR.as_bytes());
        }
        let last = pictures.last().cloned().unwrap_or_default();
        let mut tall = terminal(400, 0);
        tall.process(sent.as_bytes());
        Self {
            pictures,
            last,
            text: tall.screen().contents(),
        }
    }

    /// Pictures with so many lines that move, of those with the last line about the whole run.
    fn at_work(&self, needle: &str) -> Vec<&String> {
        let at_work = |picture: &&String| {
            let mut lines = picture.lines().rev().skip_while(|line| line.is_empty());
            lines.next().is_some_and(|line| line.contains("groups")) && picture.contains(needle)
        };
        self.pictures.iter().filter(at_work).collect()
    }
}

fn run(environment: &Environment, columns: u16, options: &[&str]) -> String {
    let words = "upgrade hello ghello phello chello --jobs 2 --machines";
    let call = environment
        .auh_on_a_terminal_of(columns)
        .args(words.split(' '))
        .args(["qemux86-64,qemuarm64"])
        .args(options)
        .env("STANDIN_SLEEP", "0.15");
    call.run().expect_code(1).stdout
}

#[test]
fn a_terminal_shows_each_job_and_machine_and_is_left_clean() {
    for columns in [40, 80, 200] {
        let Some(environment) = Environment::six() else {
            return;
        };
        let sent = run(&environment, columns, &["--color", "never"]);
        let film = Film::of(&sent, columns);
        if let Some(folder) = std::env::var_os("AUH_TEST_PICTURES") {
            let folder = std::path::Path::new(&folder);
            let file = folder.join(format!("screen-{columns}.txt"));
            let pictures = film.pictures.join("\n--------\n");
            std::fs::write(file, pictures + "\n======== last\n" + &film.last).unwrap();
        }
        // Names are cut where there is little room.
        let both = film.at_work("qemuar");
        assert!(!both.is_empty(), "no picture of a build at {columns}");
        // Two jobs, each for two machines, and the line about the run.
        let counters = |picture: &str| picture.lines().filter(|line| line.contains('/')).count();
        assert!(both.iter().any(|p| counters(p) >= 3), "{}", both[0]);
        for stays in ["succeeded  hello", "succeeded  ghello", "failed     chello"] {
            // Once when the group is done, and once in the summary.
            let times = film.text.matches(stays).count();
            assert!(
                times >= 1,
                "{stays} {times} times at {columns}:\n{}",
                film.text
            );
        }
        for moved in ["so far", "groups done", "░"] {
            assert!(
                !film.text.contains(moved),
                "{moved} stayed at {columns}:\n{}",
                film.text
            );
        }
        for colour in ["\x1b[31m", "\x1b[32m"] {
            assert!(
                !sent.contains(colour),
                "colours although there are to be none"
            );
        }
    }
}

#[test]
fn a_quiet_terminal_shows_the_result_alone() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let call = environment.auh_on_a_terminal_of(80);
    let call = call.args(["upgrade", "hello", "-s", "-q"]);
    let sent = call.env("NO_COLOR", "1").run().expect_code(0).stdout;
    assert!(sent.starts_with("succeeded  hello"), "{sent}");
    assert!(!sent.contains('\x1b'), "{sent:?}");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let coloured = |option: &str| {
        let call = environment.upgrade("nosuch -s --color");
        call.args([option])
            .run()
            .stderr
            .contains("\x1b[31merror:\x1b[0m")
    };
    assert!(coloured("always"));
    assert!(!coloured("auto") && !coloured("never"));
}

#[test]
fn a_verbose_run_shows_its_commands() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let output = environment.upgrade("hello -s -v").run().expect_code(0);
    assert!(
        output.stderr.contains("hello: $ devtool upgrade"),
        "{}",
        output.stderr
    );
}
