//! A run directory as a run over many groups leaves it, made up: recipes that fare in every way,
//! on two machines, with logs, patches, changelogs and differences, over some hours.

use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

const NAMES: [&str; 25] = [
    "acl",
    "alsa-lib",
    "bash-completion",
    "bind",
    "btrfs-tools",
    "cairo",
    "cmake-native",
    "dropbear",
    "ethtool",
    "ffmpeg",
    "gawk",
    "gstreamer1.0-plugins-base",
    "harfbuzz",
    "iproute2",
    "kmod",
    "libxml2",
    "lttng-tools",
    "mesa",
    "nghttp2",
    "openssh",
    "python3-setuptools-scm",
    "qemu",
    "sqlite3",
    "vim",
    "xserver-xorg",
];
const PEOPLE: [&str; 5] = [
    "Jane Doe <jane@example.com>",
    "Joe Roe <joe@example.com>",
    "Ana María Pérez <ana@example.com>",
    "Embedded Linux Maintainers of Example Industries <linux@example.com>",
    "Wei <wei@example.com>",
];
const LAYERS: [(&str, &str); 3] = [
    ("core", "/build/oe/openembedded-core/meta"),
    (
        "networking-layer",
        "/build/oe/meta-openembedded/meta-networking",
    ),
    ("", "/build/oe/meta-company"),
];
const MACHINES: [&str; 2] = ["qemux86-64", "qemuarm64"];
const BUILD: &str = "/build/oe/build";

/// What becomes of a group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Upgraded,
    /// With this class and message, in the first step or in the build.
    Failed(&'static str, &'static str),
    Skipped,
    NotBegun,
}

const FAILURES: [(&str, &str); 7] = [
    (
        "patch-conflict",
        "0001-Fix-build-with-clang.patch does not apply: conflict in src/main.c",
    ),
    (
        "compile",
        "do_compile failed: src/main.c:42:10: fatal error: newheader.h: No such file or directory",
    ),
    (
        "fetch",
        "Failed to fetch URL https://example.org/releases/archive.tar.xz, attempting MIRRORS if available",
    ),
    ("licence", "the licence text in COPYING changed"),
    (
        "configure",
        "do_configure failed: meson.build:17:4: ERROR: Dependency \"glib-2.0\" found: NO",
    ),
    (
        "package",
        "do_package_qa failed: QA Issue: -dev package contains non-symlink .so [dev-so]",
    ),
    ("infrastructure", "the BitBake server went away"),
];

/// Makes the run directory `name` in `workdir`. `turn` makes runs differ in what fails.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn make_up_run(workdir: &Path, name: &str, groups: usize, turn: usize) -> PathBuf {
    let path = workdir.join(name);
    for part in ["all", "succeed", "failed"] {
        fs::create_dir_all(path.join(part)).unwrap();
    }
    let mut run = MadeUp {
        path: path.clone(),
        seconds: 0.0,
        journal: String::new(),
        commands: 1,
    };
    run.tell(groups, turn);
    fs::write(path.join("journal.jsonl"), &run.journal).unwrap();
    path
}

struct MadeUp {
    path: PathBuf,
    seconds: f64,
    journal: String,
    commands: u64,
}

impl MadeUp {
    fn event(&mut self, mut event: Value) {
        let whole = self.seconds as u64;
        let (day, second) = (1 + whole / 86_400, whole % 86_400);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let fraction = self.seconds.fract();
        event["time"] = json!(format!(
            "2026-01-{day:02}T{hour:02}:{minute:02}:{:06.3}Z",
            (second % 60) as f64 + fraction.min(0.999)
        ));
        let _ = writeln!(self.journal, "{event}");
    }

    fn tell(&mut self, groups: usize, turn: usize) {
        let plan: Vec<Value> = (0..groups).map(group).collect();
        self.seconds = 349.0;
        self.event(
            json!({"event": "run-started", "format": 1, "auh": "0.1.0", "build_dir": BUILD,
            "machines": MACHINES, "pipeline": "default", "scheduler": "basic", "recipes": ["all"]}),
        );
        self.event(
            json!({"event": "command-finished", "id": 0, "label": "upstream check",
            "folder": BUILD, "exit": {"code": 0}, "seconds": 349.0,
            "parses": [{"cached": 0, "parsed": 962}]}),
        );
        let left_out: Vec<Value> = (0..groups * 2).map(left_out).collect();
        self.event(json!({"event": "planned", "groups": plan, "left_out": left_out}));
        for (number, group) in plan.iter().enumerate() {
            self.group(number, group, fate(number, groups, turn));
        }
        self.event(
            json!({"event": "step-finished", "groups": [], "step": "mail", "action": "status",
            "outcome": {"notes": ["the status was mailed to list@example.com"]}, "seconds": 1.0}),
        );
        let seconds = self.seconds;
        self.event(
            json!({"event": "run-finished", "exit_code": 1, "stopped": false,
            "seconds": seconds, "command_seconds": seconds * 0.97}),
        );
    }

    fn group(&mut self, number: usize, group: &Value, fate: Fate) {
        if fate == Fate::NotBegun {
            return;
        }
        let recipes = group["recipes"].as_array().unwrap();
        let names: Vec<&str> = recipes
            .iter()
            .map(|r| r["name"].as_str().unwrap())
            .collect();
        let name = names.join(",");
        let began = self.seconds;
        fs::create_dir_all(self.path.join("all").join(&name)).unwrap();
        self.upgrade(number, &name, names[0], fate);
        let built = !matches!(
            fate,
            Fate::Skipped | Fate::Failed("patch-conflict" | "fetch", _)
        );
        if built {
            self.build(number, &name, names[0], fate);
            self.commit(number, &name, names[0], fate);
        }
        let (verdict, folder) = match fate {
            Fate::Upgraded => ("succeeded", Some("succeed")),
            Fate::Failed(..) => ("failed", Some("failed")),
            Fate::Skipped | Fate::NotBegun => ("skipped", None),
        };
        let seconds = self.seconds - began;
        self.event(json!({"event": "group-finished", "group": name, "verdict": verdict, "seconds": seconds}));
        let used = (number as u64 * 13 % 37) * 2_000_000_000 + self.seconds as u64 * 1_000_000;
        self.event(
            json!({"event": "disk-measured", "folder": BUILD, "free": 400_000_000_000 - used,
            "size": 1_000_000_000_000_u64}),
        );
        if let Some(folder) = folder {
            let link = self.path.join(folder).join(&name);
            symlink(format!("../all/{name}"), link).unwrap();
        }
    }

    fn upgrade(&mut self, number: usize, name: &str, recipe: &str, fate: Fate) {
        self.step_started(name, "devtool-upgrade", "run");
        let command = self.command(
            name,
            &format!("devtool upgrade {recipe}"),
            Some(MACHINES[0]),
        );
        self.seconds += 20.0 + (number % 7) as f64 * 9.0;
        self.command_end(
            command,
            &format!("devtool upgrade {recipe}"),
            0,
            json!([{"cached": 961, "parsed": 1}]),
        );
        let mut outcome = json!({"recipes": [{"recipe": recipe, "status": "succeeded"}]});
        match fate {
            Fate::Failed(class @ ("patch-conflict" | "fetch"), message) => {
                let log = self.file(
                    name,
                    &format!("devtool-upgrade-{recipe}.log"),
                    &devtool_log(recipe, message),
                );
                outcome["recipes"][0] = json!({"recipe": recipe, "status": "failed", "class": class,
                    "message": message, "log": log});
            }
            Fate::Skipped => {
                outcome["recipes"][0] = json!({"recipe": recipe, "status": "skipped",
                    "reason": "devtool says that it is up to date"});
            }
            _ => {
                let changelog =
                    self.file(name, &format!("changelog-{recipe}.txt"), &changelog(number));
                outcome["changelogs"] = json!([[recipe, changelog]]);
                if number.is_multiple_of(5) {
                    let file = self.file(name, "license-diff-2.4.txt", "@@ -1,4 +1,4 @@\n-Copyright (c) 2010-2024 The Authors\n+Copyright (c) 2010-2026 The Authors\n Permission is hereby granted\n");
                    outcome["licences"] = json!([{"recipe": recipe, "file": file}]);
                }
                if number % 6 == 1 {
                    outcome["dropped_patches"] =
                        json!([{"recipe": recipe, "patch": "0002-upstream-fix.patch"}]);
                }
            }
        }
        self.step_finished(name, "devtool-upgrade", "run", outcome);
    }

    /// Both machines at the same time, the second one slower.
    fn build(&mut self, number: usize, name: &str, recipe: &str, fate: Fate) {
        let label = format!("bitbake -k {recipe}");
        self.step_started(name, "compile-parallel", "run");
        let commands = MACHINES.map(|machine| self.command(name, &label, Some(machine)));
        let bad = match fate {
            Fate::Failed(class, message) => Some((class, message)),
            _ => None,
        };
        self.seconds += 60.0 + (number * 37 % 240) as f64;
        self.command_end(
            commands[0],
            &label,
            i32::from(bad.is_some()),
            json!([{"cached": 961, "parsed": 1}]),
        );
        self.seconds += (number * 53 % 120) as f64;
        self.command_end(
            commands[1],
            &label,
            i32::from(bad.is_some()),
            json!([{"cached": 961, "parsed": 1}]),
        );
        let mut outcome = json!({"recipes": [{"recipe": recipe, "status": "succeeded"}]});
        if let Some((class, message)) = bad {
            let log = self.file(
                name,
                "bitbake-output-qemuarm64.txt",
                &build_log(recipe, message),
            );
            outcome["recipes"][0] = json!({"recipe": recipe, "status": "failed", "class": class,
                "message": message, "log": log, "machines": MACHINES});
        } else if number % 8 == 3 {
            outcome["machine_skips"] = json!([{"recipe": recipe, "machine": MACHINES[1],
                "reason": "incompatible with machine qemuarm64 (not in COMPATIBLE_MACHINE)"}]);
        }
        self.file(name, "buildhistory-diff.txt", &format!("packages/core2-64-poky-linux/{recipe}/{recipe}: PKGSIZE changed from 120332 to 124419 (+3%)\n"));
        self.step_finished(name, "compile-parallel", "run", outcome);
    }

    fn commit(&mut self, number: usize, name: &str, recipe: &str, fate: Fate) {
        self.step_started(name, "git-commit", "run");
        self.seconds += 0.4;
        let revision = hash(number + 7);
        let patch = self.file(
            name,
            &format!("0001-{recipe}-upgrade.patch"),
            &patch(recipe, number),
        );
        let mut commit = json!({"repository": "/build/oe/openembedded-core", "revision": revision,
            "subject": format!("{name}: upgrade 2.4.{number} -> 2.5"), "patch": patch});
        let outcome =
            json!({"recipes": [{"recipe": recipe, "status": "succeeded"}], "commits": [commit]});
        self.step_finished(name, "git-commit", "run", outcome);
        if matches!(fate, Fate::Failed(..)) {
            self.step_started(name, "git-commit", "revert");
            commit["reverted_by"] = json!("aa".repeat(20));
            self.step_finished(
                name,
                "git-commit",
                "revert",
                json!({"recipes": [], "commits": [commit]}),
            );
        }
    }

    fn step_started(&mut self, group: &str, step: &str, action: &str) {
        self.event(
            json!({"event": "step-started", "groups": [group], "step": step, "action": action}),
        );
    }

    fn step_finished(&mut self, group: &str, step: &str, action: &str, outcome: Value) {
        self.event(
            json!({"event": "step-finished", "groups": [group], "step": step, "action": action,
            "outcome": outcome, "seconds": 1.0}),
        );
    }

    fn command(&mut self, group: &str, label: &str, machine: Option<&str>) -> u64 {
        let id = self.commands;
        self.commands += 1;
        self.event(
            json!({"event": "command-started", "id": id, "label": label, "argv": [label],
            "folder": BUILD, "group": group, "machine": machine}),
        );
        id
    }

    fn command_end(&mut self, id: u64, label: &str, code: i32, parses: Value) {
        self.event(
            json!({"event": "command-finished", "id": id, "label": label, "folder": BUILD,
            "exit": {"code": code}, "seconds": 1.0, "parses": parses}),
        );
    }

    /// A file of a group, and its path as a journal has it.
    fn file(&self, group: &str, name: &str, text: &str) -> PathBuf {
        let path = self.path.join("all").join(group).join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

/// Something that looks like a commit's.
fn hash(number: usize) -> String {
    let mixed = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("{mixed:032x}{number:08x}")
}

fn recipe_name(number: usize) -> String {
    let name = NAMES[number % NAMES.len()];
    match number / NAMES.len() {
        0 => name.to_owned(),
        round => format!("{name}-{round}"),
    }
}

/// Every tenth group has two recipes.
fn group(number: usize) -> Value {
    let name = recipe_name(number);
    let mut recipes = vec![recipe(number, &name)];
    if number % 10 == 9 {
        recipes.push(recipe(number, &format!("{name}-vectors")));
    }
    json!({ "recipes": recipes })
}

fn recipe(number: usize, name: &str) -> Value {
    let (layer, path) = LAYERS[number % LAYERS.len()];
    let maintainer = (number % 11 != 4).then_some(PEOPLE[number * 3 % PEOPLE.len()]);
    let target = match number % 13 {
        12 => json!({"version": format!("2.4.{number}"), "new_commits": true,
            "revision": hash(number)}),
        _ => json!({"version": "2.5"}),
    };
    json!({"name": name, "file": format!("{path}/recipes-support/{name}/{name}_2.4.{number}.bb"),
        "layer": {"path": path, "name": layer}, "version": format!("2.4.{number}"), "target": target,
        "maintainer": maintainer, "packages": []})
}

fn left_out(number: usize) -> Value {
    let reason = match number % 9 {
        0 => "it has no maintainer".to_owned(),
        3 => "Fetcher failure: Unable to find revision in branch master".to_owned(),
        6 => "its recipe says why not: 3.0 needs a newer compiler".to_owned(),
        _ => format!("it is up to date (1.{number})"),
    };
    json!({"recipe": format!("lib{}-{number}", NAMES[number * 7 % NAMES.len()]), "reason": reason,
        "failed": number % 9 == 3})
}

fn fate(number: usize, groups: usize, turn: usize) -> Fate {
    match number + turn {
        _ if number + 3 > groups => Fate::NotBegun,
        n if n % 4 == 1 => {
            let (class, message) = FAILURES[number / 4 % FAILURES.len()];
            Fate::Failed(class, message)
        }
        n if n % 17 == 6 => Fate::Skipped,
        _ => Fate::Upgraded,
    }
}

fn devtool_log(recipe: &str, message: &str) -> String {
    format!(
        "NOTE: Starting bitbake server...\nINFO: Extracting current version source...\n\
         Adding changed files:   0% |     | ETA:  --:--:--\rAdding changed files: 100% |#####| Time: 0:00:00\n\
         INFO: Rebasing devtool onto 4d3afb0c8b8b\nWARNING: Command 'git rebase 4d3afb0c8b8b' failed:\n\
         CONFLICT (content): Merge conflict in src/main.c\n\u{1b}[31mERROR: {message}\u{1b}[0m\n\
         INFO: New recipe is workspace/recipes/{recipe}/{recipe}_2.5.bb\n"
    )
}

fn build_log(recipe: &str, message: &str) -> String {
    let mut log = String::new();
    for task in 0..400 {
        let _ = writeln!(
            log,
            "NOTE: Running task {task} of 400 (/build/oe/meta/recipes/{recipe}/{recipe}_2.5.bb:do_task_{task})"
        );
        if task == 120 {
            let _ = writeln!(
                log,
                "| src/main.c: In function 'main':\n| src/main.c:42:10: fatal error: newheader.h: No such file or directory\n|    42 | #include <newheader.h>\n| compilation terminated.\n| make[2]: *** [Makefile:1201: main.o] Error 1"
            );
        }
    }
    let _ = writeln!(
        log,
        "ERROR: {recipe}-2.5-r0 {message}\nERROR: Logfile of failure stored in: /build/oe/build/tmp/work/core2-64/{recipe}/2.5/temp/log.do_compile.4711\nNOTE: Tasks Summary: Attempted 400 tasks of which 380 didn't need to be rerun and 1 failed.\nSummary: There were 2 ERROR messages, returning a non-zero exit code."
    );
    log
}

fn changelog(number: usize) -> String {
    let mut text = String::from("Version 2.5\n===========\n\n");
    for item in 0..6 + number % 20 {
        let _ = writeln!(
            text,
            "* Fix a crash when <config> holds more than {item} entries & none is set (#{})",
            4000 + item
        );
    }
    text
}

fn patch(recipe: &str, number: usize) -> String {
    format!(
        "From 0123456789abcdef Mon Sep 17 00:00:00 2001\nFrom: Upgrade Helper <auh@example.com>\n\
         Subject: [PATCH] {recipe}: upgrade 2.4.{number} -> 2.5\n\n---\n .../{recipe}_2.5.bb | 4 ++--\n\n\
         --- a/recipes-support/{recipe}/{recipe}_2.4.{number}.bb\n+++ b/recipes-support/{recipe}/{recipe}_2.5.bb\n\
         @@ -8,5 +8,5 @@ LICENSE = \"MIT\"\n SRC_URI = \"https://example.org/${{BP}}.tar.xz\"\n\
         -SRC_URI[sha256sum] = \"{:064x}\"\n+SRC_URI[sha256sum] = \"{:064x}\"\n \n inherit autotools\n",
        number + 1,
        number * 31 + 7
    )
}
