//! The comment about licences in a recipe: taking it out leaves everything else as it was.
#![no_main]

use auh_transcript::take_licence_block;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|recipe: &[u8]| {
    let Some(block) = take_licence_block(recipe) else {
        return;
    };
    let taken = recipe.len() - block.recipe.len();
    assert!(taken > 0);
    let same = recipe.iter().zip(&block.recipe).take_while(|(a, b)| a == b);
    let start = same.count();
    // What is missing is one piece, of whole lines that are comments or empty.
    let whole = (0..=start).rev().find_map(|start| {
        let piece = &recipe[start..start + taken];
        let rest = recipe[start + taken..] == block.recipe[start..];
        let begins = start == 0 || recipe[start - 1] == b'\n';
        (rest && begins).then_some(piece)
    });
    let whole = whole.expect("a piece of whole lines");
    for line in whole.split(|&byte| byte == b'\n') {
        assert!(line.is_empty() || line == b"\r" || line.starts_with(b"#"));
    }
    let text = String::from_utf8_lossy(whole);
    for line in block.diff.lines() {
        assert!(text.contains(line.trim_end_matches('\r')));
    }
});
