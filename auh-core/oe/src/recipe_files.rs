//! What a recipe is made of: its file, what that includes, and the folders beside it with patches. A
//! number that stands for all of it tells whether a recipe was changed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

/// How many folders up from a recipe an include is looked for: a layer's own are two levels deep.
const LEVELS: usize = 4;

/// A number for a recipe's files as they are, as hexadecimal digits; none when its file cannot be
/// read. Files of other layers and classes do not count, nor do folders that a recipe names itself.
#[must_use]
pub fn fingerprint(recipe: &Path) -> Option<String> {
    let mut hash = Fnv::new();
    let mut files = BTreeSet::new();
    include(recipe, recipe, &mut files);
    for folder in patch_folders(recipe) {
        below(&folder, &mut files);
    }
    let folder = recipe.parent()?;
    for file in &files {
        let name = file.strip_prefix(folder).unwrap_or(file);
        hash.part(name.as_os_str().as_encoded_bytes());
        // A link that leads nowhere has no content.
        let _ = hash.content(file);
    }
    recipe.is_file().then(|| format!("{:032x}", hash.0))
}

/// A file and what it includes, and so on.
fn include(file: &Path, recipe: &Path, files: &mut BTreeSet<PathBuf>) {
    if !files.insert(file.to_owned()) {
        return;
    }
    let text = fs::read(file).unwrap_or_default();
    for line in String::from_utf8_lossy(&text).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["require" | "include", name] = words[..]
            && let Some(found) = find(&expanded(name, recipe), file)
        {
            include(&found, recipe, files);
        }
    }
}

/// The file that an include means: beside the file that has it, or from the top of the layer.
fn find(name: &str, from: &Path) -> Option<PathBuf> {
    let folders = from.ancestors().skip(1).take(LEVELS);
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn expanded(name: &str, recipe: &Path) -> String {
    let (pn, pv) = name_and_version(recipe);
    name.replace("${BPN}", &pn)
        .replace("${PN}", &pn)
        .replace("${PV}", &pv)
        .replace("${BP}", &format!("{pn}-{pv}"))
        .replace("${P}", &format!("{pn}-{pv}"))
        .trim_matches('"')
        .to_owned()
}

/// Where BitBake looks for a recipe's patches first.
fn patch_folders(recipe: &Path) -> [PathBuf; 3] {
    let (pn, pv) = name_and_version(recipe);
    let folder = recipe.parent().unwrap_or(Path::new("/"));
    [format!("{pn}-{pv}"), pn, "files".to_owned()].map(|name| folder.join(name))
}

fn name_and_version(recipe: &Path) -> (String, String) {
    let stem = recipe.file_stem().unwrap_or_default().to_string_lossy();
    let (pn, pv) = stem.split_once('_').unwrap_or((&stem, ""));
    (pn.to_owned(), pv.to_owned())
}

/// All files below a folder. Links to folders are not followed.
fn below(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(&entry.path(), files),
            _ => {
                files.insert(entry.path());
            }
        }
    }
}

/// FNV-1a with 128 bits. It finds changes; it does not withstand somebody who wants to hide one.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u128::from(*byte);
            self.0 = self.0.wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }

    /// Bytes with their number before them, so that where one part ends is part of the number.
    fn part(&mut self, bytes: &[u8]) {
        self.bytes(&(bytes.len() as u64).to_le_bytes());
        self.bytes(bytes);
    }

    fn content(&mut self, path: &Path) -> std::io::Result<()> {
        let metadata = fs::metadata(path)?;
        // A pipe or a device would be read for ever.
        if !metadata.is_file() {
            return Ok(());
        }
        self.bytes(&metadata.len().to_le_bytes());
        let mut reader = BufReader::new(File::open(path)?);
        let mut block = [0; 1 << 14];
        loop {
            match reader.read(&mut block)? {
                0 => return Ok(()),
                read => self.bytes(&block[..read]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn every_file_of_the_recipe_counts_and_no_other() {
        let layer = tempfile::tempdir().unwrap();
        let folder = layer.path().join("recipes-a/zlib");
        let recipe = folder.join("zlib_1.2.bb");
        write(
            &recipe,
            "require ${BPN}.inc\n  include recipes-a/common/all-${PV}.inc\nrequire none.inc\n",
        );
        write(&folder.join("zlib.inc"), "require zlib_1.2.bb\nX = \"1\"\n");
        let ours = [
            "zlib_1.2.bb",
            "zlib.inc",
            "../common/all-1.2.inc",
            "zlib/a.patch",
            "files/deep/b.patch",
            "zlib-1.2/c.patch",
        ];
        let others = [
            "zlib_1.1.bb",
            "README",
            "zlib-1.1/d.patch",
            "../common/other.inc",
        ];
        symlink("/dev/zero", folder.join("endless")).unwrap();
        fs::create_dir_all(folder.join("files")).unwrap();
        for (name, target) in [("zero", "/dev/zero"), ("round", ".."), ("gone", "nowhere")] {
            symlink(target, folder.join("files").join(name)).unwrap();
        }
        let mut before = fingerprint(&recipe).unwrap();
        for (names, counts) in [(&ours[..], true), (&others[..], false)] {
            for name in names {
                let path = folder.join(name);
                let text = fs::read_to_string(&path).unwrap_or_default();
                write(&path, &format!("{text}# changed\n"));
                let after = fingerprint(&recipe).unwrap();
                assert_eq!(after != before, counts, "{name}");
                before = after;
            }
        }
        fs::remove_file(folder.join("zlib/a.patch")).unwrap();
        assert_ne!(fingerprint(&recipe).unwrap(), before);
        assert_eq!(fingerprint(&folder.join("zlib_3.bb")), None);
    }

    #[test]
    fn the_numbers_are_those_of_the_algorithm() {
        let mut hash = Fnv::new();
        hash.bytes(b"foobar");
        assert_eq!(hash.0, 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
