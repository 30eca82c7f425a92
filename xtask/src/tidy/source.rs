//! Rust source as the rules see it: code with comments and strings blanked out, string literals
//! by line, and which lines are test code. A scanner of the language's lexical level (Rust
//! Reference, chapter "Tokens"), not a parser.

use std::ops::Range;

/// Folders whose code is not shipped.
const TEST_FOLDERS: [&str; 3] = ["tests", "examples", "benches"];

/// A source file taken apart.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path from the top of the workspace.
    pub(crate) file: String,
    /// The text with comments and the insides of literals replaced by spaces; lines are kept.
    pub(crate) code: String,
    /// String literals: the line each begins in, and what is between its quotes, escapes as written.
    pub(crate) strings: Vec<(usize, String)>,
    /// Byte ranges of `code` that are test modules.
    tests: Vec<Range<usize>>,
}

/// An identifier, where it stands, and what comes before and after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<'a> {
    /// The identifier.
    pub(crate) text: &'a str,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// The code up to it.
    pub(crate) before: &'a str,
    /// The code behind it.
    pub(crate) after: &'a str,
}

impl Source {
    /// Takes a file apart.
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let mut scanner = Scanner::new(text);
        scanner.scan();
        let code = scanner.code;
        Self {
            file: file.to_owned(),
            tests: test_modules(&code),
            strings: scanner.strings,
            code,
        }
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test_file(&self) -> bool {
        let mut parts = self.file.split('/');
        let name = parts.next_back();
        name == Some("tests.rs") || parts.any(|part| TEST_FOLDERS.contains(&part))
    }

    /// Whether this line is in a test module.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.tests.iter().any(|range| {
            line_of(&self.code, range.start) <= line && line <= line_of(&self.code, range.end)
        })
    }

    /// Whether the file lies in one of these folders (or is the file).
    pub(crate) fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| {
            let rest = self.file.strip_prefix(folder);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The identifiers of the code that are not in test modules.
    pub(crate) fn words(&self) -> impl Iterator<Item = Word<'_>> {
        words(&self.code).filter(|word| {
            !self
                .tests
                .iter()
                .any(|range| range.contains(&word.before.len()))
        })
    }
}

/// The identifiers and keywords of code, with their lines.
pub(crate) fn words(code: &str) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    let mut line = 1;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_name)?;
        let end = start
            + code[start..]
                .find(|c| !is_name(c))
                .unwrap_or(code.len() - start);
        line += code[at..start].matches('\n').count();
        at = end;
        Some(Word {
            text: &code[start..end],
            line,
            before: &code[..start],
            after: &code[end..],
        })
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

/// Where `mod tests { … }` begin and end.
fn test_modules(code: &str) -> Vec<Range<usize>> {
    words(code)
        .filter(|word| word.text == "tests" && last_word(word.before) == Some("mod"))
        .filter_map(|word| {
            let start = word.before.len();
            let open = word.after.trim_start().starts_with('{');
            open.then(|| start..start + length_of_block(&code[start..]))
        })
        .collect()
}

/// The identifier that code ends with.
pub(crate) fn last_word(code: &str) -> Option<&str> {
    let code = code.trim_end();
    let start = code.rfind(|c| !is_name(c)).map_or(0, |at| {
        at + code[at..].chars().next().map_or(1, char::len_utf8)
    });
    (start < code.len()).then(|| &code[start..])
}

/// Bytes up to the end of the first `{ … }`.
fn length_of_block(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    code.len()
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    code: String,
    strings: Vec<(usize, String)>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
            code: String::with_capacity(text.len()),
            strings: Vec::new(),
        }
    }

    fn scan(&mut self) {
        while let Some(c) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                self.blank(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.blank(length_of_comment(self.rest));
            } else if let Some(hashes) = self.raw_string() {
                self.raw(hashes);
            } else if c == '"' {
                self.string();
            } else if c == '\'' {
                self.character();
            } else {
                self.keep_word(c);
            }
        }
    }

    /// Copies a whole identifier, so that the `r` of `for"` is not taken for a raw string's.
    fn keep_word(&mut self, first: char) {
        let length = if is_name(first) {
            self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len())
        } else {
            first.len_utf8()
        };
        let (word, _) = self.rest.split_at(length);
        // b"…" and c"…" are strings with a letter before them, which may stay.
        self.code.push_str(word);
        self.advance(length);
    }

    /// The number of `#` when a raw string begins here.
    fn raw_string(&self) -> Option<usize> {
        let behind = ["r", "br", "cr"].iter().find_map(|p| {
            let behind = self.rest.strip_prefix(p)?;
            behind.starts_with(['"', '#']).then_some(behind)
        })?;
        let hashes = behind.find(|c| c != '#')?;
        behind[hashes..].starts_with('"').then_some(hashes)
    }

    fn raw(&mut self, hashes: usize) {
        let open = self.rest.find('"').map_or(self.rest.len(), |at| at + 1);
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = self.rest[open..]
            .find(&end)
            .unwrap_or(self.rest.len() - open);
        self.literal(open, inside, end.len());
    }

    fn string(&mut self) {
        let mut escaped = false;
        let inside = self.rest[1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        self.literal(1, inside.unwrap_or(self.rest.len() - 1), 1);
    }

    fn literal(&mut self, open: usize, inside: usize, close: usize) {
        let text = self.rest[open..open + inside].to_owned();
        self.strings.push((self.line, text));
        self.blank((open + inside + close).min(self.rest.len()));
    }

    /// A character literal, or the quote of a lifetime or label.
    fn character(&mut self) {
        let mut chars = self.rest.char_indices().skip(1);
        let (_, first) = chars.next().unwrap_or((0, ' '));
        let (second_at, second) = chars.next().unwrap_or((self.rest.len(), ' '));
        if first == '\\' {
            // The escaped character itself may be a quote.
            let behind = second_at + second.len_utf8();
            let end = self.rest.get(behind..).and_then(|rest| rest.find('\''));
            self.blank(end.map_or(self.rest.len(), |end| behind + end + 1));
        } else if second == '\'' {
            self.blank(second_at + 1);
        } else {
            self.code.push('\'');
            self.advance(1);
        }
    }

    fn blank(&mut self, length: usize) {
        let blanks = self.rest[..length]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' });
        self.code.extend(blanks);
        self.advance(length);
    }

    fn advance(&mut self, length: usize) {
        let (done, rest) = self.rest.split_at(length);
        self.line += done.matches('\n').count();
        self.rest = rest;
    }
}

/// Block comments nest.
fn length_of_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_code(text: &str, expect: &str) {
        let code = Source::new("x.rs", text).code;
        assert_eq!(
            code.split_whitespace().collect::<Vec<_>>().join(" "),
            expect,
            "{text}"
        );
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        check_code("a // b\nc", "a c");
        check_code("a /* b /* c */ d */ e", "a e");
        check_code(r#"a("b \" c", d)"#, "a( , d)");
        check_code("a(r#\"b \" c\"#, d)", "a( , d)");
        check_code("a(br\"b\\\", d)", "a( , d)");
        check_code("f('\"', '\\'', 'x', '\\u{41}', 'ä')", "f( , , , , )");
        check_code(
            "fn f<'a>(x: &'a str) { 'l: loop {} }",
            "fn f<'a>(x: &'a str) { 'l: loop {} }",
        );
        check_code("let r#type = for_r\"s\";", "let r#type = for_r ;");
    }

    #[test]
    fn strings_are_kept_with_their_lines() {
        let source = Source::new(
            "x.rs",
            "f(\"a\",\n  r#\"b\"#, // \"c\"\n  \"d\n\", \"e\\\"\")",
        );
        let strings: Vec<_> = source
            .strings
            .iter()
            .map(|(line, text)| (*line, &**text))
            .collect();
        assert_eq!(strings, [(1, "a"), (2, "b"), (3, "d\n"), (4, "e\\\"")]);
    }

    #[test]
    fn unfinished_text_does_no_harm() {
        for text in [
            "\"",
            "'",
            "'\\",
            "'\\'",
            "r#\"",
            "/*",
            "/* /*",
            "mod tests {",
            "b'",
            "ä\"ä",
        ] {
            Source::new("x.rs", text);
        }
    }

    #[test]
    fn words_know_their_lines_and_surroundings() {
        let source = Source::new("x.rs", "use a::b;\n\nmod tests {\n  c!();\n}\nd\n");
        let words: Vec<_> = source.words().map(|word| (word.line, word.text)).collect();
        assert_eq!(
            words,
            [(1, "use"), (1, "a"), (1, "b"), (3, "mod"), (6, "d")]
        );
        assert!(source.is_test_line(4) && !source.is_test_line(6));
    }

    #[test]
    fn test_files_are_told_by_their_place() {
        for (file, expect) in [
            ("auh-core/x/tests/a.rs", true),
            ("auh-core/x/src/run/tests.rs", true),
            ("tests/src/lib.rs", true),
            ("auh-core/x/examples/a.rs", true),
            ("auh-core/x/src/testing.rs", false),
        ] {
            assert_eq!(Source::new(file, "").is_test_file(), expect, "{file}");
        }
    }

    #[test]
    fn a_folder_is_no_prefix_of_another_name() {
        let source = Source::new("auh-core/process-x/src/lib.rs", "");
        assert!(!source.is_in(&["auh-core/process"]));
        assert!(source.is_in(&["auh-core/process-x"]));
    }
}
