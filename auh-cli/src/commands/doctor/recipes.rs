//! The recipes that were named: whether they are there and may be upgraded. No upstream is asked.

use super::Examination;
use crate::preparation;
use auh_config::Settings;
use auh_engine::before_any_check;
use auh_oe::{SessionResponse, Wanted};

const CHECK: &str = "recipes";

impl Examination<'_> {
    pub(super) fn recipes(
        &mut self,
        wanted: &Wanted,
        settings: &Settings,
        response: &SessionResponse,
    ) {
        let filters = preparation::filters(settings, wanted, None);
        let mut selection = before_any_check(response, &filters);
        match preparation::unfit(&selection, self.stop.work()) {
            Ok(unfit) => preparation::leave_out(&mut selection, &unfit),
            Err(error) => return self.findings.failed(CHECK, error),
        }
        let named = matches!(wanted, Wanted::Named(_));
        for left_out in &selection.left_out {
            let message = format!("{}: {}", left_out.recipe, left_out.reason);
            // Of all recipes those that are passed over are many, and no surprise.
            match (named, left_out.failed) {
                (true, true) => self.findings.problem(CHECK, message, None),
                (true, false) | (false, true) => self.findings.warning(CHECK, message, None),
                (false, false) => {}
            }
        }
        match selection.groups.len() {
            0 => {}
            1 => self.findings.good(CHECK, "1 can be attempted"),
            number => self
                .findings
                .good(CHECK, format!("{number} can be attempted")),
        }
    }
}
