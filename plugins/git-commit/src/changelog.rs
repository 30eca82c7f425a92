//! Upstream's changelog as a commit message can carry it: bounded, without control characters, lines
//! of a readable length, and nothing in it that git or a person would take for a part of the message
//! itself. The text comes from upstream and may hold anything.

/// At most this many characters; what OE-core's own upgrades carry.
const LONGEST: usize = 3000;
/// Lines up to this width stay as they are.
const WIDEST: usize = 80;
/// Longer ones are wrapped at this width.
const WIDTH: usize = 75;

/// What of a changelog that devtool extracted goes into the message; empty if nothing does.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = tidy(&text);
    let is_heading = |line: &String| line.starts_with("Changelog for ");
    if lines.first().is_some_and(is_heading) {
        // devtool's own first line; the subject says so already.
        lines.remove(0);
    }
    let lines = without_double_blanks(lines.iter().flat_map(|line| wrapped(line)));
    let (kept, left_out) = bounded(lines);
    let mut lines: Vec<String> = kept.iter().map(|line| harmless(line)).collect();
    if left_out > 0 {
        lines.push(String::new());
        lines.push(format!("[The changelog goes on for {left_out} lines.]"));
    } else {
        no_trailers(&mut lines);
    }
    lines.join("\n")
}

/// A text without characters that steer: controls, other kinds of line breaks, changes of direction.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !auh_foreign::steers(*c)).collect()
}

/// Lines without tabs, control characters and blanks at their ends.
fn tidy(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = printable(&line.replace('\t', "    "));
        line.trim_end().to_owned()
    };
    text.lines().map(line).collect()
}

/// No blank lines at the ends, and no two in a row.
fn without_double_blanks(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        if !line.is_empty() || kept.last().is_some_and(|last| !last.is_empty()) {
            kept.push(line);
        }
    }
    if kept.last().is_some_and(String::is_empty) {
        kept.pop();
    }
    kept
}

/// The beginning that is short enough, in whole lines, and how many lines are left out.
fn bounded(mut lines: Vec<String>) -> (Vec<String>, usize) {
    let mut length = 0;
    let fits = lines.iter().take_while(|line| {
        length += line.chars().count() + 1;
        length <= LONGEST
    });
    let fits = fits.count();
    let left_out = lines.len() - fits;
    lines.truncate(fits);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    (lines, left_out)
}

/// A long line in several, indented like its text. A word that is longer than a line stays whole.
fn wrapped(line: &str) -> Vec<String> {
    if line.chars().count() <= WIDEST {
        return vec![line.to_owned()];
    }
    let text = line.trim_start_matches(' ');
    let bullet = ["- ", "* ", "+ ", "o "]
        .iter()
        .any(|bullet| text.starts_with(bullet));
    let before = line.len() - text.len();
    let indent = " ".repeat((before + if bullet { 2 } else { 0 }).min(WIDTH / 2));
    let mut lines = vec![" ".repeat(before.min(WIDTH / 2))];
    for word in text.split_whitespace() {
        let last = lines.last().map_or("", String::as_str);
        let is_new = last.trim().is_empty();
        if !is_new && last.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(indent.clone());
        }
        if let Some(last) = lines.last_mut() {
            if !last.trim().is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// A line that git or mail would not take for text is moved in by a blank: where a patch begins
/// (`---`, `diff `, `Index: `), a mail's header or separator, a comment, a tag of this commit's own.
fn harmless(line: &str) -> String {
    const STARTS: [&str; 9] = [
        "---",
        "diff ",
        "Index: ",
        "#",
        "From ",
        "From:",
        "Subject:",
        "Date:",
        "License-Update:",
    ];
    let is_tag = |name: &str| name.ends_with("-by") || name.eq_ignore_ascii_case("cc");
    let is_tagged = line.split_once(':').is_some_and(|(name, _)| is_tag(name));
    let is_scissors = line.contains(">8") || line.contains("8<");
    match line {
        _ if is_scissors && line.chars().all(|c| "-<>8 ".contains(c)) => String::new(),
        _ if is_tagged || STARTS.iter().any(|start| line.starts_with(start)) => format!(" {line}"),
        _ => line.to_owned(),
    }
}

/// git would add the sign-off to a last paragraph of nothing but `Name: text`.
fn no_trailers(lines: &mut [String]) {
    let start = lines
        .iter()
        .rposition(String::is_empty)
        .map_or(0, |blank| blank + 1);
    let is_trailer = |line: &String| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let last = &mut lines[start..];
    if last.iter().all(is_trailer) {
        last.iter_mut().for_each(|line| line.insert(0, ' '));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(excerpt(text.as_bytes()), expect);
    }

    #[test]
    fn devtools_heading_goes_and_the_source_stays() {
        check(
            "Changelog for hello: 1.0 -> 2.0\nSource: NEWS\n\n\n\n2.0  \n- louder\r\n\n",
            "Source: NEWS\n\n2.0\n- louder",
        );
        check("Changelog for hello: 1.0 -> 2.0\n\n", "");
        check("", "");
    }

    #[test]
    fn only_lines_that_are_too_long_are_wrapped() {
        let url = format!("https://example.org/{}", "x".repeat(80));
        let words = "word ".repeat(20);
        let text = format!("- {words}end\n  {url}\n{}", "y".repeat(80));
        let expect = format!(
            "- {}word\n  {}word end\n  {url}\n{}",
            "word ".repeat(13),
            "word ".repeat(5),
            "y".repeat(80)
        );
        check(&text, &expect);
    }

    #[test]
    fn what_is_too_much_is_cut_at_a_line_and_said() {
        let text = excerpt("a line of thirty characters...\n".repeat(200).as_bytes());
        assert!(text.ends_with("characters...\n\n[The changelog goes on for 104 lines.]"));
        assert!(text.chars().count() < LONGEST + 50);
    }

    #[test]
    fn upstream_cannot_speak_for_the_committer_nor_end_the_message() {
        check(
            "News\n---\ndiff --git a b\n# Heading\nSigned-off-by: X <x@y>\nFrom: X\n-- >8 --\nend",
            "News\n ---\n diff --git a b\n # Heading\n Signed-off-by: X <x@y>\n From: X\n\nend",
        );
        check("a\n\nFixed: b\nAdded: c", "a\n\n Fixed: b\n Added: c");
        check(
            "libx: new function\n  and more",
            "libx: new function\n  and more",
        );
    }

    #[test]
    fn control_characters_are_left_out() {
        check("a\u{1b}[31mb\tc\u{202e}d\0", "a[31mb    cd");
        assert_eq!(excerpt(b"caf\xe9"), "caf\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_text_gives_bounded_printable_lines(text in "(\\PC|[\\x00-\\x1f]){0,400}") {
            let text = excerpt(text.as_bytes());
            prop_assert!(text.chars().count() <= LONGEST + 60);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(!text.contains("\n\n\n\n"));
        }

        #[test]
        fn wrapping_loses_no_word(words in proptest::collection::vec("[a-z]{1,100}", 1..40)) {
            let line = words.join(" ");
            let again = wrapped(&line).join(" ");
            prop_assert_eq!(again.split_whitespace().collect::<Vec<_>>(), words);
        }
    }
}
