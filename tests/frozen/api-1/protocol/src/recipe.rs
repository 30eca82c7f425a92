//! Recipes, the layer they live in, and the groups in which they move.

use crate::{RecipeName, Revision, Version};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A layer: a folder that `BBLAYERS` names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layer {
    /// Its folder.
    pub path: PathBuf,
    /// Its name in `BBFILE_COLLECTIONS`; empty when it has none.
    #[serde(default)]
    pub name: String,
}

/// Where a recipe shall go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The version to go to.
    pub version: Version,
    /// The source revision to go to, for recipes that take one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// True when upstream only has new commits: the version stays, the revision moves.
    #[serde(default)]
    pub new_commits: bool,
}

/// A recipe that is to be upgraded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Its `PN`.
    pub name: RecipeName,
    /// The recipe file, before the upgrade.
    pub file: PathBuf,
    /// The layer the file belongs to, if any.
    pub layer: Option<Layer>,
    /// The version it has.
    pub version: Version,
    /// Where it shall go.
    pub target: Target,
    /// `Name <address>` of its maintainer.
    #[serde(default)]
    pub maintainer: Option<String>,
    /// Its `PACKAGES`.
    #[serde(default)]
    pub packages: Vec<String>,
}

impl Recipe {
    /// The folder of the recipe file: what `devtool finish` is told to write to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// `OLD -> NEW` as commit messages have it, or `to latest revision`.
    #[must_use]
    pub fn change(&self) -> String {
        if self.target.new_commits {
            "to latest revision".to_owned()
        } else {
            format!("{} -> {}", self.version, self.target.version)
        }
    }
}

/// Recipes that share an include file and therefore move together; mostly just one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The recipes, at least one.
    pub recipes: Vec<Recipe>,
}

impl Group {
    /// The recipes' names joined with `,`: the group's name in folders and commit messages.
    #[must_use]
    pub fn name(&self) -> String {
        let names: Vec<_> = self.recipes.iter().map(|r| r.name.as_str()).collect();
        names.join(",")
    }

    /// `NAME: upgrade OLD -> NEW`, the commit's subject.
    #[must_use]
    pub fn subject(&self) -> String {
        let changes: Vec<_> = self.recipes.iter().map(Recipe::change).collect();
        format!("{}: upgrade {}", self.name(), changes.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(name: &str, new_commits: bool) -> Recipe {
        Recipe {
            name: RecipeName::new(name).unwrap(),
            file: format!("/layer/recipes/{name}/{name}_1.0.bb").into(),
            layer: None,
            version: Version::new("1.0").unwrap(),
            target: Target {
                version: Version::new("2.0").unwrap(),
                revision: None,
                new_commits,
            },
            maintainer: None,
            packages: vec![],
        }
    }

    #[test]
    fn a_group_is_named_after_its_recipes() {
        let group = Group {
            recipes: vec![recipe("a", false), recipe("b", true)],
        };
        assert_eq!(group.name(), "a,b");
        assert_eq!(
            group.subject(),
            "a,b: upgrade 1.0 -> 2.0,to latest revision"
        );
    }

    #[test]
    fn the_folder_is_that_of_the_file() {
        assert_eq!(recipe("a", false).folder(), Path::new("/layer/recipes/a"));
    }
}
