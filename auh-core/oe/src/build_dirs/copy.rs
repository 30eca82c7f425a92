//! A machine's own build directory as a copy of the original's configuration.

use crate::{Base, OeError};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Makes `copy` a build directory with the configuration of `original`, with `tool_conf` as the
/// text of the file that corresponds to `tool_conf_path`. Only files that differ are written, so
/// that BitBake's caches stay valid.
pub(super) fn refresh(
    original: &Path,
    copy: &Path,
    tool_conf_path: &Path,
    tool_conf: &str,
) -> Result<(), OeError> {
    let (from, to) = (original.join("conf"), copy.join("conf"));
    let own = tool_conf_path.strip_prefix(&from).unwrap_or(tool_conf_path);
    mirror(&from, &to, &[own])?;
    write_if_different(&to.join(own), tool_conf.as_bytes())?;
    seed_code_parser(original, copy)
}

/// The lines that send a copy to the original's folders; `copy` tells it apart from other copies. `forcevariable`, because the copied
/// `local.conf` is read later and may name folders below its own build directory.
pub(super) fn shared_lines(base: &Base, original: &Path, copy: &str) -> Result<String, OeError> {
    let mut lines = String::new();
    let default = |name: &str| original.join(name);
    let path = |variable: &str, otherwise: &str| {
        base.get(variable)
            .map_or_else(|| default(otherwise), PathBuf::from)
    };
    let mut assign = |name: &str, path: &Path| -> Result<(), OeError> {
        lines.push_str(&format!("{name} = \"{}\"\n", quotable(path)?));
        Ok(())
    };
    assign("DL_DIR:forcevariable", &path("DL_DIR", "downloads"))?;
    assign(
        "SSTATE_DIR:forcevariable",
        &path("SSTATE_DIR", "sstate-cache"),
    )?;
    // Known to BitBake since January 2026; for an older one it is a variable like any other.
    let database = base
        .get("BB_HASHSERVE_DB_DIR")
        .map_or_else(|| path("PERSISTENT_DIR", "cache"), PathBuf::from);
    assign("BB_HASHSERVE_DB_DIR", &database)?;
    // Outside the build directory they would be one for all machines; two builds that commit to one
    // build history at the same time lose each other's.
    for (variable, otherwise) in [("TMPDIR", "tmp"), ("BUILDHISTORY_DIR", "buildhistory")] {
        let shared = path(variable, otherwise);
        if !shared.starts_with(original) {
            let mut own = shared.into_os_string();
            own.push(format!("-{copy}"));
            assign(&format!("{variable}:forcevariable"), Path::new(&own))?;
        }
    }
    Ok(lines)
}

/// Writes a file unless it has these bytes already.
pub(super) fn write_if_different(path: &Path, bytes: &[u8]) -> Result<(), OeError> {
    if fs::read(path).is_ok_and(|now| now == bytes) {
        return Ok(());
    }
    // Never half a configuration: BitBake may be reading it.
    let fresh = unfinished(path);
    fs::write(&fresh, bytes).map_err(OeError::io("write", &fresh))?;
    fs::rename(&fresh, path).map_err(OeError::io("write", path))
}

/// Where a file is written before it takes its place.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("auh-new")
}

/// Makes `to` hold the same files as `from`, apart from `own`.
pub(super) fn mirror(from: &Path, to: &Path, own: &[&Path]) -> Result<(), OeError> {
    fs::create_dir_all(to).map_err(OeError::io("make", to))?;
    let names = |folder: &Path| -> Result<Vec<_>, OeError> {
        let entries = fs::read_dir(folder).map_err(OeError::io("read", folder))?;
        Ok(entries.flatten().map(|entry| entry.file_name()).collect())
    };
    let wanted = names(from)?;
    for name in names(to)?.iter().filter(|name| !wanted.contains(name)) {
        if !own.contains(&Path::new(name)) {
            remove(&to.join(name))?;
        }
    }
    for name in wanted.iter().filter(|name| !own.contains(&Path::new(name))) {
        let (source, target) = (from.join(name), to.join(name));
        if source.is_dir() {
            mirror(&source, &target, &[])?;
        } else {
            let bytes = fs::read(&source).map_err(OeError::io("read", &source))?;
            write_if_different(&target, &bytes)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), OeError> {
    let removed = if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(OeError::io("remove", path))
}

/// Gives a new build directory the original's code parser cache. Without it the first parse
/// analyses OE's Python modules and the second reads the analysis back, which hashes differently:
/// two full parses instead of one.
pub(super) fn seed_code_parser(original: &Path, copy: &Path) -> Result<(), OeError> {
    let [source, target] = [original, copy].map(|dir| dir.join("cache/bb_codeparser.dat"));
    if target.exists() {
        return Ok(());
    }
    let cache = copy.join("cache");
    fs::create_dir_all(&cache).map_err(OeError::io("make", &cache))?;
    match fs::copy(&source, &target) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(OeError::io("copy", &source)(error))
        }
        _ => Ok(()),
    }
}

/// A path as it can stand between double quotes in a BitBake configuration.
pub(super) fn quotable(path: &Path) -> Result<&str, OeError> {
    let unusable = |what| OeError::UnusablePath {
        path: path.to_owned(),
        what,
    };
    let text = path
        .to_str()
        .ok_or_else(|| unusable("bytes that are no UTF-8"))?;
    match text.chars().find(|c| "\"\\\n$".contains(*c)) {
        Some(_) => Err(unusable("a quote, backslash, dollar or line break")),
        None => Ok(text),
    }
}
