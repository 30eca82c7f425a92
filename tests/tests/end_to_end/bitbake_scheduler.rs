//! `[bitbake] scheduler`: scheduler plugins order the tasks of the builds that a run starts.

use auh_tests::Environment;
use std::fs;

#[test]
fn builds_are_told_to_use_the_scheduler() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("[bitbake]\nscheduler = 'rm-work'\n");
    let conf = environment.build_dir().join("conf/toolcfg.conf");
    let before = fs::read(&conf).ok();
    let _ = environment
        .upgrade("hello --machines qemux86-64,qemuarm64")
        .run()
        .expect_code(0);
    assert_eq!(fs::read(&conf).ok(), before);
    let files = environment
        .build_dir()
        .join("upgrade-helper/bitbake-schedulers");
    // The other machine's build directory is kept, and with it what its build was told.
    let told = environment.build_dir().with_file_name("build-qemuarm64");
    let told = fs::read_to_string(told.join("conf/toolcfg.conf")).unwrap();
    for line in [
        &format!("path.append('{}/lib')", files.display()),
        "BB_SCHEDULER = \"auh-rm-work\"\n",
    ] {
        assert!(told.contains(line), "{line}{told}");
    }
    for file in ["__init__.py", "libauh_bitbake.so"] {
        assert!(files.join("lib/auhsched").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_scheduler_that_is_not_there_is_refused() {
    let Some(environment) = Environment::six() else {
        return;
    };
    environment.settings("[bitbake]\nscheduler = 'rm-wrok'\n");
    let output = environment.upgrade("hello").run().expect_code(2);
    assert!(
        output
            .shown()
            .contains("bitbake.scheduler: there is no scheduler plugin \"rm-wrok\""),
        "{}",
        output.shown()
    );
}
