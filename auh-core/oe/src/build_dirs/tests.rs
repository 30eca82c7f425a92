//! Tests of build directories, without BitBake.

use super::*;
use crate::Worktrees;

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
    let conf = fixture.build_dir.join("conf/auto.conf");
    assert!(!conf.exists(), "there was none before the run that died");
    // What somebody has added since stays.
    std::mem::forget(fixture.enter(false));
    let text = fs::read_to_string(&conf).unwrap() + "MINE = \"1\"\n";
    fs::write(&conf, text).unwrap();
    fixture.enter(false).leave();
    assert_eq!(fixture.read("conf/auto.conf"), "MINE = \"1\"\n");
}

#[test]
fn a_copy_gets_the_configuration_its_machine_and_the_shared_folders() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(true);
    let base: Base = serde_json::from_value(serde_json::json!({
        "BBLAYERS": [], "DL_DIR": "/dl", "SSTATE_DIR": null, "TMPDIR": "/fast/tmp",
        "BUILDHISTORY_DIR": "/kept/history",
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
        "BUILDHISTORY_DIR:forcevariable = \"/kept/history-qemuarm_musl\"".to_owned(),
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

fn base(tmp: &Path, layers: Vec<PathBuf>) -> Base {
    let tmp = tmp.display().to_string();
    Base {
        layers,
        variables: BTreeMap::from([("TMPDIR".to_owned(), Some(tmp))]),
    }
}

fn fill(path: &Path) {
    fs::create_dir_all(path.join("work")).unwrap();
    fs::write(path.join("work/file"), "x").unwrap();
}

#[test]
fn caches_and_temporary_folders_of_every_machine_are_removed() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(true);
    let (sstate, tmp) = (
        fixture.build_dir.join("sstate-cache"),
        fixture.build_dir.join("tmp"),
    );
    let of_copy = dirs.of(&second()).join("tmp");
    for path in [&sstate, &tmp, &of_copy] {
        fill(path);
    }
    let base = base(&tmp, vec![]);
    assert_eq!(
        dirs.clean(false, false, &base).unwrap(),
        [""; 0].map(PathBuf::from)
    );
    assert_eq!(
        dirs.clean(true, false, &base).unwrap(),
        std::slice::from_ref(&sstate)
    );
    assert!(!sstate.exists() && tmp.exists());
    assert_eq!(
        dirs.clean(true, true, &base).unwrap(),
        [tmp.clone(), of_copy.clone()]
    );
    assert!(!tmp.exists() && !of_copy.exists() && fixture.build_dir.join("conf").exists());
}

#[test]
fn nothing_but_a_temporary_folder_is_removed() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(true);
    let top = fixture.build_dir.parent().unwrap().to_owned();
    let outside = top.join("outside");
    fill(&outside);
    let layer = fixture.build_dir.join("tmp/layer");
    fill(&layer);
    let link = fixture.build_dir.join("link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let refused = |tmp: &Path, layers| {
        dirs.clean(false, true, &base(tmp, layers))
            .unwrap_err()
            .to_string()
    };
    for (tmp, layers, why) in [
        (fixture.build_dir.clone(), vec![], "lies in it"),
        (top, vec![], "lies in it"),
        (PathBuf::from("/"), vec![], "lies in it"),
        (
            fixture.build_dir.join("tmp"),
            vec![layer.clone()],
            "lies in it",
        ),
        (outside.clone(), vec![], "does not look like a TMPDIR"),
        (link, vec![], "symbolic link"),
        (
            fixture.build_dir.join("conf/local.conf"),
            vec![],
            "no folder",
        ),
    ] {
        let said = refused(&tmp, layers);
        assert!(said.contains(why), "{said}");
    }
    assert!(layer.join("work/file").exists() && outside.join("work/file").exists());
    fs::write(outside.join("abi_version"), "15").unwrap();
    assert_eq!(
        dirs.clean(false, true, &base(&outside, vec![])).unwrap(),
        [outside]
    );
}

#[test]
fn nothing_is_removed_under_a_server() {
    let fixture = Fixture::new();
    let lock = fs::File::create(fixture.build_dir.join("bitbake.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let dirs = fixture.enter(true);
    let tmp = fixture.build_dir.join("tmp");
    fill(&tmp);
    let error = dirs.clean(true, true, &base(&tmp, vec![])).unwrap_err();
    assert!(matches!(error, OeError::Served { .. }), "{error}");
    assert!(tmp.join("work/file").exists());
}

#[test]
fn build_directories_at_rest_are_not_touched() {
    let fixture = Fixture::new();
    let environment = Environment::for_tests(&fixture.build_dir, true);
    let dirs = BuildDirs::at_rest(environment, &[second()]).unwrap();
    assert!(!fixture.build_dir.join("conf/toolcfg.conf").exists());
    assert_eq!(dirs.leave(), Vec::<String>::new());
    assert!(!fixture.build_dir.join("conf/toolcfg.conf").exists());
}

#[test]
fn a_job_has_the_configuration_over_its_own_layers() {
    let fixture = Fixture::new();
    let dirs = fixture.enter(true);
    let folder = fixture.build_dir.parent().unwrap();
    let base = Base {
        layers: vec!["/somewhere/meta".into(), dirs.workspace().to_owned()],
        variables: [("TMPDIR", fixture.build_dir.join("tmp"))]
            .map(|(name, path)| (name.to_owned(), path.to_str().map(str::to_owned)))
            .into(),
    };
    let workspace = folder.join("build-job2/workspace");
    fs::create_dir_all(workspace.join("conf")).unwrap();
    fs::write(workspace.join("conf/layer.conf"), "").unwrap();
    let job = dirs.for_job(2, 3, &base, &Worktrees::default()).unwrap();
    assert_eq!(job.original(), folder.join("build-job2"));
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let bblayers = read("build-job2/conf/bblayers.conf");
    let expect = format!(
        "BBLAYERS = \" \\\n  /somewhere/meta \\\n  {} \\\n  \"\n",
        workspace.display()
    );
    assert!(bblayers.contains(&expect), "{bblayers}");
    // devtool would add its workspace to the first one that it finds.
    assert_eq!(bblayers.matches("BBLAYERS").count(), 1, "{bblayers}");
    let shared = format!(
        "SSTATE_DIR:forcevariable = \"{}/sstate-cache\"\n",
        fixture.build_dir.display()
    );
    assert!(
        bblayers.contains(&shared) && !bblayers.contains("TMPDIR"),
        "{bblayers}"
    );
    assert_eq!(job.workspace(), workspace);
    assert!(read("build-job2/conf/toolcfg.conf").contains("machine/qemux86-64"));
    let place = Place::MachineBuildDir(second());
    job.prepare(&place, 2).unwrap();
    let copy = read("build-job2-qemuarm_musl/conf/toolcfg.conf");
    assert!(!copy.contains("TMPDIR"), "{copy}");
    let set = job.surroundings(&place).unwrap().set;
    assert!(
        set.contains(&("BB_NUMBER_THREADS".into(), "1".into())),
        "{set:?}"
    );
}
