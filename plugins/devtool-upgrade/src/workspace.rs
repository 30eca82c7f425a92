//! What of devtool's workspace belongs to one recipe: to refuse a recipe that is in it, and to take
//! out again what an upgrade left there.

use auh_sdk::Recipe;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// The part of the workspace that is about one recipe, as it was before the upgrade.
pub(crate) struct Part {
    workspace: PathBuf,
    pn: String,
    /// The recipe's name, and the part of its file's name that devtool names its append after.
    names: [String; 2],
    before: BTreeSet<PathBuf>,
}

impl Part {
    pub(crate) fn new(workspace: &Path, recipe: &Recipe) -> Self {
        let pn = recipe.name.to_string();
        let file = recipe.file.file_stem().unwrap_or_default();
        let file = file.to_string_lossy();
        let name = file.rsplit_once('_').map_or(&*file, |(name, _)| name);
        let names = [pn.clone(), name.to_owned()];
        let mut part = Self {
            workspace: workspace.to_owned(),
            names,
            pn,
            before: BTreeSet::new(),
        };
        part.before = part.everything();
        part
    }

    /// The same part as an earlier attempt found it.
    pub(crate) fn found_before(self, before: BTreeSet<PathBuf>) -> Self {
        Self { before, ..self }
    }

    /// What was there before the upgrade.
    pub(crate) fn before(&self) -> &BTreeSet<PathBuf> {
        &self.before
    }

    /// Something that shows that the recipe is in the workspace already, or would be in the way.
    pub(crate) fn occupied(&self) -> Option<PathBuf> {
        let folders = ["recipes", "sources"].map(|kind| self.workspace.join(kind).join(&self.pn));
        let filled = folders.into_iter().find(|folder| !is_empty(folder));
        self.appends().into_iter().next().or(filled)
    }

    /// Whether devtool knows the recipe as one in the workspace: then it can be reset. An append
    /// that devtool was stopped in the middle of does not name the source tree yet.
    pub(crate) fn is_known_to_devtool(&self) -> bool {
        let known = format!("EXTERNALSRC:pn-{} ", self.pn);
        let says_so =
            |append: &PathBuf| fs::read_to_string(append).is_ok_and(|text| text.contains(&known));
        self.appends().iter().any(says_so)
    }

    /// Where devtool leaves the changelog that it extracted.
    pub(crate) fn changelog(&self) -> PathBuf {
        self.workspace
            .join("changelogs")
            .join(format!("{}.txt", self.pn))
    }

    /// Removes what is there now and was not before.
    pub(crate) fn remove_new(&self) -> io::Result<()> {
        let now = self.everything();
        // Deepest first, so that folders are empty by the time it is their turn.
        for path in now.iter().rev().filter(|path| !self.before.contains(*path)) {
            remove(path)?;
        }
        self.forget_checksums()
    }

    /// Files and folders that devtool makes for this recipe. Folders that recipes share are among
    /// them: they are only removed when they are new and empty.
    fn everything(&self) -> BTreeSet<PathBuf> {
        let workspace = &self.workspace;
        let mut found: Vec<PathBuf> = self.appends();
        found.push(workspace.join("recipes").join(&self.pn));
        found.push(workspace.join(FETCHES));
        found.push(workspace.join("sources").join(&self.pn));
        found.push(self.changelog());
        found.extend(self.attic_sources());
        below(&workspace.join("attic").join(&self.pn), &mut found);
        let shared = ["attic", "attic/sources", "changelogs"];
        found.extend(shared.map(|folder| workspace.join(folder)));
        found.retain(|path| path.symlink_metadata().is_ok());
        found.into_iter().collect()
    }

    fn appends(&self) -> Vec<PathBuf> {
        let is_own = |file: &str| {
            let stem = file.strip_suffix(".bbappend")?;
            let rest = self
                .names
                .iter()
                .find_map(|own| stem.strip_prefix(own.as_str()))?;
            (rest.is_empty() || rest.rfind('_') == Some(0)).then_some(())
        };
        entries(&self.workspace.join("appends"), |file| {
            is_own(file).is_some()
        })
    }

    /// `PN.YYYYMMDDHHMMSS`.
    fn attic_sources(&self) -> Vec<PathBuf> {
        let is_own = |file: &str| {
            let time = file.strip_prefix(&self.pn)?.strip_prefix('.')?;
            (time.len() == 14 && time.bytes().all(|b| b.is_ascii_digit())).then_some(())
        };
        entries(&self.workspace.join("attic/sources"), |file| {
            is_own(file).is_some()
        })
    }

    /// devtool's list of the files it wrote, `PN|FILE|MD5`: with entries left of a recipe that is not
    /// in the workspace, a later reset would take the wrong files for changed ones.
    fn forget_checksums(&self) -> io::Result<()> {
        let file = self.workspace.join(".devtool_md5");
        let Ok(text) = fs::read_to_string(&file) else {
            return Ok(());
        };
        let own = format!("{}|", self.pn);
        if !text.lines().any(|line| line.starts_with(&own)) {
            return Ok(());
        }
        let lines = text.split_inclusive('\n');
        let kept: String = lines.filter(|line| !line.starts_with(&own)).collect();
        fs::write(file, kept)
    }
}

/// Where devtool writes recipes of its own to fetch a release with (`scriptutils.fetch_url`). It takes
/// them away again unless it is killed; BitBake would parse what is left.
const FETCHES: &str = "recipes/recipetool";

/// Removes a file, a folder of one recipe with all in it, or a shared folder if it is empty.
fn remove(path: &Path) -> io::Result<()> {
    let folder = path.parent().and_then(Path::file_name);
    let of_one_recipe = folder.is_some_and(|name| name == "recipes" || name == "sources");
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_dir() => fs::remove_file(path),
        Ok(_) if of_one_recipe => fs::remove_dir_all(path),
        Ok(_) if is_empty(path) => fs::remove_dir(path),
        _ => Ok(()),
    }
}

/// Whether there is nothing in the folder, or no folder.
fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// Entries of a folder whose name is UTF-8 and wanted.
fn entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
        .collect()
}

/// A folder and everything in it.
fn below(path: &Path, found: &mut Vec<PathBuf>) {
    found.push(path.to_owned());
    if path.is_dir() && !path.is_symlink() {
        for entry in entries(path, |_| true) {
            below(&entry, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_that_a_killed_devtool_fetched_with_goes_and_one_that_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = auh_sdk::pretend::recipe(Path::new("/layer"), "a");
        let left = folder.path().join(FETCHES).join("tmp-recipetool-1.bb");
        let part = Part::new(folder.path(), &recipe);
        fs::create_dir_all(left.parent().unwrap()).unwrap();
        fs::write(&left, "").unwrap();
        let later = Part::new(folder.path(), &recipe);
        later.remove_new().unwrap();
        assert!(left.exists());
        part.remove_new().unwrap();
        assert!(!left.parent().unwrap().exists());
    }
}
