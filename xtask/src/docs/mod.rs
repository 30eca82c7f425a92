//! `cargo xtask docs`: writes those pages of the book that follow from the code. `cargo xtask tidy`
//! complains when one of them is not what it would write.
//!
//! Settings, exit statuses, journal events and the plugin API are read from the sources, whose
//! comments are the documentation; the command line is asked of the program itself.

mod items;
mod pages;
mod settings;

use crate::{build, tool, workspace::Workspace};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the generated pages are, from the top.
const FOLDER: &str = "docs/book/src/reference";

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the pages for which nothing has to be built
    #[arg(long)]
    sources_only: bool,
}

/// Writes the pages.
pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::load()?;
    let mut pages = from_sources(&workspace.root)?;
    if !options.sources_only {
        let built = build::build(&workspace, false)?;
        let mut program = Command::new(&built.program);
        let text = tool::output(program.args(["manual", "markdown"]))?;
        pages.push((path("command-line.md"), text));
    }
    for (page, text) in pages {
        let file = workspace.root.join(&page);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("wrote {}", page.display());
    }
    Ok(())
}

/// The pages that follow from the sources: path from the top and text.
pub(crate) fn from_sources(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let read = |file: &str| {
        fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))
    };
    Ok(vec![
        (
            path("settings.md"),
            settings::page(&read(settings::SOURCE)?)?,
        ),
        (path("exit-statuses.md"), pages::exit_statuses(&read)?),
        (path("journal.md"), pages::journal(&read)?),
        (path("plugin-api.md"), pages::plugin_api(&read)?),
    ])
}

fn path(page: &str) -> PathBuf {
    Path::new(FOLDER).join(page)
}

/// Text of a comment as Markdown: outside of code, `<` begins no markup.
fn markdown(text: &str) -> String {
    let parts = text
        .split('`')
        .enumerate()
        .map(|(index, part)| match index % 2 {
            0 => part.replace('<', "\\<"),
            _ => part.to_owned(),
        });
    parts.collect::<Vec<_>>().join("`")
}

/// The first line of a generated page.
fn mark(sources: &str) -> String {
    format!("<!-- Written by `cargo xtask docs`; what it says stands in {sources}. -->\n")
}
