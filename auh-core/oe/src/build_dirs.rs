//! Build directories as a resource: BitBake holds one lock per build directory, so that machines
//! which build at the same time need one each. The first machine builds in the user's own, every
//! other one in `$BUILDDIR-<machine>`, which is kept from run to run.
//!
//! auh's own lines stand in the one file that OE reads for tools, `conf/toolcfg.conf` (older trees:
//! `conf/auto.conf`), never in `local.conf`, and are taken out again at the end.

mod before;
mod clean;
mod copy;
mod job;
mod work;
mod workspace;

use crate::{Base, Environment, OeError, conf, passage::narrowed, server};
use auh_process::{CancelToken, Command, SoftSignal, end_leftovers, identity};
use auh_protocol::{Machine, host::Place};
use before::{Before, Note};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::Duration,
};
pub use work::{Removed, WorkPlace};
use workspace::Workspace;
pub use workspace::workspace_recipes;

/// BitBake names its parse cache after a hash of the whole configuration. These variables differ
/// from call to call without any meaning for the recipes (BitBake's own run-time ones, and the
/// git state of OE-core), so that each would cost a full parse.
const SAME_PARSE_CACHE: &str = "BB_HASHCONFIG_IGNORE_VARS:append = \" BBFILES_PRIORITIZED BB_CONSOLELOG BB_LOGCONFIG BUILDNAME BUILDSTART METADATA_REVISION METADATA_BRANCH\"\n";

/// How long a server whose last client has left may take to go.
const LEAVING: Duration = Duration::from_secs(3);

/// How long commands of a run that died may take to end when they are interrupted.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// BitBake's and make's threads for each build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// As the user's configuration says.
    #[default]
    AsConfigured,
    /// These processors, divided among the builds that run at the same time.
    Split(NonZero<usize>),
    /// This many for each build.
    Fixed(NonZero<usize>),
}

impl Threads {
    /// Threads for each of so many builds at the same time; `None` leaves them as configured.
    fn per_build(self, builds: usize) -> Option<usize> {
        match self {
            Self::Split(processors) if builds > 1 => Some(processors.get().div_ceil(builds)),
            Self::Fixed(threads) => Some(threads.get()),
            Self::AsConfigured | Self::Split(_) => None,
        }
    }
}

/// Where and with what a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Its working directory.
    pub folder: PathBuf,
    /// Variables to set.
    pub set: Vec<(String, String)>,
    /// Variables to leave out.
    pub remove: Vec<&'static str>,
}

impl Surroundings {
    /// A build directory as its user has configured it.
    #[must_use]
    pub fn plain(build_dir: &Path) -> Self {
        let path = build_dir.to_string_lossy().into_owned();
        Self {
            folder: build_dir.to_owned(),
            set: vec![
                ("BUILDDIR".to_owned(), path.clone()),
                ("BBPATH".to_owned(), path),
            ],
            remove: Vec::new(),
        }
    }

    /// A command here, with what of auh's environment it needs. BitBake's tools clean up when they are interrupted; on any other signal
    /// their server waits for the lost client.
    #[must_use]
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = narrowed(Command::new(program, &self.folder).args(args));
        for (name, value) in &self.set {
            command = command.env(name, value);
        }
        for name in &self.remove {
            command = command.env_remove(name);
        }
        command.soft_signal = SoftSignal::Interrupt;
        command
    }
}

/// The build directories of a run. [`BuildDirs::leave`] puts everything back as it was; dropping
/// does so too, silently.
#[derive(Debug)]
pub struct BuildDirs {
    environment: Environment,
    machines: Vec<Machine>,
    threads: Threads,
    /// How many jobs share the host.
    jobs: usize,
    /// Lines for every build directory, as [`BuildDirs::enter`] was given them.
    more_lines: String,
    workspace: Workspace,
    conf: SavedConf,
    state: Mutex<State>,
    /// Where it is noted what to put back, if this is to be put back at all.
    note: Option<Note>,
}

#[derive(Debug, Default)]
struct State {
    /// The machine that the user's build directory is set to.
    current: Option<Machine>,
    /// Lines that send the copies to the original's folders; known after [`BuildDirs::learn`].
    shared_lines: BTreeMap<Machine, String>,
    /// `TMPDIR` of each machine's build directory; known after [`BuildDirs::learn`].
    tmp: Vec<(PathBuf, PathBuf)>,
    /// Build directories that were used, and whether a server was there before.
    used: BTreeMap<PathBuf, bool>,
    /// How many builds run at the same time, per build directory.
    builds: BTreeMap<PathBuf, usize>,
    /// Copies that were made ready at least once.
    ready: BTreeSet<Machine>,
    left: bool,
    /// What is noted.
    before: Before,
}

/// The tools' configuration file of the user's build directory as it was.
#[derive(Debug)]
struct SavedConf {
    path: PathBuf,
    original: Option<Vec<u8>>,
}

impl SavedConf {
    fn read(path: PathBuf) -> Result<Self, OeError> {
        let original = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(OeError::io("read", &path)(error)),
        };
        Ok(Self { path, original })
    }

    /// Its text without a block that a run which died may have left.
    fn text(&self) -> String {
        let bytes = self.original.as_deref().unwrap_or_default();
        conf::without_block(&String::from_utf8_lossy(bytes))
    }
}

/// An error for each machine that neither a layer nor the build directory configures.
#[must_use]
pub fn unknown_machines(machines: &[Machine], base: &Base, build_dir: &Path) -> Vec<OeError> {
    let is_known = |machine: &&Machine| {
        let file = format!("conf/machine/{}.conf", machine.name());
        let mut folders = base.layers.iter().map(PathBuf::as_path).chain([build_dir]);
        folders.any(|folder| folder.join(&file).is_file())
    };
    let unknown = machines.iter().filter(|machine| !is_known(machine));
    let error = |machine: &Machine| OeError::UnknownMachine {
        machine: machine.name().to_owned(),
    };
    unknown.map(error).collect()
}

impl BuildDirs {
    /// Sets the user's build directory to the first of `machines` (at least one) and puts auh's
    /// lines into it; `more_lines` are further BitBake lines for every build directory. What a run
    /// that died has left is put in order first; so there must be no other run.
    pub fn enter(
        environment: Environment,
        machines: &[Machine],
        threads: Threads,
        more_lines: &str,
    ) -> Result<Self, OeError> {
        let note = Note::of(environment.build_dir());
        let died = note.read()?;
        if let Some(before) = &died {
            put_conf_back(&environment, before)?;
        }
        let mut dirs = Self::at_rest(environment, machines)?;
        dirs.threads = threads;
        more_lines.clone_into(&mut dirs.more_lines);
        let bblayers = match died {
            Some(before) => dirs.take_over(before)?,
            None => None,
        };
        dirs.note_use(dirs.original());
        let before = Before {
            process: identity().to_owned(),
            served: server::is_running(dirs.original()),
            tool_conf: dirs.conf.original.clone(),
            bblayers,
        };
        note.write(&before)?;
        dirs.lock().before = before;
        dirs.note = Some(note);
        dirs.switch_original(&dirs.machines[0])?;
        Ok(dirs)
    }

    /// Ends what a run that died has left running, and takes its workspace over: then what
    /// `bblayers.conf` was before it.
    fn take_over(&self, before: Before) -> Result<Option<Vec<u8>>, OeError> {
        end_leftovers(&before.process, LEFTOVERS);
        for machine in &self.machines {
            let folder = self.of(machine);
            let ours = folder != self.original() || !before.served;
            if ours && !server::wait_until_gone(&folder, LEAVING) {
                // One that does not leave is told of when this run leaves.
                let _ = server::stop(&self.with_environment(&folder, machine));
            }
        }
        match before.bblayers {
            Some(bblayers) => Ok(self
                .workspace
                .take_over(bblayers.clone())?
                .then_some(bblayers)),
            None => Ok(None),
        }
    }

    /// The same for what builds nothing: they stay as they are until a command wants to run in one.
    pub fn at_rest(environment: Environment, machines: &[Machine]) -> Result<Self, OeError> {
        Ok(Self {
            conf: SavedConf::read(environment.tool_conf())?,
            workspace: Workspace::find(environment.build_dir())?,
            machines: machines.to_vec(),
            threads: Threads::default(),
            jobs: 1,
            more_lines: String::new(),
            state: Mutex::default(),
            note: None,
            environment,
        })
    }

    /// The machines, most important first.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The user's build directory.
    #[must_use]
    pub fn original(&self) -> &Path {
        self.environment.build_dir()
    }

    /// devtool's workspace layer.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        self.workspace.path()
    }

    /// The build directory that is a machine's own while machines build at the same time.
    #[must_use]
    pub fn of(&self, machine: &Machine) -> PathBuf {
        if *machine == self.machines[0] {
            return self.original().to_owned();
        }
        let mut path = self.original().as_os_str().to_owned();
        path.push(format!("-{machine}"));
        path.into()
    }

    /// Makes sure that devtool's workspace layer exists and is enabled: were it made in the middle
    /// of a run, `BBLAYERS` would change and everything be parsed again.
    pub fn ensure_workspace(&self, cancel: &CancelToken) -> Result<(), OeError> {
        let surroundings = self.surroundings(&Place::BuildDir)?;
        self.workspace.ensure(&surroundings, cancel, |bblayers| {
            let Some(note) = &self.note else {
                return Ok(());
            };
            let before = &mut self.lock().before;
            // The first one of a run that was resumed counts.
            before.bblayers.get_or_insert_with(|| bblayers.to_owned());
            note.write(before)
        })
    }

    /// Learns from the build configuration what the copies have to share with the original: one
    /// place each for downloads, shared state and hash equivalence, and a `TMPDIR` of their own.
    ///
    /// # Errors
    /// A machine that no layer configures, which would fail every build on it.
    pub fn learn(&self, base: &Base) -> Result<(), OeError> {
        let unknown = unknown_machines(&self.machines, base, self.original());
        if let Some(unknown) = unknown.into_iter().next() {
            return Err(unknown);
        }
        let of_machine = |(machine, tmp)| (self.of(machine), tmp);
        let tmp = self.machines.iter().zip(self.tmp_dirs(base));
        self.lock().tmp = tmp.map(of_machine).collect();
        for machine in &self.machines[1..] {
            let lines = copy::shared_lines(base, self.original(), &machine.to_string())?;
            self.lock().shared_lines.insert(machine.clone(), lines);
        }
        Ok(())
    }

    /// Makes the build directory of a place ready for one of `builds` builds at the same time. A
    /// copy's `conf` is refreshed from the original's; files that are the same stay untouched.
    pub fn prepare(&self, place: &Place, builds: usize) -> Result<(), OeError> {
        let folder = match place {
            Place::MachineBuildDir(machine) => self.of(machine),
            _ => self.original().to_owned(),
        };
        self.lock().builds.insert(folder, builds);
        match place {
            Place::MachineBuildDir(machine) if *machine != self.machines[0] => {
                self.refresh(machine)
            }
            _ => self.surroundings(place).map(drop),
        }
    }

    fn refresh(&self, machine: &Machine) -> Result<(), OeError> {
        let shared = self
            .lock()
            .shared_lines
            .get(machine)
            .cloned()
            .unwrap_or_default();
        let tool_conf = self.tool_conf(machine, &shared);
        copy::refresh(
            self.original(),
            &self.of(machine),
            &self.conf.path,
            &tool_conf,
        )?;
        self.lock().ready.insert(machine.clone());
        Ok(())
    }

    /// Where and with what a command at `place` runs. Switches the user's build directory to the
    /// place's machine, and makes a machine's own directory ready if nobody has yet.
    pub fn surroundings(&self, place: &Place) -> Result<Surroundings, OeError> {
        let (folder, machine) = match place {
            Place::Folder(folder) => {
                return Ok(Surroundings {
                    folder: folder.clone(),
                    set: Vec::new(),
                    remove: Vec::new(),
                });
            }
            Place::BuildDir => (self.original().to_owned(), self.machines[0].clone()),
            Place::SwitchedBuildDir(machine) => (self.original().to_owned(), machine.clone()),
            Place::MachineBuildDir(machine) => (self.of(machine), machine.clone()),
        };
        if folder == self.original() {
            self.switch_original(&machine)?;
        } else if !self.lock().ready.contains(&machine) {
            self.refresh(&machine)?;
        }
        self.note_use(&folder);
        Ok(self.with_environment(&folder, &machine))
    }

    /// Ends what the run started and puts the configuration back as it was. Returns what could not
    /// be put back, for people.
    pub fn leave(&self) -> Vec<String> {
        if std::mem::replace(&mut self.lock().left, true) {
            return Vec::new();
        }
        let mut troubles = self.stop_servers();
        let restored = self
            .workspace
            .remove_if_ours()
            .and_then(|()| self.restore_conf())
            .and_then(|()| self.note.as_ref().map_or(Ok(()), Note::remove));
        troubles.extend(restored.err().map(|error| error.to_string()));
        troubles
    }

    fn with_environment(&self, folder: &Path, machine: &Machine) -> Surroundings {
        let Surroundings {
            folder,
            mut set,
            mut remove,
        } = Surroundings::plain(folder);
        if self.environment.has_fragments() {
            remove.push("MACHINE");
        } else {
            set.push(("MACHINE".to_owned(), machine.name().to_owned()));
        }
        if let Some(libc) = machine.libc() {
            set.push(("TCLIBC".to_owned(), libc.as_str().to_owned()));
        }
        let builds = self.lock().builds.get(&folder).copied().unwrap_or(1);
        if let Some(threads) = self.threads.per_build(builds * self.jobs) {
            set.push(("BB_NUMBER_THREADS".to_owned(), threads.to_string()));
            set.push(("PARALLEL_MAKE".to_owned(), format!("-j {threads}")));
        }
        Surroundings {
            folder,
            set,
            remove,
        }
    }

    /// Sets the user's build directory to a machine, unless it is.
    fn switch_original(&self, machine: &Machine) -> Result<(), OeError> {
        let mut state = self.lock();
        if state.current.as_ref() == Some(machine) {
            return Ok(());
        }
        copy::write_if_different(&self.conf.path, self.tool_conf(machine, "").as_bytes())?;
        state.current = Some(machine.clone());
        Ok(())
    }

    /// The tools' configuration file for a machine.
    fn tool_conf(&self, machine: &Machine, shared: &str) -> String {
        let text = self.conf.text();
        let text = if self.environment.has_fragments() {
            conf::with_machine_fragment(&text, machine.name())
        } else {
            text
        };
        let lines = format!("{SAME_PARSE_CACHE}{}{shared}", self.more_lines);
        conf::with_block(&text, &lines)
    }

    fn restore_conf(&self) -> Result<(), OeError> {
        let path = &self.conf.path;
        let Some(current) = self.lock().current.clone() else {
            return Ok(());
        };
        let written = self.tool_conf(&current, "");
        let now = fs::read_to_string(path).unwrap_or_default();
        if now != written {
            // Somebody edited it meanwhile: only our block goes, their lines stay.
            return copy::write_if_different(path, conf::without_block(&now).as_bytes());
        }
        match &self.conf.original {
            // Byte for byte, unless a run that died had left its block there.
            Some(bytes)
                if self.conf.text().as_bytes() == bytes.as_slice()
                    || std::str::from_utf8(bytes).is_err() =>
            {
                copy::write_if_different(path, bytes)
            }
            Some(_) => copy::write_if_different(path, self.conf.text().as_bytes()),
            None => fs::remove_file(path).map_err(OeError::io("remove", path)),
        }
    }

    /// Stops the servers of the used build directories that were not there before.
    fn stop_servers(&self) -> Vec<String> {
        let used = std::mem::take(&mut self.lock().used);
        let mut troubles = Vec::new();
        for (folder, _) in used.into_iter().filter(|(_, served_before)| !served_before) {
            // A server whose last client has left goes by itself within about a second.
            if server::wait_until_gone(&folder, LEAVING) {
                continue;
            }
            let surroundings = self.with_environment(&folder, &self.machines[0]);
            let stopped = server::stop(&surroundings);
            troubles.extend(stopped.err().map(|error| error.to_string()));
            if !server::wait_until_gone(&folder, Duration::from_secs(20)) {
                troubles.push(format!(
                    "a BitBake server still serves {}",
                    folder.display()
                ));
            }
        }
        troubles
    }

    fn note_use(&self, folder: &Path) {
        let mut state = self.lock();
        if !state.used.contains_key(folder) {
            let served = server::is_running(folder);
            state.used.insert(folder.to_owned(), served);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Puts the tools' configuration file back as it was before a run that died. What somebody has edited
/// since stays: then only auh's own block goes.
fn put_conf_back(environment: &Environment, before: &Before) -> Result<(), OeError> {
    let path = environment.tool_conf();
    before::remove_unfinished(&path);
    before::remove_unfinished(&environment.build_dir().join("conf/bblayers.conf"));
    let now = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OeError::io("read", &path)(error)),
    };
    let rest = conf::without_block(&now);
    if rest == now {
        // It was put back already, or had not been changed.
        return Ok(());
    }
    let original = before.tool_conf.as_deref().unwrap_or_default();
    let is_as_written = conf::same_but_for_machine(&String::from_utf8_lossy(original), &rest);
    match &before.tool_conf {
        Some(bytes) if is_as_written => copy::write_if_different(&path, bytes),
        None if is_as_written => fs::remove_file(&path).map_err(OeError::io("remove", &path)),
        _ => copy::write_if_different(&path, rest.as_bytes()),
    }
}

impl Drop for BuildDirs {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
