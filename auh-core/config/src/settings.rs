//! The settings, checked, in one struct.

use crate::{
    ConfigError, Integrate, Pipeline, PipelineEntry, SmtpServer, Source, Threads, Warning, schema,
    tree::{Node, Tree, Value, dotted, split},
    value::{
        Address, Author, Backoff, Batch, FromNode, Isolation, Jobs, Limit, Line, Name, Pressure,
        Server, Size, address_of,
    },
};
use auh_protocol::{FailureClass, Machine};
use serde_json::{Map, Value as Json};
use std::{
    collections::BTreeMap,
    num::NonZero,
    path::{Path, PathBuf},
    time::Duration,
};

/// Everything that a user can set, checked. What a key means is said in `defaults.toml`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Machines to build for, at least one, each once; the first is built in `$BUILDDIR`.
    pub machines: Vec<Machine>,
    /// Name of the scheduler plugin that orders the run.
    pub scheduler: String,
    /// Name of the pipeline to run; one of [`Self::pipelines`].
    pub pipeline: String,
    /// How many groups are upgraded side by side.
    pub jobs: NonZero<usize>,
    /// How many groups at most are built in company.
    pub batch: NonZero<usize>,
    /// Where the commits go; none for the usual place of that many jobs, see [`Self::integration`].
    pub integrate: Option<Integrate>,
    /// Every pipeline by its name.
    pub pipelines: BTreeMap<String, Pipeline>,
    /// Where run directories go; in layer mode the layers' own folder in it, named after them as
    /// the Python helper does: the names with blanks between them.
    pub workdir: PathBuf,
    /// Address that mails come from.
    pub from: Option<String>,
    /// `Name <address>` for the commits.
    pub commit_author: String,
    /// Recipes that are passed over.
    pub blacklist: Vec<String>,
    /// Parts of maintainers whose recipes are tried; everybody's when empty.
    pub maintainers_whitelist: Vec<String>,
    /// Gets the mails about every recipe, and stands in for a missing maintainer.
    pub global_maintainer_override: Option<String>,
    /// Other recipients by the maintainer's address in lower case.
    pub maintainer_override: BTreeMap<String, String>,
    /// Who gets copies of the mails.
    pub cc_recipients: Vec<String>,
    /// Who gets the mail about the whole run.
    pub status_recipients: Vec<String>,
    /// Whether mails are sent.
    pub send_emails: bool,
    /// The mail server.
    pub smtp: Option<SmtpServer>,
    /// Where others can see the run directories.
    pub publish_work_url: Option<String>,
    /// Whether the mail about the run brings its tarball.
    pub summary_includes_tarball: bool,
    /// Whether the shared state cache is removed before a run.
    pub clean_sstate: bool,
    /// Whether `TMPDIR` is removed before a run.
    pub clean_tmp: bool,
    /// Whether only releases of the series that a recipe is in are taken.
    pub stable: bool,
    /// Whether the build history is compared.
    pub buildhistory: bool,
    /// Whether an image is tested.
    pub testimage: bool,
    /// Which image.
    pub testimage_name: String,
    /// The layers to work on; none outside of layer mode.
    pub layers: Option<Layers>,
    /// Folders with plugins, best first.
    pub plugin_path: Vec<PathBuf>,
    /// Whether plugin files that others could have written to are loaded too.
    pub allow_untrusted_plugins: bool,
    /// How builds use the host.
    pub build: Build,
    /// Name of the scheduler plugin that orders BitBake's own tasks; none for BitBake's choice.
    pub bitbake_scheduler: Option<String>,
    /// How long things may take.
    pub limits: Limits,
    /// How long to wait before another attempt, by class of failures: after the first failure, the
    /// second in a row and so on, the last one for all further ones; none is for ever.
    pub retry: BTreeMap<FailureClass, Vec<Option<Duration>>>,
    /// The plugins' own settings by plugin.
    pub plugins: BTreeMap<String, Map<String, Json>>,
    /// What has no effect or another one than it seems to have.
    pub warnings: Vec<Warning>,
    pub(crate) tree: Tree,
}

/// The layers that a run in layer mode works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Their names, at least one.
    pub names: Vec<String>,
    /// The folder of their repository.
    pub dir: PathBuf,
}

/// How builds use the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// BitBake's threads per build.
    pub threads: Threads,
    /// Whether sources of groups that come next are fetched while others are worked on.
    pub fetch_ahead: bool,
    /// `BB_PRESSURE_MAX_CPU`, 1 to 1,000,000.
    pub pressure_max_cpu: Option<f64>,
    /// `BB_PRESSURE_MAX_IO`, 1 to 1,000,000.
    pub pressure_max_io: Option<f64>,
    /// `BB_PRESSURE_MAX_MEMORY`, 1 to 1,000,000.
    pub pressure_max_memory: Option<f64>,
}

/// How long things may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// One command; none for no limit.
    pub command: Option<Duration>,
    /// One step for a group; none for no limit.
    pub step: Option<Duration>,
    /// One answer of the scheduler; none for no limit.
    pub scheduler: Option<Duration>,
    /// The whole run; none for no limit.
    pub run: Option<Duration>,
    /// The answer of one recipe's upstream; none for no limit.
    pub upstream_check: Option<Duration>,
    /// A command that was told to stop, before it is killed.
    pub grace: Duration,
}

/// A line of `auh config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key as `auh.toml` has it, with its tables.
    pub key: String,
    /// The value as `auh.toml` has it, with what looks like a secret hidden; none when it is not
    /// set.
    pub value: Option<String>,
    /// The same as JSON.
    pub json: Option<Json>,
    /// Where it came from.
    pub source: Source,
}

/// The keys of a plugin's table that are about where it runs, and not for the plugin.
const ISOLATION: &str = "isolation";
const ISOLATION_MEMORY: &str = "isolation-memory";

/// What a plugin in a process of its own may have of memory when the settings do not say.
const USUAL_MEMORY: u64 = 2 << 30;

impl Settings {
    /// The pipeline to run.
    #[must_use]
    pub fn chosen_pipeline(&self) -> &Pipeline {
        &self.pipelines[&self.pipeline]
    }

    /// Where the commits go: into the user's checkout for one job without company, else to a branch.
    #[must_use]
    pub fn integration(&self) -> Integrate {
        let usual = match (self.jobs.get(), self.batch.get()) {
            (1, 1) => Integrate::InPlace,
            _ => Integrate::Branch,
        };
        self.integrate.unwrap_or(usual)
    }

    /// What a plugin is given: its own table, and what the pipeline's entry says laid over it.
    #[must_use]
    pub fn plugin_options(&self, name: &str, entry: Option<&PipelineEntry>) -> Map<String, Json> {
        let mut options = self.plugins.get(name).cloned().unwrap_or_default();
        options.retain(|key, _| ![ISOLATION, ISOLATION_MEMORY].contains(&key.as_str()));
        if let Some(entry) = entry {
            lay_over(&mut options, &entry.with);
        }
        options
    }

    /// The plugins that get a process of their own, and how many bytes of memory each may have.
    #[must_use]
    pub fn isolated(&self) -> BTreeMap<String, u64> {
        let of = |name: &str, key: &str| {
            let path = ["plugins", name, key].map(str::to_owned);
            self.tree.get(&dotted(&path))
        };
        let memory = |name: &str| {
            let node = of(name, ISOLATION_MEMORY)?;
            Some(Size::from_node(node).ok()?.0)
        };
        let is_isolated = |name: &str| {
            let isolation = of(name, ISOLATION).and_then(|node| Isolation::from_node(node).ok());
            isolation.is_some_and(|isolation| isolation.0)
        };
        let names = self.plugins.keys().filter(|name| is_isolated(name));
        names
            .map(|name| (name.clone(), memory(name).unwrap_or(USUAL_MEMORY)))
            .collect()
    }

    /// Who gets the mails about a maintainer's recipes instead of the maintainer, if anybody.
    /// `maintainer` is an address or `Name <address>`; letter case makes no difference.
    #[must_use]
    pub fn override_for(&self, maintainer: &str) -> Option<&str> {
        let address = address_of(maintainer).to_lowercase();
        let global = self.global_maintainer_override.as_ref();
        global
            .or_else(|| self.maintainer_override.get(&address))
            .map(String::as_str)
    }

    /// Every key with its value and where that came from, in the order of the shipped defaults.
    #[must_use]
    pub fn explain(&self) -> Vec<Row> {
        schema::KEYS
            .iter()
            .flat_map(|key| self.rows(key.path))
            .collect()
    }

    /// The value of a dotted key, or of everything below it as a table; none when it is not set.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Json> {
        if let Some(node) = self.tree.get(key) {
            return Some(node.value.to_json());
        }
        let mut table = Map::new();
        for (rest, node) in self.tree.below(&split(key)) {
            if let [tables @ .., last] = rest {
                insert(&mut table, tables, last, node.value.to_json());
            }
        }
        (!table.is_empty()).then_some(Json::Object(table))
    }

    /// Where the value of a dotted key came from; none when it is not set.
    #[must_use]
    pub fn source(&self, key: &str) -> Option<&Source> {
        self.tree.get(key).map(|node| &node.at)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    fn rows(&self, key: &str) -> Vec<Row> {
        let row = |path: &[String], node: Option<&Node>| {
            let value = node.map(|node| node.value.without_secrets(path));
            Row {
                key: dotted(path),
                value: value.as_ref().map(|value| value.to_toml().to_string()),
                json: value.as_ref().map(Value::to_json),
                source: node.map_or(Source::Shipped, |node| node.at.clone()),
            }
        };
        match key.split_once(".*") {
            None => vec![row(&split(key), self.tree.get(key))],
            Some((table, end)) => self
                .tree
                .below(&[table.to_owned()])
                // Of `pipelines.*.steps` only the lists of steps.
                .filter(|(rest, _)| {
                    let end = end.trim_start_matches('.');
                    end.is_empty() || rest.last().is_some_and(|last| last == end)
                })
                .map(|(rest, node)| {
                    let path: Vec<_> = std::iter::once(table.to_owned())
                        .chain(rest.iter().cloned())
                        .collect();
                    row(&path, Some(node))
                })
                .collect(),
        }
    }

    pub(crate) fn from_tree(
        build_dir: &Path,
        tree: Tree,
        mut warnings: Vec<Warning>,
    ) -> Result<Self, ConfigError> {
        let values = Values {
            tree: &tree,
            build_dir,
        };
        let layers = values.layers()?;
        let from = values.optional::<Address>("from")?.map(|from| from.0);
        let from = from.filter(|from| !from.is_empty());
        Ok(Self {
            machines: values.machines(&mut warnings)?,
            scheduler: values.name("scheduler")?,
            pipeline: values.chosen_pipeline()?,
            jobs: values.required::<Jobs>("jobs")?.0,
            batch: values.required::<Batch>("batch")?.0,
            integrate: values.integrate()?,
            pipelines: values.pipelines()?,
            workdir: values.workdir(layers.as_ref())?,
            commit_author: values.commit_author(from.as_deref())?,
            from,
            blacklist: values.lines("blacklist")?,
            maintainers_whitelist: values.lines("maintainers-whitelist")?,
            global_maintainer_override: values.text("global-maintainer-override")?,
            maintainer_override: values.maintainer_override()?,
            cc_recipients: values.lines("cc-recipients")?,
            status_recipients: values.lines("status-recipients")?,
            send_emails: values.required("send-emails")?,
            smtp: values.optional::<Server>("smtp")?.and_then(|s| s.0),
            publish_work_url: values.text("publish-work-url")?,
            summary_includes_tarball: values.required("summary-includes-tarball")?,
            clean_sstate: values.required("clean-sstate")?,
            clean_tmp: values.required("clean-tmp")?,
            stable: values.required("stable")?,
            buildhistory: values.required("buildhistory")?,
            testimage: values.required("testimage")?,
            testimage_name: values.name("testimage-name")?,
            layers,
            plugin_path: values.paths("plugin-path")?,
            allow_untrusted_plugins: values.required("allow-untrusted-plugins")?,
            build: values.build()?,
            bitbake_scheduler: values
                .optional::<Name>("bitbake.scheduler")?
                .map(|name| name.0),
            limits: values.limits()?,
            retry: values.retry()?,
            plugins: values.plugins(),
            warnings,
            tree,
        })
    }
}

/// Lays one plugin table over another; tables in them are joined key by key.
fn lay_over(below: &mut Map<String, Json>, above: &Map<String, Json>) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Json::Object(below)), Json::Object(above)) => lay_over(below, above),
            _ => {
                below.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Takes typed values out of the layers.
struct Values<'a> {
    tree: &'a Tree,
    build_dir: &'a Path,
}

impl Values<'_> {
    fn optional<T: FromNode>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let node = self.tree.get(key);
        let value = node.map(T::from_node).transpose();
        value.map_err(|wrong| wrong.of_key(key.to_owned()))
    }

    /// A value that the shipped defaults have.
    fn required<T: FromNode>(&self, key: &str) -> Result<T, ConfigError> {
        let missing = || invalid(&Source::Shipped, key, "is not set");
        self.optional(key)?.ok_or_else(missing)
    }

    fn name(&self, key: &str) -> Result<String, ConfigError> {
        Ok(self.required::<Name>(key)?.0)
    }

    /// A text; none when it is empty, so that a file can unset what another one sets.
    fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        let line = self.optional::<Line>(key)?;
        Ok(line.map(|line| line.0).filter(|text| !text.is_empty()))
    }

    fn lines(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let lines: Vec<Line> = self.required(key)?;
        Ok(lines.into_iter().map(|line| line.0).collect())
    }

    fn paths(&self, key: &str) -> Result<Vec<PathBuf>, ConfigError> {
        let lines = self.lines(key)?;
        Ok(lines.iter().map(|line| self.path(line)).collect())
    }

    /// A path that starts at the build directory, by name or because it is relative.
    fn path(&self, text: &str) -> PathBuf {
        let rest = ["$BUILDDIR", "${BUILDDIR}"]
            .iter()
            .find_map(|name| text.strip_prefix(name))
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match rest {
            Some(rest) => self.build_dir.join(rest.trim_start_matches('/')),
            None => self.build_dir.join(text),
        }
    }

    /// Where the value of a key that is known to be there stands.
    fn at(&self, key: &str) -> &Source {
        self.tree.get(key).map_or(&Source::Shipped, |node| &node.at)
    }

    fn machines(&self, warnings: &mut Vec<Warning>) -> Result<Vec<Machine>, ConfigError> {
        let key = "machines";
        let mut machines: Vec<Machine> = Vec::new();
        for machine in self.required::<Vec<Machine>>(key)? {
            if machines.contains(&machine) {
                warnings.push(Warning {
                    at: self.at(key).clone(),
                    message: format!("{machine} appears twice in machines and is built once"),
                    hint: None,
                });
            } else {
                machines.push(machine);
            }
        }
        if machines.is_empty() {
            return Err(invalid(self.at(key), key, "no machine to build for"));
        }
        Ok(machines)
    }

    fn layers(&self) -> Result<Option<Layers>, ConfigError> {
        if !self.required::<bool>("layer-mode")? {
            return Ok(None);
        }
        let names: Vec<Name> = self.required("layer-name")?;
        let names: Vec<_> = names.into_iter().map(|name| name.0).collect();
        match self.text("layer-dir")? {
            Some(dir) if !names.is_empty() => {
                let dir = self.path(&dir);
                Ok(Some(Layers { names, dir }))
            }
            dir => {
                let missing = dir.map_or("layer-dir", |_| "layer-name");
                let reason = format!("layer mode is on and {missing} is not set");
                let hint = "set layer-name and layer-dir (--layer-names, --layer-dir)";
                Err(invalid_with(
                    self.at("layer-mode"),
                    "layer-mode",
                    reason,
                    hint,
                ))
            }
        }
    }

    fn workdir(&self, layers: Option<&Layers>) -> Result<PathBuf, ConfigError> {
        let key = "workdir";
        let Some(text) = self.text(key)? else {
            return Err(invalid(self.at(key), key, "the path is empty"));
        };
        let workdir = self.path(&text);
        Ok(match layers {
            Some(layers) => workdir.join(layers.names.join(" ")),
            None => workdir,
        })
    }

    fn commit_author(&self, from: Option<&str>) -> Result<String, ConfigError> {
        let author = self.optional::<Author>("commit-author")?.map(|a| a.0);
        let author = author.filter(|author| !author.is_empty());
        let from = from.unwrap_or("uh@not.set");
        Ok(author.unwrap_or_else(|| format!("Upgrade Helper <{from}>")))
    }

    fn maintainer_override(&self) -> Result<BTreeMap<String, String>, ConfigError> {
        let table = ["maintainer-override".to_owned()];
        let mut overrides = BTreeMap::new();
        for (rest, node) in self.tree.below(&table) {
            let line = Line::from_node(node).map_err(|wrong| wrong.of_key(dotted(rest)))?;
            // An empty text unsets what a lower layer says.
            if !line.0.is_empty() {
                overrides.insert(rest.concat(), line.0);
            }
        }
        Ok(overrides)
    }

    fn build(&self) -> Result<Build, ConfigError> {
        let pressure = |key| Ok(self.optional::<Pressure>(key)?.map(|pressure| pressure.0));
        Ok(Build {
            threads: self.required("build.threads")?,
            fetch_ahead: self.required("build.fetch-ahead")?,
            pressure_max_cpu: pressure("build.pressure-max-cpu")?,
            pressure_max_io: pressure("build.pressure-max-io")?,
            pressure_max_memory: pressure("build.pressure-max-memory")?,
        })
    }

    /// Groups that are under way together in the same checkout would commit each other's changes.
    fn integrate(&self) -> Result<Option<Integrate>, ConfigError> {
        let integrate = self.optional::<Integrate>("integrate")?;
        let jobs = self.required::<Jobs>("jobs")?.0;
        let batch = self.required::<Batch>("batch")?.0;
        let several = match (jobs.get(), batch.get()) {
            (1, 1) => None,
            (1, batch) => Some(format!("batches of {batch}")),
            (jobs, _) => Some(format!("{jobs} jobs")),
        };
        if let (Some(Integrate::InPlace), Some(several)) = (integrate, several) {
            return Err(invalid_with(
                self.at("integrate"),
                "integrate",
                format!("\"in-place\" does not go with {several}"),
                "they need work trees of their own: say \"branch\" or \"fast-forward\"",
            ));
        }
        Ok(integrate)
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        Ok(Limits {
            command: self.required::<Limit>("limits.command")?.0,
            step: self.required::<Limit>("limits.step")?.0,
            scheduler: self.required::<Limit>("limits.scheduler")?.0,
            run: self.required::<Limit>("limits.run")?.0,
            upstream_check: self.required::<Limit>("limits.upstream-check")?.0,
            grace: self
                .required::<Limit>("limits.grace")?
                .0
                .unwrap_or_default(),
        })
    }

    fn retry(&self) -> Result<BTreeMap<FailureClass, Vec<Option<Duration>>>, ConfigError> {
        let classes = FailureClass::ALL.into_iter();
        let waits = classes.map(|class| {
            let backoff: Backoff = self.required(&format!("retry.{class}"))?;
            Ok((class, backoff.0))
        });
        waits.collect()
    }

    /// The name of the pipeline to run. Every setting that names one is checked.
    fn chosen_pipeline(&self) -> Result<String, ConfigError> {
        let pipelines = self.pipelines()?;
        let names: Vec<_> = pipelines.into_keys().collect();
        for key in [
            "flags.serial-build",
            "flags.skip-compilation",
            "flags.resend-mail",
            "pipeline",
        ] {
            let name = self.optional::<Name>(key)?.map(|name| name.0);
            if let Some(name) = name.filter(|name| !names.contains(name)) {
                return Err(schema::one_of(self.at(key), key, &name, &names));
            }
        }
        self.name("pipeline")
    }

    fn pipelines(&self) -> Result<BTreeMap<String, Pipeline>, ConfigError> {
        let table = ["pipelines".to_owned()];
        let mut pipelines = BTreeMap::new();
        for (rest, node) in self.tree.below(&table) {
            let key = format!("pipelines.{}", dotted(rest));
            let [name, list @ ..] = rest else { continue };
            let is_closing = list == ["closing"];
            // A pipeline's empty table is here as itself, and is no list.
            let steps = Vec::from_node(node).map_err(|wrong| wrong.of_key(key.clone()))?;
            if steps.is_empty() && !is_closing {
                return Err(invalid(&node.at, &key, "the pipeline has no steps"));
            }
            let steps = self.wanted_entries(node, &key, steps)?;
            let pipeline = pipelines.entry(name.clone()).or_insert_with(|| Pipeline {
                name: name.clone(),
                steps: Vec::new(),
                closing: Vec::new(),
            });
            if is_closing {
                pipeline.closing = steps;
            } else {
                pipeline.steps = steps;
            }
        }
        Ok(pipelines)
    }

    /// The entries whose switch is on, or that have none.
    fn wanted_entries(
        &self,
        node: &Node,
        key: &str,
        entries: Vec<PipelineEntry>,
    ) -> Result<Vec<PipelineEntry>, ConfigError> {
        let mut wanted = Vec::new();
        for entry in entries {
            let on = match &entry.when {
                None => true,
                Some(switch) => match self.tree.get(switch).map(|node| &node.value) {
                    Some(Value::Switch(on)) => *on,
                    _ => {
                        return Err(invalid_with(
                            &node.at,
                            key,
                            format!("when = {switch:?} names no switch among the settings"),
                            "a switch is a setting that is true or false, such as buildhistory",
                        ));
                    }
                },
            };
            if on {
                wanted.push(entry);
            }
        }
        Ok(wanted)
    }

    fn plugins(&self) -> BTreeMap<String, Map<String, Json>> {
        let table = ["plugins".to_owned()];
        let mut plugins: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
        for (rest, node) in self.tree.below(&table) {
            let [plugin, inner @ ..] = rest else { continue };
            let options = plugins.entry(plugin.clone()).or_default();
            if let [tables @ .., key] = inner {
                insert(options, tables, key, node.value.to_json());
            }
        }
        plugins
    }
}

fn insert(options: &mut Map<String, Json>, tables: &[String], key: &str, value: Json) {
    match tables {
        [] => {
            options.insert(key.to_owned(), value);
        }
        [table, rest @ ..] => {
            let inner = options
                .entry(table.clone())
                .or_insert_with(|| Map::new().into());
            // A tree holds no key both as a table and as something else.
            if let Json::Object(inner) = inner {
                insert(inner, rest, key, value);
            }
        }
    }
}

fn invalid(at: &Source, key: &str, reason: &str) -> ConfigError {
    ConfigError::Invalid {
        at: at.clone(),
        key: key.to_owned(),
        reason: reason.to_owned(),
        hint: None,
    }
}

fn invalid_with(at: &Source, key: &str, reason: String, hint: &str) -> ConfigError {
    ConfigError::Invalid {
        at: at.clone(),
        key: key.to_owned(),
        reason,
        hint: Some(hint.to_owned()),
    }
}
