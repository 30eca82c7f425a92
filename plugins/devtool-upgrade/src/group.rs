//! A group's upgrade: all of its recipes, or none.

use crate::{
    attempt::{self, Attempt},
    cleanup,
    devtool::{Devtool, infrastructure},
    licence, patches,
    workspace::Part,
};
use auh_repository::{Repository, Snapshot};
use auh_sdk::{
    Failure, GroupWork, Host, Recipe, RecipeName, RecipeOutcome, RecipeStatus, RepositoryChange,
    StepOutcome, StepRequest,
};
use auh_transcript::FinishReport;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Upgrades the group; after a failure everything is as it was before. What an earlier attempt left
/// goes first.
pub(crate) fn upgrade(host: &Host, request: &StepRequest, work: &GroupWork) -> StepOutcome {
    let note = attempt::note(work);
    if let Some(attempt) = note.read() {
        let mut left = Upgrade::new(host, request, work);
        if let Err((recipe, failure)) = left.take_up(&attempt) {
            return left.failed(&recipe, failure);
        }
        let errors = cleanup::everything(&left);
        if !errors.is_empty() {
            let message = format!("an attempt that was cut short: {}", errors.join("; "));
            return match work.group.recipes.first() {
                Some(first) => left.answer_failed(&first.name, &infrastructure(message)),
                None => left.outcome,
            };
        }
        left.devtool.forget_resets(&work.group.recipes);
        note.forget();
    }
    let mut upgrade = Upgrade::new(host, request, work);
    match upgrade.run() {
        Ok(()) => upgrade.succeeded(),
        Err((recipe, failure)) => upgrade.failed(&recipe, failure),
    }
}

/// A group's upgrade under way.
pub(crate) struct Upgrade<'a> {
    pub(crate) host: &'a Host,
    pub(crate) request: &'a StepRequest,
    pub(crate) work: &'a GroupWork,
    pub(crate) devtool: Devtool<'a>,
    /// The repositories that the recipes live in.
    pub(crate) layers: Vec<LayerBefore>,
    /// Recipes that were given to devtool.
    pub(crate) started: Vec<Started<'a>>,
    outcome: StepOutcome,
}

/// A repository, and what was modified in it before.
pub(crate) struct LayerBefore {
    pub(crate) repository: Repository,
    pub(crate) before: Snapshot,
    /// The recipes' folders, relative to the top. What changes elsewhere meanwhile is somebody
    /// else's work: `devtool finish` writes into the folder it is given.
    folders: Vec<PathBuf>,
}

impl LayerBefore {
    /// Paths that differ now and did not before: the upgrade's, and others.
    pub(crate) fn since(&self, now: &Snapshot) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let own = |path: &PathBuf| self.folders.iter().any(|folder| path.starts_with(folder));
        now.since(&self.before).into_iter().partition(own)
    }
}

/// A recipe that was given to devtool.
pub(crate) struct Started<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) part: Part,
    /// The new recipe file's name.
    new_name: PathBuf,
    /// Whether the recipe is at its target already, so that there is nothing to finish.
    up_to_date: bool,
    /// Whether `devtool finish` was begun, which writes into the layer.
    pub(crate) finish_begun: bool,
}

impl<'a> Started<'a> {
    fn new(recipe: &'a Recipe, part: Part) -> Self {
        Self {
            recipe,
            part,
            new_name: PathBuf::new(),
            up_to_date: false,
            finish_begun: false,
        }
    }
}

/// The recipe that failed, and how.
type Blame = (RecipeName, Failure);

impl<'a> Upgrade<'a> {
    fn new(host: &'a Host, request: &'a StepRequest, work: &'a GroupWork) -> Self {
        Self {
            host,
            request,
            work,
            devtool: Devtool {
                host,
                folder: &work.folder,
            },
            layers: Vec::new(),
            started: Vec::new(),
            outcome: StepOutcome::default(),
        }
    }

    /// Stands where an attempt that was cut short may have stood at most.
    fn take_up(&mut self, attempt: &Attempt) -> Result<(), Blame> {
        for recipe in &self.work.group.recipes {
            let Some(before) = attempt.recipes.get(&recipe.name) else {
                continue;
            };
            let part = Part::new(&self.request.run.workspace, recipe);
            self.started.push(Started {
                finish_begun: attempt.finishing,
                ..Started::new(recipe, part.found_before(before.clone()))
            });
            let (layer, _) = self
                .layer_of(recipe)
                .map_err(|failure| (recipe.name.clone(), failure))?;
            // Nothing differed in the recipe's folder before.
            layer.before = Snapshot::default();
        }
        Ok(())
    }

    /// Notes what is about to be changed.
    fn note(&self, finishing: bool) -> Result<(), Failure> {
        let part = |recipe: &Recipe| Part::new(&self.request.run.workspace, recipe);
        let recipes = self.work.group.recipes.iter();
        let begun = self.started.iter();
        let mut known: BTreeMap<_, _> = recipes
            .map(|recipe| (recipe.name.clone(), part(recipe).before().clone()))
            .collect();
        known.extend(begun.map(|s| (s.recipe.name.clone(), s.part.before().clone())));
        let attempt = Attempt {
            recipes: known,
            finishing,
        };
        let noted = attempt::note(self.work).write(&attempt);
        let folder = self.work.folder.display();
        noted.map_err(|error| infrastructure(format!("{folder}: {error}")))
    }

    fn run(&mut self) -> Result<(), Blame> {
        let blame = |recipe: &Recipe| {
            let name = recipe.name.clone();
            |failure| (name, failure)
        };
        let recipes: &'a [Recipe] = &self.work.group.recipes;
        for recipe in recipes {
            self.check(recipe).map_err(blame(recipe))?;
        }
        if let Some(first) = recipes.first() {
            self.note(false).map_err(blame(first))?;
        }
        for recipe in recipes {
            self.upgrade(recipe).map_err(blame(recipe))?;
        }
        if let Some(first) = recipes.first() {
            self.note(true).map_err(blame(first))?;
        }
        for (number, recipe) in recipes.iter().enumerate() {
            self.finish(number).map_err(blame(recipe))?;
        }
        match recipes.last() {
            Some(last) => self.find_changes().map_err(blame(last)),
            None => Ok(()),
        }
    }

    /// Refuses a recipe that somebody is working on.
    fn check(&mut self, recipe: &Recipe) -> Result<(), Failure> {
        if let Some(path) = Part::new(&self.request.run.workspace, recipe).occupied() {
            return Err(infrastructure(format!(
                "the recipe is in devtool's workspace already ({}); finish or reset it first",
                path.display()
            )));
        }
        let (layer, folder) = self.layer_of(recipe)?;
        let changed = layer.before.first_in(&folder);
        match changed {
            Some(file) => Err(infrastructure(format!(
                "{} has local changes; commit or undo them first",
                file.display()
            ))),
            None => Ok(()),
        }
    }

    /// The repository that owns the recipe, looked at once, before anything is changed; and the
    /// recipe's folder in it.
    fn layer_of(&mut self, recipe: &Recipe) -> Result<(&mut LayerBefore, PathBuf), Failure> {
        let repository = Repository::owning(self.host, recipe.folder(), &self.work.folder)
            .map_err(|error| error.failure())?;
        let folder = repository.relative(recipe.folder()).unwrap_or_default();
        let known = self
            .layers
            .iter()
            .position(|layer| layer.repository == repository);
        let number = match known {
            Some(number) => number,
            None => {
                self.look_at(repository)?;
                self.layers.len() - 1
            }
        };
        let layer = &mut self.layers[number];
        layer.folders.push(folder.clone());
        Ok((layer, folder))
    }

    fn look_at(&mut self, repository: Repository) -> Result<(), Failure> {
        let before = repository
            .status(self.host, &self.outside())
            .map_err(|error| error.failure())?;
        self.layers.push(LayerBefore {
            repository,
            before,
            folders: Vec::new(),
        });
        Ok(())
    }

    /// Folders that are no part of a layer even if they lie inside its repository.
    pub(crate) fn outside(&self) -> Vec<PathBuf> {
        let run = &self.request.run;
        let machines = self.request.machines.iter().map(|m| m.build_dir.clone());
        [&run.build_dir, &run.folder, &run.workspace]
            .into_iter()
            .cloned()
            .chain(machines)
            .collect()
    }

    fn upgrade(&mut self, recipe: &'a Recipe) -> Result<(), Failure> {
        let part = Part::new(&self.request.run.workspace, recipe);
        self.started.push(Started::new(recipe, part));
        let Some(report) = self.devtool.upgrade(recipe)? else {
            if let Some(started) = self.started.last_mut() {
                started.up_to_date = true;
            }
            return Ok(());
        };
        let new_name = report.recipe_file.as_deref().and_then(Path::file_name);
        if let (Some(started), Some(name)) = (self.started.last_mut(), new_name) {
            started.new_name = name.into();
        }
        self.keep_changelog(recipe);
        let notes = report.warnings.iter();
        self.outcome
            .notes
            .extend(notes.map(|warning| format!("{}: {warning}", recipe.name)));
        Ok(())
    }

    /// Before `devtool finish`, which deletes it.
    fn keep_changelog(&mut self, recipe: &Recipe) {
        let Some(started) = self.started.last() else {
            return;
        };
        let (from, to) = (
            started.part.changelog(),
            self.work
                .folder
                .join(format!("changelog-{}.txt", recipe.name)),
        );
        if !from.exists() {
            return;
        }
        match fs::rename(&from, &to).or_else(|_| move_by_copy(&from, &to)) {
            Ok(()) => self.outcome.changelogs.push((recipe.name.clone(), to)),
            Err(error) => self.host.warn(&format!("{}: {error}", from.display())),
        }
    }

    fn finish(&mut self, number: usize) -> Result<(), Failure> {
        if self.started[number].up_to_date {
            return Ok(());
        }
        self.started[number].finish_begun = true;
        let started = &self.started[number];
        let recipe = started.recipe;
        let patches_before = patches::below(recipe.folder());
        let report = self.devtool.finish(recipe)?;
        let folder = report.recipe_folder.as_deref().unwrap_or(recipe.folder());
        let file = folder.join(&started.new_name);
        let is_first = self.outcome.licences.is_empty();
        let licence = licence::take_out(recipe, &file, &self.work.folder, is_first)?;
        self.outcome.licences.extend(licence);
        let dropped = patches::dropped(recipe, &patches_before, &report);
        self.outcome.dropped_patches.extend(dropped);
        self.outcome.notes.extend(removed_files(recipe, &report));
        Ok(())
    }

    fn find_changes(&mut self) -> Result<(), Failure> {
        let mut changes = Vec::new();
        for layer in &self.layers {
            let now = layer.repository.status(self.host, &self.outside());
            let (paths, others) = layer.since(&now.map_err(|error| error.failure())?);
            let others = others.iter().map(|path| path.display());
            self.outcome.notes.extend(others.map(|path| {
                format!("{path} was changed during the upgrade, not by it, and is left alone")
            }));
            if !paths.is_empty() {
                changes.push(RepositoryChange {
                    repository: layer.repository.top().to_owned(),
                    paths,
                });
            }
        }
        self.outcome.changes = Some(changes);
        Ok(())
    }

    fn succeeded(self) -> StepOutcome {
        // devtool has cleaned up; what it may have put aside is of no use.
        cleanup::workspace(&self)
            .iter()
            .for_each(|e| self.host.warn(e));
        let status = |started: &Started<'_>| match started.up_to_date {
            false => RecipeStatus::Succeeded,
            true => RecipeStatus::Skipped {
                reason: "it is up to date".to_owned(),
            },
        };
        let recipes = self.started.iter().map(|started| RecipeOutcome {
            recipe: started.recipe.name.clone(),
            status: status(started),
        });
        StepOutcome {
            recipes: recipes.collect(),
            ..self.outcome
        }
    }

    fn failed(self, failed: &RecipeName, mut failure: Failure) -> StepOutcome {
        for error in cleanup::everything(&self) {
            failure.message += &format!("; and {error}");
        }
        self.answer_failed(failed, &failure)
    }

    fn answer_failed(self, failed: &RecipeName, failure: &Failure) -> StepOutcome {
        let status = |recipe: &RecipeName| match recipe == failed {
            true => RecipeStatus::Failed(failure.clone()),
            false => RecipeStatus::Skipped {
                reason: format!("{failed} of the same group failed"),
            },
        };
        let recipes = self.work.group.recipes.iter().map(|r| RecipeOutcome {
            recipe: r.name.clone(),
            status: status(&r.name),
        });
        StepOutcome {
            recipes: recipes.collect(),
            ..self.outcome
        }
    }
}

/// Notes about files other than patches that the new version made superfluous. The old recipe is
/// removed with every new version.
fn removed_files(recipe: &Recipe, report: &FinishReport) -> Vec<String> {
    let old = recipe.file.file_name();
    let gone = report
        .removed
        .iter()
        .filter(|path| path.file_name() != old && !path.exists() && !patches::is_patch(path));
    gone.filter_map(|path| path.file_name())
        .map(|name| format!("{}: {} was dropped", recipe.name, name.to_string_lossy()))
        .collect()
}

/// For a group's folder on another file system than the workspace.
fn move_by_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    fs::remove_file(from)
}
