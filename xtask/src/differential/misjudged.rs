//! Recipes about which the Python helper gives a wrong verdict, each with the reason: for them the
//! programs have to differ.

use super::{
    aspects::{Aspect, Kind},
    statistics::Statistics,
};

/// A recipe of the scenario that the Python helper fails, wrongly.
#[derive(Debug)]
pub(crate) struct Misjudged {
    pub(crate) recipe: &'static str,
    /// Why its verdict is wrong.
    pub(crate) reason: &'static str,
    /// The Python helper's status; the right one is `Succeeded`.
    says: &'static str,
}

/// Every such recipe.
pub(crate) const MISJUDGED: &[Misjudged] = &[Misjudged {
    recipe: "mhello",
    reason: "it is for the first machine only; the Python helper has left the build directory \
             switched to the second one, where BitBake has no such recipe, before it asks for it",
    says: "Failed(get_env)",
}];

impl Misjudged {
    /// Whether a text is about this recipe alone.
    pub(crate) fn is_subject_of(&self, aspect: &Aspect) -> bool {
        let mut words = aspect
            .of
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.any(|word| word == self.recipe)
    }

    /// Takes the wrong verdict out of texts about the whole run; whether it was there.
    pub(crate) fn correct(&self, kind: Kind, python: &mut String, auh: &mut String) -> bool {
        match kind {
            Kind::Statistics | Kind::MailBody => self.correct_status(python, auh),
            Kind::CommitOrder | Kind::Tarball => self.drop_lines(python) | self.drop_lines(auh),
            _ => false,
        }
    }

    fn correct_status(&self, python: &mut String, auh: &mut String) -> bool {
        let (Some(mut wrong), Some(right)) = (Statistics::read(python), Statistics::read(auh))
        else {
            return false;
        };
        let replaced = wrong.replace_status(self.recipe, self.says, "Succeeded");
        if replaced {
            (*python, *auh) = (wrong.show(), right.show());
        }
        replaced
    }

    fn drop_lines(&self, text: &mut String) -> bool {
        let lines = text.split_inclusive('\n');
        let kept: String = lines.filter(|line| !line.contains(self.recipe)).collect();
        let dropped = kept.len() < text.len();
        *text = kept;
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTHON: &str = "Recipe upgrade statistics:\n\n    * Succeeded: 1\n        hello, 2.0, J <j@x>\n    \
        * Failed(get_env): 1\n        mhello, 2.0, K <k@x>\n\n    \
        TOTAL: attempted=2 succeeded=1(50.00%) failed=1(50.00%)\n\n\
        Recipe upgrade statistics per Maintainer:\n\n    \
        J <j: attempted=1 succeeded=1(100.00%) failed=0(0.00%)\n    \
        K <k: attempted=1 succeeded=0(0.00%) failed=1(100.00%)\n";
    const AUH: &str = "Recipe upgrade statistics:\n\n    * Succeeded: 2\n        hello, 2.0, J <j@x>\n        \
        mhello, 2.0, K <k@x>\n\n    TOTAL: attempted=2 succeeded=2(100.00%) failed=0(0.00%)\n\n\
        Recipe upgrade statistics per Maintainer:\n\n    \
        J <j: attempted=1 succeeded=1(100.00%) failed=0(0.00%)\n    \
        K <k: attempted=1 succeeded=1(100.00%) failed=0(0.00%)\n";

    #[test]
    fn statistics_are_equal_but_for_the_verdict() {
        let (mut python, mut auh) = (PYTHON.to_owned(), AUH.to_owned());
        MISJUDGED[0].correct(Kind::Statistics, &mut python, &mut auh);
        assert_eq!(python, auh);
        assert!(python.contains("Succeeded: mhello, 2.0, K <k@x>\n"));
    }

    #[test]
    fn statistics_that_count_wrongly_stay_a_difference() {
        for (right, wrong) in [
            ("attempted=2 succeeded=2", "attempted=3 succeeded=2"),
            (
                "K <k: attempted=1 succeeded=1",
                "K <k: attempted=1 succeeded=0",
            ),
            ("Succeeded: 2", "Succeeded: 1"),
        ] {
            let (mut python, mut auh) = (PYTHON.to_owned(), AUH.replacen(right, wrong, 1));
            MISJUDGED[0].correct(Kind::Statistics, &mut python, &mut auh);
            assert_ne!(python, auh, "{wrong}");
        }
    }

    #[test]
    fn texts_about_the_recipe_are_known() {
        let about = |of: &str| {
            MISJUDGED[0].is_subject_of(&Aspect {
                kind: Kind::File,
                of: of.to_owned(),
            })
        };
        assert!(about("mhello/0001.patch"));
        assert!(about("[AUH] mhello: upgrading to 2.0 FAILED"));
        assert!(!about("hello"));
        assert!(!about("mhello-native"));
    }
}
