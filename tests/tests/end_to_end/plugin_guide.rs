//! The plugin guide, followed word by word: its files are written, its commands run in one shell, and
//! what it shows of their output has to appear.

use auh_tests::{Environment, Workshop, checkout};
use std::{fs, net::TcpListener, path::Path};

/// The port that the guide's chat listens at.
const PORT: &str = "8123";

/// A code block.
#[derive(Debug, PartialEq)]
enum Block {
    /// Commands.
    Shell(String),
    /// What the commands before show, among other things.
    Shown(String),
    /// A file, from where the commands before have left off.
    File { path: String, text: String },
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let inside = lines.by_ref().take_while(|line| *line != "```");
        let text: String = inside.flat_map(|line| [line, "\n"]).collect();
        blocks.push(match info.split_once(" file=") {
            Some((_, path)) => Block::File {
                path: path.to_owned(),
                text,
            },
            None if info == "sh" => Block::Shell(text),
            None => {
                assert_eq!(info, "text", "a block that nobody checks");
                Block::Shown(text)
            }
        });
    }
    blocks
}

/// One script of it all. Each block's output goes to a file of its own, `out/NUMBER`.
fn script(blocks: &[Block], out: &Path) -> String {
    let lock = checkout().join("Cargo.lock");
    let mut script = format!(
        "set -eu\ntrap '[ -z \"${{CHAT-}}\" ] || kill $CHAT 2>/dev/null || :' EXIT\n\
         lock() {{ for toml in Cargo.toml */Cargo.toml; do\n\
         if [ -f \"$toml\" ] && [ ! -f \"$(dirname \"$toml\")/Cargo.lock\" ]; then\n\
         cp '{}' \"$(dirname \"$toml\")/\"; fi; done; }}\n",
        lock.display()
    );
    for (number, block) in blocks.iter().enumerate() {
        script += &match block {
            Block::Shell(text) => {
                // The shell stays the same one: variables and the folder hold on.
                format!("{{\n{text}}} >'{}/{number}' 2>&1\nlock\n", out.display())
            }
            Block::File { path, text } => {
                format!("cat >'{path}' <<'END_OF_FILE'\n{text}END_OF_FILE\n")
            }
            Block::Shown(_) => String::new(),
        };
    }
    script
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn the_guide_holds_word_by_word() {
    let Some(environment) = Environment::six() else {
        return;
    };
    let workshop = Workshop::new(&environment);
    let guide = fs::read_to_string(checkout().join("docs/plugin-guide.md")).unwrap();
    let blocks = blocks(&guide.replace(PORT, &free_port().to_string()));
    let out = environment.beside("out");
    let mut shell = workshop.command("sh");
    shell.arg("-c").arg(script(&blocks, &out));
    let folder = environment.beside("empty");
    let output = shell.current_dir(folder).output().unwrap();

    let said = |number: usize| fs::read_to_string(out.join(number.to_string())).unwrap_or_default();
    let all: String = (0..blocks.len()).map(said).collect();
    let own = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{own}\n{all}");
    for (number, block) in blocks.iter().enumerate() {
        let Block::Shown(text) = block else { continue };
        let said = said(number - 1);
        for line in text.lines() {
            assert!(
                said.contains(line),
                "the guide shows {line:?}, and there is:\n{said}"
            );
        }
    }
}

#[test]
fn no_block_is_left_out() {
    let guide = "a\n```sh\nls\n```\n```rust file=x.rs\n//! X.\n```\n```text\nx.rs\n```\nb\n";
    let file = |path: &str, text: &str| Block::File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let expect = [
        Block::Shell("ls\n".to_owned()),
        file("x.rs", "//! X.\n"),
        Block::Shown("x.rs\n".to_owned()),
    ];
    assert_eq!(blocks(guide), expect);
}
