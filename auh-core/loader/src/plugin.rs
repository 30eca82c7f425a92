//! One loaded plugin file.

use crate::{HostCalls, LoadError, Object, Trust, elf, file};
use auh_abi::{
    ABI, ABI_SYMBOL, PluginModule_Ref,
    abi_stable::library::{LibHeader, lib_header_from_path},
};
use auh_protocol::{API, PluginFault, PluginManifest};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A plugin whose code is loaded. Cheap to clone; stays loaded for good.
#[derive(Clone)]
pub struct Plugin {
    file: Arc<Path>,
    manifest: Arc<PluginManifest>,
    module: PluginModule_Ref,
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
        Object::create(self.module, host, options)
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
    file::check(path, trust)?;
    elf::check(path).map_err(|reason| LoadError::NoLibrary {
        file: path.to_owned(),
        reason,
    })?;
    // Without a slash in it, the dynamic linker would search the system's folders for the name.
    let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    check_abi(path)?;
    let module = root_module(path)?;
    let manifest = manifest(path, module)?;
    if !manifest.speaks(API) {
        return Err(LoadError::WrongApi {
            file: path.clone(),
            name: manifest.name,
            version: manifest.version,
            low: manifest.api.0,
            high: manifest.api.1,
            wanted: API,
        });
    }
    Ok(Plugin {
        file: path.as_path().into(),
        manifest: manifest.into(),
        module,
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

fn manifest(path: &Path, module: PluginModule_Ref) -> Result<PluginManifest, LoadError> {
    let bad = |reason: String| LoadError::BadManifest {
        file: path.to_owned(),
        reason,
    };
    let text = (module.manifest())().into_result().map_err(|fault| {
        bad(format!(
            "its manifest cannot be had: {}",
            crate::object::fault(&fault)
        ))
    })?;
    let manifest: PluginManifest = serde_json::from_str(&text)
        .map_err(|error| bad(format!("its manifest is not understood: {error}")))?;
    let promised = crate::file_name(manifest.kind, &manifest.name);
    match path.file_name() {
        Some(name) if name.to_string_lossy() == promised => Ok(manifest),
        _ => Err(bad(format!(
            "it says that it is the {} plugin {:?}, whose file would be called {promised}",
            manifest.kind, manifest.name
        ))),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
