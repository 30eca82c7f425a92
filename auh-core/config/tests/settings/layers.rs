//! Which file or flag wins, where a value is said to come from, and taking over a legacy file.

use crate::{BuildDir, shipped};
use auh_config::{Flags, LEGACY_FILE, NATIVE_FILE, Settings, Source, import};
use std::path::Path;

fn machines(settings: &Settings) -> Vec<String> {
    settings.machines.iter().map(ToString::to_string).collect()
}

#[test]
fn a_flag_beats_toml_beats_ini_beats_the_defaults() {
    let build_dir = BuildDir::new().with(LEGACY_FILE, "[settings]\nmachines=ini\nclean_tmp=yes\n");
    let load = |flags| build_dir.load(flags).unwrap();
    assert_eq!(machines(&load(Flags::default())), ["ini"]);
    let build_dir = build_dir.with(NATIVE_FILE, "machines = ['toml']");
    let settings = build_dir.load(Flags::default()).unwrap();
    assert_eq!(machines(&settings), ["toml"]);
    assert!(settings.clean_tmp, "what auh.toml leaves alone stays");
    let flags = Flags {
        machines: Some("a, b_musl".into()),
        ..Flags::default()
    };
    assert_eq!(machines(&build_dir.load(flags).unwrap()), ["a", "b_musl"]);
}

#[test]
fn a_native_empty_text_unsets_a_legacy_value() {
    let build_dir = BuildDir::new()
        .with(
            LEGACY_FILE,
            "[settings]\nfrom=a@b\n[maintainer_override]\nx@y=z@y\n",
        )
        .with(
            NATIVE_FILE,
            "from = ''\n[maintainer-override]\n'X@y' = ''\n",
        );
    let settings = build_dir.load(Flags::default()).unwrap();
    assert_eq!(settings.from, None);
    assert_eq!(settings.override_for("x@y"), None);
}

#[test]
fn flags_are_taken() {
    let build_dir = BuildDir::new();
    let flags = Flags {
        machines: None,
        scheduler: Some("speed".into()),
        pipeline: Some("serial".into()),
        skip_compilation: true,
        serial_build: false,
        jobs: Some(3),
        batch: Some(4),
        integrate: Some("branch".into()),
        send_emails: true,
        stable: true,
        workdir: Some("/w".into()),
        layer_names: vec!["meta-a".into()],
        layer_dir: Some("/meta".into()),
        plugin_path: vec!["/p".into()],
        allow_untrusted_plugins: true,
    };
    let settings = build_dir.load(flags).unwrap();
    assert_eq!(settings.scheduler, "speed");
    assert_eq!(settings.pipeline, "serial");
    assert_eq!(settings.workdir, Path::new("/w/meta-a"));
    let layers = settings.layers.as_ref().unwrap();
    assert_eq!(layers.names, ["meta-a"]);
    assert_eq!(layers.dir, Path::new("/meta"));
    assert_eq!(settings.plugin_path, [Path::new("/p")]);
    assert!(settings.allow_untrusted_plugins && settings.send_emails && settings.stable);
    assert_eq!(
        settings.source("pipeline"),
        Some(&Source::Flag("--pipeline"))
    );
}

#[test]
fn a_named_file_is_the_only_one_read() {
    let build_dir = BuildDir::new()
        .with(LEGACY_FILE, "[settings]\nmachines=a\n")
        .with(NATIVE_FILE, "machines = ['b']\nclean-tmp = true")
        .with("mine.conf", "[settings]\nmachines=c\n")
        .with("mine.toml", "machines = ['d']");
    let settings = build_dir.load_file("mine.conf").unwrap();
    assert_eq!(machines(&settings), ["c"]);
    assert!(!settings.clean_tmp);
    assert_eq!(machines(&build_dir.load_file("mine.toml").unwrap()), ["d"]);
}

#[test]
fn each_value_knows_where_it_came_from() {
    let build_dir = BuildDir::new()
        .with(LEGACY_FILE, "[settings]\n\n from =  a@b\n")
        .with(NATIVE_FILE, "\nclean-tmp = true\n[plugins.x.y]\nz = 1\n");
    let settings = build_dir
        .load(Flags {
            scheduler: Some("speed".into()),
            ..Flags::default()
        })
        .unwrap();
    let rows = settings.explain();
    let row = |key: &str| {
        let row = rows.iter().find(|row| row.key == key).expect(key);
        let source = row.source.to_string();
        let prefix = format!("{}/upgrade-helper/", build_dir.path().display());
        let source = source.strip_prefix(&prefix).unwrap_or(&source).to_owned();
        (row.value.clone().unwrap_or_default(), source)
    };
    let expect = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(row("from"), expect("\"a@b\"", "upgrade-helper.conf:3:10"));
    assert_eq!(row("clean-tmp"), expect("true", "auh.toml:2:13"));
    assert_eq!(row("plugins.x.y.z"), expect("1", "auh.toml:4:5"));
    assert_eq!(row("scheduler"), expect("\"speed\"", "--scheduler"));
    assert_eq!(row("smtp"), expect("", "default"));
    assert_eq!(
        row("machines"),
        expect("[\"qemux86-64\", \"qemuarm_musl\"]", "default")
    );
}

#[test]
fn an_imported_file_means_the_same() {
    let ini = "[settings]\nmachines = a b_musl\nfrom=x@y\ncommit_revert_policy=all\n\
               clean_tmp=yes\nsummary_includes_tarball=\ntypo=1\nblacklist=\n\
               layer_mode=yes\nlayer_name=m\nlayer_dir=/m\n\
               [maintainer_override]\nOld@x=new@x\n";
    let imported = import(Path::new("upgrade-helper.conf"), ini).unwrap();
    assert_eq!(imported.warnings.len(), 1);
    let of_rows = |settings: &Settings| {
        let row = |row: auh_config::Row| (row.key, row.value);
        settings.explain().into_iter().map(row).collect::<Vec<_>>()
    };
    let from_toml =
        crate::from_toml(&imported.toml).unwrap_or_else(|e| panic!("{e}\n{}", imported.toml));
    let from_ini = crate::from_ini(ini).unwrap();
    assert_eq!(of_rows(&from_toml), of_rows(&from_ini));
    assert_ne!(of_rows(&from_toml), of_rows(&shipped()));
}

#[test]
fn a_machine_named_twice_is_built_once() {
    let settings = crate::from_ini("[settings]\nmachines=a b a\n").unwrap();
    assert_eq!(machines(&settings), ["a", "b"]);
    assert!(settings.warnings[0].message.starts_with("a appears twice"));
}
