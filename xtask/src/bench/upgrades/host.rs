//! The machine that is measured on.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, fs, thread};

/// What times depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) cpu: String,
    /// Processors that a program may use.
    pub(crate) cores: usize,
    pub(crate) memory_kib: u64,
}

impl Host {
    /// This one.
    pub(crate) fn this() -> Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        Ok(Self {
            cpu: field(&cpuinfo, "model name")
                .unwrap_or("unknown processor")
                .to_owned(),
            cores: thread::available_parallelism()?.get(),
            memory_kib: field(&meminfo, "MemTotal")
                .and_then(|size| size.strip_suffix(" kB")?.parse().ok())
                .context("/proc/meminfo has no MemTotal")?,
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.memory_kib as f64 / f64::from(1 << 20);
        write!(f, "{}, {} cores, {gib:.1} GiB", self.cpu, self.cores)
    }
}

/// The first value of a name, as the files in `/proc` write it (proc(5)).
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model\t\t: 1\nmodel name\t: A CPU @ 2 GHz: fast\nMemTotal:  8 kB\n";
        assert_eq!(field(text, "model name"), Some("A CPU @ 2 GHz: fast"));
        assert_eq!(field(text, "MemTotal"), Some("8 kB"));
        assert_eq!(field(text, "Mem"), None);
    }
}
