//! The commit's message.

use auh_sdk::GroupWork;

/// Subject, and a paragraph for the person who sends the patch when a licence text changed. It does
/// not hold the `License-Update:` tag itself: the tag says what has changed and that somebody has
/// looked, which nobody has yet.
pub(crate) fn message(work: &GroupWork) -> String {
    let subject = work.group.subject();
    let files: Vec<_> = work
        .state
        .licences
        .iter()
        .filter_map(|licence| licence.file.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    if files.is_empty() {
        return subject;
    }
    format!(
        "{subject}\n\nThe license text has changed, see {}. Please review the change,\n\
         and summarise it here with a License-Update tag.",
        files.join(", ")
    )
}
