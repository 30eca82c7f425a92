//! What several fuzz targets hold files and graphs to. Nothing of the program belongs here.

pub mod graphs;
pub mod scratch;
pub mod settings;
pub mod streams;

/// How many lines a text has; what stands behind the last line's end counts as one more.
pub fn lines(bytes: &[u8]) -> u64 {
    1 + bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}
