//! A test for each key of `auh.toml`, named after it with `_` for `-` and `.`.

use crate::key_tests;
use auh_config::{Flags, Integrate, NATIVE_FILE, Settings, Threads};
use auh_protocol::FailureClass;
use serde_json::json;
use std::{path::Path, time::Duration};

fn flagged(flags: Flags, text: &str) -> Settings {
    let build_dir = crate::BuildDir::new().with(NATIVE_FILE, text);
    build_dir.load(flags).unwrap_or_else(|e| panic!("{e}"))
}

fn waits() -> [Option<Duration>; 3] {
    [
        Some(Duration::ZERO),
        Some(Duration::from_secs(86_400)),
        None,
    ]
}

const LAYERS: &str = "layer-mode = true\nlayer-name = ['meta-a', 'meta-b']\nlayer-dir = '../meta'";

key_tests! { from_toml;
    machines: "machines = ['a', 'b_musl']"
        => |s| s.machines.iter().map(ToString::to_string).eq(["a", "b_musl"]);
    scheduler: "scheduler = 'speed'" => |s| s.scheduler == "speed";
    pipeline: "pipeline = 'serial'" => |s| s.pipeline == "serial" && s.chosen_pipeline().name == "serial";
    workdir: "workdir = 'work'" => |s| s.workdir.ends_with("work") && s.workdir.is_absolute();
    from: "from = 'Me <me@home>'" => |s| s.commit_author == "Upgrade Helper <me@home>";
    commit_author: "commit-author = 'Bot <bot@x>'" => |s| s.commit_author == "Bot <bot@x>";
    commit_revert_policy: "commit-revert-policy = 'all'"
        => |s| s.plugin_options("git-commit", None)["revert-policy"] == "all";
    blacklist: "blacklist = ['a']" => |s| s.blacklist == ["a"];
    maintainers_whitelist: "maintainers-whitelist = ['ann']" => |s| s.maintainers_whitelist == ["ann"];
    global_maintainer_override: "global-maintainer-override = 'all@x'"
        => |s| s.override_for("any@body") == Some("all@x");
    cc_recipients: "cc-recipients = ['a@b']" => |s| s.cc_recipients == ["a@b"];
    status_recipients: "status-recipients = ['a@b']" => |s| s.status_recipients == ["a@b"];
    smtp: "smtp = 'mail.x'" => |s| s.smtp.as_ref().is_some_and(|s| (s.host.as_str(), s.port) == ("mail.x", 25));
    publish_work_url: "publish-work-url = 'http://x'" => |s| s.publish_work_url.as_deref() == Some("http://x");
    summary_includes_tarball: "summary-includes-tarball = false" => |s| !s.summary_includes_tarball;
    clean_sstate: "clean-sstate = true" => |s| s.clean_sstate;
    clean_tmp: "clean-tmp = true" => |s| s.clean_tmp;
    buildhistory: "buildhistory = true" => |s| s.buildhistory;
    testimage: "testimage = true" => |s| s.testimage;
    testimage_name: "testimage-name = 'core-image-x'" => |s| s.testimage_name == "core-image-x";
    layer_mode: LAYERS => |s| s.layers.is_some() && s.workdir.ends_with("upgrade-helper/meta-a meta-b");
    layer_name: LAYERS => |s| s.layers.as_ref().is_some_and(|l| l.names == ["meta-a", "meta-b"]);
    layer_dir: LAYERS => |s| s.layers.as_ref().is_some_and(|l| l.dir.ends_with("../meta"));
    plugin_path: "plugin-path = ['/p', '$BUILDDIR/q']"
        => |s| s.plugin_path.len() == 2 && s.plugin_path[0] == Path::new("/p")
            && s.plugin_path[1].is_absolute() && s.plugin_path[1].ends_with("q");
    allow_untrusted_plugins: "allow-untrusted-plugins = true" => |s| s.allow_untrusted_plugins;
    maintainer_override: "[maintainer-override]\n\"Old@X\" = 'new@x'"
        => |s| s.override_for("O <old@x>") == Some("new@x");
    build_threads: "build.threads = 3" => |s| s.build.threads == Threads::Number(3);
    build_fetch_ahead: "[build]\nfetch-ahead = false" => |s| !s.build.fetch_ahead;
    build_pressure_max_cpu: "[build]\npressure-max-cpu = 15000" => |s| s.build.pressure_max_cpu == Some(15000.0);
    build_pressure_max_io: "[build]\npressure-max-io = 1.5" => |s| s.build.pressure_max_io == Some(1.5);
    build_pressure_max_memory: "[build]\npressure-max-memory = 1" => |s| s.build.pressure_max_memory == Some(1.0);
    limits_command: "[limits]\ncommand = '1h30m'" => |s| s.limits.command == Some(Duration::from_secs(5400));
    limits_step: "[limits]\nstep = '90 min'" => |s| s.limits.step == Some(Duration::from_secs(5400));
    limits_scheduler: "[limits]\nscheduler = '2 min'" => |s| s.limits.scheduler == Some(Duration::from_secs(120));
    limits_run: "limits.run = 0" => |s| s.limits.run.is_none();
    retry_upstream: "[retry]\nupstream = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Upstream] == waits();
    retry_fetch: "[retry]\nfetch = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Fetch] == waits();
    retry_unsupported_protocol: "[retry]\nunsupported-protocol = [0, '1d', 'never']" => |s| s.retry[&FailureClass::UnsupportedProtocol] == waits();
    retry_patch_conflict: "[retry]\npatch-conflict = [0, '1d', 'never']" => |s| s.retry[&FailureClass::PatchConflict] == waits();
    retry_licence: "[retry]\nlicence = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Licence] == waits();
    retry_configure: "[retry]\nconfigure = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Configure] == waits();
    retry_compile: "[retry]\ncompile = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Compile] == waits();
    retry_package: "[retry]\npackage = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Package] == waits();
    retry_test: "[retry]\ntest = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Test] == waits();
    retry_commit: "[retry]\ncommit = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Commit] == waits();
    retry_hang: "[retry]\nhang = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Hang] == waits();
    retry_plugin: "[retry]\nplugin = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Plugin] == waits();
    retry_infrastructure: "[retry]\ninfrastructure = [0, '1d', 'never']" => |s| s.retry[&FailureClass::Infrastructure] == waits();
    limits_upstream_check: "[limits]\nupstream-check = 7" => |s| s.limits.upstream_check == Some(Duration::from_secs(7));
    limits_grace: "[limits]\ngrace = 7" => |s| s.limits.grace == Duration::from_secs(7);
    batch: "batch = 6" => |s| s.batch.get() == 6 && s.integration() == Integrate::Branch;
    jobs: "jobs = 3" => |s| s.jobs.get() == 3 && s.integration() == Integrate::Branch;
    integrate: "integrate = 'fast-forward'" => |s| s.integration() == Integrate::FastForward;
    bitbake_scheduler: "bitbake.scheduler = 'rm-work'" => |s| s.bitbake_scheduler.as_deref() == Some("rm-work");
    stable: "stable = true" => |s| s.stable;
    send_emails: "send-emails = true" => |s| s.send_emails;
    pipelines_closing: "[pipelines.default]\nclosing = ['z']"
        => |s| s.chosen_pipeline().closing.iter().map(|entry| entry.step.as_str()).eq(["z"]);
    pipelines_steps: "[pipelines.mine]\nsteps = ['a', {step = 'b', action = 'c', always = true, with = {d = [1]}}]"
        => |s| s.pipelines.get("mine").is_some_and(|p| {
            let [a, b] = p.steps.as_slice() else { return false };
            (a.step.as_str(), a.action.as_str(), a.always, a.with.len()) == ("a", "run", false, 0)
                && (b.step.as_str(), b.action.as_str(), b.always) == ("b", "c", true)
                && b.with["d"] == json!([1])
        });
    plugins: "[plugins.mine]\na = 1\nb.c = 'd'"
        => |s| json!(s.plugin_options("mine", None)) == json!({"a": 1, "b": {"c": "d"}});
    plugins_isolation: "[plugins.mine]\na = 1\nisolation = 'process'"
        => |s| s.isolated().get("mine") == Some(&(2 << 30)) && json!(s.plugin_options("mine", None)) == json!({"a": 1});
    plugins_isolation_memory: "[plugins.mine]\nisolation = 'process'\nisolation-memory = '0.5Gi'\n[plugins.b]\nisolation = 'none'"
        => |s| s.isolated().into_iter().eq([("mine".to_owned(), 1 << 29)]);
}

#[test]
fn flags_serial_build() {
    let text = "flags.serial-build = 'mine'\npipelines.mine.steps = ['a']";
    let flags = Flags {
        serial_build: true,
        ..Flags::default()
    };
    assert_eq!(flagged(flags.clone(), "").pipeline, "serial");
    assert_eq!(flagged(flags, text).pipeline, "mine");
}

#[test]
fn flags_skip_compilation() {
    let text = "flags.skip-compilation = 'mine'\npipelines.mine.steps = ['a']";
    let flags = Flags {
        skip_compilation: true,
        serial_build: true,
        ..Flags::default()
    };
    assert_eq!(flagged(flags.clone(), "").pipeline, "no-build");
    assert_eq!(flagged(flags, text).pipeline, "mine");
}

#[test]
fn every_key_has_its_test() {
    let mut keys = shipped_keys();
    keys.retain(|key| !key.starts_with("plugins.") && !key.starts_with("pipelines."));
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        let name = key.replace(['-', '.'], "_");
        let known = name.starts_with("flags_") || TESTED.contains(&name.as_str());
        assert!(known, "{key}");
    }
}

#[test]
fn every_key_is_shown_once() {
    let mut keys = shipped_keys();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    for key in ["pipelines.default.steps", "pipelines.default.closing"] {
        assert!(keys.iter().any(|known| known == key), "{key}");
    }
}

fn shipped_keys() -> Vec<String> {
    let rows = crate::shipped().explain().into_iter();
    rows.map(|row| row.key).collect()
}

#[test]
fn every_key_stands_in_the_shipped_file() {
    let text = include_str!("../../src/defaults.toml");
    for row in crate::shipped().explain() {
        let last = row.key.rsplit('.').next().unwrap().to_owned();
        // A table without a default in it stands there as itself.
        let table = format!("[{}]", row.key);
        let there = |line: &str| {
            let line = line.trim_start_matches('#');
            line.starts_with(&format!("{last} = ")) || line == table
        };
        assert!(text.lines().any(there), "{}", row.key);
    }
}

#[test]
fn the_examples_in_the_shipped_file_are_valid() {
    let text: String = include_str!("../../src/defaults.toml")
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let settings = crate::from_toml(&text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(settings.smtp.map(|s| s.host).as_deref(), Some("localhost"));
}

#[test]
fn the_shipped_pipelines_build_commit_revert_and_mail() {
    let steps = |name: &str| {
        let pipeline = &crate::shipped().pipelines[name];
        let text = |e: &auh_config::PipelineEntry| format!("{} {} {}", e.step, e.action, e.always);
        pipeline.steps.iter().map(text).collect::<Vec<_>>()
    };
    let end = [
        "git-commit run true",
        "git-commit revert true",
        "git-integrate run true",
        "mail run true",
    ];
    for (name, build) in [
        ("default", Some("compile-parallel run false")),
        ("serial", Some("compile-serial run false")),
        ("no-build", None),
    ] {
        let first = ["devtool-upgrade run false"].into_iter();
        let expect: Vec<_> = first.chain(build).chain(end).collect();
        assert_eq!(steps(name), expect, "{name}");
    }
}

#[test]
fn a_pipeline_entry_lies_over_the_plugins_table() {
    let settings = crate::from_toml(
        "pipeline = 'p'\n[plugins.a]\nx = 1\ny = {k = 1, l = 2}\n\
         [pipelines.p]\nsteps = [{step = 'a', with = {z = 3, y = {l = 4}}}]",
    )
    .unwrap();
    let entry = &settings.chosen_pipeline().steps[0];
    let options = settings.plugin_options("a", Some(entry));
    assert_eq!(
        json!(options),
        json!({"x": 1, "y": {"k": 1, "l": 4}, "z": 3})
    );
}

#[test]
fn a_step_whose_switch_is_off_is_left_out() {
    let steps = "[pipelines.default]\nsteps = ['a', {step = 'b', when = 'buildhistory'}]";
    let count = |text: &str| {
        let settings = crate::from_toml(text).unwrap();
        settings.chosen_pipeline().steps.len()
    };
    assert_eq!(count(steps), 1);
    assert_eq!(count(&format!("buildhistory = true\n{steps}")), 2);
}

#[test]
fn plugins_see_values_and_tables() {
    let text = "from = 'a@b'\n[maintainer-override]\n'x@y' = 'z@y'";
    let settings = crate::from_toml(text).unwrap();
    assert_eq!(settings.value("from"), Some("a@b".into()));
    let table = serde_json::json!({"x@y": "z@y"});
    assert_eq!(settings.value("maintainer-override"), Some(table));
    assert_eq!(settings.value("smtp"), None);
}
