//! `auh manual`: the command line's own description as man pages and as Markdown. Whoever packs auh
//! and whoever renders its documentation calls this; nobody else sees it.

use crate::{
    args::{Args, Manual},
    exit, terminal,
};
use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use std::{fmt::Write, fs};

/// Columns of the help texts in the reference.
const WIDTH: usize = 100;

pub(crate) fn manual(args: &Manual) -> Result<exit::Status> {
    match args {
        Manual::Man { folder } => {
            fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(Args::command(), folder))
                .with_context(|| format!("cannot write man pages to {}", folder.display()))?;
        }
        Manual::Markdown => terminal::output(&markdown()),
    }
    Ok(exit::GOOD)
}

/// A page of the book: each command with its help.
fn markdown() -> String {
    let mut command = Args::command().term_width(WIDTH);
    command.build();
    let mut page = "\
<!-- Written by `cargo xtask docs`; what it says stands in auh-cli/src/args.rs. -->
# The command line

Each command as `--help` shows it. [Exit statuses](exit-statuses.md) and [settings](settings.md) have
pages of their own.
"
    .to_owned();
    describe(&mut command, "", &mut page);
    page
}

fn describe(command: &mut Command, before: &str, page: &mut String) {
    let name = format!("{before}{}", command.get_name());
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(
        page,
        "\n## {name}\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    );
    let inner = command.get_subcommands_mut();
    for inner in inner.filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
        describe(inner, &format!("{name} "), page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_reference_is_up_to_date() {
        let book = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/book/src/reference/command-line.md"
        );
        let written = fs::read_to_string(book).unwrap_or_default();
        assert!(written == markdown(), "run `cargo xtask docs`");
    }

    #[test]
    fn a_man_page_is_written_for_each_command_that_people_call() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("man1");
        manual(&Manual::Man {
            folder: path.clone(),
        })
        .unwrap();
        let page = |name: &str| fs::read_to_string(path.join(name));
        assert!(page("auh.1").unwrap().contains(".TH auh 1"));
        assert!(page("auh-upgrade.1").unwrap().contains("to\\-version"));
        assert!(page("auh-schedule-order.1").is_ok());
        assert!(page("auh-plugin-serve.1").is_err());
        assert!(page("auh-manual.1").is_err());
    }
}
