//! The page as a whole: everything is in it, and nothing gets out of its place.

use super::*;
use auh_journal::RunFolder;
use proptest::prelude::*;
use serde_json::json;
use std::fs;

const JOURNAL: &str = include_str!("../../report/tests/data/journal.jsonl");

fn records(journal: &str) -> Vec<Record> {
    let lines = journal.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The page of a journal, with these files in the folder of the group `hello`.
fn page(journal: &str, files: &[(&str, &str)], previous: bool) -> String {
    let workdir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(workdir.path()).unwrap();
    let group = folder.create_group("hello").unwrap();
    for (name, text) in files {
        fs::write(group.join(name), text).unwrap();
    }
    let chello = folder.create_group("chello").unwrap();
    let log = "NOTE: begins\nERROR: <b>0001-clash.patch</b> does not apply\nNOTE: ends\n";
    fs::write(chello.join("devtool-upgrade-chello.log"), log).unwrap();
    let records = records(journal);
    let story = Story::of(&records);
    html(&Page {
        name: "20260101120000",
        records: &records,
        story: &story,
        state: RunState::of(&story, false),
        evidence: &Evidence::gather(&folder, &story),
        previous: previous.then_some(("20251231120000", &story)),
        beside_files: true,
    })
}

#[test]
fn everything_about_a_run_is_in_its_page() {
    let files = [
        ("0001.patch", "--- a\n+++ b\n+new\n-old\n"),
        ("license-diff-1.0.txt", "+GPL-9\n"),
        ("buildhistory-diff.txt", "packages/x: PKGSIZE 1 to 2\n"),
        ("changelog-hello.txt", "fixes & more\n"),
    ];
    let page = page(JOURNAL, &files, true);
    for part in [
        "<a href=\"#g0\">hello</a>",
        "1.0 → newest commit 0123456789",
        "licence text changed",
        "0001-clash.patch does not apply: conflict in hello.sh",
        "<mark>ERROR: &lt;b&gt;0001-clash.patch&lt;/b&gt; does not apply</mark>",
        "1 line speaks of an error; it is marked.",
        "<ins>+new</ins>",
        "<del>-old</del>",
        "+++ b\n",
        "<ins>+GPL-9</ins>",
        "PKGSIZE 1 to 2",
        "fixes &amp; more",
        "href=\"./all/hello/0001.patch\"",
        "devtool says that it is up to date",
        "no answer from its upstream",
        "left out on qemuarm64",
        "2 mails were sent",
        "taken back by <code>aa</code>",
        "5 still failing",
        "<a href=\"#g3\">bhello</a> (compile)",
        "1 full parse",
        "with exit status 1 (some recipes failed)",
        "<strong>3.5 GB</strong> more in use",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // 11 recipes: eight groups, one of two, and two that were left out.
    assert_eq!(page.matches("<tr data-status=").count(), 11);
    assert_eq!(page.matches("<details class=\"group\"").count(), 8);
}

#[test]
fn a_page_of_nothing_and_of_a_run_that_broke_off_still_speaks() {
    let nothing = page("", &[], false);
    assert!(
        nothing.contains("Its journal does not say when it began"),
        "{nothing}"
    );
    assert!(nothing.contains("The journal of this run tells nothing of disk space"));
    assert!(nothing.contains("no earlier run") && nothing.contains("Nothing was begun"));
    let cut: String = JOURNAL
        .lines()
        .take(8)
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(page(&cut, &[], false).contains("and broke off: its journal has no end"));
}

#[test]
fn the_script_is_the_one_that_may_run() {
    // `openssl dgst -sha256 -binary script.js | base64` says what it has to be.
    assert_eq!(SCRIPT.sha256, sha256(SCRIPT.text));
}

/// What a browser would run or ask for if a text got out of its place.
fn assert_harmless(page: &str) {
    let inside = page.replace(SCRIPT.text, "").replace(STYLE, "");
    assert_eq!(inside.matches("<script").count(), 1, "{inside}");
    let lower = inside.to_lowercase();
    for outside in [
        "<img",
        "<iframe",
        "onerror=\"",
        "onload=",
        "src=",
        "http:",
        "url(",
        "javascript:",
    ] {
        let found = lower.replace("http-equiv", "");
        assert!(!found.contains(outside), "{outside}: {inside}");
    }
    for open in lower.split("href=\"").skip(1) {
        assert!(open.starts_with('#') || open.starts_with("./"), "{open}");
    }
}

#[test]
fn nothing_that_comes_from_outside_runs_or_leads_out() {
    let nasty = "</pre></script><img src=x onerror=\"alert(1)\">' onload='x\u{202e}\u{1b}]0;t\u{7}";
    let plain = JOURNAL
        .replace("do_compile failed", &in_json(nasty))
        .replace("devtool says that it is up to date", &in_json(nasty))
        .replace("no answer from its upstream", &in_json(nasty))
        .replace("2 mails were sent", &in_json(nasty))
        .replace("built once more", &in_json(nasty))
        .replace("Jane Doe", &in_json(nasty))
        .replace("hello: upgrade 1.0 -> 2.0", &in_json(nasty))
        .replace("compile-parallel", &in_json(nasty));
    let files = [
        ("0001.patch", nasty),
        ("changelog-<img src=x>.txt", nasty),
        ("a\" onload=\"x.txt", nasty),
    ];
    let page = page(&plain, &files, true);
    let text = page.replace("&lt;", "<");
    assert!(
        text.matches("<img src=x").count() > 8,
        "it is shown, though"
    );
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    let harmless = page
        .replace("src=x", "")
        .replace("onerror=&quot;", "")
        .replace("onload=", "");
    assert_harmless(&harmless);
    assert!(!page.contains("<img"));
}

fn in_json(text: &str) -> String {
    let quoted = json!(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_text_stays_text(text in "\\PC{0,40}", nasty in "[<>/\"'&=a-z ]{0,40}") {
        for text in [text, nasty] {
            let journal = JOURNAL.replace("do_compile failed", &in_json(&text))
                .replace("no answer from its upstream", &in_json(&text));
            let page = page(&journal, &[("changelog-a.txt", &text)], false);
            let count = |tag: &str| page.matches(tag).count();
            prop_assert_eq!(count("<table"), count("</table>"));
            prop_assert_eq!(count("<details"), count("</details>"));
            prop_assert_eq!(count("<script"), 1);
        }
    }
}

#[test]
fn the_page_over_all_runs_has_each_of_them() {
    let story = Story::of(&records(JOURNAL));
    let run = |name: &str| auh_report::Overview::of(name, &story, RunState::Finished);
    let runs = [run("20260101120000"), run("2026<b>")];
    let page = trend_html(&TrendPage {
        place: "/b/<upgrade-helper>",
        runs: &runs,
        unreadable: &[("20260103120000".to_owned(), "line 3 is no event".to_owned())],
        pages: &["20260101120000".to_owned()].into(),
    });
    assert!(
        page.contains("href=\"./20260101120000/report.html\""),
        "{page}"
    );
    assert!(page.contains("1 patch-conflict, 1 compile, 2 infrastructure"));
    assert!(page.contains(">2 runs</td>") && page.contains("line 3 is no event"));
    assert!(page.contains("2026&lt;b&gt;") && !page.contains("<b>\""));
    assert_harmless(&page);
}

/// SHA-256 in base64 (FIPS 180-4), to compare with what the page says of its script.
fn sha256(text: &str) -> String {
    let mut state: [u32; 8] = first_bits(2.0);
    let rounds: [u32; 64] = first_bits(3.0);
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0x80);
    bytes.resize((bytes.len() + 8).next_multiple_of(64) - 8, 0);
    bytes.extend((text.len() as u64 * 8).to_be_bytes());
    for block in bytes.chunks(64) {
        let mut words: Vec<u32> = block
            .chunks(4)
            .map(|word| u32::from_be_bytes(word.try_into().unwrap()))
            .collect();
        for t in 16..64 {
            let (a, b) = (words[t - 15], words[t - 2]);
            let small = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let large = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            let sum = words[t - 16].wrapping_add(words[t - 7]);
            words.push(sum.wrapping_add(small).wrapping_add(large));
        }
        let mixed = (0..64).fold(state, |s, t| mix(s, words[t].wrapping_add(rounds[t])));
        for (known, new) in state.iter_mut().zip(mixed) {
            *known = known.wrapping_add(new);
        }
    }
    base64(
        &state
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect::<Vec<_>>(),
    )
}

fn mix(s: [u32; 8], word: u32) -> [u32; 8] {
    let [a, b, c, d, e, f, g, h] = s;
    let first = h
        .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
        .wrapping_add((e & f) ^ (!e & g))
        .wrapping_add(word);
    let second = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
        .wrapping_add((a & b) ^ (a & c) ^ (b & c));
    [
        first.wrapping_add(second),
        a,
        b,
        c,
        d.wrapping_add(first),
        e,
        f,
        g,
    ]
}

/// The first 32 bits behind the point of the square or cube roots of the first primes.
fn first_bits<const N: usize>(root: f64) -> [u32; N] {
    let is_prime = |n: &u32| (2..*n).all(|d| !n.is_multiple_of(d));
    let mut primes = (2..).filter(is_prime);
    std::array::from_fn(|_| {
        let value = f64::from(primes.next().unwrap()).powf(1.0 / root);
        (value.fract() * 4_294_967_296.0) as u32
    })
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, n| {
            bits << 8 | u32::from(*bytes.get(n).unwrap_or(&0))
        });
        let letter = |n: u32| char::from(LETTERS[(bits >> (18 - 6 * n)) as usize & 63]);
        let text: String = (0..=bytes.len() as u32).map(letter).collect();
        format!("{text:=<4}")
    };
    bytes.chunks(3).map(group).collect()
}
