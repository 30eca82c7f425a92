//! Secrets in text from outside, by their looks:
//!
//! - the user information of a URL with a password in it, and what stands alone in its place, which
//!   is a token more often than a name (RFC 3986, 3.2.1);
//! - what is assigned to a name that ends in `password`, `token` and the like: parameters of URLs
//!   and fetchers, options, variables;
//! - the headers that carry credentials;
//! - tokens of well-known forges, by their beginnings;
//! - the values of this process's own environment variables with such names.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

/// What stands where a secret stood.
pub const HIDDEN: &str = "[hidden]";

/// Ends of names whose values are secrets, in lower case and with `_` for `-`.
const NAMES: [&str; 14] = [
    "password",
    "passwd",
    "pswd",
    "passphrase",
    "token",
    "secret",
    "secret_key",
    "private_key",
    "access_key",
    "api_key",
    "apikey",
    "credential",
    "credentials",
    "x_amz_signature",
];
/// Headers whose values are secrets.
const HEADERS: [&str; 4] = [
    "authorization",
    "proxy_authorization",
    "private_token",
    "x_api_key",
];
/// How tokens of well-known forges begin, and how long they are at least behind that.
const TOKENS: [&str; 8] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
];
const SHORTEST_TOKEN: usize = 16;
/// Names that everybody logs in with where no login is needed.
const EVERYBODY: [&[u8]; 4] = [b"git", b"anonymous", b"hg", b"svn"];
/// A shorter value of the environment is found in too many words.
const SHORTEST_VALUE: usize = 6;
/// No name is longer.
const LONGEST_NAME: usize = 64;

/// Whether the value of a variable, an option or a parameter of this name is a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    is_one_of(&NAMES, name.as_bytes())
}

/// Text with [`HIDDEN`] in place of each secret.
#[must_use]
pub fn hidden(text: &str) -> Cow<'_, str> {
    match hidden_bytes(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        // Only whole characters are cut out: what is hidden ends at ASCII or at the text's end.
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The same for a text in any encoding that has ASCII in it.
#[must_use]
pub fn hidden_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    without(bytes, &ENVIRONMENT)
}

/// Values of this process's environment that are secrets by their names.
static ENVIRONMENT: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let variables = std::env::vars_os().filter(|(name, _)| is_secret_name(&name.to_string_lossy()));
    let values = variables.map(|(_, value)| value.into_encoded_bytes());
    values
        .filter(|value| value.len() >= SHORTEST_VALUE)
        .collect()
});

fn without<'t>(bytes: &'t [u8], values: &[Vec<u8>]) -> Cow<'t, [u8]> {
    let mut found: Vec<Range<usize>> = values
        .iter()
        .flat_map(|value| places(bytes, value))
        .collect();
    for (at, byte) in bytes.iter().enumerate() {
        let secret = match byte {
            b':' if bytes[at + 1..].starts_with(b"//") => user_information(bytes, at),
            b':' => header(bytes, at),
            b'=' => assigned(bytes, at),
            b'_' | b'-' => token(bytes, at),
            _ => None,
        };
        found.extend(secret.filter(|range| !range.is_empty()));
    }
    if found.is_empty() {
        return Cow::Borrowed(bytes);
    }
    found.sort_by_key(|range| (range.start, range.end));
    Cow::Owned(cut_out(bytes, &found))
}

/// The bytes with a mark for each run of ranges that touch or overlap.
fn cut_out(bytes: &[u8], found: &[Range<usize>]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut next = 0;
    for range in found {
        if range.start >= next {
            kept.extend_from_slice(&bytes[next..range.start]);
            kept.extend_from_slice(HIDDEN.as_bytes());
        }
        next = next.max(range.end);
    }
    kept.extend_from_slice(&bytes[next..]);
    kept
}

fn places(bytes: &[u8], value: &[u8]) -> Vec<Range<usize>> {
    let windows = bytes.windows(value.len()).enumerate();
    let starts = windows
        .filter(|(_, window)| *window == value)
        .map(|(at, _)| at);
    starts.map(|at| at..at + value.len()).collect()
}

/// Behind `scheme` at the `:` of `scheme://name:password@host`: the password, or the name that is
/// one.
fn user_information(bytes: &[u8], colon: usize) -> Option<Range<usize>> {
    let start = colon + 3;
    let end = end_of(bytes, start, |byte| {
        byte.is_ascii_whitespace() || b"/?#\"'<>`\\".contains(&byte)
    });
    let at = start + bytes[start..end].iter().rposition(|byte| *byte == b'@')?;
    let user = &bytes[start..at];
    if let Some(parted) = user.iter().position(|byte| *byte == b':') {
        return Some(start + parted + 1..at);
    }
    let scheme = name_before(bytes, colon);
    let is_name = scheme.ends_with(b"ssh") || EVERYBODY.contains(&user);
    (!is_name && user != HIDDEN.as_bytes()).then_some(start..at)
}

/// At the `:` of `Authorization: Basic …`: what comes behind it, up to the line's end.
fn header(bytes: &[u8], colon: usize) -> Option<Range<usize>> {
    if !is_one_of(&HEADERS, name_before(bytes, colon)) {
        return None;
    }
    let start = end_of(bytes, colon + 1, |byte| byte != b' ');
    Some(start..end_of(bytes, start, |byte| b"\r\n\"'".contains(&byte)))
}

/// At the `=` of `token=…`, blanks and a quote around it or not: the value.
fn assigned(bytes: &[u8], equals: usize) -> Option<Range<usize>> {
    let before = bytes[..equals]
        .iter()
        .rposition(|byte| !b" ?+:".contains(byte))?
        + 1;
    if !is_one_of(&NAMES, name_before(bytes, before)) {
        return None;
    }
    let start = end_of(bytes, equals + 1, |byte| byte != b' ');
    match bytes.get(start)? {
        quote @ (b'"' | b'\'') => {
            let end = end_of(bytes, start + 1, |byte| byte == *quote || byte == b'\n');
            Some(start + 1..end)
        }
        b'=' => None,
        _ => Some(
            start..end_of(bytes, start, |byte| {
                byte.is_ascii_whitespace() || b"&;,\"'<>)]}`".contains(&byte)
            }),
        ),
    }
}

/// At the `_` or `-` of `ghp_…`: the token.
fn token(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let before = &bytes[..=at];
    let beginning = TOKENS
        .iter()
        .find(|token| before.ends_with(token.as_bytes()))?;
    let start = at + 1 - beginning.len();
    let within_a_word = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
    let end = end_of(bytes, at + 1, |byte| {
        !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'-'
    });
    (!within_a_word && end - at > SHORTEST_TOKEN).then_some(start..end)
}

/// The name that ends before `end`: letters, digits, `_` and `-`.
fn name_before(bytes: &[u8], end: usize) -> &[u8] {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-+".contains(byte);
    let within = &bytes[end.saturating_sub(LONGEST_NAME)..end];
    let length = within.iter().rev().take_while(is_name).count();
    &bytes[end - length..end]
}

fn is_one_of(names: &[&str], name: &[u8]) -> bool {
    let same = |known: &u8, byte: &u8| {
        *known
            == if *byte == b'-' {
                b'_'
            } else {
                byte.to_ascii_lowercase()
            }
    };
    names.iter().any(|known| {
        let Some(parted) = name.len().checked_sub(known.len()) else {
            return false;
        };
        known
            .bytes()
            .zip(&name[parted..])
            .all(|(known, byte)| same(&known, byte))
    })
}

fn end_of(bytes: &[u8], start: usize, ends: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| ends(*byte));
    start + length.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        for (text, expected) in [
            (
                "https://me:s3cret@x.org/a.git",
                "https://me:[hidden]@x.org/a.git",
            ),
            (
                "https://me:p@ss@x.org;branch=main",
                "https://me:[hidden]@x.org;branch=main",
            ),
            (
                "fetch git://0123abc@x.org/a;protocol=https!",
                "fetch git://[hidden]@x.org/a;protocol=https!",
            ),
            (
                "ssh://git@x.org/a git://git@x.org/a",
                "ssh://git@x.org/a git://git@x.org/a",
            ),
            ("git+ssh://jane@x.org/a", "git+ssh://jane@x.org/a"),
            (
                "https://x.org/a?access_token=abc&b=1",
                "https://x.org/a?access_token=[hidden]&b=1",
            ),
            (
                "svn://x.org/a;user=me;pswd=abc;b=1",
                "svn://x.org/a;user=me;pswd=[hidden];b=1",
            ),
            ("GITHUB_TOKEN=abc make", "GITHUB_TOKEN=[hidden] make"),
            (
                "my-password ?= \"a b\" # c",
                "my-password ?= \"[hidden]\" # c",
            ),
            (
                "curl -H 'Authorization: Bearer abc' x",
                "curl -H 'Authorization: [hidden]' x",
            ),
            ("token ghp_0123456789abcdefXYZ, so", "token [hidden], so"),
            (
                "glpat-short and xghp_0123456789abcdefXYZ",
                "glpat-short and xghp_0123456789abcdefXYZ",
            ),
            (
                "error: unexpected token: x; token == y",
                "error: unexpected token: x; token == y",
            ),
            (
                "mail jane@x.org, see http://x.org/@a",
                "mail jane@x.org, see http://x.org/@a",
            ),
            ("password=", "password="),
        ] {
            assert_eq!(hidden(text), expected, "{text}");
        }
    }

    #[test]
    fn values_of_the_environment_are_hidden_wherever_they_stand() {
        let values = [b"hunter2x".to_vec(), b"r2xyz9".to_vec()];
        let shown = without("a hunter2xyz9 grün hunter2x".as_bytes(), &values);
        assert_eq!(String::from_utf8_lossy(&shown), "a [hidden] grün [hidden]");
    }

    proptest! {
        #[test]
        fn what_is_hidden_stays_hidden_and_text_stays_text(
            text in any::<String>(), made in "(://|=|:|@|token|ghp_0123456789abcdef0|password|\"| |;|ä|x|/){0,30}"
        ) {
            for text in [text, made] {
                let once = without(text.as_bytes(), &[]).into_owned();
                prop_assert!(std::str::from_utf8(&once).is_ok());
                prop_assert_eq!(text.matches('\n').count(), once.iter().filter(|b| **b == b'\n').count());
            }
        }

        #[test]
        fn no_password_of_a_url_is_left(before in "[ -~]{0,20}", user in "[a-z]{1,8}", password in "[a-z0-9:@%$;,=&]{6,20}") {
            let text = format!("{before} https://{user}:{password}!@x.org/a");
            let shown = hidden(&text).into_owned();
            prop_assert!(!shown.contains(&format!("{password}!@")), "{}", shown);
        }
    }
}
