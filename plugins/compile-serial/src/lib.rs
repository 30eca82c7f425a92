//! Step `compile-serial`: builds a group for one machine after another, in the user's build
//! directory, which is switched from machine to machine.
//!
//! Not here: commands and verdicts, which all compile steps share (`auh-compile`).

use auh_compile::{MachineResult, group_of, judge, prepared_build};
use auh_sdk::{
    Host, Options, Place, PluginManifest, Scope, Step, StepError, StepOutcome, StepRequest,
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
        CommandResult, Group, GroupState, GroupWork, MachineBuild, Recipe, RecipeName,
        RecipeStatus, RunCommand, RunContext,
        pretend::{PretendHost, ended},
        protocol::{Target, Version},
    };
    use std::path::Path;

    const FAILED: &str = "ERROR: hello-2.0-r0 do_compile: it does not compile\n\
        ERROR: Task (/l/hello_2.0.bb:do_compile) failed with exit code '1'\n";

    fn request(folder: &Path) -> StepRequest {
        let version = |text| Version::new(text).unwrap();
        let recipe = Recipe {
            name: RecipeName::new("hello").unwrap(),
            file: "/l/hello_1.0.bb".into(),
            layer: None,
            version: version("1.0"),
            target: Target {
                version: version("2.0"),
                revision: None,
                new_commits: false,
            },
            maintainer: None,
            packages: vec![],
        };
        let machines = ["m1", "m2", "m3"].map(|name| MachineBuild {
            machine: name.parse().unwrap(),
            build_dir: format!("/build-{name}").into(),
        });
        StepRequest {
            action: "run".into(),
            run: RunContext {
                folder: folder.into(),
                build_dir: "/build".into(),
                workspace: "/build/workspace".into(),
                author: String::new(),
            },
            groups: vec![GroupWork {
                group: Group {
                    recipes: vec![recipe],
                },
                folder: folder.into(),
                state: GroupState::default(),
            }],
            machines: machines.into(),
            options: Options::new(),
        }
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
