//! The few facts about processes that only `/proc/PID/stat` tells without `unsafe` code.
//! Format: proc_pid_stat(5).

use std::fs;
use std::time::Duration;

use rustix::process::Pid;

/// User and system time of a process that has ended but was not yet waited for, and of the children
/// that it had waited for. To the precision of the clock tick, usually 10 ms.
pub(crate) fn cpu_time(pid: Pid) -> Option<Duration> {
    let stat = Stat::read(&pid.as_raw_nonzero().to_string())?;
    Some(ticks_to_time(stat.ticks))
}

/// Whether any process of the group is still alive.
pub(crate) fn group_is_alive(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    processes
        .flatten()
        .filter_map(|entry| Stat::read(entry.file_name().to_str()?))
        .any(|stat| stat.group == group.as_raw_nonzero().get() && !matches!(stat.state, 'Z' | 'X'))
}

/// When this process was started, in ticks since the machine came up.
pub(crate) fn start_of_this_process() -> Option<u64> {
    Some(Stat::read(&std::process::id().to_string())?.started)
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    group: i32,
    ticks: u64,
    started: u64,
}

impl Stat {
    fn read(pid: &str) -> Option<Self> {
        if !pid.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &[u8]) -> Option<Self> {
        // The second field, the name in brackets, may itself hold blanks and brackets.
        let name_end = stat.iter().rposition(|&b| b == b')')?;
        let rest = str::from_utf8(&stat[name_end + 1..]).ok()?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let times = fields.get(11..15)?.iter();
        Some(Self {
            state: fields.first()?.chars().next()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            ticks: times.filter_map(|time| time.parse::<u64>().ok()).sum(),
        })
    }
}

fn ticks_to_time(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_millis(ticks.saturating_mul(1000) / per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_past_a_name_with_brackets() {
        let line = b"7 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5 6 7";
        let expect = Stat {
            state: 'S',
            group: 42,
            ticks: 100,
            started: 5,
        };
        assert_eq!(Stat::parse(line), Some(expect));
        assert_eq!(Stat::parse(b"7 (short) S 1"), None);
    }
}
