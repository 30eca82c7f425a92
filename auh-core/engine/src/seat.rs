//! Where groups are worked on: build directories, and the layers that are seen in them.

use crate::queue::SeatNumbers;
use auh_oe::{BuildDirs, Worktrees};
use auh_protocol::{Commit, GroupWork, MachineBuild, RepositoryChange, StepOutcome};
use std::{path::PathBuf, sync::Arc};

/// A place for one group at a time.
#[derive(Debug, Clone)]
pub struct Seat {
    /// Its build directories.
    pub dirs: Arc<BuildDirs>,
    /// Its own work trees of the layers; none where it works in the user's checkout.
    pub worktrees: Option<Arc<Worktrees>>,
}

/// All places of a run.
#[derive(Debug, Clone)]
pub struct Seats {
    /// Where groups are upgraded and built, at least one.
    pub groups: Vec<Seat>,
    /// Where the groups' commits come together and steps about the whole run do their work, with
    /// the branch that they are on; without it, that is the one seat of the groups.
    pub run: Option<(Seat, String)>,
}

impl Seats {
    /// One seat, in the user's checkout and build directory.
    #[must_use]
    pub fn in_place(dirs: Arc<BuildDirs>) -> Self {
        let seat = Seat {
            dirs,
            worktrees: None,
        };
        Self {
            groups: vec![seat],
            run: None,
        }
    }

    pub(crate) fn numbers(&self) -> SeatNumbers {
        SeatNumbers {
            for_groups: self.groups.len(),
            of_run: match self.run {
                Some(_) => self.groups.len(),
                None => 0,
            },
        }
    }

    pub(crate) fn seat(&self, number: usize) -> &Seat {
        match (&self.run, self.groups.get(number)) {
            (_, Some(seat)) | (Some((seat, _)), None) => seat,
            (None, None) => &self.groups[0],
        }
    }

    pub(crate) fn branch(&self) -> Option<&str> {
        self.run.as_ref().map(|(_, branch)| branch.as_str())
    }
}

impl Seat {
    pub(crate) fn machines(&self) -> Vec<MachineBuild> {
        let machines = self.dirs.machines().iter();
        machines
            .map(|machine| MachineBuild {
                machine: machine.clone(),
                build_dir: self.dirs.of(machine),
            })
            .collect()
    }

    /// A group's work with the paths that it has in this seat. What is known of a group is always
    /// in the user's paths.
    pub(crate) fn here(&self, mut work: GroupWork) -> GroupWork {
        let Some(worktrees) = &self.worktrees else {
            return work;
        };
        for recipe in &mut work.group.recipes {
            recipe.file = worktrees.there(&recipe.file);
            if let Some(layer) = &mut recipe.layer {
                layer.path = worktrees.there(&layer.path);
            }
        }
        let translate = |path: &mut PathBuf| *path = worktrees.there(path);
        repositories(&mut work.state.changes, &mut work.state.commits).for_each(translate);
        work
    }

    /// An outcome of this seat in the user's paths.
    pub(crate) fn back(&self, mut outcome: StepOutcome) -> StepOutcome {
        let Some(worktrees) = &self.worktrees else {
            return outcome;
        };
        let changes = outcome.changes.as_deref_mut().unwrap_or_default();
        let translate = |path: &mut PathBuf| *path = worktrees.back(path);
        repositories(changes, &mut outcome.commits).for_each(translate);
        outcome
    }
}

fn repositories<'a>(
    changes: &'a mut [RepositoryChange],
    commits: &'a mut [Commit],
) -> impl Iterator<Item = &'a mut PathBuf> {
    let changes = changes.iter_mut().map(|change| &mut change.repository);
    changes.chain(commits.iter_mut().map(|commit| &mut commit.repository))
}
