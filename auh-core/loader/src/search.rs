//! Where plugins are looked for: the settings' folders, `AUH_PLUGIN_PATH`, the user's data
//! folder, and beside the program.

use crate::{Apart, LoadError, Plugin, Trust, load, load_apart};
use auh_protocol::PluginKind;
use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

/// Folders with plugins, separated by `:`.
pub const PLUGIN_PATH_VARIABLE: &str = "AUH_PLUGIN_PATH";

/// Folders to look for plugins in, best first, and which files there are trusted.
#[derive(Debug, Clone, Default)]
pub struct Search {
    folders: Vec<PathBuf>,
    trust: Trust,
    /// Names of files that are loaded in a process of their own.
    apart: BTreeMap<String, Apart>,
}

impl Search {
    /// Looks in `folders`, best first.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>, trust: Trust) -> Self {
        Self {
            folders,
            trust,
            apart: BTreeMap::new(),
        }
    }

    /// Gives the plugin of this name, whatever its kind, a process of its own.
    #[must_use]
    pub fn isolating(mut self, name: &str, apart: &Apart) -> Self {
        for kind in [PluginKind::Step, PluginKind::Scheduler] {
            self.apart.insert(file_name(kind, name), apart.clone());
        }
        self
    }

    /// The usual folders behind those that the settings name.
    #[must_use]
    pub fn usual(settings: Vec<PathBuf>, trust: Trust) -> Self {
        let mut folders = settings;
        if let Some(path) = env::var_os(PLUGIN_PATH_VARIABLE) {
            folders.extend(env::split_paths(&path).filter(|p| !p.as_os_str().is_empty()));
        }
        folders.extend(data_folder().map(|data| data.join("auh/plugins")));
        if let Some(program) = env::current_exe()
            .ok()
            .and_then(|p| p.parent().map(Path::to_owned))
        {
            folders.push(program.join("plugins"));
            folders.push(program.join("../lib/auh/plugins"));
            folders.push(program);
        }
        Self::new(folders, trust)
    }

    /// The folders, best first.
    #[must_use]
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Loads the plugin that goes by `name`: the file named after it, else the first one whose
    /// manifest has it as an alias.
    pub fn load(&self, kind: PluginKind, name: &str) -> Result<Plugin, LoadError> {
        if let Some(file) = self.files().get(&file_name(kind, name)) {
            return self.load_file(file);
        }
        let of_kind: Vec<_> = self
            .all()
            .into_iter()
            .flatten()
            .filter(|p| p.manifest().kind == kind)
            .collect();
        let known = of_kind.iter().map(|p| p.manifest().name.clone()).collect();
        of_kind
            .into_iter()
            .find(|plugin| plugin.manifest().answers_to(name))
            .ok_or_else(|| LoadError::NotFound {
                kind,
                name: name.to_owned(),
                known,
                folders: self.folders.clone(),
            })
    }

    /// Loads every plugin of the search path; the first file of a name hides later ones.
    #[must_use]
    pub fn all(&self) -> Vec<Result<Plugin, LoadError>> {
        self.files()
            .values()
            .map(|file| self.load_file(file))
            .collect()
    }

    fn load_file(&self, file: &Path) -> Result<Plugin, LoadError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        match self.apart.get(&*name) {
            Some(apart) => load_apart(file, self.trust, apart),
            None => load(file, self.trust),
        }
    }

    /// Plugin files by file name; of the same name, the one in the best folder.
    fn files(&self) -> BTreeMap<String, PathBuf> {
        let mut files = BTreeMap::new();
        for folder in &self.folders {
            // A folder of the search path that does not exist is no error: most do not.
            let Ok(entries) = std::fs::read_dir(folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if is_plugin_name(&name) {
                    files.entry(name).or_insert_with(|| entry.path());
                }
            }
        }
        files
    }
}

/// `libauh_step_NAME.so` or `libauh_scheduler_NAME.so`, dashes as underscores.
#[must_use]
pub fn file_name(kind: PluginKind, name: &str) -> String {
    format!("libauh_{kind}_{}.so", name.replace('-', "_"))
}

fn is_plugin_name(name: &str) -> bool {
    [PluginKind::Step, PluginKind::Scheduler]
        .iter()
        .any(|kind| name.starts_with(&format!("libauh_{kind}_")) && name.ends_with(".so"))
}

fn data_folder() -> Option<PathBuf> {
    env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|p| p.is_absolute())
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".local/share")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_follows_from_kind_and_name() {
        assert_eq!(
            file_name(PluginKind::Step, "git-commit"),
            "libauh_step_git_commit.so"
        );
        assert!(is_plugin_name("libauh_scheduler_rm_work.so"));
        assert!(!is_plugin_name("libauh_step_x.so.d"));
        assert!(!is_plugin_name("libc.so"));
    }

    #[test]
    fn the_first_folder_wins() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [&a, &b] {
            std::fs::write(folder.path().join("libauh_step_x.so"), "").unwrap();
        }
        std::fs::write(b.path().join("libauh_step_y.so"), "").unwrap();
        let search = Search::new(vec![a.path().into(), b.path().into()], Trust::Strict);
        let files: Vec<_> = search.files().into_values().collect();
        assert_eq!(
            files,
            [
                a.path().join("libauh_step_x.so"),
                b.path().join("libauh_step_y.so")
            ]
        );
    }

    #[test]
    fn a_name_that_nobody_has_lists_the_folders() {
        let search = Search::new(vec!["/nonexistent".into()], Trust::Strict);
        let error = search.load(PluginKind::Step, "x").err().unwrap();
        assert_eq!(error.to_string(), "there is no step plugin \"x\"");
        assert!(error.hint().unwrap().contains("/nonexistent"));
    }
}
