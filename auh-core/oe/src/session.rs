//! The session that reads recipes and asks their upstreams: one embedded Python script, one
//! BitBake session for all recipes, JSON in files, apart from what the tools print.

use crate::{OeError, Surroundings};
use auh_process::{CancelToken, OutputLine, run};
use auh_protocol::Layer;
use serde::{Deserialize, Deserializer, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) const SCRIPT: &str = include_str!("session.py");

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionRequest {
    /// Which recipes.
    pub recipes: Wanted,
    /// With all recipes: only those of these layers, in this order, by the name of collection or
    /// folder or by path; empty means every layer.
    pub layers: Vec<String>,
    /// Whether to ask the upstreams.
    pub check: bool,
    /// Only releases of the series that a recipe is in. Recipes that do not say what it is are not
    /// checked; an OE-core that cannot check so is an error.
    pub stable: bool,
    /// Seconds that one recipe's upstream may take.
    pub check_timeout_s: u64,
    /// Whether to say how the sources of other versions are named.
    pub sources: bool,
    /// Further variables of the build configuration to answer with, see [`Base`].
    pub variables: Vec<String>,
}

/// Which recipes a session is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Every recipe of the layers.
    All,
    /// These, by name.
    Named(Vec<String>),
}

impl Serialize for Wanted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Named(names) => names.serialize(serializer),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SessionResponse {
    failure: Option<CheckError>,
    /// BitBake's version.
    #[serde(default)]
    pub bitbake: Option<String>,
    /// Variables of the build configuration.
    #[serde(default, deserialize_with = "null_as_default")]
    pub base: Base,
    /// The layers, in `BBLAYERS`' order.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// One record per recipe, in the order asked for.
    #[serde(default)]
    pub recipes: Vec<RecipeRecord>,
    /// Recipes that move together, by name; every readable recipe is in exactly one group.
    #[serde(default)]
    pub groups: Vec<Vec<String>>,
    /// Whether the builds remove the work folders of recipes themselves.
    #[serde(default)]
    pub removes_work: bool,
    /// What BitBake's fetcher reads of the build configuration, if sources were asked for.
    #[serde(default)]
    pub fetch: BTreeMap<String, String>,
    /// Lines for a person who looks for the reason of something.
    #[serde(default)]
    pub log: Vec<String>,
}

/// Expanded variables of the build configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Base {
    /// `BBLAYERS`.
    #[serde(rename = "BBLAYERS", default)]
    pub layers: Vec<PathBuf>,
    /// Every other one by name; absent where it is not set.
    #[serde(flatten)]
    pub variables: BTreeMap<String, Option<String>>,
}

impl Base {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.as_deref()
    }
}

/// What is known about one recipe.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are BitBake's variables of these names"
)]
pub struct RecipeRecord {
    /// The name that was asked for.
    pub asked: String,
    pub pn: String,
    pub file: Option<PathBuf>,
    pub pv: Option<String>,
    #[serde(default)]
    pub packages: Vec<String>,
    pub srcrev: Option<String>,
    pub maintainer: Option<String>,
    pub no_upgrade_reason: Option<String>,
    /// How the sources of any version are named, if that was asked for and can be said.
    #[serde(default)]
    pub source: Option<String>,
    #[serde(default)]
    pub workdir: Option<PathBuf>,
    #[serde(default)]
    pub stamp: Option<PathBuf>,
    /// What the upstream check found; absent when there was none or it failed.
    pub check: Option<Check>,
    /// Why the recipe could not be read or checked.
    pub error: Option<CheckError>,
}

/// What the upstream check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// OE's word for it: `UPDATE`, `MATCH`, `UNKNOWN` …
    pub status: String,
    /// The version it has, as OE compares it.
    pub cur_ver: String,
    /// The newest one, when known.
    pub next_ver: Option<String>,
    /// The revision to go to, for sources that have one.
    pub revision: Option<String>,
}

/// Why a recipe could not be read or checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckError {
    /// What kind of trouble.
    pub kind: CheckErrorKind,
    /// One line.
    pub message: String,
    /// All of it.
    pub detail: String,
}

/// Kinds of trouble with a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckErrorKind {
    /// No recipe of that name.
    NoProvider,
    /// BitBake leaves it out of this configuration.
    Skipped,
    /// The recipe cannot be evaluated.
    Parse,
    /// The recipe forbids upstream checks.
    Unreliable,
    /// The recipe does not say which releases are stable, and only such ones were asked for.
    NoSeries,
    /// This OE-core cannot tell stable releases from others; about the session as a whole.
    NoStableCheck,
    /// The check raised an error.
    Check,
    /// The check's process died.
    Crashed,
    /// The check took too long.
    Timeout,
    /// A kind that only the script knows.
    #[serde(other)]
    Other,
}

/// Opens the session in a build directory, asks, and hands each line that the tools
/// print to `on_line`.
pub fn ask(
    request: &SessionRequest,
    surroundings: &Surroundings,
    cancel: &CancelToken,
    on_line: &mut dyn FnMut(OutputLine<'_>),
) -> Result<SessionResponse, OeError> {
    ask_within(None, request, surroundings, cancel, on_line)
}

/// Reads the build configuration alone, with no recipe of it, which takes seconds. `variables` are
/// to be answered with beside those that every session answers with.
///
/// # Errors
/// BitBake cannot read it, or not within `limit`.
pub fn configuration(
    variables: Vec<String>,
    surroundings: &Surroundings,
    limit: Duration,
    cancel: &CancelToken,
) -> Result<SessionResponse, OeError> {
    let request = SessionRequest {
        recipes: Wanted::Named(Vec::new()),
        layers: Vec::new(),
        check: false,
        stable: false,
        check_timeout_s: 1,
        sources: false,
        variables,
    };
    ask_within(Some(limit), &request, surroundings, cancel, &mut |_| {})
}

fn ask_within(
    limit: Option<Duration>,
    request: &SessionRequest,
    surroundings: &Surroundings,
    cancel: &CancelToken,
    on_line: &mut dyn FnMut(OutputLine<'_>),
) -> Result<SessionResponse, OeError> {
    let folder = tempfile::tempdir().map_err(OeError::io("make", &std::env::temp_dir()))?;
    let [script, question, answer] =
        ["session.py", "request.json", "response.json"].map(|name| folder.path().join(name));
    write(&script, SCRIPT)?;
    let json =
        serde_json::to_string(request).map_err(|e| OeError::io("write", &question)(e.into()))?;
    write(&question, &json)?;
    let mut command = surroundings
        .command("python3", &[])
        .args([&script, &question, &answer]);
    command.time_limit = limit;
    let finished = run(&command, cancel, on_line)?;
    let Ok(text) = fs::read(&answer) else {
        return Err(OeError::tool("the session that reads recipes", &finished));
    };
    SessionResponse::read(&text)
}

impl SessionResponse {
    /// Reads the script's answer.
    ///
    /// # Errors
    /// It is not understood, or says that there was no session.
    pub fn read(text: &[u8]) -> Result<Self, OeError> {
        let response: SessionResponse =
            serde_json::from_slice(text).map_err(|error| OeError::Session {
                message: format!("its answer is not understood: {error}"),
                detail: String::from_utf8_lossy(text).into_owned(),
            })?;
        match response.failure {
            Some(failure) if failure.kind == CheckErrorKind::NoStableCheck => {
                Err(OeError::NoStableCheck)
            }
            Some(failure) => Err(OeError::Session {
                message: failure.message,
                detail: failure.detail,
            }),
            None => Ok(response),
        }
    }
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), OeError> {
    fs::write(path, text).map_err(OeError::io("write", path))
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn an_answer_is_read_and_strange_parts_of_it_ignored() {
        let text = r#"{"api": 1, "failure": null, "bitbake": "2.19.0",
            "base": {"BBLAYERS": ["/a"], "DL_DIR": "/dl", "INHERIT": null},
            "layers": [{"path": "/a", "name": "a"}], "later": 1,
            "recipes": [{"asked": "x", "pn": "x", "file": null, "pv": null, "srcrev": null, "maintainer": null,
                         "no_upgrade_reason": null, "check": null,
                         "error": {"kind": "brand-new", "message": "m", "detail": "d"}}],
            "groups": [["x"]], "log": []}"#;
        let response = SessionResponse::read(text.as_bytes()).unwrap();
        assert_eq!(response.base.get("DL_DIR"), Some("/dl"));
        assert_eq!(response.base.get("INHERIT"), None);
        assert_eq!(
            response.recipes[0].error.as_ref().unwrap().kind,
            CheckErrorKind::Other
        );
    }

    #[test]
    fn a_failed_session_is_an_error_with_its_message() {
        let text = r#"{"failure": {"kind": "session", "message": "no bb", "detail": "..."}, "base": null}"#;
        let error = SessionResponse::read(text.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "BitBake cannot read the build configuration: no bb"
        );
    }

    /// Any JSON value, not too deep.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let names = prop_oneof![
                "[a-z_]{0,8}",
                Just("kind".to_owned()),
                Just("message".to_owned())
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(names, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_one_error(bytes in any::<Vec<u8>>()) {
            if let Err(error) = SessionResponse::read(&bytes) {
                prop_assert!(!error.to_string().contains('\n'), "{error}");
            }
        }

        #[test]
        fn a_record_says_what_the_script_says_and_a_strange_value_is_an_error(
            pn in any::<String>(), pv in any::<Option<String>>(), maintainer in any::<Option<String>>(), odd in value(),
            key in prop_oneof![Just("recipes"), Just("groups"), Just("base"), Just("layers"), Just("failure"), Just("log"), Just("more")],
        ) {
            let record = json!({
                "asked": pn, "pn": pn, "file": null, "pv": pv, "srcrev": null, "maintainer": maintainer,
                "no_upgrade_reason": null, "check": null, "error": null,
            });
            let mut answer = json!({"failure": null, "recipes": [record], "groups": [[pn]]});
            let read = SessionResponse::read(answer.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&read.recipes[0].pn, &pn);
            prop_assert_eq!(&read.recipes[0].pv, &pv);
            prop_assert_eq!(&read.recipes[0].maintainer, &maintainer);
            prop_assert_eq!(&read.groups, &[[pn]]);
            answer[key] = odd;
            if let Err(error) = SessionResponse::read(answer.to_string().as_bytes()) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
