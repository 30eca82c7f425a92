//! Reads a graph from whatever it is in.

use super::run_graph;
use crate::failure::{GRAPH_SOURCES, Usage};
use anyhow::{Context, Result};
use auh_graph::{TaskGraph, read_run_queue, read_task_depends};
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BUFFER: usize = 1 << 16;

/// A graph, and what kind of thing it was read from.
pub(crate) struct Input {
    pub graph: TaskGraph,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What BitBake is to build.
    Build,
    /// What auh itself has done.
    Run,
}

/// Reads the graph from a file, a run's folder, or `-`.
pub(crate) fn read(path: &Path) -> Result<Input> {
    if path == Path::new("-") {
        return decompressed(Box::new(BufReader::with_capacity(BUFFER, io::stdin())))
            .context("standard input");
    }
    let name = || path.display().to_string();
    let file = if path.is_dir() {
        path.join("journal.jsonl")
    } else {
        path.to_owned()
    };
    let file = File::open(&file).map_err(|error| {
        Usage::new(
            format!("cannot read {}: {error}", file.display()),
            GRAPH_SOURCES,
        )
    })?;
    decompressed(Box::new(BufReader::with_capacity(BUFFER, file))).with_context(name)
}

fn decompressed(mut input: Box<dyn BufRead>) -> Result<Input> {
    if input.fill_buf()?.starts_with(&ZSTD_MAGIC) {
        let decoder = zstd::Decoder::with_buffer(input)?;
        return parse(&mut BufReader::with_capacity(BUFFER, decoder));
    }
    parse(&mut *input)
}

/// Tells the kinds by how they begin.
fn parse(input: &mut dyn BufRead) -> Result<Input> {
    let begin = input.fill_buf()?;
    if !begin.trim_ascii_start().starts_with(b"{") {
        let graph = read_task_depends(input).map_err(wrong)?;
        return Ok(Input {
            graph,
            kind: Kind::Build,
        });
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    if run_graph::is_journal(&bytes) {
        let graph = run_graph::read(&bytes)?;
        return Ok(Input {
            graph,
            kind: Kind::Run,
        });
    }
    let queue = read_run_queue(&mut &bytes[..]).map_err(wrong)?;
    Ok(Input {
        graph: queue.graph,
        kind: Kind::Build,
    })
}

/// A malformed graph is the caller's affair, not ours.
fn wrong(error: auh_graph::ReadError) -> Usage {
    Usage::new(error.to_string(), GRAPH_SOURCES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOT: &str = "digraph depends {\n\"a.do_x\" [label=\"a do_x\\n:1-r0\\n/l/a_1.bb\"]\n}\n";

    fn read_bytes(bytes: &[u8]) -> Result<Input> {
        decompressed(Box::new(io::Cursor::new(bytes.to_vec())))
    }

    #[test]
    fn the_kind_is_told_by_the_beginning() {
        let dot = read_bytes(DOT.as_bytes()).unwrap();
        assert_eq!((dot.graph.id(0), dot.kind), ("/l/a_1.bb:do_x", Kind::Build));
        let queue = read_bytes(br#" {"tids": ["b:do_x"], "depends": [[]]}"#).unwrap();
        assert_eq!((queue.graph.id(0), queue.kind), ("b:do_x", Kind::Build));
        let packed = zstd::encode_all(DOT.as_bytes(), 1).unwrap();
        assert_eq!(read_bytes(&packed).unwrap().graph, dot.graph);
    }

    #[test]
    fn what_is_malformed_is_named_with_its_line() {
        let error = read_bytes(b"digraph depends {\nx\n}\n").err().unwrap();
        assert!(error.to_string().starts_with("line 2: "), "{error}");
        let cut = zstd::encode_all(DOT.as_bytes(), 1).unwrap();
        assert!(read_bytes(&cut[..cut.len() - 3]).is_err());
        assert!(
            read(Path::new("/nonexistent/x"))
                .err()
                .unwrap()
                .downcast_ref::<Usage>()
                .is_some()
        );
    }
}
