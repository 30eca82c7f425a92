//! One scheduler object for one run queue, and what it logs.

use auh_graph::TaskGraph;
use auh_loader::{HostCalls, LoadError, Object, Search, Trust};
use auh_protocol::{
    PluginKind,
    host::{LogLine, op},
};
use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
};

/// What to load.
pub(crate) struct Loading<'a> {
    /// The scheduler's name, or an alias of it.
    pub name: &'a str,
    /// Folders to search, separated by `:`; the usual ones when absent.
    pub folders: Option<&'a str>,
    /// The plugin's settings, a JSON object.
    pub options: &'a str,
    /// Whether files that others can write to are loaded, too.
    pub any_file: bool,
}

/// A scheduler for one run queue.
pub struct Scheduler {
    object: Object,
    log: Arc<Log>,
    restricts: bool,
}

impl Scheduler {
    /// Loads a plugin and makes an object of it.
    pub(crate) fn load(loading: &Loading<'_>) -> Result<Self, String> {
        let trust = if loading.any_file {
            Trust::Any
        } else {
            Trust::Strict
        };
        let search = match loading.folders {
            Some(folders) => Search::new(env::split_paths(folders).collect(), trust),
            None => Search::usual(Vec::new(), trust),
        };
        let plugin = search
            .load(PluginKind::Scheduler, loading.name)
            .map_err(|error| with_remedy(&error))?;
        let log = Arc::new(Log::default());
        let object = plugin
            .create(log.clone(), loading.options)
            .map_err(|fault| fault.to_string())?;
        Ok(Self {
            // A plugin that does not know the question does not restrict.
            restricts: object
                .call("restricts", "null")
                .is_ok_and(|answer| answer == "true"),
            object,
            log,
        })
    }

    /// The tasks, most important first; a permutation.
    pub(crate) fn order(&self, graph: &TaskGraph) -> Result<Vec<u32>, String> {
        self.object.order(graph).map_err(|fault| fault.to_string())
    }

    /// Whether it wants to be asked before each start.
    pub(crate) fn restricts(&self) -> bool {
        self.restricts
    }

    /// Which ready task to start now, if any.
    pub(crate) fn pick(
        &self,
        ready: &[u32],
        running: &[u32],
        ended: &[u32],
    ) -> Result<Option<u32>, String> {
        self.object
            .pick(ready, running, ended)
            .map_err(|fault| fault.to_string())
    }

    /// What it has logged since this was last asked, as a JSON array of lines.
    pub(crate) fn take_log(&self) -> Option<String> {
        let lines = std::mem::take(&mut *self.log.lines());
        if lines.is_empty() {
            return None;
        }
        serde_json::to_string(&lines).ok()
    }
}

/// The error with what to do about it inside BitBake, which is not what a caller of auh would do.
fn with_remedy(error: &LoadError) -> String {
    let remedy = match error {
        LoadError::NotFound { known, .. } if !known.is_empty() => {
            format!("there are: {}", known.join(", "))
        }
        LoadError::Untrusted { .. } => {
            "AUH_ALLOW_UNTRUSTED_PLUGINS = \"1\" loads it all the same".to_owned()
        }
        _ => "write the layer again with `auh bitbake-layer`".to_owned(),
    };
    format!("{error}; {remedy}")
}

/// The host as a scheduler sees it inside BitBake: it can log.
#[derive(Default)]
struct Log(Mutex<Vec<LogLine>>);

impl Log {
    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<LogLine>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostCalls for Log {
    fn call(&self, op: &str, payload: &str) -> Result<String, String> {
        match op {
            op::LOG => {
                let line = serde_json::from_str(payload).map_err(|error| error.to_string())?;
                self.lines().push(line);
                Ok("null".to_owned())
            }
            op::STOPPING => Ok("false".to_owned()),
            op::PROGRESS => Ok("null".to_owned()),
            _ => Err(format!("{op:?} cannot be done inside BitBake")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_kept_and_all_else_is_refused() {
        let log = Log::default();
        let line = r#"{"level":"debug","message":"merged task list"}"#;
        assert_eq!(log.call(op::LOG, line).as_deref(), Ok("null"));
        assert_eq!(log.lines()[0].message, "merged task list");
        assert_eq!(log.call(op::STOPPING, "null").as_deref(), Ok("false"));
        assert!(log.call(op::RUN, "{}").is_err());
        assert!(log.call(op::LOG, "x").is_err());
    }
}
