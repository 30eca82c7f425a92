//! Step `compile-serial`: builds a group for one machine after another, in the user's build
//! directory, which is switched from machine to machine.
//!
//! Not here: commands and verdicts, which all compile steps share (`auh-compile`).

use auh_compile::{MachineResult, group_of, judge, prepared_build};
use auh_sdk::{
    Company, Host, Options, Place, PluginManifest, Scope, Step, StepError, StepOutcome, StepRequest,
};

struct CompileSerial;

impl Step for CompileSerial {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let work = group_of(request)?;
        let build = |machine: &auh_sdk::Machine| -> MachineResult {
            let place = Place::SwitchedBuildDir(machine.clone());
            prepared_build(host, work, machine, place, 1)
        };
        let machines = request.machines.iter();
        let results = machines.map(|build_of| build(&build_of.machine)).collect();
        Ok(judge(&work.group, results))
    }
}

fn manifest() -> PluginManifest {
    PluginManifest {
        scope: Scope::Machines,
        company: Company::Welcome,
        options: Some(Vec::new()),
        ..auh_sdk::step_manifest(
            "compile-serial",
            env!("CARGO_PKG_VERSION"),
            "builds a group for one machine after another",
        )
    }
}

fn create(_options: &Options) -> Result<CompileSerial, StepError> {
    Ok(CompileSerial)
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
    use std::path::Path;

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

    #[test]
    fn machines_build_in_turn_in_the_switched_directory_and_a_failure_stops_none() {
        let folder = tempfile::tempdir().unwrap();
        let host = PretendHost::new(|command: &RunCommand| -> CommandResult {
            match &command.place {
                Place::SwitchedBuildDir(machine) if machine.name() == "m1" => ended(1, "", FAILED),
                _ => ended(0, "", ""),
            }
        });
        let outcome = CompileSerial
            .run(&request(folder.path()), &host.host())
            .unwrap();
        let RecipeStatus::Failed(failure) = &outcome.recipes[0].status else {
            panic!("{outcome:?}");
        };
        assert_eq!(failure.machines[..], ["m1".parse().unwrap()]);
        let places: Vec<_> = host.commands().into_iter().map(|c| c.place).collect();
        let switched = |name: &str| Place::SwitchedBuildDir(name.parse().unwrap());
        assert_eq!(places, ["m1", "m2", "m3"].map(switched));
        let prepared: Vec<_> = host.other().into_iter().map(|(_, json)| json).collect();
        assert_eq!(
            prepared[1],
            r#"{"place":{"switched-build-dir":"m2"},"share":1}"#
        );
        assert_eq!(prepared.len(), 3);
    }
}
