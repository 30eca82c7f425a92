//! `%(key)s` and `%%` in INI values, as configparser's BasicInterpolation replaces them.

use super::{Entry, IniError, IniProblem};

/// How many values may lead to one another, as in configparser.
const DEEPEST: usize = 10;

/// How many references one value may need in all. configparser has no such limit and can be
/// kept busy for hours by a short file.
const MOST: usize = 10_000;

/// The value of `entry`; `find` gives the entries that it can refer to.
pub(super) fn interpolate<'a>(
    entry: &Entry,
    find: &dyn Fn(&str) -> Option<&'a Entry>,
) -> Result<String, IniError> {
    let mut replacing = Replacing {
        find,
        result: String::new(),
        references: 0,
    };
    replacing.append(entry, 1)?;
    Ok(replacing.result)
}

struct Replacing<'f, 'a> {
    find: &'f dyn Fn(&str) -> Option<&'a Entry>,
    result: String,
    references: usize,
}

impl Replacing<'_, '_> {
    fn append(&mut self, entry: &Entry, depth: usize) -> Result<(), IniError> {
        let raw = entry.raw();
        let mut rest = raw.as_str();
        while let Some(percent) = rest.find('%') {
            self.result.push_str(&rest[..percent]);
            let offset = raw.len() - rest.len() + percent;
            rest = &rest[percent..];
            let fail = |problem| IniError {
                at: entry.position_of(offset),
                problem,
            };
            if let Some(after) = rest.strip_prefix("%%") {
                self.result.push('%');
                rest = after;
            } else {
                let (name, after) = reference(rest).map_err(fail)?;
                self.refer(name, depth).map_err(|error| match error {
                    Referred::Here(problem) => fail(problem),
                    Referred::There(error) => error,
                })?;
                rest = after;
            }
        }
        self.result.push_str(rest);
        Ok(())
    }

    /// Appends the value of the entry that `name` refers to.
    fn refer(&mut self, name: &str, depth: usize) -> Result<(), Referred> {
        let name = name.to_lowercase();
        let Some(entry) = (self.find)(&name) else {
            return Err(Referred::Here(IniProblem::UnknownReference(name)));
        };
        self.references += 1;
        let leads_on = entry.raw().contains('%');
        if (leads_on && depth == DEEPEST) || self.references > MOST {
            return Err(Referred::Here(IniProblem::TooDeep));
        }
        self.append(entry, depth + 1).map_err(Referred::There)
    }
}

/// Where the fault of a reference lies: in itself or in what it refers to.
enum Referred {
    Here(IniProblem),
    There(IniError),
}

/// The name in `text`, which starts with a percent sign, and what follows the reference.
fn reference(text: &str) -> Result<(&str, &str), IniProblem> {
    let inner = text.strip_prefix("%(").ok_or(IniProblem::LonePercent)?;
    let (name, after) = inner.split_once(')').ok_or(IniProblem::OpenReference)?;
    match after.strip_prefix('s') {
        Some(after) if !name.is_empty() => Ok((name, after)),
        _ => Err(IniProblem::OpenReference),
    }
}
