//! One machine's build of a group.

use crate::{MachineResult, Verdict, read};
use auh_sdk::{
    CommandResult, Exit, Failure, FailureClass, GroupWork, Host, Machine, Place, RecipeName,
    RunCommand, protocol::host::PrepareBuildDir,
};
use std::{fs, path::PathBuf};

/// Makes the build directory ready, then as [`build`]. `share` says how many machines build at the
/// same time. A directory that cannot be made ready fails this machine only.
pub fn prepared_build(
    host: &Host,
    work: &GroupWork,
    machine: &Machine,
    place: Place,
    share: usize,
) -> MachineResult {
    if host.stopping() {
        return MachineResult::all_failed(work, machine, FailureClass::Infrastructure, "stopped");
    }
    let request = PrepareBuildDir { place, share };
    match host.prepare_build_dir(&request) {
        Ok(()) => build(host, work, machine, request.place),
        Err(error) => MachineResult::all_failed(
            work,
            machine,
            FailureClass::Infrastructure,
            &format!("the build directory could not be made ready: {error}"),
        ),
    }
}

/// Builds the group's recipes for `machine` in `place` with `bitbake -k`. Recipes that do not suit
/// the machine are left out and the others built without them. BitBake's output stays in the
/// group's folder as `bitbake-output-<machine>.txt` if the build failed.
pub fn build(host: &Host, work: &GroupWork, machine: &Machine, place: Place) -> MachineResult {
    let mut building = Building {
        host,
        log: work.folder.join(format!("bitbake-output-{machine}.txt")),
        place,
        result: MachineResult {
            machine: machine.clone(),
            recipes: Vec::new(),
            notes: Vec::new(),
        },
        again: None,
    };
    let mut left: Vec<RecipeName> = work.group.recipes.iter().map(|r| r.name.clone()).collect();
    while !left.is_empty() {
        left = building.attempt(left);
    }
    building.finish()
}

/// A build under way.
struct Building<'a> {
    host: &'a Host,
    log: PathBuf,
    place: Place,
    result: MachineResult,
    /// Why the build was tried a second time, once it was.
    again: Option<String>,
}

impl Building<'_> {
    /// Builds `recipes` and notes what became of them; hands back those that have to be built again
    /// because others among them do not suit the machine.
    fn attempt(&mut self, recipes: Vec<RecipeName>) -> Vec<RecipeName> {
        let ended = match self.host.run(&self.command(&recipes)) {
            Ok(ended) => ended,
            Err(error) => {
                let failure =
                    Failure::new(FailureClass::Infrastructure, format!("bitbake: {error}"));
                self.fail(recipes, &failure);
                return Vec::new();
            }
        };
        match cut_short(&ended) {
            Some(failure) => {
                self.fail(recipes, &failure);
                Vec::new()
            }
            None => self.read(&ended, recipes),
        }
    }

    fn read(&mut self, ended: &CommandResult, recipes: Vec<RecipeName>) -> Vec<RecipeName> {
        let judged = read::judge(ended, recipes);
        if let Some(reason) = self.reason_to_try_again(&judged.recipes) {
            self.again = Some(reason);
            return judged
                .recipes
                .into_iter()
                .map(|(recipe, _)| recipe)
                .collect();
        }
        let skips = |(_, verdict): &(RecipeName, Verdict)| matches!(verdict, Verdict::Skipped(_));
        let (skipped, others): (Vec<_>, Vec<_>) = judged.recipes.into_iter().partition(skips);
        if skipped.is_empty() {
            self.result.recipes.extend(others);
            self.result.notes.extend(judged.notes);
            return Vec::new();
        }
        // What BitBake says of the others may come from the missing ones. With `-k` it has built
        // them as far as it could, so a second build has little left to do.
        self.result.recipes.extend(skipped);
        others.into_iter().map(|(recipe, _)| recipe).collect()
    }

    /// What failed through the build environment is tried once more: a tool that gave up, a server
    /// that was lost. An unattended run must not take that for the recipe's fault.
    fn reason_to_try_again(&self, recipes: &[(RecipeName, Verdict)]) -> Option<String> {
        if self.again.is_some() || self.host.stopping() {
            return None;
        }
        recipes.iter().find_map(|(_, verdict)| match verdict {
            Verdict::Failed(failure) if failure.class == FailureClass::Infrastructure => {
                Some(failure.message.clone())
            }
            _ => None,
        })
    }

    fn command(&self, recipes: &[RecipeName]) -> RunCommand {
        let names: Vec<&str> = recipes.iter().map(RecipeName::as_str).collect();
        let label = format!("bitbake {} for {}", names.join(" "), self.result.machine);
        let argv = ["bitbake", "-k"].into_iter().chain(names);
        RunCommand {
            log: Some(self.log.clone()),
            ..RunCommand::new(self.place.clone(), label, argv)
        }
    }

    fn fail(&mut self, recipes: Vec<RecipeName>, failure: &Failure) {
        let failed = |recipe| (recipe, Verdict::Failed(failure.clone()));
        self.result.recipes.extend(recipes.into_iter().map(failed));
    }

    /// Names log and machine in the failures; a build without any needs no log.
    fn finish(mut self) -> MachineResult {
        let mut failed = false;
        for (_, verdict) in &mut self.result.recipes {
            if let Verdict::Failed(failure) = verdict {
                failed = true;
                failure.log = Some(self.log.clone());
                failure.machines = vec![self.result.machine.clone()];
            }
        }
        if let (false, Some(reason)) = (failed, &self.again) {
            let machine = &self.result.machine;
            self.result.notes.push(format!(
                "built a second time for {machine}, because at first: {reason}"
            ));
        }
        if !failed {
            // It is not there when the host could not write it; then nothing is left to do.
            let _ = fs::remove_file(&self.log);
        }
        self.result
    }
}

/// The failure of a build that did not come to its own end.
fn cut_short(ended: &CommandResult) -> Option<Failure> {
    match ended.exit {
        Exit::Code(_) => None,
        Exit::TimedOut => Some(Failure::new(
            FailureClass::Hang,
            format!("the build {}", ended.how_and_last_lines()),
        )),
        Exit::Stopped => Some(Failure::new(FailureClass::Infrastructure, "stopped")),
        Exit::Signal(_) => Some(Failure::new(
            FailureClass::Infrastructure,
            format!("bitbake {}", ended.how()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{good, host, machine, recorded, work};
    use auh_sdk::pretend::ended;

    fn verdicts(result: &MachineResult) -> Vec<String> {
        let text = |verdict: &Verdict| match verdict {
            Verdict::Built => "built".to_owned(),
            Verdict::Skipped(_) => "skipped".to_owned(),
            Verdict::Failed(failure) => format!("{}: {}", failure.class, failure.message),
        };
        let recipes = result.recipes.iter();
        recipes.map(|(r, v)| format!("{r} {}", text(v))).collect()
    }

    fn cut(exit: Exit) -> CommandResult {
        CommandResult {
            exit,
            seconds: 60.0,
            last_lines: match exit {
                Exit::TimedOut => vec!["NOTE: one".to_owned(), "NOTE: two".to_owned()],
                _ => Vec::new(),
            },
            ..ended(0, "", "")
        }
    }

    #[test]
    fn a_good_build_keeps_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let host = host(vec![good()]);
        let work = work(folder.path(), &["hello", "phello"]);
        let arm = machine("qemuarm_musl");
        let place = Place::MachineBuildDir(arm.clone());
        let result = build(&host.host(), &work, &arm, place.clone());
        assert_eq!(verdicts(&result), ["hello built", "phello built"]);
        let command = host.commands().remove(0);
        assert_eq!(command.argv, ["bitbake", "-k", "hello", "phello"]);
        assert_eq!(command.place, place);
        let log = folder.path().join("bitbake-output-qemuarm_musl.txt");
        assert_eq!(command.log.as_ref(), Some(&log));
        assert!(!log.exists());
    }

    #[test]
    fn an_incompatible_recipe_is_left_out_and_the_others_are_built() {
        let folder = tempfile::tempdir().unwrap();
        let host = host(vec![recorded!("bitbake-incompatible"), good()]);
        let work = work(folder.path(), &["hello", "mhello"]);
        let result = build(&host.host(), &work, &machine("qemuarm64"), Place::BuildDir);
        assert_eq!(verdicts(&result), ["mhello skipped", "hello built"]);
        let expect = ["bitbake -k hello mhello", "bitbake -k hello"];
        assert_eq!(host.command_lines(), expect);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_failed_through_the_environment_is_tried_once_more() {
        let lost = || {
            ended(
                1,
                "",
                "ERROR: Unable to connect to bitbake server, or start one\n",
            )
        };
        for (answers, expect) in [
            (vec![lost(), good()], "hello built"),
            (
                vec![lost(), lost()],
                "hello infrastructure: Unable to connect to bitbake server, or start one",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let host = host(answers);
            let work = work(folder.path(), &["hello"]);
            let result = build(&host.host(), &work, &machine("qemuarm64"), Place::BuildDir);
            assert_eq!(verdicts(&result), [expect]);
            assert_eq!(host.commands().len(), 2);
            assert_eq!(result.notes.len(), usize::from(expect == "hello built"));
        }
    }

    #[test]
    fn a_group_that_does_not_suit_the_machine_is_not_built_again() {
        let folder = tempfile::tempdir().unwrap();
        let host = host(vec![recorded!("bitbake-incompatible")]);
        let work = work(folder.path(), &["mhello"]);
        let result = build(&host.host(), &work, &machine("qemuarm64"), Place::BuildDir);
        assert_eq!(verdicts(&result), ["mhello skipped"]);
        assert_eq!(host.commands().len(), 1);
    }

    #[test]
    fn a_failure_names_machine_and_log() {
        let folder = tempfile::tempdir().unwrap();
        let host = host(vec![recorded!("bitbake-compile-fails-k")]);
        let work = work(folder.path(), &["bhello"]);
        let result = build(&host.host(), &work, &machine("qemuarm64"), Place::BuildDir);
        let Verdict::Failed(failure) = &result.recipes[0].1 else {
            panic!("{result:?}");
        };
        assert_eq!(failure.machines, [machine("qemuarm64")]);
        let log = failure.log.as_ref().unwrap();
        assert_eq!(log, &folder.path().join("bitbake-output-qemuarm64.txt"));
        assert!(fs::read_to_string(log).unwrap().contains("do_compile"));
    }

    #[test]
    fn a_build_that_was_cut_short_is_not_read() {
        let cases = [
            (
                Exit::TimedOut,
                "hello hang: the build was stopped by its time limit after 60 s; its last lines: \
                 NOTE: one | NOTE: two",
            ),
            (Exit::Stopped, "hello infrastructure: stopped"),
            (
                Exit::Signal(9),
                "hello infrastructure: bitbake was ended by signal 9",
            ),
        ];
        for (exit, expect) in cases {
            let folder = tempfile::tempdir().unwrap();
            let host = host(vec![cut(exit)]);
            let work = work(folder.path(), &["hello"]);
            let result = build(&host.host(), &work, &machine("qemuarm64"), Place::BuildDir);
            assert_eq!(verdicts(&result), [expect]);
        }
    }
}
