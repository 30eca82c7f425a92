//! Takes out of a text what differs between any two runs of the same program: times, names of run
//! directories, hashes, places in files.

/// A text of a run, in which the name of the run directory becomes `RUN`.
pub(crate) fn text(text: &str, run: &str) -> String {
    text.replace(run, "RUN")
}

/// A commit's message; which commit it reverts is known by its subject.
pub(crate) fn message(message: &str) -> String {
    const REVERTS: &str = "This reverts commit ";
    let lines = message.lines().map(|line| match line.split_once(REVERTS) {
        Some(("", _)) => "This reverts commit COMMIT.",
        _ => line,
    });
    lines.fold(String::new(), line)
}

/// A diff without blob names and positions of hunks.
pub(crate) fn diff(diff: &str) -> String {
    let lines = diff.lines().filter(|line| !line.starts_with("index "));
    lines.map(place).fold(String::new(), line)
}

/// What `git format-patch` wrote, without commit, date, statistics and git's version; the measure of
/// how similar renamed files are goes as well, since it follows from the lines that stay.
pub(crate) fn patch(patch: &str) -> String {
    let mut text = String::new();
    let mut in_statistics = false;
    for content in patch.lines() {
        match content {
            "---" => in_statistics = true,
            "-- " => break,
            _ if content.starts_with("diff --git ") => in_statistics = false,
            _ => {}
        }
        if !in_statistics && !is_of_one_run(content) {
            text = line(text, place(content));
        }
    }
    text
}

fn is_of_one_run(line: &str) -> bool {
    ["index ", "similarity index ", "Date: "]
        .iter()
        .any(|start| line.starts_with(start))
        || (line.starts_with("From ") && line.ends_with(" Mon Sep 17 00:00:00 2001"))
}

/// A line of a diff without the numbers of a hunk, and, where the file is a patch itself, without
/// commit and date, since devtool makes the commit anew in every run.
fn place(line: &str) -> String {
    let start = line.trim_start_matches(['+', '-', ' ']);
    let marks = &line[..line.len() - start.len()];
    if start.starts_with("From ") && start.ends_with(" Mon Sep 17 00:00:00 2001") {
        format!("{marks}From COMMIT")
    } else if start.starts_with("Date: ") && !marks.trim().is_empty() {
        format!("{marks}Date: DATE")
    } else if line.starts_with("@@ ") {
        "@@".to_owned()
    } else {
        line.to_owned()
    }
}

/// A text with one line more.
fn line(mut text: String, line: impl AsRef<str>) -> String {
    text.push_str(line.as_ref());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_keeps_its_lines() {
        let git = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ f()\n-a\n+b\n";
        assert_eq!(
            diff(git),
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@\n-a\n+b\n"
        );
    }

    #[test]
    fn a_patch_in_a_diff_has_neither_commit_nor_date() {
        let git = "@@ -1 +1 @@\n-From e4e1 Mon Sep 17 00:00:00 2001\n+From aa4b Mon Sep 17 00:00:00 2001\n From: R\n\
                   +Date: Sun, 22 Nov 2026 07:21:42 +0000\n";
        assert_eq!(
            diff(git),
            "@@\n-From COMMIT\n+From COMMIT\n From: R\n+Date: DATE\n"
        );
    }

    #[test]
    fn a_revert_names_no_commit() {
        let git = "Revert \"x: upgrade\"\n\nThis reverts commit 74c5504656.\n";
        assert_eq!(
            message(git),
            "Revert \"x: upgrade\"\n\nThis reverts commit COMMIT.\n"
        );
    }

    #[test]
    fn a_patch_keeps_its_author_message_and_lines() {
        let git = "From 0be4 Mon Sep 17 00:00:00 2001\nFrom: A <a@x>\nDate: Sun, 1 Nov 2026\n\
                   Subject: [PATCH] x: upgrade\n\nSigned-off-by: B <b@x>\n---\n x | 2 +-\n 1 file changed\n\n\
                   diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\nindex 1..2\n\
                   @@ -1 +1 @@\n-a\n+b\n-- \n2.39.5\n\n";
        assert_eq!(
            patch(git),
            "From: A <a@x>\nSubject: [PATCH] x: upgrade\n\nSigned-off-by: B <b@x>\n\
             diff --git a/x b/y\nrename from x\nrename to y\n@@\n-a\n+b\n"
        );
    }

    #[test]
    fn the_run_has_one_name() {
        assert_eq!(
            text("in /x/20260101000000/all", "20260101000000"),
            "in /x/RUN/all"
        );
    }
}
