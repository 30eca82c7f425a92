//! A recipe's name (PN) from what the ids have: a file, perhaps behind a variant.

use std::borrow::Cow;

/// The name that BitBake derives from the file: what stands before the first `_` of the file's
/// name. Variants are told by what stands before the folders, as OE's classes name them:
/// `virtual:native:` makes `PN-native`, `virtual:nativesdk:` makes `nativesdk-PN`,
/// `virtual:multilib:lib32:` makes `lib32-PN`, `mc:NAME:` stays in front. A recipe that sets PN itself
/// (`gcc-cross-aarch64` in `gcc-cross_15.bb`) is not found this way.
pub(crate) fn from_file(recipe: &str) -> Cow<'_, str> {
    let file_at = recipe.find('/').unwrap_or(0);
    let (variant, path) = recipe.split_at(file_at);
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.strip_suffix(".bb").unwrap_or(file);
    let name = stem.split('_').next().unwrap_or(stem);
    if variant.is_empty() {
        return Cow::Borrowed(name);
    }
    let parts: Vec<&str> = variant.trim_end_matches(':').split(':').collect();
    Cow::Owned(match parts[..] {
        ["mc", config] => format!("mc:{config}:{name}"),
        ["mc", config, "virtual", ref class @ ..] => {
            format!("mc:{config}:{}", of_variant(name, class))
        }
        ["virtual", ref class @ ..] => of_variant(name, class),
        _ => name.to_owned(),
    })
}

fn of_variant(name: &str, class: &[&str]) -> String {
    match class {
        ["native"] if name.ends_with("-native") => name.to_owned(),
        ["native"] => format!("{name}-native"),
        ["nativesdk"] if name.starts_with("nativesdk-") => name.to_owned(),
        ["nativesdk"] => format!("nativesdk-{name}"),
        ["multilib", prefix] => format!("{prefix}-{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_files_and_variants() {
        for (recipe, expect) in [
            ("/l/zlib_1.3.2.bb", "zlib"),
            ("virtual:native:/l/zlib_1.3.2.bb", "zlib-native"),
            ("virtual:nativesdk:/l/zlib_1.3.2.bb", "nativesdk-zlib"),
            ("virtual:multilib:lib32:/l/zlib_1.3.2.bb", "lib32-zlib"),
            (
                "mc:arm:virtual:native:/l/zlib_1.3.2.bb",
                "mc:arm:zlib-native",
            ),
            ("mc:arm:/l/core-image-sato.bb", "mc:arm:core-image-sato"),
            ("virtual:native:/l/x-native_1.bb", "x-native"),
            ("group-a", "group-a"),
        ] {
            assert_eq!(from_file(recipe), expect);
        }
    }
}
