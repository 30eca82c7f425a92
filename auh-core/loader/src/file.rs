//! Whether a plugin file may be loaded at all: its code runs with the caller's rights.

use crate::LoadError;
use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Which files are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Only files that belong to the caller or to root and that nobody else can write to.
    #[default]
    Strict,
    /// Any file.
    Any,
}

/// Checks that the file is a regular one, and that no one else could have changed it.
pub(crate) fn check(file: &Path, trust: Trust) -> Result<(), LoadError> {
    let metadata = fs::metadata(file).map_err(|error| LoadError::Unreadable {
        file: file.to_owned(),
        reason: if error.kind() == std::io::ErrorKind::NotFound {
            "there is no such file".to_owned()
        } else {
            error.to_string()
        },
    })?;
    if !metadata.is_file() {
        return Err(LoadError::Unreadable {
            file: file.to_owned(),
            reason: "this is no file".to_owned(),
        });
    }
    let me = rustix::process::geteuid().as_raw();
    match reason_against(&metadata, me, &format!("the file {}", file.display())) {
        Some(reason) if trust == Trust::Strict => Err(LoadError::Untrusted {
            file: file.to_owned(),
            culprit: file.to_owned(),
            reason,
        }),
        _ => check_folder(file, trust, me),
    }
}

/// Who can write to the folder can replace the file.
fn check_folder(file: &Path, trust: Trust, me: u32) -> Result<(), LoadError> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Ok(metadata) = fs::metadata(folder) else {
        return Ok(());
    };
    let sticky = metadata.mode() & 0o1000 != 0;
    match reason_against(&metadata, me, &format!("its folder {}", folder.display())) {
        Some(reason) if trust == Trust::Strict && !sticky => Err(LoadError::Untrusted {
            file: file.to_owned(),
            culprit: folder.to_owned(),
            reason,
        }),
        _ => Ok(()),
    }
}

fn reason_against(metadata: &Metadata, me: u32, what: &str) -> Option<String> {
    let owner = metadata.uid();
    if owner != 0 && owner != me {
        return Some(format!(
            "{what} belongs to user {owner}, neither to you nor to root"
        ));
    }
    let mode = metadata.mode() & 0o7777;
    (mode & 0o022 != 0).then(|| format!("others can write to {what} (mode {mode:o})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file_with_mode(mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libauh_step_x.so");
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        (folder, file)
    }

    #[test]
    fn a_file_that_only_the_caller_writes_is_accepted() {
        let (_folder, file) = file_with_mode(0o755);
        check(&file, Trust::Strict).unwrap();
    }

    #[test]
    fn a_file_that_others_can_write_is_refused_unless_allowed() {
        for mode in [0o775, 0o757] {
            let (_folder, file) = file_with_mode(mode);
            let error = check(&file, Trust::Strict).unwrap_err().to_string();
            assert!(error.contains("others can write to the file"), "{error}");
            assert!(error.contains(&format!("mode {mode:o}")), "{error}");
            check(&file, Trust::Any).unwrap();
        }
    }

    #[test]
    fn a_folder_that_others_can_write_is_as_bad() {
        let (folder, file) = file_with_mode(0o755);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = check(&file, Trust::Strict).unwrap_err().to_string();
        assert!(error.contains("its folder"), "{error}");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        check(&file, Trust::Strict).unwrap();
    }

    #[test]
    fn another_users_file_is_refused() {
        let (_folder, file) = file_with_mode(0o755);
        let metadata = fs::metadata(&file).unwrap();
        let somebody = metadata.uid() + 1;
        let reason = reason_against(&metadata, somebody, "the file x");
        let refused = metadata.uid() != 0;
        assert_eq!(reason.is_some(), refused);
    }

    #[test]
    fn a_missing_file_and_a_folder_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = check(&folder.path().join("x.so"), Trust::Any).unwrap_err();
        assert!(missing.to_string().ends_with("there is no such file"));
        let error = check(folder.path(), Trust::Any).unwrap_err();
        assert!(error.to_string().ends_with("this is no file"));
    }
}
