//! What people are told about settings that cannot be used.

use crate::{BuildDir, from_ini, from_toml};
use auh_config::{ConfigError, Flags, LEGACY_FILE, Load, NATIVE_FILE, Settings};

/// Error and hint in two lines, without the folder.
fn told(result: Result<Settings, ConfigError>) -> String {
    let error = result.expect_err("an error");
    let text = match error.to_string().rsplit_once("upgrade-helper/") {
        Some((_, text)) => text.to_owned(),
        None => error.to_string(),
    };
    match error.hint() {
        Some(hint) => format!("{text}\n{hint}"),
        None => text,
    }
}

#[test]
fn toml_errors_name_place_key_and_remedy() {
    for (text, expect) in [
        (
            "\nmachine = ['a']",
            "auh.toml:2:1: unknown key machine\ndid you mean machines?",
        ),
        (
            "[build]\nthread = 1",
            "auh.toml:2:1: unknown key build.thread\ndid you mean build.threads?",
        ),
        (
            "threads = 1",
            "auh.toml:1:1: unknown key threads\ndid you mean build.threads?",
        ),
        (
            "colour = 1",
            "auh.toml:1:1: unknown key colour\n`auh config show` lists every key",
        ),
        (
            "from = 3",
            "auh.toml:1:8: from must be a text, not a number",
        ),
        (
            "clean-tmp = 'yes'",
            "auh.toml:1:13: clean-tmp must be true or false, not a text",
        ),
        (
            "build = 1",
            "auh.toml:1:9: build must be a table, not a number",
        ),
        (
            "plugins.x = 1",
            "auh.toml:1:13: plugins.x must be a table, not a number",
        ),
        (
            "blacklist = ['a', 2]",
            "auh.toml:1:19: blacklist must be a text, not a number",
        ),
        (
            "machines = []",
            "auh.toml:1:12: machines: no machine to build for",
        ),
        (
            "testimage = 1979-05-27",
            "auh.toml:1:13: testimage must be true or false, not a date",
        ),
        (
            "build.threads = 0",
            "auh.toml:1:17: build.threads: the number must be at least 1",
        ),
        (
            "from = 'nobody'",
            "auh.toml:1:8: from: \"nobody\" is no mail address\nwrite it as name@host",
        ),
        (
            "commit-author = 'me@x'",
            "auh.toml:1:17: commit-author: \"me@x\" is no author\nwrite it as Name <address>",
        ),
        (
            "smtp = 'a:b'",
            "auh.toml:1:8: smtp: \"a:b\" is no mail server\nwrite host or host:port, an IPv6 address in brackets",
        ),
        (
            "pipeline = 'seral'",
            "auh.toml:1:12: pipeline: \"seral\" is none of default, no-build, resend-mail, serial\ndid you mean serial?",
        ),
        (
            "flags.serial-build = 'x'",
            "auh.toml:1:22: flags.serial-build: \"x\" is none of default, no-build, resend-mail, serial",
        ),
        (
            "plugins.git-commit.revert-policy = 'alll'",
            "auh.toml:1:36: plugins.git-commit.revert-policy: \"alll\" is none of failed_to_build, failed_to_test, all, never\ndid you mean all?",
        ),
        (
            "commit-revert-policy = 'all'\n[plugins.git-commit]\nrevert-policy = 'all'",
            "auh.toml:1:24: commit-revert-policy: this file sets it as plugins.git-commit.revert-policy too\nkeep one of the two",
        ),
        (
            "[pipelines.p]\nsteps = [{step = 'a', alway = true}]",
            "auh.toml:2:23: pipelines.p.steps: unknown key alway in a step\ndid you mean always?",
        ),
        (
            "[pipelines.p]\nsteps = [{always = true}]",
            "auh.toml:2:10: pipelines.p.steps: the table names no step",
        ),
        (
            "[pipelines.p]\nsteps = [{step = 'a', when = 'buildhistroy'}]",
            "auh.toml:2:9: pipelines.p.steps: when = \"buildhistroy\" names no switch among the settings\na switch is a setting that is true or false, such as buildhistory",
        ),
        (
            "[pipelines.p]\nsteps = []",
            "auh.toml:2:9: pipelines.p.steps: the pipeline has no steps",
        ),
        (
            "[pipelines.p]",
            "auh.toml:1:1: pipelines.p must be a list, [\"…\", \"…\"], not a table",
        ),
        (
            "[pipelines.p]\nsteps = ['../x']",
            "auh.toml:2:10: pipelines.p.steps: \"../x\" is no valid name\nuse letters, digits and \"-_.+\" only, a letter or digit first",
        ),
        (
            "from = \"a@b\\nBcc: c@d\"",
            "auh.toml:1:8: from: the text contains '\\n'\nwrite it in one line",
        ),
        (
            "retry.fetch = ['never', 0]",
            "auh.toml:1:15: retry.fetch: nothing can come after \"never\"",
        ),
        (
            "retry.fetch = []",
            "auh.toml:1:15: retry.fetch: the list is empty\nsay [0] to try again with the next run",
        ),
        (
            "limits.command = 'soon'",
            "auh.toml:1:18: limits.command: this is no time of at most 365 days\nwrite seconds, or a text such as \"90m\" or \"1h30m\"; 0 for no limit",
        ),
        (
            "build.pressure-max-io = 0",
            "auh.toml:1:25: build.pressure-max-io: the number must be from 1 to 1000000, as BitBake wants it",
        ),
    ] {
        assert_eq!(told(from_toml(text)), expect, "{text}");
    }
}

#[test]
fn toml_that_breaks_its_rules_names_the_place() {
    for (text, place) in [
        ("a = ", "auh.toml:1:5: "),
        ("from = 'a@b'\nfrom = 'c@d'", "auh.toml:2:1: duplicate key"),
        (
            "x = 99999999999999999999",
            "auh.toml:1:5: the number is out of range",
        ),
    ] {
        let told = told(from_toml(text));
        assert!(told.starts_with(place), "{told}");
    }
}

#[test]
fn a_wrong_value_is_told_of_even_when_a_flag_beats_it() {
    let build_dir = BuildDir::new().with(NATIVE_FILE, "machines = 'a'");
    let flags = Flags {
        machines: Some("b".into()),
        ..Flags::default()
    };
    let told = told(build_dir.load(flags));
    assert!(
        told.contains("auh.toml:1:12: machines must be a list"),
        "{told}"
    );
}

#[test]
fn ini_errors_name_place_and_remedy() {
    for (text, expect) in [
        (
            "from=a@b\n",
            "upgrade-helper.conf:1:1: a line stands before the first [section]\nput [settings] above it",
        ),
        (
            "[settings]\nfrom=a@b\nFrom=c@d\n",
            "upgrade-helper.conf:3:1: key from appears twice, first in line 2\nkeep one of the two lines",
        ),
        (
            "[settings]\nmachines=a $b\n",
            "upgrade-helper.conf:2:10: machines: \"$b\" is no valid machine: letters, digits and \"+-._\" only, a letter or digit first",
        ),
        (
            "[settings]\npublish_work_url=http://a/%20b\n",
            "upgrade-helper.conf:2:27: a % that neither % nor ( follows\nwrite %% for a percent sign",
        ),
        (
            "[settings]\ncommit_revert_policy=failed_to_biuld\n",
            "upgrade-helper.conf:2:22: plugins.git-commit.revert-policy: \"failed_to_biuld\" is none of failed_to_build, failed_to_test, all, never\ndid you mean failed_to_build?",
        ),
        (
            "[settings]\nlayer_mode=yes\nlayer_name=x\n",
            "upgrade-helper.conf:2:12: layer-mode: layer mode is on and layer-dir is not set\nset layer-name and layer-dir (--layer-names, --layer-dir)",
        ),
        (
            "[settings]\nlayer_mode=yes\nlayer_dir=x\n",
            "upgrade-helper.conf:2:12: layer-mode: layer mode is on and layer-name is not set\nset layer-name and layer-dir (--layer-names, --layer-dir)",
        ),
    ] {
        assert_eq!(told(from_ini(text)), expect, "{text}");
    }
}

#[test]
fn unknown_ini_names_are_warned_of() {
    let settings =
        from_ini("[settings]\nmachine=a\ncolour=b\n[maintainers_override]\na@b=c@d\n").unwrap();
    let warnings: Vec<_> = settings
        .warnings
        .iter()
        .map(|w| (w.to_string(), w.hint.clone().unwrap_or_default()))
        .map(|(text, hint)| (text.rsplit_once("/").unwrap().1.to_owned(), hint))
        .collect();
    let expect = [
        (
            "upgrade-helper.conf:2:1: unknown key machine is ignored",
            "did you mean machines?",
        ),
        (
            "upgrade-helper.conf:3:1: unknown key colour is ignored",
            "`auh config show` lists every key",
        ),
        (
            "upgrade-helper.conf:4:1: section [maintainers_override] has no meaning and is ignored",
            "did you mean [maintainer_override]?",
        ),
    ];
    assert_eq!(warnings, expect.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn flags_are_named_in_errors() {
    let load = |flags| told(BuildDir::new().load(flags));
    let flags = Flags {
        machines: Some("-x".into()),
        ..Flags::default()
    };
    assert!(load(flags).starts_with("--machines: \"-x\" is no valid machine"));
    let flags = Flags {
        machines: Some(" ".into()),
        ..Flags::default()
    };
    assert_eq!(load(flags), "--machines: no machine to build for");
    let flags = Flags {
        pipeline: Some("defualt".into()),
        ..Flags::default()
    };
    assert!(load(flags).ends_with("did you mean default?"));
    let flags = Flags {
        layer_names: vec!["meta".into()],
        ..Flags::default()
    };
    assert!(
        load(flags)
            .starts_with("--layer-names: layer-mode: layer mode is on and layer-dir is not set")
    );
}

#[test]
fn a_missing_named_file_is_an_error_and_missing_defaults_are_not() {
    let build_dir = BuildDir::new();
    let error = build_dir.load_file("no.conf").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read the settings file"),
        "{error}"
    );
    assert!(error.to_string().ends_with("no.conf"), "{error}");
    assert!(error.hint().unwrap().contains("-c"));
    assert!(build_dir.load(Flags::default()).is_ok());
}

#[test]
fn a_default_file_that_cannot_be_read_is_an_error() {
    let build_dir = BuildDir::new();
    std::fs::create_dir(build_dir.path().join(NATIVE_FILE)).unwrap();
    assert!(matches!(
        build_dir.load(Flags::default()),
        Err(ConfigError::Read { .. })
    ));
}

#[test]
fn bytes_that_are_no_text_have_a_place() {
    let build_dir = BuildDir::new().with(LEGACY_FILE, b"[settings]\nfrom=\xff\n");
    let told = told(build_dir.load(Flags::default()));
    assert_eq!(
        told,
        "upgrade-helper.conf:2:6: the file is no UTF-8 text\nstore the file as UTF-8"
    );
}

#[test]
fn every_error_of_every_file_is_found() {
    let build_dir = BuildDir::new()
        .with(
            LEGACY_FILE,
            "[settings]\nsmtp=:\ncommit_revert_policy=maybe\n",
        )
        .with(
            NATIVE_FILE,
            "machine = 'x'\nbuildhistory = 1\n[limits]\ncommand = 'soon'\n",
        );
    let load = Load {
        build_dir: build_dir.path().to_owned(),
        ..Load::default()
    };
    let errors = Settings::load_or_all_errors(&load).unwrap_err();
    let shown: Vec<String> = errors
        .iter()
        .map(|error| error.to_string().rsplit('/').next().unwrap().to_owned())
        .collect();
    let starts = [
        "upgrade-helper.conf:2:",
        "upgrade-helper.conf:3:",
        "auh.toml:1:1: unknown key machine",
        "auh.toml:2:16: buildhistory must be",
        "auh.toml:4:",
    ];
    assert_eq!(shown.len(), starts.len(), "{shown:?}");
    for (shown, start) in shown.iter().zip(starts) {
        assert!(shown.starts_with(start), "{shown}");
    }
    assert_eq!(
        Settings::load(&load).unwrap_err().to_string(),
        errors[0].to_string()
    );
}
