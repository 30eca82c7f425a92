//! Step `hostile`: misbehaves as its setting `misbehave` says, so that tests can pin what becomes
//! of a plugin's faults. Never shipped.
//!
//! | `misbehave` | what it does |
//! |---|---|
//! | absent | succeeds |
//! | `panic-in-create`, `panic-in-call`, `panic-in-drop`, `panic-in-thread` | panics there |
//! | `panic-with-payload` | panics in a call with a payload whose destructor panics again |
//! | `error-in-create`, `error` | returns an error from there |
//! | `no-recipes` | answers without a word on any recipe |
//! | `wrong-recipe` | answers about a recipe that nobody asked about |
//! | `abort`, `segfault`, `exit` | ends its process so |
//! | `hunger` | takes memory until there is no more |
//! | `loop` | never comes back from a call |
//! | `print` | prints to the standard output, reads the standard input, and succeeds |
//! | `flood` | logs more than ten thousand lines, one of them very long, and tells how far it is as often |
//! | `threads` | leaves two threads behind, one that never ends and one that goes on logging, and succeeds |
//! | `tell-request` | logs what it was told, and succeeds |
//! | `tell-variables` | logs the names of its environment's variables, and succeeds |
//! | `unknown-op` | asks the host for an operation that no host has, and fails with its answer |
//! | anything else | an error from create |
//!
//! With the setting `recipe` it misbehaves only towards the group of that recipe, from its first
//! call about it on; a plugin that is being made cannot tell.

use auh_sdk::{
    FailureClass, Host, Options, PluginKind, PluginManifest, RecipeName, RecipeOutcome,
    RecipeStatus, Step, StepError, StepOutcome, StepRequest, protocol::host::Progress,
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Misbehaviour {
    None,
    PanicInCall,
    PanicInDrop,
    PanicInThread,
    PanicWithPayload,
    Error,
    NoRecipes,
    WrongRecipe,
    UnknownOp,
    Abort,
    Segfault,
    Exit,
    Hunger,
    Loop,
    Print,
    Flood,
    Threads,
    TellRequest,
    TellVariables,
}

struct Hostile {
    misbehaviour: Misbehaviour,
    /// The recipe that it is after; everybody without one.
    victim: Option<String>,
    /// True once it was asked about its victim.
    roused: AtomicBool,
}

impl Hostile {
    fn is_after(&self, request: &StepRequest) -> bool {
        let mut recipes = request.groups.iter().flat_map(|work| &work.group.recipes);
        self.victim
            .as_ref()
            .is_none_or(|victim| recipes.any(|recipe| recipe.name.as_str() == victim))
    }
}

impl Step for Hostile {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let mut outcome = well_behaved(request);
        if !self.is_after(request) {
            return Ok(outcome);
        }
        self.roused.store(true, Ordering::Relaxed);
        match self.misbehaviour {
            Misbehaviour::None | Misbehaviour::PanicInDrop => {}
            Misbehaviour::PanicInCall => panic!("hostile in call"),
            Misbehaviour::PanicInThread => panic_in_thread(),
            Misbehaviour::PanicWithPayload => std::panic::panic_any(Bomb),
            Misbehaviour::Error => {
                return Err(StepError::new(FailureClass::Test, "hostile on purpose"));
            }
            Misbehaviour::NoRecipes => outcome.recipes.clear(),
            Misbehaviour::WrongRecipe => outcome.recipes = vec![about_nobody()?],
            Misbehaviour::UnknownOp => host.call("no-such-operation", &())?,
            Misbehaviour::Abort => std::process::abort(),
            Misbehaviour::Segfault => write_where_nothing_is(),
            Misbehaviour::Exit => std::process::exit(0),
            Misbehaviour::Hunger => take_all_memory(),
            Misbehaviour::Loop => loop {
                thread::sleep(Duration::from_millis(1));
            },
            Misbehaviour::Flood => flood(host),
            Misbehaviour::Threads => leave_threads(host),
            Misbehaviour::TellRequest => {
                let told = serde_json::to_string(request).unwrap_or_default();
                host.info(&format!("hostile was told: {told}"));
            }
            Misbehaviour::TellVariables => {
                let names = std::env::vars_os().map(|(name, _)| name);
                let names: Vec<String> = names.map(|n| n.to_string_lossy().into()).collect();
                host.info(&format!("hostile sees: {}", names.join(" ")));
            }
            Misbehaviour::Print => {
                println!("hostile says hello");
                let _ = std::io::stdin().read_line(&mut String::new());
            }
        }
        Ok(outcome)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if self.misbehaviour == Misbehaviour::PanicInDrop && *self.roused.get_mut() {
            panic!("hostile in drop");
        }
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("hostile in a payload");
    }
}

fn well_behaved(request: &StepRequest) -> StepOutcome {
    let groups = request.groups.iter();
    let outcomes =
        groups.flat_map(|work| StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded).recipes);
    StepOutcome {
        recipes: outcomes.collect(),
        ..StepOutcome::default()
    }
}

/// As thread pools do it: the panic comes out on the thread that waits.
fn panic_in_thread() {
    let thread: thread::JoinHandle<()> = thread::spawn(|| panic!("hostile in a thread"));
    thread
        .join()
        .unwrap_or_else(|payload| std::panic::resume_unwind(payload));
}

#[expect(unsafe_code, reason = "this is what a broken plugin does")]
fn write_where_nothing_is() {
    // SAFETY: none; the first page of a process is never mapped.
    unsafe { std::ptr::without_provenance_mut::<u8>(1).write_volatile(0) }
}

fn take_all_memory() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(vec![1; 16 << 20]);
        std::hint::black_box(&taken);
    }
}

fn flood(host: &Host) {
    host.info(&"endless ".repeat(1 << 20));
    let mut progress = Progress {
        machine: None,
        current: 0,
        total: 0,
        text: "further".to_owned(),
    };
    for number in 0..10_500 {
        host.info(&format!("flood {number}"));
        progress.current = number;
        host.progress(&progress);
    }
}

/// They outlive the object that began them, as those of a forgotten thread pool do.
fn leave_threads(host: &Host) {
    let host = host.clone();
    thread::spawn(move || {
        loop {
            host.info("left behind");
            thread::sleep(Duration::from_millis(50));
        }
    });
    thread::spawn(|| {
        loop {
            thread::park();
        }
    });
}

fn about_nobody() -> Result<RecipeOutcome, StepError> {
    let recipe = RecipeName::new("nobody")
        .map_err(|e| StepError::new(FailureClass::Plugin, e.to_string()))?;
    Ok(RecipeOutcome {
        recipe,
        status: RecipeStatus::Succeeded,
    })
}

fn create(options: &Options) -> Result<Hostile, StepError> {
    let misbehaviour = match options.get("misbehave").map(|value| value.as_str()) {
        None => Misbehaviour::None,
        Some(Some("panic-in-create")) => panic!("hostile in create"),
        Some(Some("panic-in-call")) => Misbehaviour::PanicInCall,
        Some(Some("panic-in-drop")) => Misbehaviour::PanicInDrop,
        Some(Some("panic-in-thread")) => Misbehaviour::PanicInThread,
        Some(Some("panic-with-payload")) => Misbehaviour::PanicWithPayload,
        Some(Some("error-in-create")) => {
            return Err(StepError::new(FailureClass::Test, "hostile in create"));
        }
        Some(Some("error")) => Misbehaviour::Error,
        Some(Some("no-recipes")) => Misbehaviour::NoRecipes,
        Some(Some("wrong-recipe")) => Misbehaviour::WrongRecipe,
        Some(Some("unknown-op")) => Misbehaviour::UnknownOp,
        Some(Some("abort")) => Misbehaviour::Abort,
        Some(Some("segfault")) => Misbehaviour::Segfault,
        Some(Some("exit")) => Misbehaviour::Exit,
        Some(Some("hunger")) => Misbehaviour::Hunger,
        Some(Some("loop")) => Misbehaviour::Loop,
        Some(Some("print")) => Misbehaviour::Print,
        Some(Some("flood")) => Misbehaviour::Flood,
        Some(Some("threads")) => Misbehaviour::Threads,
        Some(Some("tell-request")) => Misbehaviour::TellRequest,
        Some(Some("tell-variables")) => Misbehaviour::TellVariables,
        Some(_) => {
            let message = "the setting misbehave has an unknown value";
            return Err(StepError::infrastructure(message));
        }
    };
    let victim = options.get("recipe").and_then(|value| value.as_str());
    Ok(Hostile {
        misbehaviour,
        victim: victim.map(str::to_owned),
        roused: AtomicBool::new(false),
    })
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}

/// The manifest is asked for before there are any settings, so the environment says how it lies.
fn manifest() -> PluginManifest {
    let honest = auh_sdk::step_manifest(
        "hostile",
        env!("CARGO_PKG_VERSION"),
        "misbehaves as its settings say",
    );
    match std::env::var("AUH_HOSTILE_MANIFEST").as_deref() {
        Ok("old-api") => PluginManifest {
            api: (0, 0),
            ..honest
        },
        Ok("new-api") => PluginManifest {
            api: (98, 99),
            ..honest
        },
        Ok("scheduler") => PluginManifest {
            kind: PluginKind::Scheduler,
            ..honest
        },
        Ok("unknown-kind") => PluginManifest {
            kind: PluginKind::Unknown,
            ..honest
        },
        Ok("name") => PluginManifest {
            name: "../git-commit\u{1b}[2J".to_owned(),
            ..honest
        },
        Ok("summary") => PluginManifest {
            summary: format!("\u{1b}]0;hostile\u{7}\u{202e}{}", "line\n".repeat(100_000)),
            ..honest
        },
        Ok("settings") => PluginManifest {
            settings: vec!["plugins.mail.password".to_owned(), "plugins".to_owned()],
            ..honest
        },
        Ok("panic") => panic!("no manifest today"),
        _ => honest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_sdk::{
        CommandResult,
        pretend::{self, PretendHost, ended},
    };
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        path::Path,
    };

    fn request() -> StepRequest {
        pretend::request(Path::new("/run"), "run", vec![], &[])
    }

    /// Where it went wrong: in `create`, `run` or `drop`, by panic or error.
    fn outcome(misbehave: &str) -> &'static str {
        let mut options = Options::new();
        options.insert("misbehave".into(), misbehave.into());
        let step = match catch_unwind(|| create(&options)) {
            Err(_) => return "panic in create",
            Ok(Err(_)) => return "error in create",
            Ok(Ok(step)) => step,
        };
        let pretended = PretendHost::new(|_| -> CommandResult { ended(0, "", "") });
        let host = pretended.host();
        let ran = catch_unwind(AssertUnwindSafe(|| step.run(&request(), &host).is_ok()));
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(step)));
        match (ran, dropped) {
            (Err(payload), _) => {
                // One payload's destructor panics.
                std::mem::forget(payload);
                "panic in call"
            }
            (_, Err(_)) => "panic in drop",
            (Ok(false), _) => "error in call",
            (Ok(true), _) => "well",
        }
    }

    #[test]
    fn each_setting_misbehaves_in_its_own_place() {
        let cases = [
            ("panic-in-create", "panic in create"),
            ("error-in-create", "error in create"),
            ("anything-else", "error in create"),
            ("panic-in-call", "panic in call"),
            ("panic-in-thread", "panic in call"),
            ("panic-with-payload", "panic in call"),
            ("panic-in-drop", "panic in drop"),
            ("error", "error in call"),
            ("no-recipes", "well"),
            ("wrong-recipe", "well"),
        ];
        for (misbehave, expect) in cases {
            assert_eq!(outcome(misbehave), expect, "{misbehave}");
        }
    }
}
