//! Looking a program up in a search path.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

/// The first executable file called `program` in the folders of `path` (as in `PATH`).
///
/// Relative and empty entries are passed over: a program found through them would depend on the
/// working directory. A `program` with a slash in it is no name, so nothing is found for it.
pub fn which(program: impl AsRef<OsStr>, path: impl AsRef<OsStr>) -> Option<PathBuf> {
    let program = program.as_ref();
    if program.is_empty() || is_path(program) {
        return None;
    }
    std::env::split_paths(path.as_ref())
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

pub(crate) fn is_path(program: &OsStr) -> bool {
    program.as_encoded_bytes().contains(&b'/')
}

pub(crate) fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn tool(folder: &Path, name: &str, mode: u32) {
        let file = folder.join(name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn finds_the_first_executable_file() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        tool(a.path(), "tool", 0o644);
        fs::create_dir(a.path().join("folder")).unwrap();
        tool(b.path(), "tool", 0o755);
        let path = std::env::join_paths([a.path(), b.path()]).unwrap();
        assert_eq!(which("tool", &path), Some(b.path().join("tool")));
        assert_eq!(which("folder", &path), None);
        assert_eq!(which("missing", &path), None);
    }

    #[test]
    fn relative_folders_and_paths_find_nothing() {
        assert_eq!(which("sh", "::bin:."), None);
        assert_eq!(which("/bin/sh", "/bin"), None);
        assert_eq!(which("", "/bin"), None);
    }
}
