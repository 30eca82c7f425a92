//! The plugin's side: a process that loads one plugin file, and does as it is asked.

use super::wire::{Answer, Asked, Graph, Said};
use crate::{
    HostCalls, Trust,
    object::Local,
    plugin::{code_of, manifest_of},
};
use auh_abi::{
    FlatGraph, PluginModule_Ref,
    abi_stable::std_types::{RSlice, RStr},
};
use auh_protocol::PluginFault;
use rustix::{
    fs::{Mode, OFlags},
    io::fcntl_dupfd_cloexec,
    process::{Resource, Rlimit, getrlimit, setrlimit},
    stdio,
};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

/// Loads `file` and does with it what the host asks for on the standard input, with at most `memory`
/// bytes of memory of its own. Whatever else prints goes to the standard error. The process ends
/// when the standard input does, whatever the plugin is in the middle of.
///
/// # Errors
/// When the system refuses the limit, or when standard input and output cannot be used.
pub fn serve(file: &Path, memory: Option<u64>) -> io::Result<()> {
    if let Some(bytes) = memory {
        limit_memory(bytes)?;
    }
    let (input, output) = take_streams()?;
    let host = Arc::new(Caller {
        output: Mutex::new(output),
        next: AtomicU64::new(0),
        waiting: Mutex::default(),
    });
    let (requests, received) = mpsc::channel();
    let (file, caller) = (file.to_owned(), Arc::clone(&host));
    thread::spawn(move || {
        work(&file, &caller, &received);
        process::exit(0);
    });
    for line in BufReader::new(input).lines() {
        route(&line?, &host, &requests);
    }
    process::exit(0);
}

/// What the process may have of its own: heap, stacks, private mappings.
fn limit_memory(bytes: u64) -> io::Result<()> {
    let now = getrlimit(Resource::Data);
    let limit = now.maximum.map_or(bytes, |most| most.min(bytes));
    setrlimit(
        Resource::Data,
        Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        },
    )?;
    Ok(())
}

/// Standard input and output for the host alone; in their place the plugin reads nothing and writes
/// to the standard error.
fn take_streams() -> io::Result<(File, File)> {
    let input = fcntl_dupfd_cloexec(stdio::stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdio::stdout(), 3)?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    stdio::dup2_stdin(nothing)?;
    stdio::dup2_stdout(stdio::stderr())?;
    Ok((input.into(), output.into()))
}

/// Hands an answer to the thread that waits for it, and a request to the one that works.
fn route(line: &str, host: &Caller, requests: &Sender<Asked<'static>>) {
    match serde_json::from_str(line) {
        Ok(Asked::Answer { id, result }) => {
            if let Some(waiting) = lock(&host.waiting).remove(&id) {
                let _ = waiting.send(result);
            }
        }
        Ok(request) => drop(requests.send(request)),
        Err(error) => host.say(&Said::Done(Err(PluginFault::error(format!(
            "its process does not understand the request: {error}"
        ))))),
    }
}

/// Carries requests out, one after another, until the object was ended.
fn work(file: &Path, host: &Arc<Caller>, requests: &Receiver<Asked<'static>>) {
    let code = match load(file) {
        Ok((code, manifest)) => {
            host.say(&Said::Manifest(Ok(manifest)));
            code
        }
        Err(fault) => return host.say(&Said::Manifest(Err(fault))),
    };
    let mut object: Option<Local> = None;
    for request in requests {
        let answer = match (&request, &object) {
            (Asked::Create { options }, _) => {
                let calls: Arc<dyn HostCalls> = Arc::clone(host) as _;
                let made = Local::create(code, calls, options);
                made.map(|made| {
                    object = Some(made);
                    Answer::Nothing
                })
            }
            (Asked::Finish, _) => {
                let ended = object.take().map_or(Ok(()), Local::finish);
                return host.say(&Said::Done(ended.map(|()| Answer::Nothing)));
            }
            (_, Some(object)) => carry_out(object, &request),
            (_, None) => Err(PluginFault::error("there is no object")),
        };
        host.say(&Said::Done(answer));
    }
}

fn load(file: &Path) -> Result<(PluginModule_Ref, String), PluginFault> {
    // The host has checked who could have changed the file.
    let code = code_of(file, Trust::Any).map_err(|e| PluginFault::error(e.reason()))?;
    Ok((code, manifest_of(code)?))
}

fn carry_out(object: &Local, request: &Asked<'_>) -> Result<Answer, PluginFault> {
    match request {
        Asked::Call { op, payload } => object.call(op, payload).map(Answer::Text),
        Asked::Order(graph) => order(object, graph).map(Answer::Tasks),
        Asked::Pick {
            ready,
            running,
            ended,
        } => object.pick(ready, running, ended).map(Answer::Task),
        Asked::Create { .. } | Asked::Finish | Asked::Answer { .. } => {
            Err(PluginFault::error("this is no request"))
        }
    }
}

fn order(object: &Local, graph: &Graph<'_>) -> Result<Vec<u32>, PluginFault> {
    let recipes: Vec<_> = graph
        .recipes
        .iter()
        .map(|name| RStr::from(&**name))
        .collect();
    let names: Vec<_> = graph.names.iter().map(|name| RStr::from(&**name)).collect();
    object.order(&FlatGraph {
        dependency_offsets: RSlice::from(&*graph.dependency_offsets),
        dependencies: RSlice::from(&*graph.dependencies),
        recipe_of: RSlice::from(&*graph.recipe_of),
        name_of: RSlice::from(&*graph.name_of),
        recipes: RSlice::from(recipes.as_slice()),
        names: RSlice::from(names.as_slice()),
        duration_us: RSlice::from(&*graph.duration_us),
        work_bytes: RSlice::from(&*graph.work_bytes),
    })
}

/// The host as the plugin sees it from here.
struct Caller {
    output: Mutex<File>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Sender<Result<String, String>>>>,
}

impl Caller {
    fn say(&self, said: &Said) {
        let Ok(mut line) = serde_json::to_string(said) else {
            return;
        };
        line.push('\n');
        // A host that has gone also closes the standard input, which ends this process.
        let _ = lock(&self.output).write_all(line.as_bytes());
    }
}

impl HostCalls for Caller {
    fn call(&self, op: &str, payload: &str) -> Result<String, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, waiting) = mpsc::channel();
        lock(&self.waiting).insert(id, answer);
        self.say(&Said::Ask {
            id,
            op: op.to_owned(),
            payload: payload.to_owned(),
        });
        let gone = || Err("the host has gone".to_owned());
        waiting.recv().unwrap_or_else(|_| gone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
