//! `statistics_summary`, read.

/// The recipes in the file, and what stands before them; the counts follow from these.
pub(crate) struct Statistics {
    before: String,
    /// Status, recipe, version and maintainer.
    recipes: Vec<(String, String)>,
}

impl Statistics {
    /// None when the text is no such file, or when a count in it is not what its lists say.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once("Recipe upgrade statistics:\n\n")?;
        let (lists, counts) = rest.split_once("\n    TOTAL: ")?;
        let mut recipes: Vec<(String, String)> = Vec::new();
        let mut status = "";
        let mut announced = 0;
        for line in lists.lines() {
            match line.strip_prefix("    * ") {
                Some(head) => {
                    let (name, count) = head.rsplit_once(": ")?;
                    status = name;
                    announced += count.parse::<usize>().ok()?;
                }
                None => recipes.push((status.to_owned(), line.trim().to_owned())),
            }
        }
        let statistics = Self {
            before: before.to_owned(),
            recipes,
        };
        let holds = announced == statistics.recipes.len()
            && counts.starts_with(&format!("{}\n", statistics.counts(|_| true)))
            && statistics.maintainers().all(|line| counts.contains(&line));
        holds.then_some(statistics)
    }

    /// Gives a recipe another status, if it has this one; whether it had.
    pub(crate) fn replace_status(&mut self, recipe: &str, old: &str, new: &str) -> bool {
        let start = format!("{recipe},");
        let mut entries = self.recipes.iter_mut();
        let found = entries.find(|(status, line)| status == old && line.starts_with(&start));
        if let Some((status, _)) = found {
            new.clone_into(status);
            return true;
        }
        false
    }

    /// A line for each recipe with its status, sorted.
    pub(crate) fn show(&self) -> String {
        let mut recipes = self.recipes.clone();
        recipes.sort();
        let lines = recipes
            .iter()
            .map(|(status, recipe)| format!("{status}: {recipe}\n"));
        format!("{}{}", self.before, lines.collect::<String>())
    }

    /// The counts of the recipes whose maintainer is asked for, as the file has them.
    fn counts(&self, of: impl Fn(&str) -> bool) -> String {
        let statuses: Vec<&str> = self
            .recipes
            .iter()
            .filter(|(_, recipe)| of(recipe.splitn(3, ", ").nth(2).unwrap_or_default()))
            .map(|(status, _)| &**status)
            .collect();
        let all = statuses.len();
        let good = statuses.iter().filter(|s| **s == "Succeeded").count();
        let share = |part: usize| part as f64 * 100.0 / all.max(1) as f64;
        format!(
            "attempted={all} succeeded={good}({:.2}%) failed={}({:.2}%)",
            share(good),
            all - good,
            share(all - good)
        )
    }

    /// The line of each maintainer.
    fn maintainers(&self) -> impl Iterator<Item = String> {
        let recipes = self.recipes.iter();
        let names = recipes.filter_map(|(_, recipe)| recipe.splitn(3, ", ").nth(2));
        names.map(|name| {
            let short = name.split('@').next().unwrap_or_default();
            format!("    {short}: {}\n", self.counts(|other| other == name))
        })
    }
}
