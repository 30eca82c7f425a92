//! One run of one side: what starts it, and everything that is kept of it.

use super::{
    case::{Case, JOBS, Side},
    host::Host,
    parses::{self, ByFolder, Parses},
    phases::{self, Phases},
};
use crate::{
    e2e::{Environment, MACHINES, Program},
    helper_runs::{
        About, Helper, groups, make_anew, only_run, read_stamped, record, run, wait_for_servers,
    },
};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The release that every recipe has waiting.
const NEWEST: &str = "2.0";
const SCRIPT: &str = include_str!("../../../bench/by-hand.sh");
/// Written last: a folder with it holds a whole run.
const CIRCUMSTANCES: &str = "measured.json";

/// What is measured.
pub(super) struct Programs<'a> {
    pub(super) auh: &'a Program,
    /// The commit that auh was built from.
    pub(super) auh_commit: String,
    /// The Python helper's checkout, and its commit.
    pub(super) python: Option<(PathBuf, String)>,
}

/// What a run's figures depend on, beside the case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Circumstances {
    /// When the run had ended.
    pub(super) date: String,
    /// Which starting point it began from.
    pub(super) start: String,
    /// Commit of the program; none for the calls by hand.
    pub(super) commit: Option<String>,
    pub(super) host: Host,
    pub(super) parses: ByFolder,
}

/// A run that is recorded.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) about: About,
    pub(super) circumstances: Circumstances,
    /// `succeed` or `failed`, by recipe.
    pub(super) verdicts: BTreeMap<String, String>,
    pub(super) phases: Phases,
    /// Full parses that auh's own journal counts.
    pub(super) journal_full_parses: Option<u64>,
}

impl Programs<'_> {
    pub(super) fn auh(&self) -> Helper<'_> {
        Helper::Auh(self.auh)
    }

    pub(super) fn auh_with_jobs(&self) -> Helper<'_> {
        Helper::AuhWithJobs(self.auh, JOBS)
    }

    pub(super) fn python(&self) -> Result<Helper<'_>> {
        match &self.python {
            Some((checkout, _)) => Ok(Helper::Python(checkout)),
            None => bail!("the Python helper's checkout is not given (--auh)"),
        }
    }

    /// Types the commands that upgrade one recipe to a release; fails when one of them does.
    pub(super) fn by_hand(
        &self,
        environment: &Environment,
        recipe: &str,
        version: &str,
        folder: &Path,
    ) -> Result<()> {
        make_anew(folder)?;
        let build = environment.build_dir();
        let [first, second] = MACHINES;
        let places = [
            format!("{first}={}", build.display()),
            format!("{second}={}-{second}", build.display()),
        ];
        let mut command = environment.command(&environment.folder().join("run"));
        command
            .args(["bash", "-c", SCRIPT, "by-hand", recipe, version])
            .arg(environment.layer())
            .arg(build.join("by-hand-patches"))
            .args(places)
            .env_remove("AUH_BUILDDIR");
        let words = ["by-hand", recipe, version].map(str::to_owned).to_vec();
        let about = run(command, words, folder)?;
        fs::write(
            folder.join("about.json"),
            serde_json::to_string_pretty(&about)?,
        )?;
        match about.exit {
            Some(0) => Ok(()),
            exit => bail!(
                "a call by hand failed ({exit:?}): see {}",
                folder.join("output").display()
            ),
        }
    }

    fn commit(&self, side: Side) -> Option<String> {
        match side {
            Side::Python => self.python.as_ref().map(|(_, commit)| commit.clone()),
            Side::Auh => Some(self.auh_commit.clone()),
            Side::Hand => None,
        }
    }
}

/// Whether a whole run is recorded in a folder.
pub(super) fn is_recorded(folder: &Path) -> bool {
    folder.join(CIRCUMSTANCES).exists()
}

/// Runs one side of a case, in the starting point of this name, and keeps everything in `folder`.
pub(super) fn measure(
    environment: &Environment,
    programs: &Programs<'_>,
    (case, side): (Case, Side),
    start: &str,
    folder: &Path,
) -> Result<()> {
    println!("{}: {} runs", case.name(), side.title());
    let scenario = case.scenario(environment);
    match side {
        Side::Python => record(environment, &scenario, programs.python()?, folder)?,
        Side::Auh if case == Case::SixJobs => {
            record(environment, &scenario, programs.auh_with_jobs(), folder)?;
        }
        Side::Auh => record(environment, &scenario, programs.auh(), folder)?,
        Side::Hand => {
            for recipe in case.recipes() {
                programs.by_hand(environment, recipe, NEWEST, folder)?;
            }
        }
    }
    wait_for_servers(environment)?;
    let circumstances = Circumstances {
        date: Timestamp::now().to_string(),
        start: start.to_owned(),
        commit: programs.commit(side),
        host: Host::this()?,
        parses: parses::count(environment)?,
    };
    let text = serde_json::to_string_pretty(&circumstances)?;
    fs::write(folder.join(CIRCUMSTANCES), text)?;
    let run = Run::read(case, side, folder)?;
    println!(
        "{}: {} took {:.0} s, exit {:?}\n",
        case.name(),
        side.title(),
        run.about.seconds,
        run.about.exit
    );
    Ok(())
}

impl Run {
    /// Reads what [`measure`] kept.
    pub(super) fn read(case: Case, side: Side, folder: &Path) -> Result<Self> {
        Self::read_parts(case, side, folder)
            .with_context(|| format!("the results in {} cannot be read", folder.display()))
    }

    fn read_parts(case: Case, side: Side, folder: &Path) -> Result<Self> {
        let text = |name: &str| {
            let bytes = fs::read(folder.join(name)).with_context(|| format!("no {name}"))?;
            anyhow::Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let about: About = serde_json::from_str(&text("about.json")?)?;
        let output = text("output")?;
        let lines = read_stamped(&output);
        let (phases, journal_full_parses) = match side {
            Side::Python => (phases::of_python(&lines, about.seconds), None),
            Side::Hand => (phases::of_hand(&lines, about.seconds), None),
            Side::Auh => {
                let journal = auh_journal::read(&only_run(folder)?.join("journal.jsonl"))?;
                let records = &journal.records;
                let phases = phases::of_journal(records, about.seconds);
                (phases, Some(parses::full_in_journal(records)))
            }
        };
        Ok(Self {
            journal_full_parses,
            circumstances: serde_json::from_str(&text(CIRCUMSTANCES)?)?,
            verdicts: verdicts(case, side, folder)?,
            about,
            phases,
        })
    }

    /// Parses in all build directories together; none when BitBake logged no events.
    pub(super) fn parses(&self) -> Option<Parses> {
        let counts = &self.circumstances.parses;
        (!counts.is_empty()).then(|| counts.values().copied().sum())
    }
}

fn verdicts(case: Case, side: Side, folder: &Path) -> Result<BTreeMap<String, String>> {
    if side == Side::Hand {
        // A run is only kept when every call was good.
        let recipes = case.recipes().iter();
        return Ok(recipes
            .map(|recipe| ((*recipe).to_owned(), "succeed".to_owned()))
            .collect());
    }
    let groups = groups(folder)?.into_iter();
    Ok(groups
        .map(|(name, group)| (name, Vec::from_iter(group.links).join("+")))
        .collect())
}
