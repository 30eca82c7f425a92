//! `cargo xtask tidy`: the workspace's invariants that a program can check, one function a rule.
//!
//! What counts as test code: files in a folder `tests`, `examples` or `benches`, files named
//! `tests.rs`, and blocks `mod tests { … }`. Rules read code without its comments, and strings apart from code.

mod dependencies;
mod files;
mod links;
mod names;
mod source;
mod spawn;
mod words;

use crate::{docs, tool, workspace::Workspace};
use anyhow::{Context, Result, bail};
use names::Names;
use source::Source;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    file: String,
    line: usize,
    what: String,
}

impl Violation {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Checks everything, prints what is wrong.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let files = files_of(&workspace.root)?;
    let mut violations = dependencies::check(&workspace);
    let names = Names::of(&workspace);
    for file in &files {
        violations.extend(check_file(&workspace.root, file, &names)?);
    }
    violations.extend(check_documentation(&workspace.root, &files)?);
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        println!(
            "tidy: {} files, {} packages, nothing to complain about",
            files.len(),
            workspace.packages.len()
        );
        return Ok(());
    }
    bail!(
        "violations: {}; CONTRIBUTING.md explains the rules",
        violations.len()
    )
}

/// Links, and pages that follow from the code.
fn check_documentation(root: &Path, files: &[PathBuf]) -> Result<Vec<Violation>> {
    let mut pages = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
    {
        let text = fs::read_to_string(root.join(file));
        pages.push((
            file.clone(),
            text.with_context(|| format!("cannot read {}", file.display()))?,
        ));
    }
    let mut violations = links::check(root, &pages);
    for (page, text) in docs::from_sources(root)? {
        if fs::read_to_string(root.join(&page)).ok().as_ref() != Some(&text) {
            let what = "the page is not what the code says; run `cargo xtask docs`";
            violations.push(Violation::new(&page.to_string_lossy(), 1, what));
        }
    }
    Ok(violations)
}

/// What git tracks, or would track: a new file shall be complained about before its commit.
fn files_of(root: &Path) -> Result<Vec<PathBuf>> {
    let listed = tool::output(Command::new("git").arg("-C").arg(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut files: Vec<PathBuf> = listed.split_terminator('\0').map(PathBuf::from).collect();
    files.sort();
    files.dedup();
    files.retain(|file| root.join(file).is_file());
    Ok(files)
}

fn check_file(root: &Path, file: &Path, names: &Names) -> Result<Vec<Violation>> {
    let path = root.join(file);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = file.to_string_lossy();
    let mut violations = files::check_size(&name, bytes.len() as u64);
    // What is no text has no lines to complain about.
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(violations);
    };
    violations.extend(files::check_machine_paths(&name, &text));
    if file.extension().is_some_and(|extension| extension == "rs") {
        violations.extend(check_source(&name, &text, names));
    }
    Ok(violations)
}

fn check_source(name: &str, text: &str, names: &Names) -> Vec<Violation> {
    let source = Source::new(name, text);
    let mut violations: Vec<_> = files::check_first_line(name, text).into_iter().collect();
    violations.extend(words::check_abi_stable(&source));
    violations.extend(words::check_printing(&source));
    violations.extend(spawn::check(&source));
    violations.extend(names.check(&source));
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_says_where_and_what() {
        let violation = Violation::new("auh-core/x/src/lib.rs", 7, "prints");
        assert_eq!(violation.to_string(), "auh-core/x/src/lib.rs:7: prints");
    }

    #[test]
    fn all_rules_read_a_source_file() {
        let text = "fn f() {\n    println!(\"step-x\");\n    std::process::Command::new(\"sh\");\n    abi_stable::f();\n}\n";
        let found = check_source("auh-core/engine/src/x.rs", text, &Names::new(["step-x"]));
        let mut lines: Vec<_> = found.iter().map(|violation| violation.line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [1, 2, 2, 3, 4], "{found:?}");
    }
}
