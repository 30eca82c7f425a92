//! The comment that `devtool upgrade` puts on top of a recipe whose licence texts have changed.

/// What [`take_licence_block`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceBlock {
    /// The recipe without the block: byte for byte what it was before devtool added it.
    pub recipe: Vec<u8>,
    /// The difference between the old and the new licence texts, as a unified diff. Invalid UTF-8 is
    /// replaced.
    pub diff: String,
}

const FIRST: &[u8] = b"# FIXME: the LIC_FILES_CHKSUM values have been updated by 'devtool upgrade'";
const CHANGES: &[u8] = b"# The changes:";

/// How many lines of explanation may stand before the changes; today it is seven.
const LONGEST_NOTICE: usize = 15;

/// Takes the first such block out of a recipe, wherever it is. devtool adds at the top, so that is
/// the newest; an older one further down is a matter of an older upgrade.
///
/// A block is: the notice, a bare `#`, the diff with `# ` before each line, a bare `#`, an empty
/// line. One that is not complete is left alone, lest lines be lost that are not its own; only the
/// empty line may be missing. Line endings may be `\n` or `\r\n`.
pub fn take_licence_block(recipe: &[u8]) -> Option<LicenceBlock> {
    let lines: Vec<&[u8]> = recipe.split_inclusive(|&b| b == b'\n').collect();
    let starts = (0..lines.len()).filter(|&at| lines[at].starts_with(FIRST));
    let (start, block) = starts
        .filter_map(|at| Some((at, measure(&lines[at..])?)))
        .next()?;
    let diff: Vec<String> = lines[start + block.diff..start + block.end]
        .iter()
        .map(|line| uncommented(line))
        .collect();
    Some(LicenceBlock {
        recipe: [&lines[..start], &lines[start + block.next..]]
            .concat()
            .concat(),
        diff: diff.join("\n"),
    })
}

/// Offsets from the block's first line.
struct Block {
    diff: usize,
    /// The bare `#` after the diff.
    end: usize,
    /// The first line after the block.
    next: usize,
}

fn measure(lines: &[&[u8]]) -> Option<Block> {
    let comments = lines
        .iter()
        .take_while(|line| line.starts_with(b"#"))
        .count();
    let notice = lines[..comments.min(LONGEST_NOTICE)]
        .iter()
        .position(|line| content(line) == CHANGES)?;
    let diff = notice + 2;
    if !is_bare(lines.get(notice + 1)?) {
        return None;
    }
    let end = last_line(&lines[..comments], lines.get(comments).copied(), diff)?;
    let empty = usize::from(
        lines
            .get(end + 1)
            .is_some_and(|line| content(line).is_empty()),
    );
    Some(Block {
        diff,
        end,
        next: end + 1 + empty,
    })
}

/// The bare `#` that ends a block. In the diff even an empty line has a blank after its `#`, so it is
/// the first one; unless an editor stripped blanks, and then only a diff's lines can be before it.
fn last_line(comments: &[&[u8]], after: Option<&[u8]>, diff: usize) -> Option<usize> {
    let first = (diff..comments.len()).find(|&at| is_bare(comments[at]))?;
    let last = comments.len() - 1;
    let closed = is_bare(comments[last]) && after.is_none_or(|line| content(line).is_empty());
    match () {
        () if first == last => Some(last),
        () if closed && comments[diff..last].iter().all(|line| is_of_diff(line)) => Some(last),
        () => None,
    }
}

fn is_of_diff(line: &[u8]) -> bool {
    is_bare(line) || matches!(line, [b'#', b' ', b'+' | b'-' | b' ' | b'@' | b'\\', ..])
}

fn is_bare(line: &[u8]) -> bool {
    content(line) == b"#"
}

fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line of the diff. Only the `\n` is the block's own: a `\r` may be the licence's.
fn uncommented(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = line.strip_prefix(b"# ").or_else(|| line.strip_prefix(b"#"));
    String::from_utf8_lossy(text.unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTICE: &str = "# FIXME: the LIC_FILES_CHKSUM values have been updated by 'devtool upgrade'.\n\
        # The following is the difference between the old and the new license text.\n\
        # Please update the LICENSE value if needed, and summarize the changes in\n\
        # the commit message via 'License-Update:' tag.\n\
        # (example: 'License-Update: copyright years updated.')\n\
        #\n\
        # The changes:\n\
        #\n";

    /// Puts a block on top as devtool does.
    fn insert(recipe: &str, diff: &str) -> String {
        let diff: Vec<String> = diff.split('\n').map(|line| format!("# {line}")).collect();
        format!("{NOTICE}{}\n#\n\n{recipe}", diff.join("\n"))
    }

    fn check(text: &str, recipe: &str, diff: &str) {
        let block = take_licence_block(text.as_bytes()).expect(text);
        assert_eq!(String::from_utf8(block.recipe).unwrap(), recipe);
        assert_eq!(block.diff, diff);
    }

    const RECIPE: &str = "# SPDX: x\n\nSUMMARY = \"hello\"\n";
    const DIFF: &str = "--- LICENSE\n+++ LICENSE\n@@ -1,3 +1,3 @@\n-2023\n+2024\n \n text\n";

    #[test]
    fn taken_from_the_top() {
        check(&insert(RECIPE, DIFF), RECIPE, DIFF);
        check(&insert("\n\nA = \"1\"", DIFF), "\n\nA = \"1\"", DIFF);
        check(&insert("", ""), "", "");
    }

    #[test]
    fn taken_as_devtool_really_wrote_it() {
        let text = include_str!("../tests/data/licence-block.bb");
        let (_, recipe) = text.split_once("\n\n").unwrap();
        check(
            text,
            recipe,
            DIFF.replace("2023", "a 2023")
                .replace("2024", "a 2024")
                .as_str(),
        );
    }

    #[test]
    fn taken_from_the_middle() {
        let text = format!("require x.inc\n{}", insert(RECIPE, DIFF));
        check(&text, &format!("require x.inc\n{RECIPE}"), DIFF);
    }

    #[test]
    fn taken_with_windows_line_endings() {
        let text = insert(RECIPE, "a").replace('\n', "\r\n");
        check(&text, &RECIPE.replace('\n', "\r\n"), "a\r");
    }

    #[test]
    fn taken_after_an_editor_stripped_blanks() {
        let text = insert(RECIPE, DIFF)
            .replace("# \n", "#\n")
            .replace("#  \n", "#\n");
        let block = take_licence_block(text.as_bytes()).unwrap();
        assert_eq!(block.recipe, RECIPE.as_bytes());
    }

    #[test]
    fn taken_one_at_a_time() {
        let text = insert(&insert(RECIPE, "old"), "new");
        check(&text, &insert(RECIPE, "old"), "new");
    }

    #[test]
    fn an_incomplete_block_is_left_alone() {
        let check = |text: &str| assert_eq!(take_licence_block(text.as_bytes()), None, "{text}");
        check(RECIPE);
        check(NOTICE);
        check(&format!("{NOTICE}# +new\nSUMMARY = \"x\"\n"));
        check(&insert(RECIPE, DIFF).replace("# The changes:", "# Changes:"));
        check(&format!(
            "{NOTICE}# +new\n#\n# My own comment\n#\n\nSUMMARY = \"x\"\n"
        ));
    }

    #[test]
    fn the_empty_line_may_be_missing() {
        let text = format!("{NOTICE}# +new\n#\nSUMMARY = \"x\"\n");
        check(&text, "SUMMARY = \"x\"\n", "+new");
    }

    proptest! {
        #[test]
        fn undoes_what_devtool_did(recipe in "([#A-Z =\"é]{0,9}\r?\n){0,6}", diff in "([-+ #é]{0,9}\r?\n){0,6}") {
            check(&insert(&recipe, &diff), &recipe, &diff);
        }

        #[test]
        fn no_text_is_too_strange(lines in proptest::collection::vec(
            prop_oneof![Just(FIRST.to_vec()), Just(CHANGES.to_vec()), Just(b"#".to_vec()), any::<Vec<u8>>()], 0..12
        )) {
            let text = lines.join(&b'\n');
            if let Some(block) = take_licence_block(&text) {
                prop_assert!(block.recipe.len() < text.len());
            }
        }
    }
}
