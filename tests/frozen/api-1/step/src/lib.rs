//! Step `frozen-api-1`: uses everything that API 1 offers a step, and says what it does not get.
//! Built against the SDK of its day, which lies beside it. Never edited.

use auh_sdk::{
    Company, Exit, FailureClass, Host, Level, Options, Place, PluginManifest, RecipeOutcome,
    RecipeStatus, RunCommand, Scope, Step, StepError, StepOutcome, StepRequest,
    protocol::host::{PrepareBuildDir, Progress},
};

struct Frozen {
    word: String,
}

impl Step for Frozen {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        check(request, &self.word)?;
        talk(host, request)?;
        let work = &request.groups[0];
        let recipes = work.group.recipes.iter().map(|recipe| RecipeOutcome {
            recipe: recipe.name.clone(),
            status: match request.action.as_str() {
                "skip" => RecipeStatus::Skipped {
                    reason: "frozen: skipped".to_owned(),
                },
                _ => RecipeStatus::Succeeded,
            },
        });
        Ok(StepOutcome {
            recipes: recipes.collect(),
            changes: Some(work.state.changes.clone()),
            notes: vec![format!("frozen: {} {}", request.action, self.word)],
            ..StepOutcome::default()
        })
    }
}

/// What a request of API 1 has.
fn check(request: &StepRequest, word: &str) -> Result<(), StepError> {
    let work = request.groups.first().ok_or_else(|| lacks("a group"))?;
    let recipe = work
        .group
        .recipes
        .first()
        .ok_or_else(|| lacks("a recipe"))?;
    let machine = request.machines.first().ok_or_else(|| lacks("a machine"))?;
    for (there, what) in [
        (request.groups.len() == 1, "just one group"),
        (request.run.folder.is_dir(), "the run's folder"),
        (request.run.build_dir.is_dir(), "the build directory"),
        (request.run.author.contains('@'), "an author"),
        (
            work.folder.starts_with(&request.run.folder),
            "the group's folder",
        ),
        (!recipe.name.as_str().is_empty(), "the recipe's name"),
        (recipe.version != recipe.target.version, "a new version"),
        (machine.build_dir.is_dir(), "the machine's build directory"),
        (!work.state.changes.is_empty(), "what earlier steps changed"),
        (
            request.options.get("word").is_some_and(|w| w == word),
            "the options",
        ),
        (request.settings.contains_key("machines"), "the settings"),
    ] {
        if !there {
            return Err(lacks(what));
        }
    }
    Ok(())
}

/// What a host of API 1 answers.
fn talk(host: &Host, request: &StepRequest) -> Result<(), StepError> {
    let folder = request.groups[0].folder.clone();
    let mut command = RunCommand::new(
        Place::Folder(folder.clone()),
        "frozen command",
        ["sh", "-c", "cat; printf %s \"$FROZEN\" >&2; exit 3"],
    );
    command.stdin = Some("from stdin".to_owned());
    command.env = vec![("FROZEN".to_owned(), "from env".to_owned())];
    command.log = Some(folder.join("frozen.log"));
    command.time_limit_s = Some(600);
    let result = host.run(&command)?;
    for (there, what) in [
        (result.exit == Exit::Code(3), "a command's exit status"),
        (
            result.stdout == "from stdin",
            "a command's input and output",
        ),
        (
            result.stderr == "from env",
            "a command's variables and errors",
        ),
        (folder.join("frozen.log").is_file(), "a command's log"),
        (
            !host.stopping(),
            "an answer on whether the run is being stopped",
        ),
        (
            host.call::<_, ()>("frozen-unknown", &()).is_err(),
            "an error for an unknown operation",
        ),
    ] {
        if !there {
            return Err(lacks(what));
        }
    }
    let machine = request.machines[0].machine.clone();
    host.prepare_build_dir(&PrepareBuildDir {
        place: Place::MachineBuildDir(machine.clone()),
        share: 1,
    })?;
    let command = RunCommand::new(
        Place::MachineBuildDir(machine.clone()),
        "frozen in build",
        ["true"],
    );
    if !host.run(&command)?.succeeded() {
        return Err(lacks("a command in a machine's build directory"));
    }
    host.log(Level::Warning, "frozen: a line for the log");
    host.progress(&Progress {
        machine: Some(machine),
        current: 1,
        total: 2,
        text: "frozen".to_owned(),
    });
    Ok(())
}

fn lacks(what: &str) -> StepError {
    StepError::new(
        FailureClass::Plugin,
        format!("a plugin of API 1 does not get {what}"),
    )
}

fn manifest() -> PluginManifest {
    PluginManifest {
        scope: Scope::Machines,
        company: Company::Borne,
        actions: vec!["skip".to_owned()],
        settings: vec!["machines".to_owned()],
        ..auh_sdk::step_manifest("frozen-api-1", "1.0.0", "what API 1 offers a step")
    }
}

fn create(options: &Options) -> Result<Frozen, StepError> {
    let word = options.get("word").and_then(|word| word.as_str());
    Ok(Frozen {
        word: word.unwrap_or_default().to_owned(),
    })
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}
