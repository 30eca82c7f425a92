//! A group and recorded builds for this crate's tests.

use auh_sdk::{
    CommandResult, Group, GroupState, GroupWork, Machine, RecipeName, RunCommand,
    pretend::{self, PretendHost, ended},
};
use std::{fs, path::Path};

macro_rules! recorded {
    ($name:literal) => {
        auh_sdk::pretend::ended(
            1,
            include_str!(concat!(
                "../../../auh-core/transcript/tests/data/",
                $name,
                ".stdout"
            )),
            include_str!(concat!(
                "../../../auh-core/transcript/tests/data/",
                $name,
                ".stderr"
            )),
        )
    };
}
pub(crate) use recorded;

pub(crate) fn machine(name: &str) -> Machine {
    name.parse().unwrap()
}

pub(crate) fn name(name: &str) -> RecipeName {
    RecipeName::new(name).unwrap()
}

pub(crate) fn names(names: &[&str]) -> Vec<RecipeName> {
    names.iter().copied().map(name).collect()
}

pub(crate) fn group(names: &[&str]) -> Group {
    let recipe = |name: &&str| pretend::recipe(Path::new("/layer"), name);
    Group {
        recipes: names.iter().map(recipe).collect(),
    }
}

pub(crate) fn work(folder: &Path, names: &[&str]) -> GroupWork {
    GroupWork {
        group: group(names),
        folder: folder.to_owned(),
        state: GroupState::default(),
    }
}

/// A host that writes logs as the real one does, and answers each build in turn.
pub(crate) fn host(answers: Vec<CommandResult>) -> PretendHost {
    let answers = std::sync::Mutex::new(answers.into_iter());
    PretendHost::new(move |command: &RunCommand| {
        let result = answers.lock().unwrap().next().unwrap();
        let log = command.log.as_ref().unwrap();
        fs::write(log, format!("{}{}", result.stdout, result.stderr)).unwrap();
        result
    })
}

pub(crate) fn good() -> CommandResult {
    ended(0, "", "")
}
