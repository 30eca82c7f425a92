//! What single values mean: machines, times, numbers of threads, addresses.

use crate::{
    ConfigError, Source,
    tree::{Node, Value},
};
use auh_protocol::{Machine, size};
use std::{num::NonZero, time::Duration};

/// How many threads each build gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The processors are divided among the machines that build at the same time.
    Share,
    /// Each build gets every processor.
    All,
    /// This many, at least 1.
    Number(u32),
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port, 25 when the settings name none.
    pub port: u16,
}

/// Why a value cannot be used.
#[derive(Debug)]
pub(crate) enum Wrong {
    Type {
        at: Source,
        expected: &'static str,
        found: &'static str,
    },
    Value {
        at: Source,
        reason: String,
        hint: Option<String>,
    },
}

impl Wrong {
    /// The value has the wrong type.
    pub(crate) fn expected(node: &Node, expected: &'static str) -> Self {
        Self::Type {
            at: node.at.clone(),
            expected,
            found: node.value.kind(),
        }
    }

    /// The value has the right type and no meaning.
    pub(crate) fn value(node: &Node, reason: impl Into<String>) -> Self {
        Self::Value {
            at: node.at.clone(),
            reason: reason.into(),
            hint: None,
        }
    }

    fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Value { at, reason, .. } => Self::Value {
                at,
                reason,
                hint: Some(text.into()),
            },
            Self::Type { .. } => self,
        }
    }

    /// The error that names the key.
    pub(crate) fn of_key(self, key: String) -> ConfigError {
        match self {
            Self::Type {
                at,
                expected,
                found,
            } => ConfigError::WrongType {
                at,
                key,
                expected,
                found,
            },
            Self::Value { at, reason, hint } => ConfigError::Invalid {
                at,
                key,
                reason,
                hint,
            },
        }
    }
}

/// A value that can be read from a file or a flag.
pub(crate) trait FromNode: Sized {
    /// The value; the error says what is wrong, and the caller which key it is about.
    fn from_node(node: &Node) -> Result<Self, Wrong>;
}

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        match &node.value {
            Value::List(nodes) => nodes.iter().map(T::from_node).collect(),
            _ => Err(Wrong::expected(node, "a list, [\"…\", \"…\"]")),
        }
    }
}

impl FromNode for bool {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        match node.value {
            Value::Switch(on) => Ok(on),
            _ => Err(Wrong::expected(node, "true or false")),
        }
    }
}

/// A text of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line(pub(crate) String);

impl FromNode for Line {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let text = line(node)?;
        Ok(Self(text.to_owned()))
    }
}

/// The text of a node when it is one line. A line end in an address or a subject would let
/// its writer add headers to a mail.
fn line(node: &Node) -> Result<&str, Wrong> {
    let Value::Text(text) = &node.value else {
        return Err(Wrong::expected(node, "a text"));
    };
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(Wrong::value(node, format!("the text contains {c:?}"))
            .with_hint("write it in one line")),
        None => Ok(text),
    }
}

/// A name that becomes part of a file name: of a plugin, a pipeline, an image, a layer.
#[derive(Debug, Clone)]
pub(crate) struct Name(pub(crate) String);

impl FromNode for Name {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let text = line(node)?;
        let usable = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(usable) {
            return Ok(Self(text.to_owned()));
        }
        let reason = format!("{text:?} is no valid name");
        Err(Wrong::value(node, reason)
            .with_hint("use letters, digits and \"-_.+\" only, a letter or digit first"))
    }
}

impl FromNode for Machine {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        line(node)?
            .parse()
            .map_err(|reason: String| Wrong::value(node, reason))
    }
}

/// A mail address, taken out of `Name <address>` when it is written so.
#[derive(Debug, Clone)]
pub(crate) struct Address(pub(crate) String);

impl FromNode for Address {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let text = line(node)?;
        let address = address_of(text);
        if address.contains(['<', '>', ' ']) || (!text.is_empty() && !address.contains('@')) {
            let reason = format!("{text:?} is no mail address");
            return Err(Wrong::value(node, reason).with_hint("write it as name@host"));
        }
        Ok(Self(address.to_owned()))
    }
}

/// The address in `Name <address>`, or all of a text that is not written so.
pub(crate) fn address_of(text: &str) -> &str {
    let inner = text.trim_end().strip_suffix('>');
    let inner = inner.and_then(|text| text.rsplit_once('<'));
    inner.map_or(text, |(_, address)| address).trim()
}

/// `Name <address>`, as git takes an author.
#[derive(Debug, Clone)]
pub(crate) struct Author(pub(crate) String);

impl FromNode for Author {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let text = line(node)?;
        let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
        let valid = parts.is_some_and(|(name, address)| {
            !name.trim().is_empty() && !address.is_empty() && !address.contains(['<', '>', ' '])
        });
        if valid || text.is_empty() {
            return Ok(Self(text.to_owned()));
        }
        let reason = format!("{text:?} is no author");
        Err(Wrong::value(node, reason).with_hint("write it as Name <address>"))
    }
}

/// A mail server; none for an empty text.
#[derive(Debug, Clone)]
pub(crate) struct Server(pub(crate) Option<SmtpServer>);

impl FromNode for Server {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let text = line(node)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let server = smtp_server(text);
        server.map(|server| Self(Some(server))).ok_or_else(|| {
            Wrong::value(node, format!("{text:?} is no mail server"))
                .with_hint("write host or host:port, an IPv6 address in brackets")
        })
    }
}

fn smtp_server(text: &str) -> Option<SmtpServer> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None if port.is_empty() => 25,
        None => return None,
    };
    let unusable = |c: char| c.is_whitespace() || "/@[]".contains(c);
    (!host.is_empty() && !host.contains(unusable)).then(|| SmtpServer {
        host: host.to_owned(),
        port,
    })
}

impl FromNode for Threads {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        match &node.value {
            Value::Text(text) if text == "share" => Ok(Self::Share),
            Value::Text(text) if text == "all" => Ok(Self::All),
            Value::Text(text) => Err(Wrong::value(node, format!("{text:?} is no choice"))
                .with_hint("write \"share\", \"all\" or a number")),
            Value::Integer(number) => match u32::try_from(*number) {
                Ok(number) if number > 0 => Ok(Self::Number(number)),
                _ => Err(Wrong::value(node, "the number must be at least 1")),
            },
            _ => Err(Wrong::expected(node, "\"share\", \"all\" or a number")),
        }
    }
}

/// Where the commits of a run go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrate {
    /// Into the user's checkout, one after another.
    InPlace,
    /// To a branch of the run.
    Branch,
    /// To a branch of the run, which the user's checkout follows at the end.
    FastForward,
}

impl FromNode for Integrate {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        match &node.value {
            Value::Text(text) => match text.as_str() {
                "in-place" => Ok(Self::InPlace),
                "branch" => Ok(Self::Branch),
                "fast-forward" => Ok(Self::FastForward),
                _ => Err(Wrong::value(node, format!("{text:?} is no choice"))
                    .with_hint("write \"in-place\", \"branch\" or \"fast-forward\"")),
            },
            _ => Err(Wrong::expected(node, "a text")),
        }
    }
}

/// How many groups are upgraded side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jobs(pub(crate) NonZero<usize>);

impl FromNode for Jobs {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        // Each is a build directory of its own.
        number_up_to(64, node).map(Self)
    }
}

/// How many groups are built in company.
pub(crate) struct Batch(pub(crate) NonZero<usize>);

impl FromNode for Batch {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        // What fails is built once more with the rest gone: more would rarely pass at once.
        number_up_to(1000, node).map(Self)
    }
}

fn number_up_to(most: usize, node: &Node) -> Result<NonZero<usize>, Wrong> {
    let Value::Integer(number) = node.value else {
        return Err(Wrong::expected(node, "a number"));
    };
    let number = usize::try_from(number).ok().and_then(NonZero::new);
    let number = number.filter(|number| number.get() <= most);
    number.ok_or_else(|| Wrong::value(node, format!("the number must be 1 to {most}")))
}

/// A pressure as BitBake takes it, 1 to 1,000,000.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pressure(pub(crate) f64);

impl FromNode for Pressure {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let pressure = match node.value {
            #[expect(clippy::cast_precision_loss, reason = "what is in range is exact")]
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => return Err(Wrong::expected(node, "a number")),
        };
        if (1.0..=1_000_000.0).contains(&pressure) {
            Ok(Self(pressure))
        } else {
            Err(Wrong::value(
                node,
                "the number must be from 1 to 1000000, as BitBake wants it",
            ))
        }
    }
}

/// Whether a plugin gets a process of its own.
pub(crate) struct Isolation(pub(crate) bool);

impl FromNode for Isolation {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        match &node.value {
            Value::Text(text) if text == "process" => Ok(Self(true)),
            Value::Text(text) if text == "none" => Ok(Self(false)),
            Value::Text(_) => Err(Wrong::value(node, "it is neither \"process\" nor \"none\"")),
            _ => Err(Wrong::expected(node, "\"process\" or \"none\"")),
        }
    }
}

/// A number of bytes, as a number or a text such as `2G`.
pub(crate) struct Size(pub(crate) u64);

impl FromNode for Size {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let bytes = match &node.value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::Text(text) => size::bytes(text),
            _ => None,
        };
        let bytes = bytes.filter(|bytes| *bytes > 0).map(Self);
        bytes.ok_or_else(|| Wrong::expected(node, "a size such as \"2G\" or \"512Mi\""))
    }
}

/// A time limit; none for 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) Option<Duration>);

impl FromNode for Limit {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let seconds = match &node.value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::Text(text) => seconds(text),
            _ => return Err(Wrong::expected(node, "seconds or a text such as \"1h30m\"")),
        };
        let usable = seconds.filter(|seconds| *seconds <= LONGEST_LIMIT);
        let seconds = usable.ok_or_else(|| {
            Wrong::value(node, "this is no time of at most 365 days")
                .with_hint("write seconds, or a text such as \"90m\" or \"1h30m\"; 0 for no limit")
        })?;
        Ok(Self((seconds > 0).then(|| Duration::from_secs(seconds))))
    }
}

/// How long to wait after the first failure, the second and so on; none is for ever.
pub(crate) struct Backoff(pub(crate) Vec<Option<Duration>>);

impl FromNode for Backoff {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        let Value::List(waits) = &node.value else {
            return Err(Wrong::expected(node, "a list of times"));
        };
        let waits: Vec<_> = waits.iter().map(wait).collect::<Result<_, _>>()?;
        match waits.split_last() {
            None => Err(Wrong::value(node, "the list is empty")
                .with_hint("say [0] to try again with the next run")),
            Some((_, before)) if before.contains(&None) => {
                Err(Wrong::value(node, "nothing can come after \"never\""))
            }
            Some(_) => Ok(Self(waits)),
        }
    }
}

fn wait(node: &Node) -> Result<Option<Duration>, Wrong> {
    match &node.value {
        Value::Text(text) if text == "never" => Ok(None),
        _ => Ok(Some(Limit::from_node(node)?.0.unwrap_or_default())),
    }
}

const LONGEST_LIMIT: u64 = 365 * 24 * 3600;

/// Seconds in a text such as `45`, `90s`, `1h30m`, `90 min`, `1 d 12 h`.
fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if let Ok(plain) = rest.parse() {
        return Some(plain);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(unit_at);
        let behind = behind.trim_start();
        let unit_ends = behind.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, behind) = behind.split_at(unit_ends.unwrap_or(behind.len()));
        let unit_seconds = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let number: u64 = number.parse().ok()?;
        total = total.checked_add(number.checked_mul(unit_seconds)?)?;
        rest = behind.trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_seconds_or_numbers_with_units() {
        for (text, expect) in [
            ("45", Some(45)),
            ("2h", Some(7200)),
            ("1h30m", Some(5400)),
            ("1d 12h", Some(129_600)),
            ("", None),
            ("h", None),
            ("2 h", Some(7200)),
            ("90 min", Some(5400)),
            ("1 d 2h 3 min 4s", Some(93_784)),
            ("2 hours", None),
            ("2", Some(2)),
            ("2 ", Some(2)),
            ("1h30", None),
            ("-1s", None),
            ("99999999999999999999s", None),
            ("9999999999999999999d", None),
        ] {
            assert_eq!(seconds(text), expect, "{text:?}");
        }
    }

    #[test]
    fn mail_servers_have_port_25_unless_named() {
        let server = |text| smtp_server(text).map(|s| (s.host, s.port));
        assert_eq!(server("mail.example"), Some(("mail.example".into(), 25)));
        assert_eq!(server("localhost:2525"), Some(("localhost".into(), 2525)));
        assert_eq!(server("[::1]:587"), Some(("::1".into(), 587)));
        assert_eq!(server("[::1]"), Some(("::1".into(), 25)));
        for bad in [
            "", ":25", "a:0", "a:x", "a:70000", "::1", "a b", "[::1]25", "u@h",
        ] {
            assert_eq!(server(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_found_in_its_brackets() {
        assert_eq!(address_of("A Name <a@b.c> "), "a@b.c");
        assert_eq!(address_of("a@b.c"), "a@b.c");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in "[0-9smhd :.\\[\\]<>@ä]{0,12}") {
            let _ = (seconds(&text), smtp_server(&text), address_of(&text));
        }
    }
}
