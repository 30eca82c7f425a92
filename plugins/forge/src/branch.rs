//! The name of the branch, made of what the recipes are called.

use auh_sdk::{Group, Recipe};

/// How much of a group's name is put into a branch: file systems end at 255 bytes.
const LONGEST_FIELD: usize = 100;
/// How much of a source revision is.
const REVISION_DIGITS: usize = 12;

const FIELDS: [&str; 2] = ["{group}", "{version}"];

/// Checks a template. It must have both fields, so that a branch stands for one group and one
/// version: that is how what was proposed before is found again.
pub(crate) fn check_template(template: &str) -> Result<(), String> {
    if let Some(missing) = FIELDS.iter().find(|field| !template.contains(**field)) {
        return Err(format!("branch: {template:?} has no {missing} in it"));
    }
    let fixed = FIELDS
        .iter()
        .fold(template.to_owned(), |text, field| text.replace(field, "x"));
    match is_branch(&fixed) {
        true => Ok(()),
        false => Err(format!("branch: {template:?} makes no branch's name")),
    }
}

/// The branch of a group.
pub(crate) fn name(template: &str, group: &Group) -> String {
    let name = template
        .replace("{group}", &field(&group.name()))
        .replace("{version}", &field(&version(group)));
    // Two fields side by side may make what neither has, as does a field before ".lock".
    let name = name.replace("..", ".-");
    match name.strip_suffix(".lock") {
        Some(start) => format!("{start}-lock"),
        None => name.trim_end_matches('.').to_owned(),
    }
}

/// The versions to which the recipes go, each once; revisions where only those move.
pub(crate) fn version(group: &Group) -> String {
    let mut versions: Vec<String> = group.recipes.iter().map(version_of).collect();
    versions.dedup();
    versions.join("-")
}

fn version_of(recipe: &Recipe) -> String {
    match &recipe.target.revision {
        Some(revision) if recipe.target.new_commits => {
            revision.as_str().chars().take(REVISION_DIGITS).collect()
        }
        _ => recipe.target.version.to_string(),
    }
}

/// A value as a part of a name: letters, digits, and `+`, `-`, `_` and `.` where git bears them.
fn field(value: &str) -> String {
    let kept = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c,
        '+' | '_' | '.' => c,
        _ => '-',
    };
    let text: String = value.chars().map(kept).collect();
    let text = text.replace("..", ".-").replace(".lock", "-lock");
    let text = text.trim_matches(['.', '-']);
    if text.len() <= LONGEST_FIELD {
        return text.to_owned();
    }
    format!("{}-{:08x}", &text[..LONGEST_FIELD], fingerprint(value))
}

/// FNV-1a (32 bits): tells long names apart that begin alike.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Whether git takes it for a branch's name (git-check-ref-format(1)), and nobody for an option. No
/// characters are let through but those that are harmless everywhere.
pub(crate) fn is_branch(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "+-_./".contains(c);
    let good = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.ends_with(".lock")
    };
    !name.starts_with('-')
        && name.chars().all(known)
        && !name.contains("..")
        && name.split('/').all(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_sdk::{pretend, protocol::Revision};
    use proptest::prelude::*;
    use std::path::Path;

    fn group(names: &[&str]) -> Group {
        let recipes = names
            .iter()
            .map(|name| pretend::recipe(Path::new("/layer"), name));
        Group {
            recipes: recipes.collect(),
        }
    }

    #[test]
    fn a_branch_is_named_after_group_and_version() {
        let named = |names: &[&str]| name("auh/{group}-{version}", &group(names));
        assert_eq!(named(&["zlib"]), "auh/zlib-2.0");
        assert_eq!(
            named(&["libx+y", "libx-native"]),
            "auh/libx+y-libx-native-2.0"
        );
        let mut moved = group(&["zlib"]);
        moved.recipes[0].target.new_commits = true;
        moved.recipes[0].target.revision =
            Some(Revision::new("0123456789abcdef0123456789abcdef01234567").unwrap());
        assert_eq!(name("{version}/{group}", &moved), "0123456789ab/zlib");
    }

    #[test]
    fn long_names_that_begin_alike_stay_apart() {
        let long = |end: &str| {
            let names: Vec<String> = (0..40).map(|n| format!("recipe{n}")).collect();
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.push(end);
            name("auh/{group}-{version}", &group(&names))
        };
        assert_ne!(long("a"), long("b"));
        assert!(long("a").len() < 250, "{}", long("a"));
    }

    #[test]
    fn templates_that_do_not_tell_groups_or_versions_apart_are_refused() {
        assert!(check_template("auh/{group}-{version}").is_ok());
        assert!(check_template("{group}/{version}").is_ok());
        for template in [
            "auh",
            "auh/{version}",
            "-{group}{version}",
            "a b/{group}-{version}",
            "/{group}-{version}",
            "{group}..{version}",
            "{group}-{version}-{run}",
        ] {
            assert!(check_template(template).is_err(), "{template}");
        }
    }

    proptest! {
        #[test]
        fn whatever_recipes_are_called_git_takes_the_branch(
            names in prop::collection::vec("[a-z0-9][a-zA-Z0-9.+_-]{0,80}", 1..6),
            version in "[0-9][a-zA-Z0-9.+~_-]{0,40}",
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            prop_assume!(names.iter().all(|name| auh_sdk::protocol::RecipeName::new(*name).is_ok()));
            let mut group = group(&names);
            if let Ok(version) = auh_sdk::protocol::Version::new(version) {
                group.recipes[0].target.version = version;
            }
            for template in ["auh/{group}-{version}", "{group}.{version}", "{version}/{group}"] {
                let name = name(template, &group);
                prop_assert!(is_branch(&name), "{name}");
                prop_assert!(name.len() < 250);
            }
        }
    }
}
