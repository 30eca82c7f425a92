//! Flags of the command line that settings take part in.

use crate::{
    ConfigError, Source, schema,
    tree::{Node, Tree, Value, split},
};
use std::path::PathBuf;

/// What the command line says; flags that were not given are none, false or empty. Relative
/// paths start at the build directory, so the caller makes them absolute where they shall
/// start elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--machines "A B_musl"`: words between blanks or commas.
    pub machines: Option<String>,
    /// `--scheduler NAME`.
    pub scheduler: Option<String>,
    /// `--pipeline NAME`; beats the two flags below.
    pub pipeline: Option<String>,
    /// `-s, --skip-compilation`: the pipeline that `flags.skip-compilation` names; beats the
    /// flag below.
    pub skip_compilation: bool,
    /// `--serial-build`: the pipeline that `flags.serial-build` names.
    pub serial_build: bool,
    /// `--jobs N`.
    pub jobs: Option<usize>,
    /// `--batch N`.
    pub batch: Option<usize>,
    /// `--integrate PLACE`.
    pub integrate: Option<String>,
    /// `-e, --send-emails`.
    pub send_emails: bool,
    /// `--stable`.
    pub stable: bool,
    /// `--workdir DIR`.
    pub workdir: Option<PathBuf>,
    /// `--layer-names L…`; switches layer mode on when there are any.
    pub layer_names: Vec<String>,
    /// `--layer-dir DIR`.
    pub layer_dir: Option<PathBuf>,
    /// `--plugin-path DIR`, each time it is given.
    pub plugin_path: Vec<PathBuf>,
    /// `--allow-untrusted-plugins`.
    pub allow_untrusted_plugins: bool,
}

impl Flags {
    /// The flags as the uppermost layer of values. `below` is everything that they lie over.
    pub(crate) fn layer(&self, below: &Tree) -> Result<Tree, ConfigError> {
        let mut layer = Layer(Tree::default());
        layer.words("--machines", "machines", self.machines.as_deref())?;
        layer.text("--scheduler", "scheduler", self.scheduler.as_deref())?;
        self.choose_pipeline(&mut layer, below)?;
        for (flag, key, number) in [
            ("--jobs", "jobs", self.jobs),
            ("--batch", "batch", self.batch),
        ] {
            let Some(number) = number else { continue };
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            layer.set(flag, key, |_| Value::Integer(number))?;
        }
        layer.text("--integrate", "integrate", self.integrate.as_deref())?;
        layer.path("--workdir", "workdir", self.workdir.as_ref())?;
        layer.path("--layer-dir", "layer-dir", self.layer_dir.as_ref())?;
        if !self.layer_names.is_empty() {
            layer.on("--layer-names", "layer-mode")?;
            layer.list("--layer-names", "layer-name", &self.layer_names)?;
        }
        if !self.plugin_path.is_empty() {
            let paths: Result<Vec<_>, _> = self
                .plugin_path
                .iter()
                .map(|path| utf8("--plugin-path", "plugin-path", path))
                .collect();
            layer.list("--plugin-path", "plugin-path", &paths?)?;
        }
        if self.send_emails {
            layer.on("--send-emails", "send-emails")?;
        }
        if self.stable {
            layer.on("--stable", "stable")?;
        }
        if self.allow_untrusted_plugins {
            layer.on("--allow-untrusted-plugins", "allow-untrusted-plugins")?;
        }
        Ok(layer.0)
    }

    fn choose_pipeline(&self, layer: &mut Layer, below: &Tree) -> Result<(), ConfigError> {
        if self.pipeline.is_some() {
            return layer.text("--pipeline", "pipeline", self.pipeline.as_deref());
        }
        let (flag, key) = match (self.skip_compilation, self.serial_build) {
            (true, _) => ("--skip-compilation", "flags.skip-compilation"),
            (false, true) => ("--serial-build", "flags.serial-build"),
            (false, false) => return Ok(()),
        };
        match below.get(key).map(|node| &node.value) {
            Some(Value::Text(name)) => layer.text(flag, "pipeline", Some(name)),
            _ => Ok(()),
        }
    }
}

struct Layer(Tree);

impl Layer {
    fn set(
        &mut self,
        flag: &'static str,
        key: &str,
        value: impl FnOnce(&Source) -> Value,
    ) -> Result<(), ConfigError> {
        let at = Source::Flag(flag);
        let value = value(&at);
        let path = split(key);
        let node = Node { at, value };
        schema::check(&path, &node)?;
        self.0.set(path, node);
        Ok(())
    }

    fn text(
        &mut self,
        flag: &'static str,
        key: &str,
        text: Option<&str>,
    ) -> Result<(), ConfigError> {
        match text {
            Some(text) => self.set(flag, key, |_| Value::Text(text.to_owned())),
            None => Ok(()),
        }
    }

    fn path(
        &mut self,
        flag: &'static str,
        key: &str,
        path: Option<&PathBuf>,
    ) -> Result<(), ConfigError> {
        match path {
            Some(path) => self.text(flag, key, Some(&utf8(flag, key, path)?)),
            None => Ok(()),
        }
    }

    fn words(
        &mut self,
        flag: &'static str,
        key: &str,
        text: Option<&str>,
    ) -> Result<(), ConfigError> {
        let Some(text) = text else { return Ok(()) };
        let words = text.split(|c: char| c.is_whitespace() || c == ',');
        let words: Vec<_> = words.filter(|w| !w.is_empty()).map(str::to_owned).collect();
        self.list(flag, key, &words)
    }

    fn list(&mut self, flag: &'static str, key: &str, texts: &[String]) -> Result<(), ConfigError> {
        self.set(flag, key, |at| Value::texts(at, texts))
    }

    fn on(&mut self, flag: &'static str, key: &str) -> Result<(), ConfigError> {
        self.set(flag, key, |_| Value::Switch(true))
    }
}

/// A path's text; settings hold nothing but UTF-8.
fn utf8(flag: &'static str, key: &str, path: &std::path::Path) -> Result<String, ConfigError> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(ConfigError::Invalid {
            at: Source::Flag(flag),
            key: key.to_owned(),
            reason: format!("{} is no UTF-8 text", path.display()),
            hint: None,
        }),
    }
}
