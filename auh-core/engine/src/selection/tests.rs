//! Tests of the selection: one response, varied.

use super::*;
use serde_json::{Value, json};

fn record(pn: &str, change: Value) -> Value {
    let mut record = json!({
        "asked": pn, "pn": pn, "file": format!("/l/meta/recipes/{pn}/{pn}_1.0.bb"), "pv": "1.0",
        "packages": [pn], "srcrev": null, "maintainer": "Jane <jane@example.com>", "no_upgrade_reason": null,
        "check": {"status": "UPDATE", "cur_ver": "1.0", "next_ver": "2.0", "revision": null}, "error": null,
    });
    for (key, value) in change.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn response(recipes: &[Value], groups: Value) -> SessionResponse {
    serde_json::from_value(json!({
        "failure": null, "layers": [{"path": "/l", "name": "outer"}, {"path": "/l/meta", "name": "inner"}],
        "recipes": recipes, "groups": groups,
    }))
    .unwrap()
}

fn reason(change: Value, filters: &Filters) -> (String, bool) {
    let selection = select(&response(&[record("a", change)], json!([["a"]])), filters).unwrap();
    assert_eq!(selection.groups, []);
    let left_out = &selection.left_out[0];
    (left_out.reason.clone(), left_out.failed)
}

#[test]
fn a_recipe_with_a_new_release_is_attempted() {
    let selection = select(
        &response(&[record("a", json!({}))], json!([["a"]])),
        &Filters::default(),
    )
    .unwrap();
    let recipe = &selection.groups[0].recipes[0];
    assert_eq!(recipe.change(), "1.0 -> 2.0");
    assert_eq!(recipe.layer.as_ref().unwrap().name, "inner");
    assert_eq!(selection.left_out, []);
}

#[test]
fn groups_keep_the_order_in_which_recipes_were_asked_for() {
    let recipes = ["c", "a", "b"].map(|pn| record(pn, json!({})));
    let selection = select(
        &response(&recipes, json!([["a", "c"], ["b"]])),
        &Filters::default(),
    )
    .unwrap();
    let names: Vec<_> = selection.groups.iter().map(Group::name).collect();
    assert_eq!(names, ["c,a", "b"]);
}

#[test]
fn only_members_that_have_a_release_move() {
    let recipes = [
        record("a", json!({})),
        record("b", json!({"no_upgrade_reason": "not yet"})),
    ];
    let selection = select(
        &response(&recipes, json!([["a", "b"]])),
        &Filters::default(),
    )
    .unwrap();
    assert_eq!(selection.groups[0].name(), "a");
    assert_eq!(
        selection.left_out[0].reason,
        "its recipe says why not: not yet"
    );
}

#[test]
fn what_only_the_settings_or_the_recipe_forbid_is_no_failure() {
    let filters = Filters {
        blacklist: vec!["a".into()],
        ..Filters::default()
    };
    assert_eq!(
        reason(json!({}), &filters),
        ("it is in the blacklist".into(), false)
    );
    let filters = Filters {
        maintainers_whitelist: vec!["joe".into()],
        ..Filters::default()
    };
    assert!(
        reason(json!({}), &filters)
            .0
            .contains("not in the whitelist")
    );
    let none = Filters::default();
    assert_eq!(
        reason(json!({"maintainer": null}), &none).0,
        "it has no maintainer"
    );
    let check = |status: &str| json!({"check": {"status": status, "cur_ver": "1.0", "next_ver": "1.0", "revision": null}});
    assert_eq!(
        reason(check("MATCH"), &none),
        ("it is up to date (1.0)".into(), false)
    );
    assert_eq!(
        reason(check("UNKNOWN_BROKEN"), &none).0,
        "the upstream check says UNKNOWN_BROKEN"
    );
}

#[test]
fn a_maintainer_can_be_stood_in_for() {
    let filters = Filters {
        maintainer_override: Some("Boss <b@example.com>".into()),
        ..Filters::default()
    };
    let response = response(&[record("a", json!({"maintainer": null}))], json!([["a"]]));
    let selection = select(&response, &filters).unwrap();
    assert_eq!(
        selection.groups[0].recipes[0].maintainer.as_deref(),
        Some("Boss <b@example.com>")
    );
}

#[test]
fn upstream_texts_that_mean_something_to_a_shell_go_nowhere() {
    for (key, value) in [
        ("next_ver", "1.2$(touch${IFS}x)"),
        ("next_ver", "--upload-pack=x"),
        ("revision", "a;b"),
    ] {
        let mut check =
            json!({"status": "UPDATE", "cur_ver": "1.0", "next_ver": "2.0", "revision": null});
        check[key] = value.into();
        let (reason, failed) = reason(json!({"check": check}), &Filters::default());
        assert!(
            reason.starts_with("upstream's release is unusable:") && failed,
            "{reason}"
        );
    }
}

#[test]
fn new_commits_move_the_revision_only() {
    let check = json!({"status": "UPDATE", "cur_ver": "1.0", "next_ver": "1.0-new-commits-available", "revision": "abc123"});
    let selection = select(
        &response(&[record("a", json!({"check": check}))], json!([["a"]])),
        &Filters::default(),
    )
    .unwrap();
    let recipe = &selection.groups[0].recipes[0];
    assert!(recipe.target.new_commits);
    assert_eq!(recipe.change(), "to latest revision");
}

#[test]
fn an_unknown_name_is_an_error_when_it_was_asked_for() {
    let unknown = json!({"file": null, "pv": null, "check": null,
        "error": {"kind": "no-provider", "message": "Nothing PROVIDES it", "detail": ""}});
    let response = response(&[record("nosuch", unknown)], json!([]));
    let by_name = Filters {
        by_name: true,
        ..Filters::default()
    };
    let error = select(&response, &by_name).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no recipe \"nosuch\" in the layers of this build directory"
    );
    assert!(select(&response, &Filters::default()).unwrap().left_out[0].failed);
}

#[test]
fn a_given_version_needs_no_upstream_check() {
    let filters = Filters {
        to_version: Some(Version::new("1.1").unwrap()),
        ..Filters::default()
    };
    let trouble =
        json!({"check": null, "error": {"kind": "timeout", "message": "no answer", "detail": ""}});
    let selection = select(&response(&[record("a", trouble)], json!([["a"]])), &filters).unwrap();
    assert_eq!(selection.groups[0].recipes[0].change(), "1.0 -> 1.1");
    let same = Filters {
        to_version: Some(Version::new("1.0").unwrap()),
        ..Filters::default()
    };
    assert_eq!(reason(json!({}), &same).0, "it is at 1.0 already");
}
