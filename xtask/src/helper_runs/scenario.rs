//! What both programs are asked to do.

use crate::{
    e2e::{Environment, MACHINES, RECIPES},
    tool,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Takes out of the name of BitBake's parse cache what changes from call to call. Without it the
/// Python helper's run takes hours, nearly all of them parsing; what comes of it is the same.
const FEW_PARSES: &str = "BB_HASHCONFIG_IGNORE_VARS:append = \" BBFILES_PRIORITIZED BB_CONSOLELOG \
    BB_LOGCONFIG BUILDNAME BUILDSTART METADATA_REVISION METADATA_BRANCH\"\n";

/// One job for both programs.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Name for people and of the folder with the results.
    pub(crate) name: &'static str,
    /// The git repository that gets the commits.
    pub(crate) repository: PathBuf,
    recipes: Vec<String>,
    flags: Vec<&'static str>,
    buildhistory: bool,
    /// Lines for `local.conf`.
    configuration: String,
    /// What BitBake does beforehand, so that the build directory is one that was used before.
    warm_up: Vec<String>,
}

impl Scenario {
    /// The recipes of the tiny layer, built for two machines.
    pub(crate) fn tiny(environment: &Environment, buildhistory: bool) -> Self {
        let recipes = strings(if buildhistory {
            &["hello", "ghello"]
        } else {
            &RECIPES
        });
        Self {
            name: if buildhistory {
                "tiny-buildhistory"
            } else {
                "tiny"
            },
            repository: environment.layer(),
            flags: vec!["-e"],
            buildhistory,
            configuration: FEW_PARSES.to_owned(),
            warm_up: [strings(&["-k"]), strings(&RECIPES)].concat(),
            recipes,
        }
    }

    /// Recipes of the tiny layer as their user would have them upgraded: no mails are sent, and nothing
    /// is configured that makes anything quicker.
    pub(crate) fn plain(
        environment: &Environment,
        name: &'static str,
        recipes: &[&str],
        buildhistory: bool,
    ) -> Self {
        Self {
            name,
            flags: Vec::new(),
            recipes: strings(recipes),
            configuration: String::new(),
            ..Self::tiny(environment, buildhistory)
        }
    }

    /// The same, to a version other than the newest.
    pub(crate) fn towards(mut self, version: &'static str) -> Self {
        self.flags.extend(["-t", version]);
        self
    }

    /// Recipes of OE-core, not built; `configuration` says where their sources are.
    pub(crate) fn real(
        environment: &Environment,
        recipes: Vec<String>,
        configuration: &str,
    ) -> Result<Self> {
        Ok(Self {
            name: "real",
            repository: core_of(environment)?,
            recipes,
            flags: vec!["-e", "-s"],
            buildhistory: false,
            configuration: format!("{FEW_PARSES}{configuration}"),
            warm_up: strings(&["-p"]),
        })
    }

    /// The command line after the program's name.
    pub(crate) fn arguments(&self) -> Vec<String> {
        [strings(&self.flags), self.recipes.clone()].concat()
    }

    /// Text of `upgrade-helper.conf`, with the mail server to use.
    pub(crate) fn settings(&self, smtp: SocketAddr) -> String {
        let buildhistory = if self.buildhistory { "yes" } else { "no" };
        format!(
            "[settings]\n\
             smtp={smtp}\n\
             from=auh@example.com\n\
             cc_recipients=list@example.com\n\
             status_recipients=lead@example.com\n\
             publish_work_url=http://127.0.0.1/upgrades\n\
             machines={}\n\
             buildhistory={buildhistory}\n",
            MACHINES.join(" ")
        )
    }

    /// Repositories that change and lie outside the environment.
    pub(crate) fn repositories(&self, environment: &Environment) -> Vec<PathBuf> {
        let outside = !self.repository.starts_with(environment.folder());
        Vec::from_iter(outside.then(|| self.repository.clone()))
    }

    /// Brings the environment to the scenario's beginning: nothing upgraded, no earlier results, one
    /// machine built for, everything parsed.
    pub(crate) fn prepare(&self, environment: &Environment) -> Result<()> {
        environment.reset_layer()?;
        environment.expect_empty_workspace()?;
        self.remove_results(environment)?;
        self.configure(environment)?;
        let mut bitbake = environment.command(&environment.folder().join("run"));
        tool::succeed(bitbake.arg("bitbake").args(&self.warm_up))
    }

    fn configure(&self, environment: &Environment) -> Result<()> {
        if self.configuration.is_empty() {
            return Ok(());
        }
        let file = environment.build_dir().join("conf/local.conf");
        let old =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        environment.write(&file, &format!("{old}\n{}", self.configuration))
    }

    fn remove_results(&self, environment: &Environment) -> Result<()> {
        const MADE: [&str; 7] = [
            "upgrade-helper",
            "workspace",
            "buildhistory",
            "tmp",
            "sstate-cache",
            "cache",
            "conf/toolcfg.conf",
        ];
        let build = environment.build_dir();
        let of_machines = MACHINES.iter().map(|machine| {
            let name = format!("build-{machine}");
            environment.folder().join(name)
        });
        let mut remove = environment.command(Path::new("rm"));
        remove
            .args(["--recursive", "--force"])
            .args(MADE.map(|part| build.join(part)))
            .args(of_machines);
        tool::succeed(&mut remove)?;
        let bblayers = build.join("conf/bblayers.conf");
        let text = fs::read_to_string(&bblayers)
            .with_context(|| format!("cannot read {}", bblayers.display()))?;
        environment.write(&bblayers, &without_workspace(&text, &build))
    }
}

/// devtool names its workspace in a line of its own.
fn without_workspace(bblayers: &str, build: &Path) -> String {
    let workspace = build.join("workspace").display().to_string();
    let lines = bblayers.split_inclusive('\n');
    lines
        .filter(|line| line.trim().trim_end_matches('\\').trim() != workspace)
        .collect()
}

/// The checkout of OE-core that the environment uses.
fn core_of(environment: &Environment) -> Result<PathBuf> {
    let mut command = environment.command(&environment.folder().join("run"));
    let output = tool::output(command.args(["bitbake-getvar", "--value", "COREBASE"]))?;
    let path = output.lines().rfind(|line| line.starts_with('/'));
    match path.map(PathBuf::from) {
        Some(path) if path.join(".git").exists() => Ok(path),
        _ => bail!("COREBASE is no git checkout: {}", output.trim()),
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_workspace_goes_from_bblayers() {
        let text = "BBLAYERS ?= \" \\\n  /e/meta-tiny \\\n  /e/build/workspace \\\n  /e/workspace \\\n  \"\n";
        assert_eq!(
            without_workspace(text, Path::new("/e/build")),
            "BBLAYERS ?= \" \\\n  /e/meta-tiny \\\n  /e/workspace \\\n  \"\n"
        );
    }
}
