//! Which keys exist, and what their values must be.

use crate::{
    ConfigError, Source, Threads,
    names::NAMES,
    nearest::nearest,
    pipeline::PipelineEntry,
    tree::{Item, KeyPath, Node, Tree, Value, dotted},
    value::{
        Address, Author, Backoff, Batch, FromNode, Integrate, Isolation, Jobs, Limit, Line, Name,
        Pressure, Server, Size, Wrong,
    },
};
use auh_protocol::Machine;

/// A key and the check of its value. `*` stands for a name of the user's own.
pub(crate) struct Key {
    pub(crate) path: &'static str,
    check: fn(&Node) -> Result<(), Wrong>,
}

fn is<T: FromNode>(node: &Node) -> Result<(), Wrong> {
    T::from_node(node).map(drop)
}

/// Whatever a plugin's table holds; the plugin checks it.
struct FreeTable;

impl FromNode for FreeTable {
    fn from_node(node: &Node) -> Result<Self, Wrong> {
        match &node.value {
            Value::Table(_) => Ok(Self),
            _ => Err(Wrong::expected(node, "a table")),
        }
    }
}

const fn key(path: &'static str, check: fn(&Node) -> Result<(), Wrong>) -> Key {
    Key { path, check }
}

/// Every key, in the order of the shipped defaults.
pub(crate) const KEYS: &[Key] = &[
    key("machines", is::<Vec<Machine>>),
    key("scheduler", is::<Name>),
    key("pipeline", is::<Name>),
    key("jobs", is::<Jobs>),
    key("batch", is::<Batch>),
    key("integrate", is::<Integrate>),
    key("workdir", is::<Line>),
    key("from", is::<Address>),
    key("commit-author", is::<Author>),
    key("blacklist", is::<Vec<Line>>),
    key("maintainers-whitelist", is::<Vec<Line>>),
    key("global-maintainer-override", is::<Line>),
    key("cc-recipients", is::<Vec<Line>>),
    key("status-recipients", is::<Vec<Line>>),
    key("send-emails", is::<bool>),
    key("smtp", is::<Server>),
    key("publish-work-url", is::<Line>),
    key("summary-includes-tarball", is::<bool>),
    key("clean-sstate", is::<bool>),
    key("clean-tmp", is::<bool>),
    key("stable", is::<bool>),
    key("buildhistory", is::<bool>),
    key("testimage", is::<bool>),
    key("testimage-name", is::<Name>),
    key("layer-mode", is::<bool>),
    key("layer-name", is::<Vec<Name>>),
    key("layer-dir", is::<Line>),
    key("plugin-path", is::<Vec<Line>>),
    key("allow-untrusted-plugins", is::<bool>),
    key("maintainer-override.*", is::<Line>),
    key("build.threads", is::<Threads>),
    key("build.fetch-ahead", is::<bool>),
    key("build.pressure-max-cpu", is::<Pressure>),
    key("build.pressure-max-io", is::<Pressure>),
    key("build.pressure-max-memory", is::<Pressure>),
    key("bitbake.scheduler", is::<Name>),
    key("limits.command", is::<Limit>),
    key("limits.step", is::<Limit>),
    key("limits.scheduler", is::<Limit>),
    key("limits.run", is::<Limit>),
    key("limits.upstream-check", is::<Limit>),
    key("limits.grace", is::<Limit>),
    key("retry.upstream", is::<Backoff>),
    key("retry.fetch", is::<Backoff>),
    key("retry.unsupported-protocol", is::<Backoff>),
    key("retry.patch-conflict", is::<Backoff>),
    key("retry.licence", is::<Backoff>),
    key("retry.configure", is::<Backoff>),
    key("retry.compile", is::<Backoff>),
    key("retry.package", is::<Backoff>),
    key("retry.test", is::<Backoff>),
    key("retry.commit", is::<Backoff>),
    key("retry.hang", is::<Backoff>),
    key("retry.plugin", is::<Backoff>),
    key("retry.infrastructure", is::<Backoff>),
    key("flags.serial-build", is::<Name>),
    key("flags.skip-compilation", is::<Name>),
    key("flags.resend-mail", is::<Name>),
    key("pipelines.*.steps", is::<Vec<PipelineEntry>>),
    key("pipelines.*.closing", is::<Vec<PipelineEntry>>),
    key("plugins.*", is::<FreeTable>),
    key("plugins.*.isolation", is::<Isolation>),
    key("plugins.*.isolation-memory", is::<Size>),
];

/// What stands at a path.
enum Found {
    Key(&'static Key),
    /// A short name of another key.
    Short,
    /// A table that holds keys.
    Table,
    /// Inside a plugin's own table.
    Free,
}

/// What is wrong with a table and all below it; `path` is the table's own key.
pub(crate) fn check_table(path: &mut KeyPath, items: &[Item], errors: &mut Vec<ConfigError>) {
    for item in items {
        path.push(item.key.clone());
        check_item(path, item, errors);
        path.pop();
    }
}

fn check_item(path: &mut KeyPath, item: &Item, errors: &mut Vec<ConfigError>) {
    match (find(path), &item.node.value) {
        (None, _) => errors.push(ConfigError::UnknownKey {
            at: item.at.clone(),
            key: dotted(path),
            nearest: nearest_key(path),
        }),
        (Some(Found::Table), Value::Table(items)) => check_table(path, items, errors),
        _ => errors.extend(check(path, &item.node).err()),
    }
}

/// Checks the value of a key that exists.
pub(crate) fn check(path: &[String], node: &Node) -> Result<(), ConfigError> {
    let result = match find(path) {
        Some(Found::Key(key)) => (key.check)(node),
        Some(Found::Short) => is::<Line>(node),
        Some(Found::Table) => Err(Wrong::expected(node, "a table")),
        Some(Found::Free) | None => Ok(()),
    };
    result.map_err(|wrong| wrong.of_key(dotted(path)))
}

/// What is wrong with the plugins' settings whose values are known.
pub(crate) fn check_values(tree: &Tree, errors: &mut Vec<ConfigError>) {
    for (key, values) in &NAMES.values {
        let Some(node) = tree.get(key) else { continue };
        match &node.value {
            Value::Text(text) if values.contains(text) => {}
            Value::Text(text) => errors.push(one_of(&node.at, key, text, values)),
            _ => errors.push(Wrong::expected(node, "a text").of_key(key.clone())),
        }
    }
}

/// The error about a text that is none of `values`.
pub(crate) fn one_of(at: &Source, key: &str, text: &str, values: &[String]) -> ConfigError {
    let like = nearest(text, values.iter().map(String::as_str));
    ConfigError::Invalid {
        at: at.clone(),
        key: key.to_owned(),
        reason: format!("{text:?} is none of {}", values.join(", ")),
        hint: like.map(|like| format!("did you mean {like}?")),
    }
}

/// Whether a dotted key exists.
#[cfg(test)]
pub(crate) fn exists(key: &str) -> bool {
    matches!(
        find(&crate::tree::split(key)),
        Some(Found::Key(_) | Found::Free)
    )
}

fn find(path: &[String]) -> Option<Found> {
    if let Some(key) = KEYS.iter().find(|key| matches(key, path)) {
        return Some(Found::Key(key));
    }
    if path.len() > 2 && path[0] == "plugins" {
        return Some(Found::Free);
    }
    if path.len() == 1 && NAMES.short.contains_key(&path[0]) {
        return Some(Found::Short);
    }
    KEYS.iter()
        .any(|key| lies_below(key, path))
        .then_some(Found::Table)
}

fn matches(key: &Key, path: &[String]) -> bool {
    key.path.split('.').count() == path.len() && agrees(key, path)
}

fn lies_below(key: &Key, path: &[String]) -> bool {
    key.path.split('.').count() > path.len() && agrees(key, path)
}

/// Whether each part of `path` is that of the key, as far as `path` goes.
fn agrees(key: &Key, path: &[String]) -> bool {
    key.path
        .split('.')
        .zip(path)
        .all(|(own, part)| own == "*" || own == part)
}

/// The valid key that a mistyped one was meant to be: one of the same table, else one of that
/// name in another table.
fn nearest_key(path: &[String]) -> Option<String> {
    let (typed, table) = path.split_last()?;
    let depth = table.len();
    let siblings = KEYS.iter().filter(|key| lies_below(key, table));
    let siblings = siblings.filter_map(|key| key.path.split('.').nth(depth));
    let short = NAMES.short.keys().map(String::as_str);
    let short = short.filter(|_| depth == 0);
    if let Some(name) = nearest(typed, siblings.chain(short).filter(|name| *name != "*")) {
        let mut meant = table.to_vec();
        meant.push(name.to_owned());
        return Some(dotted(&meant));
    }
    elsewhere(typed)
}

/// The key of any table whose last part is nearest to `typed`.
fn elsewhere(typed: &str) -> Option<String> {
    let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let keys = KEYS.iter().map(|key| key.path);
    let name = nearest(typed, keys.clone().map(last).filter(|name| *name != "*"))?;
    keys.into_iter()
        .find(|path| last(path) == name)
        .map(|path| path.replace('*', "NAME"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::split;

    #[test]
    fn mistyped_keys_find_theirs() {
        for (typed, meant) in [
            ("machine", Some("machines")),
            ("commit_revert_policy", Some("commit-revert-policy")),
            ("build.thread", Some("build.threads")),
            ("threads", Some("build.threads")),
            ("pipelines.mine.step", Some("pipelines.mine.steps")),
            ("steps", Some("pipelines.NAME.steps")),
            ("limit", Some("limits")),
            ("colour", None),
        ] {
            assert_eq!(nearest_key(&split(typed)).as_deref(), meant, "{typed}");
        }
    }
}
