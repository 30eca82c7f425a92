//! The INI reader against Python's own, over generated files. Without python3 nothing is
//! compared and the test says so.

use auh_config::ini::Ini;
use proptest::{
    prelude::*,
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Command, Stdio},
};

const FILES: usize = 600;

/// Reads a JSON list of texts, answers with what configparser makes of each: sections in
/// order with their items, or null for an error.
const SCRIPT: &str = r#"
import configparser, io, json, sys
def read(text):
    parser = configparser.ConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
        return [[name, dict(parser.items(name))] for name in parser.sections()]
    except configparser.Error:
        return None
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
"#;

/// Pieces of files: mostly valid, with everything that is special to the format.
fn file() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => "[ \t]{0,2}[a-dA-D]{1,2}[ ]{0,2}[=:][ ]{0,2}[a-c%=:;#\\[\\]é]{0,4}",
        4 => "[a-dA-D]{1,2}=[a-c]{0,2}(%\\([a-dA-D]{1,2}\\)s|%%)[a-c]{0,2}",
        4 => "[ \t]{1,4}[a-c=:\\[\\]#;]{1,5}",
        3 => "\\[[s-v]{1,2}\\][ x]{0,2}",
        1 => "\\[DEFAULT\\]",
        1 => "\\[[\\]\\[ s]{0,3}\\]",
        2 => "[ ]{0,2}[#;][a-c=]{0,4}",
        2 => "[ \t\u{c}\u{1c}\u{a0}]{0,3}",
        1 => "[a-c \\[\\]=:%()]{0,6}",
    ];
    let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")];
    let lines = prop::collection::vec((line, end), 0..9);
    let header = prop_oneof![9 => Just("[s]\n"), 1 => Just("")];
    (header, lines).prop_map(|(header, lines)| {
        let lines: String = lines.into_iter().map(|(line, end)| line + end).collect();
        header.to_owned() + &lines
    })
}

/// A file in which `length` values each refer to the next; the last one is plain.
fn chain(length: usize) -> String {
    let links: String = (0..length)
        .map(|link| format!("k{link}=%(k{})s\n", link + 1))
        .collect();
    format!("[s]\n{links}k{length}=end\n")
}

/// What this reader makes of a file, in the script's form.
fn read(text: &str) -> Value {
    let Ok(ini) = Ini::parse(text) else {
        return Value::Null;
    };
    let section = |section| {
        let items: Result<serde_json::Map<_, _>, _> = ini
            .entries(section)
            .map(|entry| Ok((entry.key.clone(), ini.value(section, entry)?.into())))
            .collect();
        items.map(|items| json!([section.name, items]))
    };
    let all: Result<Vec<_>, auh_config::ini::IniError> =
        ini.sections().iter().map(section).collect();
    all.map_or(Value::Null, Value::Array)
}

/// What Python makes of the files; none without python3.
fn python(files: &[String]) -> Option<Vec<Value>> {
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let input = serde_json::to_vec(files).expect("JSON");
    child
        .stdin
        .take()
        .expect("stdin")
        .write_all(&input)
        .expect("python3 reads");
    let output = child.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "the script failed");
    Some(serde_json::from_slice(&output.stdout).expect("the script's answer"))
}

#[test]
fn files_mean_what_python_says() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"settings of the upgrade helper  ");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let generated = (0..FILES).map(|_| file().new_tree(&mut runner).expect("a file").current());
    let files: Vec<_> = generated.chain((8..13).map(chain)).collect();
    let Some(expected) = python(&files) else {
        eprintln!("skipped: python3 not found");
        return;
    };
    for (text, expect) in files.iter().zip(&expected) {
        assert_eq!(&read(text), expect, "{text:?}");
    }
    let valid = expected.iter().filter(|value| !value.is_null()).count();
    assert!(
        (FILES / 6..FILES - FILES / 6).contains(&valid),
        "{valid} valid files show little"
    );
}
