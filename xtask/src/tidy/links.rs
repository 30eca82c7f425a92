//! Rules about Markdown: links lead somewhere, the book lists its pages, generated pages are up to
//! date.

use super::Violation;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

/// A Markdown file as far as links go.
#[derive(Debug, Default)]
struct Page {
    anchors: BTreeSet<String>,
    /// Line and target.
    links: Vec<(usize, String)>,
}

/// The Markdown files of the workspace: path from the top and text.
pub(crate) fn check(root: &Path, files: &[(PathBuf, String)]) -> Vec<Violation> {
    let pages: BTreeMap<&Path, Page> = files
        .iter()
        .map(|(path, text)| (path.as_path(), read(text)))
        .collect();
    let mut violations = Vec::new();
    for (path, page) in &pages {
        for (line, target) in &page.links {
            if let Some(what) = broken(root, &pages, path, target) {
                violations.push(Violation::new(&path.to_string_lossy(), *line, what));
            }
        }
    }
    violations.extend(unlisted(&pages));
    violations
}

/// What is wrong with a link, if anything is. Addresses on the network are not looked at.
fn broken(root: &Path, pages: &BTreeMap<&Path, Page>, from: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => from.to_owned(),
        file => normal(&from.parent().unwrap_or(Path::new("")).join(file)),
    };
    if !root.join(&path).exists() {
        return Some(format!(
            "the link {target} leads to {}, which is not there",
            path.display()
        ));
    }
    let known = pages.get(path.as_path()).map(|page| &page.anchors);
    let missing = !anchor.is_empty() && known.is_some_and(|anchors| !anchors.contains(anchor));
    missing.then(|| format!("the link {target} leads to a heading that is not there"))
}

/// Pages of the book that its table of contents does not name.
fn unlisted(pages: &BTreeMap<&Path, Page>) -> Vec<Violation> {
    let summary = Path::new("docs/book/src/SUMMARY.md");
    let Some(contents) = pages.get(summary) else {
        return Vec::new();
    };
    let folder = Path::new("docs/book/src");
    let listed: BTreeSet<PathBuf> = contents
        .links
        .iter()
        .map(|(_, to)| folder.join(to))
        .collect();
    let all = pages
        .keys()
        .filter(|page| page.starts_with(folder) && **page != summary);
    all.filter(|page| !listed.contains(**page))
        .map(|page| {
            Violation::new(
                &page.to_string_lossy(),
                1,
                "the book's SUMMARY.md does not name the page",
            )
        })
        .collect()
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
        path
    })
}

fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut fence: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let marks: String = line
            .trim_start()
            .chars()
            .take_while(|c| *c == '`')
            .collect();
        match &fence {
            Some(open) if marks.len() >= open.len() => fence = None,
            Some(_) => {}
            None if marks.len() >= 3 => fence = Some(marks),
            None => {
                if line.starts_with('#') {
                    let slug = slug(line.trim_start_matches('#'), &page.anchors);
                    page.anchors.insert(slug);
                }
                page.links
                    .extend(links(line).map(|target| (index + 1, target)));
            }
        }
    }
    page
}

/// The targets of `[text](target)` in a line, outside of code.
fn links(line: &str) -> impl Iterator<Item = String> {
    let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let targets: Vec<String> = text
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.trim_matches(['<', '>']).to_owned()))
        .collect();
    targets.into_iter()
}

/// The anchor that forges and mdBook give a heading: lower case, without what is no letter, digit,
/// dash or underscore, dashes for blanks, a number when it is there already.
fn slug(heading: &str, taken: &BTreeSet<String>) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
    let mut numbered = (1..).map(|n| format!("{slug}-{n}"));
    match taken.contains(&slug) {
        false => slug,
        true => numbered
            .find(|other| !taken.contains(other))
            .unwrap_or(slug),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|(p, t)| (PathBuf::from(p), (*t).to_owned()))
            .collect();
        for (path, text) in &files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        check(folder.path(), &files)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn links_lead_to_files_and_headings() {
        let other = "# The Title: `x`, again\n## Same\n## Same\n```\n# none\n```\n";
        let good = "[a](docs/o.md) [b](docs/o.md#the-title-x-again) [c](#here)\n\n# Here\n\
                    [d](docs/o.md#same-1) [e](https://example.org/x) `[f](nowhere)`\n````\n[g](no)\n```\n[h](no)\n````\n";
        assert_eq!(complaints(&[("a.md", good), ("docs/o.md", other)]), [""; 0]);
        let bad = "[a](../a.md)\n[b](o.md#none)\n[c](gone.md) [d](../a.md#here)\n";
        assert_eq!(
            complaints(&[("a.md", good), ("docs/o.md", other), ("docs/b.md", bad)]),
            [
                "docs/b.md:2: the link o.md#none leads to a heading that is not there",
                "docs/b.md:3: the link gone.md leads to docs/gone.md, which is not there",
            ]
        );
    }

    #[test]
    fn the_book_names_its_pages() {
        let files = [
            ("docs/book/src/SUMMARY.md", "- [One](one.md)\n"),
            ("docs/book/src/one.md", ""),
            ("docs/book/src/two/three.md", ""),
        ];
        assert_eq!(
            complaints(&files),
            ["docs/book/src/two/three.md:1: the book's SUMMARY.md does not name the page"]
        );
    }
}
