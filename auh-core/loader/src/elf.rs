//! Whether a file is a whole shared library. The dynamic linker maps what the headers promise;
//! where the file ends early, the first touch of the missing part is a bus error that ends the
//! process, so the sizes are checked before.
//!
//! Format: System V ABI, ELF-64 object file format, chapters "ELF header", "Sections" and
//! "Program header".

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

const HEADER: usize = 64;
const ENTRY: usize = 56;
const SHARED_OBJECT: u16 = 3;
const LOADED_SEGMENT: u32 = 1;

/// Checks headers and sizes; the error is one line.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let size = file.metadata().map_err(|e| e.to_string())?.len();
    let mut header = [0; HEADER];
    file.read_exact(&mut header)
        .map_err(|_| "this is no shared library".to_owned())?;
    if header[..4] != *b"\x7fELF" {
        return Err("this is no shared library".to_owned());
    }
    // Another word size or byte order: the dynamic linker says so itself, without mapping.
    let native = [2, if cfg!(target_endian = "little") { 1 } else { 2 }];
    if header[4..6] != native {
        return Err("this shared library is for another kind of machine".to_owned());
    }
    if number(&header, 16, 2) != u64::from(SHARED_OBJECT) {
        return Err("this is a program or object file, no shared library".to_owned());
    }
    let end = promised_end(&mut file, &header, size)?;
    if end > size {
        return Err(format!(
            "the file is cut off: it has {size} bytes of at least {end}"
        ));
    }
    Ok(())
}

/// The last byte that the headers speak of.
fn promised_end(file: &mut File, header: &[u8], size: u64) -> Result<u64, String> {
    let (segments, segment_count) = (number(header, 32, 8), number(header, 56, 2));
    let (sections, section_size) = (number(header, 40, 8), number(header, 58, 2));
    let section_count = number(header, 60, 2);
    let table_end = segments.saturating_add(segment_count * ENTRY as u64);
    let mut end = sections
        .saturating_add(section_size * section_count)
        .max(table_end);
    if table_end > size {
        return Ok(end);
    }
    file.seek(SeekFrom::Start(segments))
        .map_err(|e| e.to_string())?;
    for _ in 0..segment_count {
        let mut entry = [0; ENTRY];
        file.read_exact(&mut entry).map_err(|e| e.to_string())?;
        if number(&entry, 0, 4) == u64::from(LOADED_SEGMENT) {
            end = end.max(number(&entry, 8, 8).saturating_add(number(&entry, 32, 8)));
        }
    }
    Ok(end)
}

/// The unsigned number of `len` bytes at `at`, in this machine's byte order.
fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    let mut word = [0; 8];
    let place = if cfg!(target_endian = "little") {
        0
    } else {
        8 - len
    };
    word[place..place + len].copy_from_slice(&bytes[at..at + len]);
    u64::from_ne_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some shared library of this machine: the one that holds the C library.
    fn library() -> Vec<u8> {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let path = maps
            .split_whitespace()
            .find(|word| word.contains("libc.so") || word.contains("libc-"))
            .expect("a test program has the C library mapped");
        std::fs::read(path).unwrap()
    }

    fn verdict(bytes: &[u8]) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        check(file.path())
    }

    #[test]
    fn a_whole_library_is_accepted_and_a_cut_one_is_not() {
        let whole = library();
        assert_eq!(verdict(&whole), Ok(()));
        for part in [1, 3, 10, 90] {
            let error = verdict(&whole[..whole.len() * part / 100]).unwrap_err();
            assert!(error.starts_with("the file is cut off"), "{error}");
        }
    }

    #[test]
    fn other_files_are_named() {
        assert_eq!(verdict(b"").unwrap_err(), "this is no shared library");
        assert_eq!(
            verdict(&[b'x'; 500]).unwrap_err(),
            "this is no shared library"
        );
        let mut other = library();
        other[4] = 1;
        assert!(
            verdict(&other)
                .unwrap_err()
                .contains("another kind of machine")
        );
    }
}
