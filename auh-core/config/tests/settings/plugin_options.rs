//! The settings of plugins against what the plugins declare.

use crate::from_toml;
use auh_config::{ConfigError, Settings};
use auh_protocol::{OptionKey, OptionKind, PluginManifest};
use serde_json::json;

fn manifest(options: Option<Vec<OptionKey>>) -> PluginManifest {
    let manifest = json!({
        "name": "chat", "version": "1", "kind": "step", "api": [1, 1], "options": options,
    });
    serde_json::from_value(manifest).unwrap()
}

fn declared() -> PluginManifest {
    let choice = OptionKind::one_of(&["plain", "rich"]);
    manifest(Some(vec![
        OptionKey::new("webhook", OptionKind::Text, "where to post").required(),
        OptionKey::new("retries", OptionKind::Whole { least: 0 }, "how often").with_default(3),
        OptionKey::new("style", choice, "how it looks"),
    ]))
}

fn settings(text: &str) -> Settings {
    let pipeline = "pipeline = 'p'\n[pipelines.p]\n";
    from_toml(&format!("{pipeline}{text}")).unwrap()
}

/// Each error and its hint in a line, without the folder.
fn told(settings: &Settings) -> Vec<String> {
    let entry = &settings.chosen_pipeline().steps[0];
    let errors = settings.checked_options(&declared(), Some(entry)).err();
    let line = |error: ConfigError| {
        let text = error.to_string();
        let text = text.rsplit_once("upgrade-helper/").unwrap().1.to_owned();
        format!("{text} | {}", error.hint().unwrap())
    };
    errors.into_iter().flatten().map(line).collect()
}

#[test]
fn what_fits_is_taken_with_the_defaults() {
    let settings = settings("steps = [{step = 'chat', with = {webhook = 'w'}}]");
    let entry = &settings.chosen_pipeline().steps[0];
    let options = settings.checked_options(&declared(), Some(entry)).unwrap();
    assert_eq!(json!(options), json!({"webhook": "w", "retries": 3}));
}

#[test]
fn each_misfit_names_place_key_and_remedy() {
    for (text, expect) in [
        (
            "steps = ['chat']\n[plugins.chat]\nwebhok = 'w'\nwebhook = 'w'",
            "auh.toml:5:10: plugins.chat.webhok: the plugin chat has no such setting | did you mean webhook?",
        ),
        (
            "steps = ['chat']\n[plugins.chat]\nwebhook = 'w'\n[plugins.chat.colour]\nred = 1",
            "auh.toml:7:7: plugins.chat.colour: the plugin chat has no such setting | `auh plugin show chat` lists its settings",
        ),
        (
            "steps = ['chat']\n[plugins.chat]\nwebhook = 'w'\nretries = 'secret'",
            "auh.toml:6:11: plugins.chat.retries: it must be a whole number from 0 on, not this text | how often",
        ),
        (
            "steps = ['chat']\n[plugins.chat]\nwebhook = 'w'\nstyle = 'reich'",
            "auh.toml:6:9: plugins.chat.style: \"reich\" is not one of plain, rich | did you mean rich?",
        ),
        (
            "steps = [{step = 'chat', with = {webhook = 1}}]",
            "auh.toml:3:10: with.webhook: it must be a text, not this number | where to post",
        ),
        (
            "steps = ['chat']",
            "auh.toml:3:10: plugins.chat.webhook: the plugin chat needs it, and it is not set | set it to a text: where to post",
        ),
    ] {
        assert_eq!(told(&settings(text)), [expect], "{text}");
    }
}

#[test]
fn all_misfits_are_found_at_once() {
    let settings = settings("steps = ['chat']\n[plugins.chat]\na = 1\nretries = -1");
    assert_eq!(told(&settings).len(), 3);
}

#[test]
fn a_plugin_that_declares_nothing_is_given_everything() {
    let settings = settings("steps = ['chat']\n[plugins.chat]\na = 1");
    let options = settings.checked_options(&manifest(None), None).unwrap();
    assert_eq!(json!(options), json!({"a": 1}));
}
