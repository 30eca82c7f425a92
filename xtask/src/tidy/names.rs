//! The rule that the host names no step and no scheduler. The names are those of the folders in
//! `plugins` and `schedulers` that are built as plugin files; the shipped settings, a TOML file,
//! are the one place of the host where they stand.

use super::{Violation, source::Source};
use crate::workspace::Workspace;

/// A setting of the Python helper that is called like the plugin which it switches on.
const SETTING: &str = "testimage";

/// A plugin that is called like an ordinary word of the host: there, only its file's or crate's name
/// means the plugin.
const WORD: &str = "command";

/// The names of what is shipped.
#[derive(Debug)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// The names that the workspace's folders give.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let plugins = ["plugins", "schedulers"]
            .into_iter()
            .flat_map(|folder| workspace.members_in(folder));
        Self::new(
            plugins
                .filter(|package| package.is_plugin())
                .filter_map(|package| package.folder().file_name()?.to_str()),
        )
    }

    /// These names.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    /// String literals of the host that are a name, with dashes or underscores, or a plugin's file
    /// or crate name.
    pub(crate) fn check(&self, source: &Source) -> Vec<Violation> {
        if !is_host(source) || source.is_test_file() {
            return Vec::new();
        }
        let strings = source
            .strings
            .iter()
            .filter(|(line, _)| !source.is_test_line(*line))
            .filter(|(_, text)| !(is_settings(source) && text == SETTING));
        strings
            .filter_map(|(line, text)| {
                let name = self.0.iter().find(|name| is_named_in(name, text))?;
                let what =
                    format!("\"{text}\" names the plugin {name}; the host knows none, settings do");
                Some(Violation::new(&source.file, *line, what))
            })
            .collect()
    }
}

fn is_settings(source: &Source) -> bool {
    source.is_in(&["auh-core/config"])
}

fn is_host(source: &Source) -> bool {
    source.is_in(&["auh-cli/src"]) || (source.is_in(&["auh-core"]) && source.file.contains("/src/"))
}

fn is_named_in(name: &str, text: &str) -> bool {
    let underscored = name.replace('-', "_");
    let crates = ["step", "scheduler"].map(|kind| format!("auh_{kind}_{underscored}"));
    let bare = name != WORD && (text == name || text == underscored);
    bare || crates.iter().any(|name| text.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_may_be_called_like_a_plugin_where_settings_are() {
        let names = Names::new(["testimage"]);
        let found = |file| names.check(&Source::new(file, "f(\"testimage\");\n")).len();
        assert_eq!(found("auh-core/config/src/schema.rs"), 0);
        assert_eq!(found("auh-core/engine/src/plan.rs"), 1);
    }

    #[test]
    fn an_ordinary_word_is_a_plugins_name_only_in_its_files() {
        let names = Names::new(["command"]);
        let text = "f(\"command\");\nf(\"libauh_step_command.so\");\n";
        let found = names.check(&Source::new("auh-core/engine/src/plan.rs", text));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
    }

    #[test]
    fn a_name_as_a_literal_is_found_in_the_host_only() {
        let names = Names::new(["do-this", "plain"]);
        let text = "f(\"do-this\");\nf(\"do_this\");\nf(\"libauh_step_do_this.so\");\nf(\"plain\");\n\
                    f(\"a plain word, do-this too\"); // \"plain\"\nmod tests {\n  f(\"plain\");\n}\n";
        for (file, expect) in [
            ("auh-core/engine/src/plan.rs", &[1, 2, 3, 4][..]),
            ("auh-cli/src/main.rs", &[1, 2, 3, 4]),
            ("auh-core/engine/tests/plan.rs", &[]),
            ("auh-core/engine/src/plan/tests.rs", &[]),
            ("schedulers/plain/src/lib.rs", &[]),
        ] {
            let found = names.check(&Source::new(file, text));
            let lines: Vec<_> = found.iter().map(|violation| violation.line).collect();
            assert_eq!(lines, expect, "{file}");
        }
    }
}
