//! Files for parsers that take a path: in memory where the system has such a place, one folder for
//! each process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = match memory.is_dir() {
        true => memory.to_owned(),
        false => std::env::temp_dir(),
    };
    let folder = parent.join(format!("auh-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a writable folder");
    folder
});

/// The file of this name, with these bytes in it and nothing else.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a writable folder");
    }
    fs::write(&path, bytes).expect("a writable folder");
    path
}

/// The folder that the files are in.
pub fn folder() -> &'static Path {
    &FOLDER
}
