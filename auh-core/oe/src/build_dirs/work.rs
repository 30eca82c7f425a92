//! Removal of the work folders of recipes whose upgrade is done, and of the stamps that say that
//! their tasks are. Without the stamps BitBake takes what it needs of such a recipe from the shared
//! state, or builds it anew.

use super::BuildDirs;
use crate::{Base, OeError, RecipeRecord};
use std::{
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

/// Where a recipe's work lies below each `TMPDIR`: in `<work>/<architecture>/<recipe>`, and its
/// stamps in `<stamps>/<architecture>/<recipe>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkPlace {
    work: PathBuf,
    stamps: PathBuf,
    recipe: OsString,
}

/// What was removed in a build directory, or could not be.
#[derive(Debug, Default)]
pub struct Removed {
    /// Work folders that are gone.
    pub folders: Vec<PathBuf>,
    /// Bytes on disk that they took.
    pub bytes: u64,
    /// What could not be removed, for people.
    pub troubles: Vec<String>,
}

impl WorkPlace {
    /// The place of a recipe by its `WORKDIR` and `STAMP` on one of the machines; none where they do
    /// not lie below `TMPDIR` as OE has them.
    #[must_use]
    pub fn of(record: &RecipeRecord, base: &Base) -> Option<Self> {
        let tmp = Path::new(base.get("TMPDIR")?);
        let above = |path: &Path| {
            let within = path.strip_prefix(tmp).ok()?;
            let is_plain = within
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            // Behind the recipe's name comes its version.
            let recipe = within.parent()?;
            let is_its = recipe.file_name()? == record.pn.as_str();
            let top = recipe.parent()?.parent()?;
            (is_plain && is_its && !top.as_os_str().is_empty()).then(|| top.to_owned())
        };
        Some(Self {
            work: above(record.workdir.as_deref()?)?,
            stamps: above(record.stamp.as_deref()?)?,
            recipe: record.pn.clone().into(),
        })
    }
}

impl BuildDirs {
    /// Removes work folders and stamps of recipes in all machines' build directories, whatever
    /// version they are of. A directory with a server that was there before the run is left alone:
    /// somebody else may be building in it. Links are not followed.
    #[must_use]
    pub fn remove_work(&self, places: &[WorkPlace]) -> Removed {
        let (dirs, used) = {
            let state = self.lock();
            (state.tmp.clone(), state.used.clone())
        };
        let mut removed = Removed::default();
        for (build_dir, tmp) in dirs {
            let is_somebodys = used.get(&build_dir) == Some(&true);
            // The user may keep TMPDIR itself elsewhere; below it nothing leads out.
            let Ok(tmp) = tmp.canonicalize() else {
                continue;
            };
            for place in places.iter().filter(|_| !is_somebodys) {
                if let Err(error) = removed.remove(&tmp, place) {
                    removed.troubles.push(error.to_string());
                }
            }
        }
        removed
    }
}

impl Removed {
    /// The stamps first: a folder too many is room lost, a stamp too many a build that is wrong.
    fn remove(&mut self, tmp: &Path, place: &WorkPlace) -> Result<(), OeError> {
        for folder in below(tmp, &place.stamps, place) {
            for stamp in entries(&folder) {
                let name = stamp.file_name().unwrap_or_default().to_string_lossy();
                // What bitbake-diffsigs compares says nothing of what is done.
                if !name.contains("sigdata") && !name.contains("sigbasedata") && !stamp.is_dir() {
                    fs::remove_file(&stamp).map_err(OeError::io("remove", &stamp))?;
                }
            }
        }
        for folder in below(tmp, &place.work, place) {
            self.bytes += size(&folder);
            fs::remove_dir_all(&folder).map_err(OeError::io("remove", &folder))?;
            self.folders.push(folder);
        }
        Ok(())
    }
}

/// The recipe's folders of all architectures.
fn below(tmp: &Path, top: &Path, place: &WorkPlace) -> Vec<PathBuf> {
    let mut path = tmp.to_owned();
    for part in top.components() {
        path.push(part);
        if !is_folder(&path) {
            return Vec::new();
        }
    }
    let architectures = entries(&path).into_iter().filter(|path| is_folder(path));
    let own = architectures.map(|architecture| architecture.join(&place.recipe));
    own.filter(|path| is_folder(path)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Whether it is a folder, and no link to one.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|known| known.is_dir())
}

/// Bytes on disk of a folder with all that is in it.
fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(known) = path.symlink_metadata() else {
            continue;
        };
        bytes += known.blocks() * 512;
        if known.is_dir() {
            open.extend(entries(&path));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn base() -> Base {
        serde_json::from_value(json!({"TMPDIR": "/b/tmp"})).unwrap()
    }

    fn record(workdir: &str, stamp: &str) -> RecipeRecord {
        let record = json!({"asked": "hello", "pn": "hello", "workdir": workdir, "stamp": stamp});
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn only_places_laid_out_as_oes_are_known() {
        let stamp = "/b/tmp/stamps/core2-64/hello/1.0-r0";
        let known = WorkPlace::of(&record("/b/tmp/work/core2-64/hello/1.0", stamp), &base());
        let expected = WorkPlace {
            work: "work".into(),
            stamps: "stamps".into(),
            recipe: "hello".into(),
        };
        assert_eq!(known, Some(expected));
        for workdir in [
            "/elsewhere/work/core2-64/hello/1.0",
            "/b/tmp/work-shared/hello-1.0",
            "/b/tmp/core2-64/hello/1.0",
            "/b/tmp/work/core2-64/other/1.0",
            "/b/tmp/../work/core2-64/hello/1.0",
            "/b/tmp",
        ] {
            assert_eq!(WorkPlace::of(&record(workdir, stamp), &base()), None);
        }
    }

    #[test]
    fn a_recipes_folders_and_stamps_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let tmp = top.join("tmp");
        for file in [
            "tmp/work/core2-64/hello/1.0/temp/log",
            "tmp/work/core2-64/hello/2.0/image/x",
            "tmp/work/core2-64/other/1.0/x",
            "tmp/work/all/hello/2.0/x",
            "tmp/stamps/core2-64/hello/2.0-r0.do_compile.aa",
            "tmp/stamps/core2-64/hello/2.0-r0.do_compile.sigdata.aa",
            "tmp/stamps/core2-64/other/1.0-r0.do_compile.bb",
            "outside/hello/x",
        ] {
            let path = top.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        // An architecture that is a link, and a link within a folder that goes.
        std::os::unix::fs::symlink(top.join("outside"), tmp.join("work/linked")).unwrap();
        let within = tmp.join("work/all/hello/2.0/out");
        std::os::unix::fs::symlink(top.join("outside"), within).unwrap();
        let place = WorkPlace {
            work: "work".into(),
            stamps: "stamps".into(),
            recipe: "hello".into(),
        };
        let mut removed = Removed::default();
        removed.remove(&tmp, &place).unwrap();
        removed.folders.sort();
        let gone = ["work/all/hello", "work/core2-64/hello"].map(|path| tmp.join(path));
        assert_eq!(removed.folders, gone);
        assert!(removed.bytes > 0);
        assert!(gone.iter().all(|path| !path.exists()));
        for (path, left) in [
            ("tmp/stamps/core2-64/hello/2.0-r0.do_compile.aa", false),
            (
                "tmp/stamps/core2-64/hello/2.0-r0.do_compile.sigdata.aa",
                true,
            ),
            ("tmp/stamps/core2-64/other/1.0-r0.do_compile.bb", true),
            ("tmp/work/core2-64/other/1.0/x", true),
            ("outside/hello/x", true),
        ] {
            assert_eq!(top.join(path).exists(), left, "{path}");
        }
    }
}
