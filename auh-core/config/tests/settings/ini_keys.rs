//! A test for each key of `upgrade-helper.conf`, named after it.

use crate::key_tests;
use std::time::Duration;

fn option(settings: &auh_config::Settings, plugin: &str, key: &str) -> serde_json::Value {
    settings.plugin_options(plugin, None)[key].clone()
}

key_tests! { from_ini;
    blacklist: "[settings]\nblacklist = linux-yocto  gcc\n" => |s| s.blacklist == ["linux-yocto", "gcc"];
    buildhistory: "[settings]\nbuildhistory=yes\n" => |s| s.buildhistory;
    cc_recipients: "[settings]\ncc_recipients=a@b c@d\n" => |s| s.cc_recipients == ["a@b", "c@d"];
    clean_sstate: "[settings]\nclean_sstate=yes\n" => |s| s.clean_sstate;
    clean_tmp: "[settings]\nclean_tmp=yes\n" => |s| s.clean_tmp;
    commit_revert_policy: "[settings]\ncommit_revert_policy=never\n"
        => |s| option(s, "git-commit", "revert-policy") == "never";
    from: "[settings]\nfrom=me@home\n"
        => |s| s.from.as_deref() == Some("me@home") && s.commit_author == "Upgrade Helper <me@home>";
    global_maintainer_override: "[settings]\nglobal_maintainer_override=all@x\n"
        => |s| s.global_maintainer_override.as_deref() == Some("all@x");
    layer_dir: LAYERS => |s| s.layers.as_ref().is_some_and(|l| l.dir.ends_with("meta/x"));
    layer_mode: LAYERS => |s| s.layers.is_some() && s.workdir.ends_with("upgrade-helper/meta-a meta-b");
    layer_name: LAYERS => |s| s.layers.as_ref().is_some_and(|l| l.names == ["meta-a", "meta-b"]);
    machines: "[settings]\nmachines=qemux86 qemuarm_glibc\n"
        => |s| s.machines.iter().map(ToString::to_string).eq(["qemux86", "qemuarm_glibc"]);
    maintainers_whitelist: "[settings]\nmaintainers_whitelist=ann@x bob@y\n"
        => |s| s.maintainers_whitelist == ["ann@x", "bob@y"];
    publish_work_url: "[settings]\npublish_work_url=http://x/%%y\n"
        => |s| s.publish_work_url.as_deref() == Some("http://x/%y");
    smtp: "[settings]\nsmtp=mail.x:587\n"
        => |s| s.smtp.as_ref().is_some_and(|s| (s.host.as_str(), s.port) == ("mail.x", 587));
    status_recipients: "[settings]\nstatus_recipients=s@x\n" => |s| s.status_recipients == ["s@x"];
    summary_includes_tarball: "[settings]\nsummary_includes_tarball=\n" => |s| !s.summary_includes_tarball;
    testimage: "[settings]\ntestimage=yes\n" => |s| s.testimage;
    testimage_name: "[settings]\ntestimage_name=core-image-full\n" => |s| s.testimage_name == "core-image-full";
    workdir: "[settings]\nworkdir=/elsewhere/auh\n" => |s| s.workdir == std::path::Path::new("/elsewhere/auh");
    maintainer_override: "[maintainer_override]\nOld@Address=new@Address\n"
        => |s| s.override_for("Ann <oLd@address>") == Some("new@Address");
}

const LAYERS: &str = "[settings]\nlayer_mode=yes\nlayer_name=meta-a meta-b\nlayer_dir=meta/x\n";

#[test]
fn every_key_has_its_test() {
    let names: toml::Table = toml::from_str(include_str!("../../src/names.toml")).unwrap();
    for table in ["ini-settings", "ini-tables"] {
        for key in names[table].as_table().unwrap().keys() {
            assert!(TESTED.contains(&key.as_str()), "{key}");
        }
    }
}

#[test]
fn without_a_file_the_defaults_are_those_of_the_python_helper() {
    let settings = crate::shipped();
    let machines: Vec<_> = settings.machines.iter().map(ToString::to_string).collect();
    assert_eq!(machines, ["qemux86-64", "qemuarm_musl"]);
    assert_eq!(settings.commit_author, "Upgrade Helper <uh@not.set>");
    assert_eq!(
        option(&settings, "git-commit", "revert-policy"),
        "failed_to_build"
    );
    assert_eq!(settings.testimage_name, "core-image-sato");
    assert!(settings.workdir.ends_with("upgrade-helper"));
    assert!(settings.summary_includes_tarball);
    assert_eq!(settings.limits.command, Some(Duration::from_secs(6 * 3600)));
    assert!(settings.warnings.is_empty());
}

#[test]
fn any_value_other_than_yes_is_no() {
    for value in ["no", "Yes", "YES", "true", "1", "on", "yes please", ""] {
        let text = format!("[settings]\nbuildhistory={value}\n");
        assert!(!crate::from_ini(&text).unwrap().buildhistory, "{value}");
    }
}

#[test]
fn any_text_includes_the_tarball_and_a_no_is_warned_of() {
    let settings = crate::from_ini("[settings]\nsummary_includes_tarball=no\n").unwrap();
    assert!(settings.summary_includes_tarball);
    let warnings: Vec<_> = settings
        .warnings
        .iter()
        .map(|w| w.message.as_str())
        .collect();
    assert_eq!(warnings, ["summary_includes_tarball = no means on"]);
}

#[test]
fn empty_values_are_as_if_not_set() {
    let settings = crate::from_ini("[settings]\nfrom=\nsmtp=\nworkdir=\nblacklist=\n").unwrap();
    assert_eq!((settings.from, settings.smtp), (None, None));
    assert!(settings.workdir.ends_with("upgrade-helper"));
    assert!(settings.blacklist.is_empty());
}

#[test]
fn the_default_section_counts_for_the_settings() {
    let settings =
        crate::from_ini("[DEFAULT]\nhost=x.org\nclean_tmp=yes\n[settings]\nFROM=uh@%(HOST)s\n")
            .unwrap();
    assert!(settings.clean_tmp);
    assert_eq!(settings.from.as_deref(), Some("uh@x.org"));
}
