//! Every error that the program can end with or tell of, in one snapshot: what it says, what to do
//! about it, and the exit status. A new variant that is not listed here does not compile; to list it,
//! add a line `Type::Variant { .. } => example` to its type below, and read what the snapshot then says.

use super::*;
use crate::results::ResultError;
use auh_config::{Place, Source, ini::IniProblem};
use auh_graph::{BuildstatsError, GraphError, LoopTask, Loops, NotAPermutation, ReadError};
use auh_oe::Unfit;
use auh_process::RunError;
use auh_protocol::{PluginFault, PluginKind};
use auh_simulate::{Fault, SimulateError};
use std::{fmt::Write, io, path::PathBuf};

/// What is shown of one error type.
struct Section {
    name: &'static str,
    errors: Vec<(&'static str, anyhow::Error)>,
}

/// One example of each variant of an error type.
macro_rules! every {
    ($type:ident { $($pattern:pat => $example:expr,)* }) => {{
        // It only has to compile: a variant that is missing here is an error in this match.
        fn _each_is_listed(error: &$type) {
            match error {
                $($pattern => {})*
            }
        }
        let mut errors: Vec<(&'static str, anyhow::Error)> = Vec::new();
        $({
            let example: $type = $example;
            assert!(matches!(example, $pattern), "{} is no example", stringify!($example));
            errors.push((stringify!($pattern), example.into()));
        })*
        Section { name: stringify!($type), errors }
    }};
}

fn sections() -> Vec<Section> {
    vec![
        config(),
        ini(),
        oe(),
        unfit(),
        run(),
        journal(),
        load(),
        new_plugin(),
        engine(),
        results(),
        read(),
        graph(),
        buildstats(),
        permutation(),
        simulate(),
    ]
}

/// Errors that are only ever part of another one's text, which has the hint.
const PARTS: [&str; 1] = ["NotAPermutation"];

#[test]
fn each_says_what_happened_and_what_to_do() {
    let mut text = String::new();
    for Section { name, errors } in sections() {
        writeln!(text, "== {name}").unwrap();
        for (pattern, error) in errors {
            let variant = pattern.split("::").last().unwrap_or_default();
            let variant = variant.split(['(', ' ', '{']).next().unwrap_or_default();
            let (hint, status) = classify(&error);
            writeln!(text, "{variant}, exit status {}", status.0).unwrap();
            writeln!(text, "  {}", told(&error)).unwrap();
            // Whoever stops a run knows what to do; what something must be is a remedy.
            let says_it = variant == "WrongType" || PARTS.contains(&name);
            let needs_none = status == exit::STOPPED || says_it;
            match hint {
                Some(hint) => writeln!(text, "    hint: {hint}").unwrap(),
                None => assert!(needs_none, "{name}::{variant} does not say what to do"),
            }
            assert_plain(&told(&error), variant == "Cycle");
        }
    }
    insta::assert_snapshot!(text);
}

/// The form that all messages have; only what lists something may do so in lines of its own.
fn assert_plain(message: &str, lists: bool) {
    assert!(lists || !message.contains('\n'), "several lines: {message}");
    assert!(!message.ends_with('.'), "a final period: {message}");
}

fn path(text: &str) -> PathBuf {
    text.into()
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn refused() -> io::Error {
    io::Error::from_raw_os_error(13)
}

fn missing() -> io::Error {
    io::Error::from_raw_os_error(2)
}

fn place() -> Place {
    Place {
        file: path("/b/upgrade-helper/auh.toml"),
        line: 3,
        column: 8,
    }
}

fn config() -> Section {
    every!(ConfigError {
        ConfigError::Read { .. } => ConfigError::Read { file: path("/b/auh.toml"), source: missing() },
        ConfigError::NotText { .. } => ConfigError::NotText { at: place() },
        ConfigError::Toml { .. } => ConfigError::Toml { at: place(), message: text("expected a value") },
        ConfigError::Ini { .. } => ConfigError::Ini { at: place(), problem: IniProblem::NoSection },
        ConfigError::UnknownKey { .. } => ConfigError::UnknownKey {
            at: Source::File(place()), key: text("machine"), nearest: Some(text("machines")),
        },
        ConfigError::WrongType { .. } => ConfigError::WrongType {
            at: Source::File(place()), key: text("machines"), expected: "a list of texts", found: "a number",
        },
        ConfigError::Invalid { .. } => ConfigError::Invalid {
            at: Source::Flag("--jobs"), key: text("jobs"), reason: text("0 jobs would do nothing"),
            hint: Some(text("1 or more")),
        },
    })
}

fn ini() -> Section {
    let mut section = every!(IniProblem {
        IniProblem::NoSection => IniProblem::NoSection,
        IniProblem::DuplicateSection { .. } => IniProblem::DuplicateSection { name: text("maintainer"), first: 2 },
        IniProblem::DuplicateKey { .. } => IniProblem::DuplicateKey { key: text("machines"), first: 2 },
        IniProblem::NoDelimiter => IniProblem::NoDelimiter,
        IniProblem::NoKey => IniProblem::NoKey,
        IniProblem::LonePercent => IniProblem::LonePercent,
        IniProblem::OpenReference => IniProblem::OpenReference,
        IniProblem::UnknownReference(_) => IniProblem::UnknownReference(text("home")),
        IniProblem::TooDeep => IniProblem::TooDeep,
    });
    // They are told with their place.
    for (_, error) in &mut section.errors {
        let problem = error.downcast_ref::<IniProblem>().expect("one").clone();
        *error = ConfigError::Ini {
            at: place(),
            problem,
        }
        .into();
    }
    section
}

fn oe() -> Section {
    every!(OeError {
        OeError::NoBuildDir => OeError::NoBuildDir,
        OeError::BadBuildDir { .. } => OeError::BadBuildDir { path: path("/b"), what: text("there is no such folder") },
        OeError::MissingTool { .. } => OeError::MissingTool { tool: "git", provider: "install the package git" },
        OeError::HardAssignment { .. } => OeError::HardAssignment {
            path: path("/b/conf/local.conf"), line: 7, variable: "MACHINE",
        },
        OeError::NoGitIdentity { .. } => OeError::NoGitIdentity { key: "user.name" },
        OeError::UnknownMachine { .. } => OeError::UnknownMachine { machine: text("qemux99") },
        OeError::UnusablePath { .. } => OeError::UnusablePath { path: path("/b\"c"), what: "a quotation mark" },
        OeError::Io { .. } => OeError::Io { action: "write", path: path("/b/conf/toolcfg.conf"), source: refused() },
        OeError::Run(_) => OeError::Run(RunError::NotInPath { program: "git".into(), path: "/usr/bin".into() }),
        OeError::Tool { .. } => OeError::Tool {
            tool: text("devtool create-workspace"), how: text("exited with status 1"), said: text("ERROR: no"),
        },
        OeError::Session { .. } => OeError::Session { message: text("ParseError at local.conf:3"), detail: text("…") },
        OeError::Unremovable { .. } => OeError::Unremovable { path: path("/home"), why: "it is a home folder" },
        OeError::Served { .. } => OeError::Served { build_dir: path("/b") },
        OeError::NoStableCheck => OeError::NoStableCheck,
        OeError::Unfit { .. } => OeError::Unfit {
            recipe: text("zlib"), why: Unfit::LocalChanges { file: path("/l/zlib_1.3.bb") },
        },
        OeError::Stopped => OeError::Stopped,
    })
}

fn unfit() -> Section {
    let mut section = every!(Unfit {
        Unfit::LocalChanges { .. } => Unfit::LocalChanges { file: path("/l/zlib_1.3.bb") },
        Unfit::NoRepository { .. } => Unfit::NoRepository { layer: path("/l") },
        Unfit::Busy { .. } => Unfit::Busy { repository: path("/l"), doing: "rebase" },
        Unfit::ReadOnly { .. } => Unfit::ReadOnly { folder: path("/l") },
    });
    // They are told with their recipe.
    for (_, error) in &mut section.errors {
        let why = error.downcast_ref::<Unfit>().expect("one").clone();
        let recipe = text("zlib");
        *error = OeError::Unfit { recipe, why }.into();
    }
    section
}

fn run() -> Section {
    every!(RunError {
        RunError::NotInPath { .. } => RunError::NotInPath { program: "devtool".into(), path: "/usr/bin".into() },
        RunError::NotFound { .. } => RunError::NotFound { program: path("/opt/x") },
        RunError::NotExecutable { .. } => RunError::NotExecutable { program: path("/opt/x") },
        RunError::NoInterpreter { .. } => RunError::NoInterpreter { program: path("/opt/x.py") },
        RunError::NoWorkingDirectory { .. } => RunError::NoWorkingDirectory { program: "git".into(), cwd: path("/l") },
        RunError::Spawn { .. } => RunError::Spawn { program: path("/usr/bin/git"), source: io::Error::from_raw_os_error(12) },
        RunError::Watch { .. } => RunError::Watch { program: path("/usr/bin/git"), source: io::Error::from_raw_os_error(10) },
    })
}

fn journal() -> Section {
    every!(JournalError {
        JournalError::Io { .. } => JournalError::Io {
            action: "write", path: path("/w/20260101120000/journal.jsonl"), source: io::Error::from_raw_os_error(28),
        },
        JournalError::BadLine { .. } => JournalError::BadLine {
            path: path("/w/20260101120000/journal.jsonl"), line: 4, reason: text("missing field `time`"),
        },
        JournalError::NewerFormat { .. } => JournalError::NewerFormat {
            path: path("/w/20260101120000/journal.jsonl"), found: 9, known: 1,
        },
        JournalError::NoPlan { .. } => JournalError::NoPlan { path: path("/w/20260101120000/journal.jsonl") },
        JournalError::NoRun { .. } => JournalError::NoRun { path: path("/w/x") },
        JournalError::Busy { .. } => JournalError::Busy { path: path("/w/20260101120000") },
        JournalError::Locked { .. } => JournalError::Locked {
            folder: path("/b/upgrade-helper"),
            holder: text("process 17 of user ann on host h1, since 2026-01-01 12:00:00"),
        },
        JournalError::LockedElsewhere { .. } => JournalError::LockedElsewhere {
            path: path("/b/upgrade-helper/auh.lock"),
            holder: text("process 17 of user ann on host h2, since 2026-01-01 12:00:00"),
        },
    })
}

fn new_plugin() -> Section {
    every!(NewPluginError {
        NewPluginError::Name { .. } => NewPluginError::Name { name: text("My Step") },
        NewPluginError::Exists { .. } => NewPluginError::Exists { folder: path("/h/notify") },
        NewPluginError::Write { .. } => NewPluginError::Write {
            file: path("/h/notify/Cargo.toml"), source: io::Error::from_raw_os_error(28),
        },
    })
}

fn load() -> Section {
    every!(LoadError {
        LoadError::NotFound { .. } => LoadError::NotFound {
            kind: PluginKind::Step, name: text("notify"), known: Vec::new(), folders: vec![path("/p")],
        },
        LoadError::Unreadable { .. } => LoadError::Unreadable { file: path("/p/libx.so"), reason: text("permission denied") },
        LoadError::Untrusted { .. } => LoadError::Untrusted {
            file: path("/p/libx.so"), culprit: path("/p"), reason: text("everybody can write to its folder"),
        },
        LoadError::NoLibrary { .. } => LoadError::NoLibrary { file: path("/p/libx.so"), reason: text("it is cut off") },
        LoadError::NoPlugin { .. } => LoadError::NoPlugin { file: path("/p/libx.so"), symbol: "auh_plugin_abi" },
        LoadError::WrongAbi { .. } => LoadError::WrongAbi { file: path("/p/libx.so"), found: 1, wanted: 2 },
        LoadError::WrongLayout { .. } => LoadError::WrongLayout { file: path("/p/libx.so"), abi: 1, detail: text("…") },
        LoadError::WrongApi { .. } => LoadError::WrongApi {
            file: path("/p/libx.so"), name: text("notify"), version: text("1.0"), low: 1, high: 1, wanted: 2,
        },
        LoadError::BadManifest { .. } => LoadError::BadManifest {
            file: path("/p/libx.so"), reason: text("its manifest names the plugin other"),
        },
        LoadError::Apart { .. } => LoadError::Apart { file: path("/p/libx.so"), reason: text("its process ended") },
    })
}

fn engine() -> Section {
    every!(EngineError {
        EngineError::UnknownRecipe { .. } => EngineError::UnknownRecipe { name: text("zlbi") },
        EngineError::Journal(_) => EngineError::Journal(JournalError::NoRun { path: path("/w/x") }),
        EngineError::Environment(_) => EngineError::Environment(OeError::NoBuildDir),
        EngineError::Requirement { .. } => EngineError::Requirement {
            step: text("notify"), variable: text("BUILDHISTORY_COMMIT"), must: text("be \"1\""),
            is: String::new(), remedy: String::new(),
        },
        EngineError::Scheduler { .. } => EngineError::Scheduler {
            name: text("mine"), fault: PluginFault::error(text("it has no order")),
        },
        EngineError::Thread { .. } => EngineError::Thread { source: io::Error::from_raw_os_error(11) },
        EngineError::Stalled { .. } => EngineError::Stalled { name: text("mine"), ready: 3 },
    })
}

fn results() -> Section {
    every!(ResultError {
        ResultError::Folder(_) => ResultError::Folder(JournalError::Io {
            action: "write", path: path("/w/20260101120000/junit.xml"), source: refused(),
        }),
        ResultError::Start(_) => ResultError::Start(RunError::NotInPath { program: "tar".into(), path: "/usr/bin".into() }),
        ResultError::Tar(_) => ResultError::Tar(text("tar: unrecognized option '--null'")),
        ResultError::Put { .. } => ResultError::Put { path: path("/w/20260101120000.tar.gz"), source: refused() },
    })
}

fn read() -> Section {
    every!(ReadError {
        ReadError::Io(_) => ReadError::Io(refused()),
        ReadError::Line { .. } => ReadError::Line { line: 2, problem: text("neither a task nor a dependency") },
        ReadError::Graph(_) => ReadError::Graph(GraphError::NotAnId(text("x"))),
    })
}

fn graph() -> Section {
    every!(GraphError {
        GraphError::NotAnId(_) => GraphError::NotAnId(text("x")),
        GraphError::UnprintableId(_) => GraphError::UnprintableId(text("x\"y:do_z")),
        GraphError::LongId(_) => GraphError::LongId(text("/very/long")),
        GraphError::DuplicateId(_) => GraphError::DuplicateId(text("x.bb:do_y")),
        GraphError::UnknownTask { .. } => GraphError::UnknownTask { task: 1, dependency: 7, tasks: 3 },
        GraphError::Misshapen(_) => GraphError::Misshapen("there are more offsets than tasks"),
        GraphError::TooLarge => GraphError::TooLarge,
        GraphError::Cycle(_) => GraphError::Cycle(Loops {
            unbuildable: 2,
            loops: vec![["a.bb:do_x", "b.bb:do_y"].map(loop_task).into()],
            more: false,
        }),
    })
}

fn loop_task(id: &str) -> LoopTask {
    LoopTask {
        id: id.to_owned(),
        waits_for: vec!["a.bb:do_x".to_owned()],
    }
}

fn buildstats() -> Section {
    every!(BuildstatsError {
        BuildstatsError::Io { .. } => BuildstatsError::Io { path: path("/t/buildstats"), source: missing() },
        BuildstatsError::Empty(_) => BuildstatsError::Empty(path("/t/buildstats")),
    })
}

fn permutation() -> Section {
    every!(NotAPermutation {
        NotAPermutation::Length { .. } => NotAPermutation::Length { found: 2, tasks: 3 },
        NotAPermutation::Unknown { .. } => NotAPermutation::Unknown { place: 0, task: 9 },
        NotAPermutation::Repeated { .. } => NotAPermutation::Repeated { first: 0, second: 2, task: 1 },
    })
}

fn simulate() -> Section {
    every!(SimulateError {
        SimulateError::Scheduler(_) => SimulateError::Scheduler(Fault(text("it has no order"))),
        SimulateError::Order(_) => SimulateError::Order(NotAPermutation::Length { found: 2, tasks: 3 }),
        SimulateError::NotReady { .. } => SimulateError::NotReady { task: 4 },
        SimulateError::Stalled { .. } => SimulateError::Stalled { ready: 3, first: text("a.bb:do_x") },
        SimulateError::NoSlots => SimulateError::NoSlots,
    })
}
