//! `cargo xtask bench`, the part about schedulers: ours and BitBake's own Python in the same run, and
//! how ours grows with the graph.

use crate::{
    tool,
    workspace::{Workspace, cargo},
};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What the library's example prints.
#[derive(Debug, Deserialize)]
struct Ours {
    tasks: u64,
    edges: u64,
    read_ms: f64,
    order_ms: f64,
}

/// What the Python script prints.
#[derive(Debug, Deserialize)]
struct Theirs {
    tasks: u64,
    edges: u64,
    read_ms: f64,
    weights_ms: f64,
    order_ms: f64,
    reverse_ms: f64,
}

/// Measures and prints. `graph` is a task-depends.dot, not compressed; `python` one that has BitBake.
pub(crate) fn run(workspace: &Workspace, graph: &Path, python: &Path) -> Result<()> {
    let ours = ours(workspace, graph)?;
    let theirs = theirs(workspace, graph, python)?;
    print!("{}", compared(&ours, &theirs));
    let mut growth = example(workspace, "scale", &[]);
    println!("growth, 5 dependencies each, milliseconds:");
    print!("{}", tool::output(&mut growth)?);
    Ok(())
}

/// The graph as a file that is not compressed, in the workspace's target folder.
pub(crate) fn unpacked(workspace: &Workspace, graph: &Path) -> Result<PathBuf> {
    if graph.extension().is_none_or(|extension| extension != "zst") {
        return Ok(graph.to_owned());
    }
    let unpacked = workspace.target.join("bench-graph.dot");
    let mut zstd = Command::new("zstd");
    zstd.args(["-d", "-f", "-q"])
        .arg(graph)
        .arg("-o")
        .arg(&unpacked);
    tool::succeed(&mut zstd)?;
    Ok(unpacked)
}

fn ours(workspace: &Workspace, graph: &Path) -> Result<Ours> {
    let text = tool::output(&mut example(workspace, "times", &[graph]))?;
    serde_json::from_str(&text).context("the example times printed something else")
}

fn theirs(workspace: &Workspace, graph: &Path, python: &Path) -> Result<Theirs> {
    let script = workspace.root.join("xtask/bench/bitbake_times.py");
    let text = tool::output(Command::new(python).arg(script).arg(graph))?;
    serde_json::from_str(&text).context("bitbake_times.py printed something else")
}

fn example(workspace: &Workspace, name: &str, arguments: &[&Path]) -> Command {
    let mut command = cargo();
    command
        .args([
            "run",
            "--release",
            "--quiet",
            "-p",
            "auh-graph",
            "--example",
            name,
            "--",
        ])
        .args(arguments)
        .current_dir(&workspace.root);
    command
}

fn compared(ours: &Ours, theirs: &Theirs) -> String {
    let same = (ours.tasks, ours.edges) == (theirs.tasks, theirs.edges);
    let remark = if same { "" } else { " (of different graphs!)" };
    // Their scheduler's constructor does not weigh; ours does all three in one.
    let order = theirs.weights_ms + theirs.order_ms + theirs.reverse_ms;
    let line = |what: &str, ours: f64, theirs: f64| {
        format!(
            "{what:<34}{ours:>9.2}{theirs:>10.1}{:>9.0}x\n",
            theirs / ours
        )
    };
    format!(
        "{} tasks, {} edges{remark}\n{:<34}{:>9}{:>10}\n{}{}",
        ours.tasks,
        ours.edges,
        "milliseconds",
        "auh",
        "Python",
        line("read task-depends.dot", ours.read_ms, theirs.read_ms),
        line("weights, rm-work order, reverse map", ours.order_ms, order),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_theirs_by_ours() {
        let ours = Ours {
            tasks: 2,
            edges: 1,
            read_ms: 10.0,
            order_ms: 2.0,
        };
        let mut theirs = Theirs {
            tasks: 2,
            edges: 1,
            read_ms: 200.0,
            weights_ms: 100.0,
            order_ms: 200.0,
            reverse_ms: 300.0,
        };
        let text = compared(&ours, &theirs);
        assert!(text.contains("20x\n") && text.contains("300x\n"), "{text}");
        assert!(!text.contains("different"), "{text}");
        theirs.edges = 3;
        assert!(compared(&ours, &theirs).contains("different graphs"));
    }
}
