//! Reader for INI files as Python's `configparser.ConfigParser()` takes them with its defaults:
//! sections, `=` or `:` behind a key, keys without regard to case, whole lines of comment
//! behind `#` or `;`, values that go on in deeper indented lines, `%(key)s` and `%%`, a
//! `[DEFAULT]` section, and no key or section twice. Follows Python 3.11; see
//! <https://docs.python.org/3/library/configparser.html>.

mod interpolation;

use std::fmt;
use thiserror::Error;

/// Name of the section whose keys belong to every section.
pub const DEFAULT_SECTION: &str = "DEFAULT";

/// A line and a character in it, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character.
    pub column: usize,
}

/// What is wrong with an INI file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each text says it")]
pub enum IniProblem {
    #[error("a line stands before the first [section]")]
    NoSection,
    #[error("section [{name}] appears twice, first in line {first}")]
    DuplicateSection { name: String, first: usize },
    #[error("key {key} appears twice, first in line {first}")]
    DuplicateKey { key: String, first: usize },
    #[error("neither a [section] nor a key with = or :")]
    NoDelimiter,
    #[error("no key before the delimiter")]
    NoKey,
    #[error("a % that neither % nor ( follows")]
    LonePercent,
    #[error("%( without )s at the end of the name")]
    OpenReference,
    #[error("%({0})s names no key of this section")]
    UnknownReference(String),
    #[error("%(…)s leads to another one too many times")]
    TooDeep,
}

impl IniProblem {
    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoSection => "put [settings] above it",
            Self::DuplicateSection { .. } => "join the two sections",
            Self::DuplicateKey { .. } => "keep one of the two lines",
            Self::NoDelimiter => {
                "write KEY=VALUE, indent a line that continues a value, or start it with #"
            }
            Self::NoKey => "write KEY=VALUE",
            Self::LonePercent => "write %% for a percent sign",
            Self::OpenReference => {
                "write %(KEY)s for the value of another key, or %% for a percent sign"
            }
            Self::UnknownReference(_) => "correct the name, or write %% for a percent sign",
            Self::TooDeep => "write the value itself: the keys refer to one another in a circle",
        }
    }
}

/// What is wrong with an INI file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}: {problem}")]
pub struct IniError {
    /// Where.
    pub at: Position,
    /// What.
    pub problem: IniProblem,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An INI file.
#[derive(Debug, Clone)]
pub struct Ini {
    defaults: Section,
    sections: Vec<Section>,
}

/// A section with the keys written in it.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its name, as written.
    pub name: String,
    /// Where its header is.
    pub at: Position,
    /// Its keys in the file's order.
    pub entries: Vec<Entry>,
}

/// A key with its value as written.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key in lower case.
    pub key: String,
    /// Where the key is.
    pub at: Position,
    lines: Vec<ValueLine>,
}

/// One line of a value, without blanks around it.
#[derive(Debug, Clone)]
struct ValueLine {
    at: Position,
    text: String,
}

impl Ini {
    /// Reads a file's text. The error is the first one of the file.
    pub fn parse(text: &str) -> Result<Self, IniError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::new();
        for (number, line) in split_lines(text).enumerate() {
            reader.line(number + 1, line)?;
        }
        Ok(reader.ini)
    }

    /// The sections in the file's order, without `[DEFAULT]`.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section `[DEFAULT]`, without keys when the file has none.
    #[must_use]
    pub fn defaults(&self) -> &Section {
        &self.defaults
    }

    /// The keys of a section with those of `[DEFAULT]` that it does not set itself.
    pub fn entries<'a>(&'a self, section: &'a Section) -> impl Iterator<Item = &'a Entry> {
        let inherited = self.defaults.entries.iter();
        let inherited = inherited.filter(|entry| section.entry(&entry.key).is_none());
        section.entries.iter().chain(inherited)
    }

    /// The value of an entry as `section` sees it, with `%(key)s` and `%%` replaced. The error
    /// is in this entry or in one that it refers to.
    pub fn value(&self, section: &Section, entry: &Entry) -> Result<String, IniError> {
        let find = |key: &str| section.entry(key).or_else(|| self.defaults.entry(key));
        interpolation::interpolate(entry, &find)
    }
}

impl Section {
    fn new(name: &str, at: Position) -> Self {
        Self {
            name: name.to_owned(),
            at,
            entries: Vec::new(),
        }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Entry {
    /// The value before anything in it is replaced; its lines joined, no empty ones at the end.
    #[must_use]
    pub fn raw(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| line.text.as_str()).collect();
        lines.join("\n").trim_end_matches(is_space).to_owned()
    }

    /// Where the value starts.
    #[must_use]
    pub fn value_at(&self) -> Position {
        self.lines.first().map_or(self.at, |line| line.at)
    }

    /// Where the byte at `offset` of [`Self::raw`] is.
    fn position_of(&self, mut offset: usize) -> Position {
        for line in &self.lines {
            if offset <= line.text.len() {
                let characters = line.text[..offset].chars().count();
                return Position {
                    line: line.at.line,
                    column: line.at.column + characters,
                };
            }
            offset -= line.text.len() + 1;
        }
        self.at
    }
}

/// White space as Python's `str.strip` sees it: Unicode's and four control characters.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Lines as Python's text files have them: ended by a line feed, a carriage return, or both.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = &rest[..end];
        let skip = match &rest.as_bytes()[end..] {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        rest = &rest[end + skip..];
        Some(line)
    })
}

/// The name in a section's header: from `[` to the last `]`, whatever follows.
fn header(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('[')?;
    let end = rest.rfind(']')?;
    (end > 0).then(|| &rest[..end])
}

/// Reads line by line, as configparser does.
struct Reader {
    ini: Ini,
    /// Where keys go; none before the first header.
    current: Option<Current>,
    /// Whether deeper indented lines continue the value of the current section's last key.
    in_value: bool,
    indent: usize,
}

#[derive(Clone, Copy)]
enum Current {
    Defaults,
    Section(usize),
}

impl Reader {
    fn new() -> Self {
        let at = Position { line: 1, column: 1 };
        Self {
            ini: Ini {
                defaults: Section::new(DEFAULT_SECTION, at),
                sections: Vec::new(),
            },
            current: None,
            in_value: false,
            indent: 0,
        }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), IniError> {
        let text = trim(line);
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        let at = Position {
            line: number,
            column: indent + 1,
        };
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        if text.is_empty() {
            self.continue_value(at, "");
            return Ok(());
        }
        if self.in_value && indent > self.indent {
            self.continue_value(at, text);
            return Ok(());
        }
        self.indent = indent;
        match header(text) {
            Some(name) => self.start_section(at, name),
            None => self.key(at, text),
        }
    }

    /// The section that keys go to.
    fn section(&mut self) -> Option<&mut Section> {
        match self.current? {
            Current::Defaults => Some(&mut self.ini.defaults),
            Current::Section(index) => self.ini.sections.get_mut(index),
        }
    }

    fn continue_value(&mut self, at: Position, text: &str) {
        if !self.in_value {
            return;
        }
        if let Some(entry) = self.section().and_then(|s| s.entries.last_mut()) {
            let text = text.to_owned();
            entry.lines.push(ValueLine { at, text });
        }
    }

    fn start_section(&mut self, at: Position, name: &str) -> Result<(), IniError> {
        self.in_value = false;
        if name == DEFAULT_SECTION {
            self.current = Some(Current::Defaults);
            return Ok(());
        }
        if let Some(known) = self.ini.sections.iter().find(|known| known.name == name) {
            let problem = IniProblem::DuplicateSection {
                name: name.to_owned(),
                first: known.at.line,
            };
            return Err(IniError { at, problem });
        }
        self.current = Some(Current::Section(self.ini.sections.len()));
        self.ini.sections.push(Section::new(name, at));
        Ok(())
    }

    fn key(&mut self, at: Position, text: &str) -> Result<(), IniError> {
        let fail = |problem| Err(IniError { at, problem });
        let Some(section) = self.section() else {
            return fail(IniProblem::NoSection);
        };
        let Some((key, value)) = text.split_once(['=', ':']) else {
            return fail(IniProblem::NoDelimiter);
        };
        if trim(key).is_empty() {
            return fail(IniProblem::NoKey);
        }
        let value_column =
            text.chars().count() - value.trim_start_matches(is_space).chars().count();
        let key = key.trim_end_matches(is_space).to_lowercase();
        if let Some(known) = section.entry(&key) {
            let first = known.at.line;
            return fail(IniProblem::DuplicateKey { key, first });
        }
        let value = ValueLine {
            at: Position {
                line: at.line,
                column: at.column + value_column,
            },
            text: trim(value).to_owned(),
        };
        let lines = vec![value];
        section.entries.push(Entry { key, at, lines });
        self.in_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All of a file's `section.key = value`, or its error.
    fn read(text: &str) -> Result<Vec<(String, String, String)>, IniError> {
        let ini = Ini::parse(text)?;
        let mut all = Vec::new();
        for section in ini.sections() {
            for entry in ini.entries(section) {
                let value = ini.value(section, entry)?;
                all.push((section.name.clone(), entry.key.clone(), value));
            }
        }
        Ok(all)
    }

    fn check(text: &str, expect: &[(&str, &str)]) {
        let got = read(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        let got: Vec<_> = got
            .iter()
            .map(|(_, k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(got, expect, "{text:?}");
    }

    fn check_error(text: &str, line: usize, column: usize, problem: &IniProblem) {
        let error = read(text).expect_err(text);
        assert_eq!(error.at, Position { line, column }, "{text:?}: {error}");
        assert_eq!(&error.problem, problem, "{text:?}");
    }

    #[test]
    fn keys_have_no_case_and_values_no_blanks_around() {
        check(
            "[s]\nMaChines =  a  b \nx:y=z\n",
            &[("machines", "a  b"), ("x", "y=z")],
        );
    }

    #[test]
    fn comments_are_whole_lines() {
        check("# a\n[s]\n ; b\nk = v # not one\n", &[("k", "v # not one")]);
    }

    #[test]
    fn deeper_indented_lines_continue_a_value() {
        check(
            "[s]\nk = a\n  b\n # no\n\n  c\n\nl=1",
            &[("k", "a\nb\n\nc"), ("l", "1")],
        );
        check("[s]\n  k = a\n  l = b", &[("k", "a"), ("l", "b")]);
        check("[s]\nk =\n  [x]\n", &[("k", "\n[x]")]);
    }

    #[test]
    fn references_are_replaced() {
        check(
            "[s]\na = 5%% of %(B)s\nb = <%(c)s>\nc=%%\n",
            &[("a", "5% of <%>"), ("b", "<%>"), ("c", "%")],
        );
        check(
            "[DEFAULT]\nd = %(a)s\n[s]\na=1\n",
            &[("a", "1"), ("d", "1")],
        );
    }

    #[test]
    fn line_ends_of_other_systems_are_read() {
        check("[s]\r\na=1\rb=2\r\n", &[("a", "1"), ("b", "2")]);
    }

    #[test]
    fn references_that_multiply_come_to_an_end() {
        let text: String = (0..9)
            .map(|i| format!("k{i}={}\n", format!("%(k{})s", i + 1).repeat(20)))
            .collect();
        let error = read(&format!("[s]\n{text}k9=\n")).unwrap_err();
        assert_eq!(error.problem, IniProblem::TooDeep);
    }

    #[test]
    fn errors_name_line_and_column() {
        use IniProblem as P;
        let duplicate = |key: &str, first| P::DuplicateKey {
            key: key.into(),
            first,
        };
        check_error("a=1\n", 1, 1, &P::NoSection);
        check_error("[s]\n\n k=1\n K = 2\n", 4, 2, &duplicate("k", 3));
        check_error("[s]\nsome text\n", 2, 1, &P::NoDelimiter);
        check_error("[s]\n = x\n", 2, 2, &P::NoKey);
        check_error("[s]\nk = 5 % x\n", 2, 7, &P::LonePercent);
        check_error("[s]\nk = x\n  ä%(a\n", 3, 4, &P::OpenReference);
        check_error("[s]\nk = %(no)s\n", 2, 5, &P::UnknownReference("no".into()));
        check_error("[s]\nk = %(k)s\n", 2, 5, &P::TooDeep);
        let twice = P::DuplicateSection {
            name: "s".into(),
            first: 1,
        };
        check_error("[s]\n[t]\n[s]\n", 3, 1, &twice);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn no_almost_right_text_makes_the_reader_panic(
            text in "([\\[\\]=:#;%() \n\r\ta-cA-Cäs\u{1c}\u{85}]|%\\([a-c]\\)s|\n\\[[s-u]\\]\n|DEFAULT){0,80}"
        ) {
            let _ = read(&text);
        }

        #[test]
        fn what_is_written_is_read(values in prop::collection::vec("[!-$&-~]([ !-$&-~]{0,20}[!-$&-~])?", 0..8)) {
            let text: String = values.iter().enumerate().map(|(i, v)| format!("k{i} = {v}\n")).collect();
            let got = read(&format!("[settings]\n{text}")).unwrap();
            let got: Vec<_> = got.into_iter().map(|(_, _, v)| v).collect();
            prop_assert_eq!(got, values);
        }
    }
}
