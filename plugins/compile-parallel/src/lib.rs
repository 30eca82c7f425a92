//! Step `compile-parallel`: builds a group for all machines at once, the first one in the user's
//! build directory, each other one in a directory of its own.
//!
//! Not here: commands and verdicts, which all compile steps share (`auh-compile`).

use auh_compile::{MachineResult, group_of, judge, prepared_build};
use auh_sdk::{
    Company, GroupWork, Host, MachineBuild, Options, Place, PluginManifest, Scope, Step, StepError,
    StepOutcome, StepRequest,
};
use rayon::{ThreadPoolBuilder, prelude::*};

struct CompileParallel;

impl Step for CompileParallel {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let work = group_of(request)?;
        let results = build_all(host, work, &request.machines)?;
        Ok(judge(&work.group, results))
    }
}

/// All machines at once, results in their order. The threads only wait for BitBake, so there are as
/// many as machines, however many processors there are.
fn build_all(
    host: &Host,
    work: &GroupWork,
    machines: &[MachineBuild],
) -> Result<Vec<MachineResult>, StepError> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(machines.len().max(1))
        .thread_name(|number| format!("compile-{number}"))
        .build()
        .map_err(|e| StepError::infrastructure(format!("no threads to wait for builds: {e}")))?;
    let build = |(number, build): (usize, &MachineBuild)| {
        let place = place(number, build);
        prepared_build(host, work, &build.machine, place, machines.len())
    };
    Ok(pool.install(|| {
        let each = machines.par_iter().enumerate().with_max_len(1);
        each.map(build).collect()
    }))
}

fn place(number: usize, build: &MachineBuild) -> Place {
    match number {
        0 => Place::BuildDir,
        _ => Place::MachineBuildDir(build.machine.clone()),
    }
}

fn manifest() -> PluginManifest {
    PluginManifest {
        scope: Scope::Machines,
        company: Company::Welcome,
        options: Some(Vec::new()),
        ..auh_sdk::step_manifest(
            "compile-parallel",
            env!("CARGO_PKG_VERSION"),
            "builds a group for all machines at once",
        )
    }
}

fn create(_options: &Options) -> Result<CompileParallel, StepError> {
    Ok(CompileParallel)
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_sdk::{
        CommandResult, RecipeStatus, RunCommand,
        pretend::{self, PretendHost, ended},
    };
    use std::{collections::BTreeSet, path::Path};

    const FAILED: &str = "ERROR: hello-2.0-r0 do_compile: it does not compile\n\
        ERROR: Task (/l/hello_2.0.bb:do_compile) failed with exit code '1'\n";

    fn request(folder: &Path) -> StepRequest {
        pretend::request(
            folder,
            "run",
            vec![pretend::recipe(folder, "hello")],
            &["m1", "m2", "m3"],
        )
    }

    /// Answers when all three machines are building, so it would wait for ever for one after another.
    fn meeting() -> impl Fn(&RunCommand) -> CommandResult {
        let barrier = std::sync::Barrier::new(3);
        move |command| {
            barrier.wait();
            match &command.place {
                Place::MachineBuildDir(_) => ended(1, "", FAILED),
                _ => ended(0, "", ""),
            }
        }
    }

    #[test]
    fn all_machines_build_at_once_and_every_failure_counts() {
        let folder = tempfile::tempdir().unwrap();
        let host = PretendHost::new(meeting());
        let outcome = CompileParallel
            .run(&request(folder.path()), &host.host())
            .unwrap();
        let RecipeStatus::Failed(failure) = &outcome.recipes[0].status else {
            panic!("{outcome:?}");
        };
        let machines: Vec<_> = failure.machines.iter().map(ToString::to_string).collect();
        assert_eq!(machines, ["m2", "m3"]);
        assert_eq!(failure.message, "do_compile failed: it does not compile");
    }

    #[test]
    fn the_first_machine_builds_in_the_users_directory_and_three_share_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let host = PretendHost::new(|_| ended(0, "", ""));
        CompileParallel
            .run(&request(folder.path()), &host.host())
            .unwrap();
        let prepared: BTreeSet<_> = host.other().into_iter().map(|(_, json)| json).collect();
        let expect = [
            r#"{"place":"build-dir","share":3}"#,
            r#"{"place":{"machine-build-dir":"m2"},"share":3}"#,
            r#"{"place":{"machine-build-dir":"m3"},"share":3}"#,
        ];
        assert_eq!(prepared, expect.map(String::from).into());
        let places: Vec<_> = host.commands().into_iter().map(|c| c.place).collect();
        assert_eq!(places.len(), 3);
        assert!(places.contains(&Place::BuildDir));
    }
}
