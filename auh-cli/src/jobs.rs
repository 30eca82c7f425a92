//! From the settings to the seats of a run: one in the user's checkout, or one for each job; and
//! to what its pipeline needs for that.

use crate::{failure::Usage, terminal};
use anyhow::Result;
use auh_config::{Integrate, Settings};
use auh_engine::{Pipeline, Seat, Seats, Step};
use auh_oe::{Base, BuildDirs, CheckOut, LayerRepository, OeError, Worktrees, layer_repositories};
use auh_process::CancelToken;
use auh_protocol::Recipe;
use std::sync::Arc;

/// The seats of a run, and what is to be done about them at its end.
pub(crate) struct Jobs {
    pub seats: Seats,
    /// The repositories that have work trees, and the commit that the run started from in each.
    pub repositories: Vec<LayerRepository>,
    follow: bool,
}

/// What the work trees of a run start from.
pub(crate) enum Origin<'a> {
    /// What is checked out in the repositories of these recipes now.
    New(&'a [&'a Recipe]),
    /// What was when the run began.
    GoesOn(&'a [LayerRepository]),
}

/// The pipeline without what it has for several jobs only, if there is but the user's checkout.
///
/// # Errors
/// When a step wants every group built alone, and the settings want them built in company.
pub(crate) fn fitted(mut pipeline: Pipeline, settings: &Settings) -> Result<Pipeline> {
    if let Some(unfit) = unfit_batch(&pipeline, settings) {
        return Err(unfit.into());
    }
    if let Some(warning) = commits_stay_away(&pipeline, settings) {
        terminal::warning(&warning);
    }
    if settings.integration() == Integrate::InPlace {
        pipeline.steps.retain(|step| !step.integrates());
    }
    Ok(pipeline)
}

/// Why the pipeline cannot be used with the batch of the settings.
pub(crate) fn unfit_batch(pipeline: &Pipeline, settings: &Settings) -> Option<Usage> {
    let alone = pipeline.steps.iter().find(|step| step.bears_no_company())?;
    let name = &alone.plugin.manifest().name;
    let batch = settings.batch;
    (batch.get() > 1).then(|| {
        Usage::new(
            format!("the step {name} needs each group built alone, and batch is {batch}"),
            "leave --batch out, or switch the step off",
        )
    })
}

/// A warning when the commits of work trees would come to nothing.
pub(crate) fn commits_stay_away(pipeline: &Pipeline, settings: &Settings) -> Option<String> {
    let in_place = settings.integration() == Integrate::InPlace;
    let integrated = in_place || pipeline.steps.iter().any(Step::integrates);
    (!integrated).then(|| {
        let name = &pipeline.name;
        format!("no step of the pipeline {name} brings commits to the run's branch")
    })
}

impl Jobs {
    /// Makes the seats ready. `run` names the run's branch: `auh/<run>`. A run that goes on has its
    /// `repositories` already.
    pub(crate) fn set_up(
        settings: &Settings,
        dirs: &Arc<BuildDirs>,
        base: &Base,
        origin: Origin<'_>,
        run: &str,
        cancel: &CancelToken,
    ) -> Result<Self, OeError> {
        let integrate = settings.integration();
        if integrate == Integrate::InPlace {
            return Ok(Self {
                seats: Seats::in_place(Arc::clone(dirs)),
                repositories: Vec::new(),
                follow: false,
            });
        }
        let (repositories, goes_on) = match origin {
            Origin::New(recipes) => (layer_repositories(recipes, cancel)?, false),
            Origin::GoesOn(repositories) => (repositories.to_vec(), true),
        };
        let branch = format!("auh/{run}");
        let jobs = settings.jobs.get();
        let seat = |number: usize, branch: Option<&str>| {
            let folder = dirs.folder_of_job(number).join("layers");
            let check_out = match (branch, goes_on) {
                (None, _) => CheckOut::Base,
                (Some(branch), false) => CheckOut::New(branch),
                (Some(branch), true) => CheckOut::Again(branch),
            };
            let worktrees =
                Worktrees::lay_out(&folder, &repositories, &base.layers, check_out, cancel)?;
            let own = dirs.for_job(number, jobs, base, &worktrees)?;
            // The shared state is one for all, and gone already if it was to go.
            let clean_tmp = settings.clean_tmp && !goes_on;
            own.clean(false, clean_tmp, &dirs.base_of_job(number, base))?;
            if branch.is_none() {
                own.ensure_workspace(cancel)?;
            }
            Ok(Seat {
                dirs: Arc::new(own),
                worktrees: Some(Arc::new(worktrees)),
            })
        };
        Ok(Self {
            seats: Seats {
                groups: (1..=jobs)
                    .map(|number| seat(number, None))
                    .collect::<Result<_, OeError>>()?,
                run: Some((seat(0, Some(&branch))?, branch)),
            },
            repositories,
            follow: integrate == Integrate::FastForward,
        })
    }

    /// Ends what the seats started, and says where the commits are.
    pub(crate) fn leave(&self, cancel: &CancelToken) {
        let Some((run, branch)) = &self.seats.run else {
            return;
        };
        for seat in self.seats.groups.iter().chain([run]) {
            for trouble in seat.dirs.leave() {
                terminal::warning(&trouble);
            }
        }
        let Some(worktrees) = &run.worktrees else {
            return;
        };
        match worktrees.conclude(branch, self.follow, cancel) {
            Err(error) => terminal::warning(&error.to_string()),
            Ok(concluded) => {
                for repository in concluded {
                    if let Some(refused) = repository.refused {
                        terminal::warning(&format!(
                            "{} does not follow: {refused}",
                            repository.repository.display()
                        ));
                    }
                    let place = match repository.followed {
                        true => format!("in the checkout and on the branch {branch}"),
                        false => format!("on the branch {branch}"),
                    };
                    terminal::note(&format!(
                        "the commits are {place} of {}",
                        repository.repository.display()
                    ));
                }
            }
        }
    }
}
