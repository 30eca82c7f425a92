//! Trials: some upgrades in, the others out, the image's tests run, everything put back.

use crate::{
    absent::{self, Absent, Undo},
    image::{self, Ended, Image},
    outcome::{self, Verdict},
    search::{Halt, Set, Tried, search, usual_limit},
    suspects::{Suspect, recipes_with_tests, suspects},
};
use auh_sdk::{Exit, Host, StepOutcome, StepRequest};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The Python helper's folder for these logs.
const FOLDER: &str = "testimage-logs";

/// Tests the upgrades of a run together.
pub(crate) fn test(host: &Host, request: &StepRequest, max_trials: Option<usize>) -> StepOutcome {
    let suspects = suspects(&request.groups);
    let recipes = recipes_with_tests(&suspects);
    if recipes.is_empty() {
        host.info("no upgrade that stands has a package with tests, so there is no test image");
        return outcome::nothing_said(request);
    }
    let folder = request.run.folder.join(FOLDER);
    let made = fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()));
    let image = match made.and_then(|()| Image::new(host, request, &recipes, &folder)) {
        Ok(image) => image,
        Err(reason) => return outcome::not_run(host, request, &reason),
    };
    if request.again
        && let Err(reason) = absent::put_back_again(host, &undos(&suspects, &Set::new()), &folder)
    {
        return outcome::not_run(host, request, &reason);
    }
    let mut trials = Trials {
        host,
        suspects: &suspects,
        image: &image,
        folder: &folder,
        limit: max_trials.unwrap_or_else(|| usual_limit(suspects.len())),
        made: 0,
        failures: BTreeMap::new(),
        trouble: None,
    };
    host.info(&format!(
        "testing {} with the tests of {}",
        image.name,
        recipes.join(", ")
    ));
    let found = search(suspects.len(), &mut |set| trials.make(set));
    let Trials {
        failures,
        trouble,
        made,
        ..
    } = trials;
    outcome::outcome(&Verdict {
        host,
        request,
        suspects: &suspects,
        image: image.name.as_str(),
        failures,
        trials: made,
        trouble,
        found,
    })
}

/// What to undo so that just these upgrades are in the work trees, by repository.
fn undos(suspects: &[Suspect<'_>], set: &Set) -> Vec<Undo> {
    let mut undos: Vec<Undo> = Vec::new();
    let suspects = suspects.iter().enumerate();
    for (commit, revision) in suspects.flat_map(|(number, s)| s.to_undo(set.contains(&number))) {
        let revision = revision.to_owned();
        match undos.iter_mut().find(|u| u.repository == commit.repository) {
            Some(undo) => undo.revisions.push(revision),
            None => undos.push(Undo {
                repository: commit.repository.clone(),
                revisions: vec![revision],
            }),
        }
    }
    undos
}

struct Trials<'a> {
    host: &'a Host,
    suspects: &'a [Suspect<'a>],
    image: &'a Image,
    folder: &'a Path,
    limit: usize,
    made: usize,
    failures: BTreeMap<Set, Failed>,
    /// Why a trial could not be made.
    trouble: Option<String>,
}

/// A trial that failed.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) message: String,
    pub(crate) log: PathBuf,
}

impl Trials<'_> {
    fn make(&mut self, set: &Set) -> Result<Tried, Halt> {
        if self.host.stopping() {
            return Err(Halt::Stopped);
        }
        if self.made == self.limit {
            return Err(Halt::Spent);
        }
        self.made += 1;
        let absent = match Absent::make(self.host, &undos(self.suspects, set), self.folder) {
            Ok(absent) => absent,
            Err(error) => return Ok(self.cannot(set, &error.to_string())),
        };
        let tried = self.run(set);
        let errors = absent.put_back();
        match errors.is_empty() {
            true => tried,
            false => Err(self.stuck(&errors.join("; "))),
        }
    }

    /// Runs the image's tests; once more if the build environment failed.
    fn run(&mut self, set: &Set) -> Result<Tried, Halt> {
        let log = self.folder.join(format!("trial-{}.log", self.made));
        let ended = match self.run_once(set, &log)? {
            Ended::NotJudged(_) => self.run_once(set, &log.with_extension("again.log"))?,
            ended => ended,
        };
        let tried = match ended {
            Ended::Passed => Tried::Passes,
            Ended::Failed(_) => Tried::Fails,
            Ended::NotJudged(reason) => self.cannot(set, &reason),
        };
        if self.made == 1 {
            self.keep_under_usual_name(&log, tried);
        }
        Ok(tried)
    }

    fn run_once(&mut self, set: &Set, log: &Path) -> Result<Ended, Halt> {
        let (number, name) = (self.made, &self.image.name);
        let label = format!("test image {name}, trial {number}");
        let ended = match self.image.run(self.host, &label, log) {
            Ok(result) if result.exit == Exit::Stopped => return Err(Halt::Stopped),
            Ok(result) => image::ended(&result),
            Err(error) => Ended::NotJudged(error),
        };
        let word = match &ended {
            Ended::Passed => "passes".to_owned(),
            Ended::Failed(reason) => format!("fails: {reason}"),
            Ended::NotJudged(reason) => format!("cannot be judged: {reason}"),
        };
        let names = self.names(set);
        self.host.info(&format!(
            "trial {number} of at most {}: {name} with {names} {word}",
            self.limit
        ));
        if let Ended::Failed(message) = &ended {
            let failed = Failed {
                message: message.clone(),
                log: log.to_owned(),
            };
            self.failures.insert(set.clone(), failed);
        }
        Ok(ended)
    }

    fn keep_under_usual_name(&self, log: &Path, tried: Tried) {
        let name = match tried {
            Tried::Passes => "devtool-test-image.log",
            Tried::Fails | Tried::Unknown => "devtool-test-image-failed.log",
        };
        if let Err(error) = fs::copy(log, self.folder.join(name)) {
            self.host.warn(&format!("{}: {error}", log.display()));
        }
    }

    fn cannot(&mut self, set: &Set, reason: &str) -> Tried {
        let message = format!(
            "the test image cannot be tried with {}: {reason}",
            self.names(set)
        );
        self.host.warn(&message);
        self.trouble = Some(reason.to_owned());
        Tried::Unknown
    }

    fn stuck(&mut self, reason: &str) -> Halt {
        self.host.warn(reason);
        self.trouble = Some(reason.to_owned());
        Halt::Stuck(reason.to_owned())
    }

    fn names(&self, set: &Set) -> String {
        match set.len() {
            0 => "none of the upgrades".to_owned(),
            all if all == self.suspects.len() => "all upgrades".to_owned(),
            _ => {
                let names: Vec<&str> = set.iter().map(|n| &*self.suspects[*n].name).collect();
                format!("the upgrades of {}", names.join(" "))
            }
        }
    }
}
