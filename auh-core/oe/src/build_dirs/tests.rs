//! Tests of build directories, without BitBake.

use super::*;

struct Fixture {
    _folder: tempfile::TempDir,
    build_dir: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let build_dir = folder.path().canonicalize().unwrap().join("build");
        fs::create_dir_all(build_dir.join("conf/multiconfig")).unwrap();
        fs::create_dir_all(build_dir.join("conf/machine")).unwrap();
        fs::create_dir_all(build_dir.join("cache")).unwrap();
        for (name, text) in [
            ("conf/local.conf", "MACHINE ??= \"x\"\n"),
            ("conf/bblayers.conf", "BBLAYERS = \"\"\n"),
            ("conf/multiconfig/a.conf", "A = \"1\"\n"),
            ("cache/bb_codeparser.dat", "analysis"),
            ("conf/machine/qemux86-64.conf", ""),
            ("conf/machine/qemuarm.conf", ""),
        ] {
            fs::write(build_dir.join(name), text).unwrap();
        }
        Self {
            _folder: folder,
            build_dir,
        }
    }

    fn enter(&self, fragments: bool) -> BuildDirs {
        let machines = ["qemux86-64", "qemuarm_musl"].map(|m| m.parse().unwrap());
        let environment = Environment::for_tests(&self.build_dir, fragments);
        BuildDirs::enter(
            environment,
            &machines,
            Threads::Split(NonZero::new(3).unwrap()),
            "",
        )
        .unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.build_dir.join(name)).unwrap()
    }
}

fn second() -> Machine {
    "qemuarm_musl".parse().unwrap()
}

#[test]
fn the_users_configuration_is_as_before_after_leaving() {
    for original in [
        None,
        Some("# mine\nOE_FRAGMENTS += \"machine/other core/x\"\n"),
    ] {
        let fixture = Fixture::new();
        let path = fixture.build_dir.join("conf/toolcfg.conf");
        if let Some(text) = original {
            fs::write(&path, text).unwrap();
        }
        let dirs = fixture.enter(true);
        let during = fixture.read("conf/toolcfg.conf");
        assert!(
            during.contains("machine/qemux86-64") && during.contains("BB_HASHCONFIG_IGNORE_VARS"),
            "{during}"
        );
        dirs.surroundings(&Place::SwitchedBuildDir(second()))
            .unwrap();
        assert!(
            fixture
                .read("conf/toolcfg.conf")
                .contains("machine/qemuarm")
        );
        assert_eq!(dirs.leave(), Vec::<String>::new());
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), original);
    }
}

#[test]
fn what_somebody_edited_meanwhile_stays() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(true);
    let path = fixture.build_dir.join("conf/toolcfg.conf");
    fs::write(
        &path,
        format!("{}FOO = \"1\"\n", fs::read_to_string(&path).unwrap()),
    )
    .unwrap();
    dirs.leave();
    let text = fixture.read("conf/toolcfg.conf");
    assert!(
        text.contains("FOO") && !text.contains("BB_HASHCONFIG"),
        "{text}"
    );
}

#[test]
fn a_block_that_a_dead_run_left_is_taken_out() {
    let fixture = Fixture::new();
    std::mem::forget(fixture.enter(false));
    assert!(fixture.read("conf/auto.conf").contains("auh begin"));
    fixture.enter(false).leave();
    assert_eq!(fixture.read("conf/auto.conf"), "");
}

#[test]
fn a_copy_gets_the_configuration_its_machine_and_the_shared_folders() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(true);
    let base: Base = serde_json::from_value(serde_json::json!({
        "BBLAYERS": [], "DL_DIR": "/dl", "SSTATE_DIR": null, "TMPDIR": "/fast/tmp",
    }))
    .unwrap();
    dirs.learn(&base).unwrap();
    dirs.prepare(&Place::MachineBuildDir(second()), 2).unwrap();
    let there = dirs
        .surroundings(&Place::MachineBuildDir(second()))
        .unwrap();
    let copy = fixture.build_dir.with_file_name("build-qemuarm_musl");
    assert_eq!(there.folder, copy);
    assert!(
        there
            .set
            .contains(&("BBPATH".into(), copy.display().to_string()))
    );
    assert!(there.set.contains(&("TCLIBC".into(), "musl".into())));
    assert!(there.set.contains(&("PARALLEL_MAKE".into(), "-j 2".into())));
    let text = fs::read_to_string(copy.join("conf/toolcfg.conf")).unwrap();
    let sstate = fixture.build_dir.join("sstate-cache");
    for line in [
        "OE_FRAGMENTS += \"machine/qemuarm\"".to_owned(),
        "DL_DIR:forcevariable = \"/dl\"".to_owned(),
        format!("SSTATE_DIR:forcevariable = \"{}\"", sstate.display()),
        "TMPDIR:forcevariable = \"/fast/tmp-qemuarm_musl\"".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    assert_eq!(
        fs::read_to_string(copy.join("conf/multiconfig/a.conf")).unwrap(),
        "A = \"1\"\n"
    );
    assert_eq!(
        fs::read_to_string(copy.join("cache/bb_codeparser.dat")).unwrap(),
        "analysis"
    );
}

#[test]
fn refreshing_a_copy_touches_only_what_differs() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(true);
    let place = Place::MachineBuildDir(second());
    dirs.prepare(&place, 2).unwrap();
    let copy = dirs.of(&second()).join("conf");
    let modified = |name: &str| fs::metadata(copy.join(name)).unwrap().modified().unwrap();
    let (local, tool) = (modified("local.conf"), modified("toolcfg.conf"));
    fs::write(copy.join("stray.conf"), "").unwrap();
    fs::write(fixture.build_dir.join("conf/site.conf"), "S = \"1\"\n").unwrap();
    dirs.prepare(&place, 2).unwrap();
    assert_eq!(
        (local, tool),
        (modified("local.conf"), modified("toolcfg.conf"))
    );
    assert!(!copy.join("stray.conf").exists() && copy.join("site.conf").exists());
}

#[test]
fn without_fragments_the_machine_is_in_the_environment() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(false);
    let here = dirs.surroundings(&Place::BuildDir).unwrap();
    assert!(here.set.contains(&("MACHINE".into(), "qemux86-64".into())));
    assert!(!fixture.read("conf/auto.conf").contains("OE_FRAGMENTS"));
}

#[test]
fn processors_are_divided_among_builds_and_never_none() {
    let split =
        |processors, builds| Threads::Split(NonZero::new(processors).unwrap()).per_build(builds);
    assert_eq!(
        (split(8, 3), split(2, 4), split(4, 1)),
        (Some(3), Some(1), None)
    );
    assert_eq!(Threads::AsConfigured.per_build(3), None);
    assert_eq!(
        Threads::Fixed(NonZero::new(5).unwrap()).per_build(1),
        Some(5)
    );
}

#[test]
fn a_machine_that_no_layer_has_is_named() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.build_dir.join("conf/machine/qemuarm.conf")).unwrap();
    let error = fixture.enter(true).learn(&Base::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no layer has a machine \"qemuarm\" (conf/machine/qemuarm.conf)"
    );
}
