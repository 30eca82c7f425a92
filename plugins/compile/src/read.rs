//! What BitBake's output says of each recipe that it was asked for.

use crate::Verdict;
use auh_sdk::{CommandResult, Failure, FailureClass, RecipeName};
use auh_transcript::{BuildTranscript, Skip, bitbake::recipe_of_title};

/// What one run of BitBake means for the recipes it was asked for.
pub(crate) struct Judged {
    pub(crate) recipes: Vec<(RecipeName, Verdict)>,
    pub(crate) notes: Vec<String>,
}

/// Judges each of `recipes`, which BitBake was asked for by name.
pub(crate) fn judge(ended: &CommandResult, recipes: Vec<RecipeName>) -> Judged {
    let transcript = BuildTranscript::from_texts(&ended.stdout, &ended.stderr);
    let output = Output {
        exit_ok: ended.succeeded(),
        asked: recipes.clone(),
        how: ended.how(),
        transcript,
    };
    let notes = recipes.iter().filter_map(|r| output.excuse(r.as_str()));
    let mut judged = Judged {
        recipes: Vec::new(),
        notes: notes.collect(),
    };
    for recipe in recipes {
        let verdict = output.verdict(&recipe);
        judged.recipes.push((recipe, verdict));
    }
    output.leave_no_failure_unsaid(&mut judged);
    judged
}

struct Output {
    exit_ok: bool,
    asked: Vec<RecipeName>,
    how: String,
    transcript: BuildTranscript,
}

impl Output {
    fn verdict(&self, recipe: &RecipeName) -> Verdict {
        let name = recipe.as_str();
        if let Some(skip) = self.transcript.skip_of(name).filter(Skip::is_incompatible) {
            return Verdict::Skipped(skip.reason);
        }
        if self.exit_ok {
            return Verdict::Built;
        }
        let own = self.transcript.failure_of(name);
        own.filter(|_| self.excuse(name).is_none())
            .or_else(|| self.of_dependencies())
            .map_or(Verdict::Built, Verdict::Failed)
    }

    /// A failed task of a recipe that was not asked for: something that was asked for needs it.
    fn of_dependencies(&self) -> Option<Failure> {
        let tasks = self.transcript.failed_tasks();
        let asked = |name: &str| self.asked.iter().any(|recipe| recipe.as_str() == name);
        let task = tasks.iter().find(|task| !asked(&task.id.recipe))?;
        let failure = task.failure();
        let message = format!("{}: {}", task.id.recipe, failure.message);
        Some(Failure { message, ..failure })
    }

    /// A build that failed without saying for whom failed for all that could have been meant.
    fn leave_no_failure_unsaid(&self, judged: &mut Judged) {
        let explained = |(_, verdict): &(RecipeName, Verdict)| *verdict != Verdict::Built;
        let said = !judged.notes.is_empty() || judged.recipes.iter().any(explained);
        if self.exit_ok || said {
            return;
        }
        let failure = self.transcript.failure().unwrap_or_else(|| {
            let message = format!("bitbake {} and named no failure", self.how);
            Failure::new(FailureClass::Infrastructure, message)
        });
        for (_, verdict) in &mut judged.recipes {
            *verdict = Verdict::Failed(failure.clone());
        }
    }

    /// A note instead of a failure, when `recipe` failed for nothing but a version lower than that of
    /// the last build. That is no fault of the upgrade: after a revert the next build is a step back.
    fn excuse(&self, recipe: &str) -> Option<String> {
        let failure = self.transcript.failure_of(recipe)?;
        let only_that = self.errors_of(recipe).all(|text| {
            text.contains(" went backwards which would break package feeds ")
                || text.starts_with("Fatal QA errors were found")
                || text.starts_with("QA run found fatal errors")
        });
        if self.exit_ok || !only_that || failure.class == FailureClass::Infrastructure {
            return None;
        }
        let all = self.transcript.went_backwards();
        let is_own = |name: Option<&str>| name == Some(recipe);
        let own = all
            .iter()
            .find(|w| w.is_error && is_own(w.recipe.as_deref()))?;
        Some(format!(
            "{recipe}: the version of package {} went backwards ({})",
            own.package, own.versions
        ))
    }

    /// What tasks of `recipe` reported as errors: `PN-PV-PR do_task: text`.
    fn errors_of(&self, recipe: &str) -> impl Iterator<Item = &str> {
        self.transcript.errors().filter_map(move |error| {
            let (title, rest) = error.split_once(' ')?;
            let (task, text) = rest.split_once(": ")?;
            let own = task.starts_with("do_") && recipe_of_title(title) == Some(recipe);
            own.then_some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{names, recorded};
    use auh_sdk::pretend::ended;

    /// `recipe: verdict` for each recipe, then the notes.
    fn check(ended: &CommandResult, recipes: &[&str], expect: &[&str]) {
        let judged = judge(ended, names(recipes));
        let verdict = |verdict: &Verdict| match verdict {
            Verdict::Built => "built".to_owned(),
            Verdict::Skipped(reason) => format!("skipped: {reason}"),
            Verdict::Failed(failure) => format!("{}: {}", failure.class, failure.message),
        };
        let recipes = judged.recipes.iter();
        let mut lines: Vec<String> = recipes
            .map(|(r, v)| format!("{r} {}", verdict(v)))
            .collect();
        lines.extend(judged.notes);
        assert_eq!(lines, expect);
    }

    #[test]
    fn recorded_builds() {
        let failed =
            "do_compile failed: bhello.c:1:10: fatal error: gone.h: No such file or directory";
        check(
            &recorded!("bitbake-compile-fails-k"),
            &["bhello", "ghello"],
            &[&format!("bhello compile: {failed}"), "ghello built"],
        );
        check(
            &recorded!("bitbake-compile-fails-k"),
            &["ghello", "phello"],
            &[
                &format!("ghello compile: bhello: {failed}"),
                &format!("phello compile: bhello: {failed}"),
            ],
        );
        check(
            &recorded!("bitbake-incompatible"),
            &["mhello", "hello"],
            &[
                "mhello skipped: incompatible with machine qemuarm64 (not in COMPATIBLE_MACHINE)",
                "hello built",
            ],
        );
        check(
            &recorded!("bitbake-no-provider"),
            &["nosuchrecipe"],
            &["nosuchrecipe infrastructure: nothing provides nosuchrecipe"],
        );
    }

    const BACKWARDS: &str = "\
        ERROR: phello-1.0-r0 do_packagedata: QA Issue: Package version for package phello-dbg went \
        backwards which would break package feeds (from 0:2.0-r0 to 0:1.0-r0) \
        [version-going-backwards]\n\
        ERROR: phello-1.0-r0 do_packagedata: Fatal QA errors were found, failing task.\n\
        ERROR: Logfile of failure stored in: /b/phello/1.0/temp/log.do_packagedata.1\n\
        ERROR: Task (/l/phello_1.0.bb:do_packagedata) failed with exit code '1'\n";

    #[test]
    fn a_version_that_went_backwards_is_but_a_note() {
        let note = "phello: the version of package phello-dbg went backwards \
                    (from 0:2.0-r0 to 0:1.0-r0)";
        check(
            &ended(1, "", BACKWARDS),
            &["phello"],
            &["phello built", note],
        );
    }

    #[test]
    fn other_trouble_beside_it_is_still_a_failure() {
        let other = "ERROR: phello-1.0-r0 do_packagedata: QA Issue: no licence [license-exists]\n";
        let judged = judge(
            &ended(1, "", &format!("{other}{BACKWARDS}")),
            names(&["phello"]),
        );
        assert!(matches!(judged.recipes[0].1, Verdict::Failed(_)));
        assert_eq!(judged.notes, [""; 0]);
        let full = format!("{BACKWARDS}ERROR: No space left on device\n");
        let judged = judge(&ended(1, "", &full), names(&["phello"]));
        assert!(matches!(judged.recipes[0].1, Verdict::Failed(_)));
    }

    #[test]
    fn that_of_a_dependency_is_a_failure() {
        let judged = judge(&ended(1, "", BACKWARDS), names(&["hello"]));
        let Verdict::Failed(failure) = &judged.recipes[0].1 else {
            panic!("{:?}", judged.recipes);
        };
        assert!(failure.message.starts_with("phello: do_packagedata failed"));
    }

    #[test]
    fn an_incompatible_dependency_is_no_skip() {
        let stderr = "ERROR: Nothing PROVIDES 'mhello' (but /l/hello_2.0.bb DEPENDS on or otherwise \
                      requires it)\nmhello was skipped: incompatible with machine qemuarm64 (not in \
                      COMPATIBLE_MACHINE)\n";
        let expect = "hello configure: nothing provides its dependency mhello";
        check(&ended(1, "", stderr), &["hello"], &[expect]);
    }

    #[test]
    fn a_failure_that_names_nobody_is_everybodys() {
        check(
            &ended(3, "", ""),
            &["hello", "phello"],
            &[
                "hello infrastructure: bitbake exited with status 3 and named no failure",
                "phello infrastructure: bitbake exited with status 3 and named no failure",
            ],
        );
    }
}
