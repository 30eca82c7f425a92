//! Lays two programs' texts side by side and tells what is equal, what is explained, what is not.

use super::{
    aspects::{Aspect, Aspects},
    explanations::EXPLANATIONS,
    misjudged::MISJUDGED,
};
use std::collections::{BTreeMap, BTreeSet};

/// What came of comparing one text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Same,
    /// The texts differ by nothing else than these explanations, by name.
    Explained(Vec<&'static str>),
    /// Lines that only one of them has, after everything that is explained.
    Different(Vec<String>),
}

/// Every text of either side with its verdict.
pub(crate) fn judge(python: &Aspects, auh: &Aspects) -> BTreeMap<Aspect, Verdict> {
    let aspects: BTreeSet<&Aspect> = python.keys().chain(auh.keys()).collect();
    // Files that only one has are told by the names of its files.
    let has = |side: &Aspects, aspect: &Aspect| side.contains_key(aspect);
    aspects
        .into_iter()
        .filter(|aspect| !aspect.kind.is_file() || has(python, aspect) && has(auh, aspect))
        .map(|aspect| {
            let text = |side: &Aspects| side.get(aspect).cloned().unwrap_or_default();
            (aspect.clone(), compare(aspect, text(python), text(auh)))
        })
        .collect()
}

fn compare(aspect: &Aspect, mut python: String, mut auh: String) -> Verdict {
    if python == auh {
        return Verdict::Same;
    }
    if let Some(recipe) = MISJUDGED.iter().find(|recipe| recipe.is_subject_of(aspect)) {
        return Verdict::Explained(vec![recipe.recipe]);
    }
    let mut used = Vec::new();
    // First, as it reads what explanations rewrite.
    for recipe in MISJUDGED {
        if recipe.correct(aspect.kind, &mut python, &mut auh) {
            used.push(recipe.recipe);
        }
    }
    for explanation in EXPLANATIONS {
        if python == auh {
            break;
        }
        if explanation.explain(aspect.kind, &mut python, &mut auh) {
            used.push(explanation.name);
        }
    }
    match python == auh {
        true => Verdict::Explained(used),
        false => Verdict::Different(difference(&python, &auh)),
    }
}

/// Lines of the Python helper's text alone with `-`, of auh's alone with `+`, in order.
fn difference(python: &str, auh: &str) -> Vec<String> {
    let (left, right): (Vec<&str>, Vec<&str>) = (lines(python), lines(auh));
    let common = common_lengths(&left, &right);
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(format!("-{}", left[i]));
            i += 1;
        } else {
            lines.push(format!("+{}", right[j]));
            j += 1;
        }
    }
    lines
}

fn lines(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

/// Lengths of the longest common subsequences of what is left from line i and line j on.
fn common_lengths(left: &[&str], right: &[&str]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            lengths[i][j] = if left[i] == right[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differential::aspects::Kind;

    fn one(kind: Kind, text: &str) -> Aspects {
        let aspect = Aspect {
            kind,
            of: "hello".to_owned(),
        };
        Aspects::from([(aspect, text.to_owned())])
    }

    fn verdict(kind: Kind, python: &str, auh: &str) -> Verdict {
        let mut all = judge(&one(kind, python), &one(kind, auh));
        all.pop_first().unwrap().1
    }

    #[test]
    fn what_is_equal_explained_and_neither() {
        assert_eq!(verdict(Kind::Files, "a\n", "a\n"), Verdict::Same);
        assert_eq!(
            verdict(Kind::Files, "a\n", "a\nlicense-diff-1.0.txt\n"),
            Verdict::Explained(vec!["licence file"])
        );
        assert_eq!(
            verdict(Kind::Files, "a\nb\n", "a\nlicense-diff-1.0.txt\nc\n"),
            Verdict::Different(vec!["-b".to_owned(), "+c".to_owned()])
        );
    }

    #[test]
    fn a_file_that_only_one_has_is_told_by_its_name_alone() {
        let only = one(Kind::File, "text\n");
        assert!(judge(&Aspects::new(), &only).is_empty());
        let both = judge(&one(Kind::File, "other\n"), &only);
        assert!(matches!(both.values().next(), Some(Verdict::Different(_))));
    }

    #[test]
    fn what_only_one_has_is_a_difference() {
        let all = judge(&one(Kind::Verdict, "succeed\n"), &Aspects::new());
        assert_eq!(
            all.into_values().collect::<Vec<_>>(),
            [Verdict::Different(vec!["-succeed".to_owned()])]
        );
    }
}
