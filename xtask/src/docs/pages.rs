//! The pages about exit statuses, the journal and the plugin API.

use super::{
    items::{Item, Member, items, kebab},
    mark, markdown,
};
use anyhow::{Context, Result, bail};
use std::fmt::Write;

const EXIT: &str = "auh-cli/src/exit.rs";
const EVENTS: &str = "auh-core/journal/src/event.rs";
const HOST: &str = "auh-core/protocol/src/host.rs";
const STEP: &str = "auh-core/protocol/src/step.rs";
const PLUGIN: &str = "auh-core/protocol/src/plugin.rs";
const RECIPE: &str = "auh-core/protocol/src/recipe.rs";
const FAILURE: &str = "auh-core/protocol/src/failure.rs";

type Read<'r> = &'r dyn Fn(&str) -> Result<String>;

/// The program's exit statuses.
pub(super) fn exit_statuses(read: Read<'_>) -> Result<String> {
    let mut page = mark(EXIT);
    page += "# Exit statuses\n\nScripts can rely on these.\n\n| status | meaning |\n|---|---|\n";
    for item in read_items(read, EXIT)? {
        let number = item
            .value
            .strip_prefix("Status(")
            .and_then(|v| v.strip_suffix(')'));
        if let Some(number) = number {
            let _ = writeln!(page, "| {number} | {} |", in_one_line(&item.doc));
        }
    }
    page += "
Under the name `upgrade-helper.py` the program returns the Python helper's: 0 when the run came to its
end, whatever became of the recipes; 1 when it could not begin; 2 for a wrong command line; 130 when it
was stopped.
";
    Ok(page)
}

/// The events of `journal.jsonl`.
pub(super) fn journal(read: Read<'_>) -> Result<String> {
    let items = read_items(read, EVENTS)?;
    let mut page = mark(EVENTS);
    page += "\
# The journal

`journal.jsonl` in the run directory has an object a line: `time` (RFC 3339, UTC), `event` (its name)
and the event's own fields beside them. An event is written before anybody is told of it. Readers pass
over events and fields that they do not know; later releases may add some. Types are those of the source,
in which [the plugin API](plugin-api.md) and the run share words: `Option<…>` may be absent, `Vec<…>` is an
array, `PathBuf` a text.
";
    for event in &named(&items, "Event")?.members {
        if event.hidden {
            continue;
        }
        let _ = write!(
            page,
            "\n## `{}`\n\n{}",
            kebab(&event.name),
            linked(&event.doc)
        );
        let fields = match event.kind.as_str() {
            "" => &event.fields,
            kind => &named(&items, kind)?.members,
        };
        page += &table(fields, false);
    }
    page += "\n# Parts of events\n";
    for name in ["LeftOut", "ParseEvent"] {
        page += &described(named(&items, name)?, false);
    }
    Ok(page)
}

/// What crosses between host and plugins.
pub(super) fn plugin_api(read: Read<'_>) -> Result<String> {
    let [host, step, plugin, recipe, failure] =
        [HOST, STEP, PLUGIN, RECIPE, FAILURE].map(|file| read_items(read, file));
    let (host, step, plugin) = (host?, step?, plugin?);
    let mut page = mark("auh-core/protocol");
    page += "\
# The plugin API

What a plugin is asked and answers, and what it may ask of its host, is JSON in the words of the crate
`auh-protocol`; in Rust the SDK (`auh-sdk`) has them as types. Unknown fields are passed over on both
sides, an unknown operation is answered with an error. Types are those of the source: `Option<…>` may be
absent, `Vec<…>` is an array, `PathBuf` a text. How to write a plugin is said in [Plugins of your
own](../howto/plugins.md).

## What a plugin may ask of its host
";
    let operations = host.iter().filter(|item| item.value.starts_with('"'));
    page += "\n| operation | what it does |\n|---|---|\n";
    for operation in operations {
        let _ = writeln!(
            page,
            "| `{}` | {} |",
            operation.value.trim_matches('"'),
            in_one_line(&operation.doc)
        );
    }
    for item in host.iter().filter(|item| item.value.is_empty()) {
        page += &described(item, true);
    }
    page += "\n## What a step is asked, and answers\n";
    for item in &step {
        page += &described(item, true);
    }
    page += "\n## Recipes, groups and failures\n";
    for item in recipe?.iter().chain(&failure?) {
        page += &described(item, true);
    }
    page += "\n## What a plugin says about itself\n";
    for item in &plugin {
        page += &described(item, true);
    }
    Ok(page)
}

fn read_items(read: Read<'_>, file: &str) -> Result<Vec<Item>> {
    let found = items(&read(file)?);
    match found.is_empty() {
        true => bail!("{file} has no documented item that can be read"),
        false => Ok(found),
    }
}

fn named<'i>(items: &'i [Item], name: &str) -> Result<&'i Item> {
    let found = items.iter().find(|item| item.name == name);
    found.with_context(|| format!("no source has the item {name}"))
}

/// An item with its members.
fn described(item: &Item, below: bool) -> String {
    let level = if below { "###" } else { "##" };
    let is_enum = item
        .members
        .iter()
        .any(|member| member.name.starts_with(|c: char| c.is_ascii_uppercase()));
    let mut text = format!("\n{level} {}\n\n{}", item.name, linked(&item.doc));
    text += &table(&item.members, is_enum);
    text
}

fn table(members: &[Member], is_enum: bool) -> String {
    let shown: Vec<&Member> = members.iter().filter(|member| !member.hidden).collect();
    if shown.is_empty() {
        return String::new();
    }
    let mut text = match is_enum {
        true => "\n| value | holds | meaning |\n|---|---|---|\n".to_owned(),
        false => "\n| field | type | meaning |\n|---|---|---|\n".to_owned(),
    };
    for member in shown {
        let name = match is_enum {
            true => kebab(&member.name),
            false => member.name.clone(),
        };
        let fields = member
            .fields
            .iter()
            .map(|f| format!("`{}`: {}", f.name, in_one_line(&f.doc)));
        let holds: Vec<String> = match member.kind.as_str() {
            "" => fields.collect(),
            kind => vec![format!("`{kind}`")],
        };
        let doc = in_one_line(&member.doc);
        let _ = writeln!(text, "| `{name}` | {} | {doc} |", holds.join("; "));
    }
    text
}

/// Documentation in a cell of a table.
fn in_one_line(doc: &str) -> String {
    let words: Vec<&str> = doc.split_whitespace().collect();
    let line = linked(&words.join(" ")).replace('|', "\\|");
    line.trim_end_matches('.').to_owned()
}

/// Links between Rust items as plain code: `[`crate::X`]` leads nowhere here.
fn linked(doc: &str) -> String {
    let mut text = doc
        .replace("[`crate::", "[`")
        .replace("[`super::", "[`")
        .replace("[`Self::", "[`");
    while let Some(start) = text.find("[`") {
        let Some(end) = text[start..].find("`]") else {
            break;
        };
        text.replace_range(start + end + 1..start + end + 2, "");
        text.replace_range(start..=start, "");
    }
    markdown(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Result<String> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        Ok(std::fs::read_to_string(format!("{root}/{file}"))?)
    }

    #[test]
    fn every_exit_status_is_there() {
        let page = exit_statuses(&read).unwrap();
        for line in [
            "| 0 | Everything went well |",
            "| 3 | The build environment",
            "| 130 | ",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }

    #[test]
    fn every_event_has_its_fields() {
        let page = journal(&read).unwrap();
        for text in [
            "## `run-started`\n",
            "| `build_dir` | `PathBuf` |",
            "## `group-finished`\n",
            "| `verdict` |",
        ] {
            assert!(page.contains(text), "{text} is not in\n{page}");
        }
        assert!(!page.contains("`unknown`"), "{page}");
    }

    #[test]
    fn operations_requests_and_manifest_are_there() {
        let page = plugin_api(&read).unwrap();
        for text in [
            "| `prepare-build-dir` | Makes a machine's build directory ready: `PrepareBuildDir` to `null` |",
            "### StepRequest\n",
            "| `argv` | `Vec<String>` | Program and arguments |",
            "### PluginManifest\n",
            "| `unsupported-protocol` |",
        ] {
            assert!(page.contains(text), "{text} is not in\n{page}");
        }
    }

    #[test]
    fn links_between_items_are_plain_code() {
        assert_eq!(
            linked("[`crate::FORMAT`] of [`x`], [a](b) <c> `<d>`"),
            "`FORMAT` of `x`, [a](b) \\<c> `<d>`"
        );
    }
}
