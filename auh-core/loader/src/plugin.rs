//! One loaded plugin file.

use crate::{
    Apart, HostCalls, LoadError, Object, Trust,
    apart::{self, Conversation},
    elf, file,
    object::Local,
};
use auh_abi::{
    ABI, ABI_SYMBOL, PluginModule_Ref,
    abi_stable::library::{LibHeader, lib_header_from_path},
};
use auh_protocol::{API, PluginFault, PluginManifest};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A plugin that was found fit. Cheap to clone; code that was loaded stays loaded for good.
#[derive(Clone)]
pub struct Plugin {
    file: Arc<Path>,
    manifest: Arc<PluginManifest>,
    code: Code,
}

/// Where a plugin's code runs.
#[derive(Clone)]
enum Code {
    Here(PluginModule_Ref),
    Apart(Arc<Apart>),
}

impl Plugin {
    /// The file it came from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What it says about itself.
    #[must_use]
    pub fn manifest(&self) -> &PluginManifest {
        &self.manifest
    }

    /// Makes an object of it, with its settings as JSON.
    pub fn create(&self, host: Arc<dyn HostCalls>, options: &str) -> Result<Object, PluginFault> {
        match &self.code {
            Code::Here(module) => Local::create(*module, host, options).map(Object::here),
            Code::Apart(apart) => {
                Conversation::begin(apart, &self.file, host, options).map(Object::apart)
            }
        }
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Checks and loads one plugin file.
pub fn load(path: &Path, trust: Trust) -> Result<Plugin, LoadError> {
    let path = &absolute(path);
    let module = code_of(path, trust)?;
    let manifest = manifest_of(module)
        .map_err(|fault| bad(path, format!("its manifest cannot be had: {fault}")))?;
    plugin(path, &manifest, Code::Here(module))
}

/// Checks one plugin file, which is loaded in a process of its own only.
pub fn load_apart(path: &Path, trust: Trust, apart: &Apart) -> Result<Plugin, LoadError> {
    let path = &absolute(path);
    check(path, trust)?;
    let manifest = apart::manifest(apart, path)?;
    plugin(path, &manifest, Code::Apart(Arc::new(apart.clone())))
}

/// Checks a file and loads its code.
pub(crate) fn code_of(path: &Path, trust: Trust) -> Result<PluginModule_Ref, LoadError> {
    check(path, trust)?;
    let path = absolute(path);
    check_abi(&path)?;
    root_module(&path)
}

/// The manifest of loaded code, as JSON.
pub(crate) fn manifest_of(module: PluginModule_Ref) -> Result<String, PluginFault> {
    (module.manifest())()
        .into_result()
        .map(Into::into)
        .map_err(|fault| crate::object::fault(&fault))
}

/// Without a slash in it, the dynamic linker would search the system's folders for the name.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What can be seen without running anything of it.
fn check(path: &Path, trust: Trust) -> Result<(), LoadError> {
    file::check(path, trust)?;
    elf::check(path).map_err(|reason| LoadError::NoLibrary {
        file: path.to_owned(),
        reason,
    })
}

/// The plugin, once its manifest says that it is one for this host.
fn plugin(path: &Path, manifest: &str, code: Code) -> Result<Plugin, LoadError> {
    let manifest = read_manifest(path, manifest)?;
    if !manifest.speaks(API) {
        return Err(LoadError::WrongApi {
            file: path.to_owned(),
            name: manifest.name,
            version: manifest.version,
            low: manifest.api.0,
            high: manifest.api.1,
            wanted: API,
        });
    }
    Ok(Plugin {
        file: path.into(),
        manifest: manifest.into(),
        code,
    })
}

/// Reads the plain C number first: abi_stable's own answer to a mismatch has 600 lines.
fn check_abi(path: &PathBuf) -> Result<(), LoadError> {
    // SAFETY: loading runs the library's constructors, which is what a plugin is for; the file
    // was checked to be a whole library that no one else can change.
    let library =
        unsafe { libloading::Library::new(path) }.map_err(|error| LoadError::NoLibrary {
            file: path.clone(),
            reason: first_line(&error.to_string()),
        })?;
    let name = format!("{ABI_SYMBOL}\0");
    // SAFETY: the symbol, when there is one, is a `u32` by the contract of `ABI_SYMBOL`.
    let found =
        unsafe { library.get::<*const u32>(name.as_bytes()) }.map(|symbol| unsafe { **symbol });
    match found {
        Ok(ABI) => Ok(()),
        Ok(found) => Err(LoadError::WrongAbi {
            file: path.clone(),
            found,
            wanted: ABI,
        }),
        Err(_) => Err(LoadError::NoPlugin {
            file: path.clone(),
            symbol: ABI_SYMBOL,
        }),
    }
}

fn root_module(path: &Path) -> Result<PluginModule_Ref, LoadError> {
    // Not `RootModule::load_from_file`: that is a singleton, and a second file would answer
    // with the first plugin.
    lib_header_from_path(path)
        .and_then(LibHeader::init_root_module::<PluginModule_Ref>)
        .map_err(|error| LoadError::WrongLayout {
            file: path.to_owned(),
            abi: ABI,
            detail: error.to_string(),
        })
}

fn read_manifest(path: &Path, text: &str) -> Result<PluginManifest, LoadError> {
    let manifest: PluginManifest = serde_json::from_str(text)
        .map_err(|error| bad(path, format!("its manifest is not understood: {error}")))?;
    if let Some(what) = unfit_for_people(&manifest) {
        let reason = format!("its {what} is no short line of plain text");
        return Err(bad(path, reason));
    }
    let promised = crate::file_name(manifest.kind, &manifest.name);
    match path.file_name() {
        Some(name) if name.to_string_lossy() == promised => Ok(manifest),
        _ => Err(bad(
            path,
            format!(
                "it says that it is the {} plugin {:?}, whose file would be called {promised}",
                manifest.kind, manifest.name
            ),
        )),
    }
}

/// Which of the texts that are shown to people is none that can be shown.
fn unfit_for_people(manifest: &PluginManifest) -> Option<&'static str> {
    const LONGEST: usize = 300;
    let texts = [
        ("name", &manifest.name),
        ("version", &manifest.version),
        ("summary", &manifest.summary),
    ];
    let aliases = manifest.aliases.iter().map(|alias| ("alias", alias));
    let is_unfit = |text: &str| text.len() > LONGEST || text.contains(auh_foreign::steers);
    let mut all = texts.into_iter().chain(aliases);
    all.find(|(_, text)| is_unfit(text)).map(|(what, _)| what)
}

fn bad(path: &Path, reason: String) -> LoadError {
    LoadError::BadManifest {
        file: path.to_owned(),
        reason,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
