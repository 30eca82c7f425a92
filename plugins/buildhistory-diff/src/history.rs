//! The build history: a git repository with a commit per build, newest last. Its folder is a variable
//! of the build configuration.

use auh_sdk::{CommandResult, Group, Host, MachineBuild, Place, RunCommand};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Between the two actions, in the group's folder: the newest commit before the upgrade, and the
/// history's folder.
const BASELINE: &str = ".buildhistory-baseline";

/// What is between a commit's fields, and between commits.
const FIELD: char = '\u{1f}';
const RECORD: char = '\u{1e}';

/// The build history of the user's build directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Whether that is where `buildhistory-diff` looks by itself.
    pub(crate) is_usual: bool,
}

/// A commit of the history: one build.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Build {
    revision: String,
    /// The commit before it.
    parent: String,
    message: String,
}

/// The two commits that an upgrade lies between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl History {
    /// Where it is unless the build configuration says otherwise.
    pub(crate) fn usual(build_dir: &Path) -> Self {
        Self {
            folder: build_dir.join("buildhistory"),
            is_usual: true,
        }
    }

    /// Where the build configuration has it. A tree without `bitbake-getvar` has it where it is by
    /// default.
    pub(crate) fn find(host: &Host, build_dir: &Path) -> Self {
        let argv = ["bitbake-getvar", "--value", "BUILDHISTORY_DIR"];
        let command = RunCommand::new(Place::BuildDir, "bitbake-getvar BUILDHISTORY_DIR", argv);
        let said = host.run(&command).ok().filter(CommandResult::succeeded);
        let last = said.and_then(|ended| ended.stdout.lines().last().map(PathBuf::from));
        match last.filter(|path| path.is_absolute()) {
            Some(folder) => Self::at(folder, build_dir),
            None => Self::usual(build_dir),
        }
    }

    fn at(folder: PathBuf, build_dir: &Path) -> Self {
        Self {
            is_usual: folder == build_dir.join("buildhistory"),
            folder,
        }
    }

    /// The newest commit; none while there is no history.
    pub(crate) fn head(&self, host: &Host) -> Option<String> {
        self.revision(host, "HEAD")
    }

    /// Notes where the history stands before the upgrade.
    pub(crate) fn note(&self, folder: &Path, head: &str) -> io::Result<()> {
        let text = format!("{head}\n{}\n", self.folder.display());
        fs::write(folder.join(BASELINE), text)
    }

    /// Takes the note away again: the history, and the newest commit before the upgrade.
    pub(crate) fn take_note(folder: &Path, build_dir: &Path) -> Option<(Self, String)> {
        let file = folder.join(BASELINE);
        let text = fs::read_to_string(&file).ok()?;
        let _ = fs::remove_file(&file);
        let (head, path) = text.trim_end().split_once('\n')?;
        Some((Self::at(path.into(), build_dir), head.to_owned()))
    }

    /// The builds of the group since a commit, from just before the first one to the last one for this
    /// machine; none when there was none, or when that is what `buildhistory-diff` compares anyway.
    /// There may be several, when BitBake was asked twice, and builds for other machines among them.
    pub(crate) fn span(
        &self,
        host: &Host,
        since: &str,
        group: &Group,
        machine: &MachineBuild,
    ) -> Option<Span> {
        let builds = self.builds(host, since)?;
        let own = |build: &&Build| build.is_of(group);
        let for_it = |build: &&Build| own(build) && build.is_for(machine.machine.name());
        let span = Span {
            // Another machine's build may have been first to change what they share.
            from: builds.iter().find(own)?.parent.clone(),
            to: builds.iter().rfind(for_it)?.revision.clone(),
        };
        let usual = self.revision(host, "HEAD").as_ref() == Some(&span.to)
            && self.revision(host, "build-minus-1").as_ref() == Some(&span.from);
        (!usual).then_some(span)
    }

    /// The builds after a commit, oldest first.
    fn builds(&self, host: &Host, since: &str) -> Option<Vec<Build>> {
        let range = format!("{since}..HEAD");
        let format = format!("--format=%H{FIELD}%P{FIELD}%B{RECORD}");
        let listed = self.git(
            host,
            &["log", "--reverse", "--first-parent", &format, &range],
        )?;
        let build = |record: &str| {
            let mut fields = record.trim_start().splitn(3, FIELD).map(str::to_owned);
            Some(Build {
                revision: fields.next()?,
                parent: fields.next()?,
                message: fields.next()?,
            })
        };
        Some(listed.split(RECORD).filter_map(build).collect())
    }

    fn revision(&self, host: &Host, name: &str) -> Option<String> {
        let name = format!("{name}^{{commit}}");
        let said = self.git(host, &["rev-parse", "--verify", "-q", &name])?;
        Some(said.trim().to_owned())
    }

    fn git(&self, host: &Host, arguments: &[&str]) -> Option<String> {
        if !self.folder.is_dir() {
            return None;
        }
        let label = format!("git {} of the build history", arguments[0]);
        let argv = ["git"].iter().chain(arguments).copied();
        let place = Place::Folder(self.folder.clone());
        let ended = host.run(&RunCommand::new(place, label, argv)).ok()?;
        ended.succeeded().then_some(ended.stdout)
    }
}

impl Build {
    /// Whether BitBake itself was asked for a recipe of the group. devtool's builds come between the
    /// old version and the new one.
    fn is_of(&self, group: &Group) -> bool {
        let command = self
            .message
            .lines()
            .find_map(|line| line.strip_prefix("cmd: "));
        let mut words = command.unwrap_or_default().split_whitespace();
        let is_bitbake = words.next() == Some("bitbake");
        let names = |word: &str| group.recipes.iter().any(|r| r.name.as_str() == word);
        is_bitbake && words.any(names)
    }

    fn is_for(&self, machine: &str) -> bool {
        let title = self.message.lines().next().unwrap_or_default();
        title.contains(&format!(" for machine {machine} on "))
    }
}
